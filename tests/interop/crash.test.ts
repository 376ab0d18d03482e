// `kill -9` of the server under load: nothing that was acknowledged is lost, and what comes again has the id that it had.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before } from 'node:test'
import { ImppParty } from '../transcripts/impp-party.ts'
import type { Party, PartyContext, Places } from '../transcripts/party.ts'
import { SipParty } from '../transcripts/sip-party.ts'
import { XmppParty } from '../transcripts/xmpp-party.ts'
import { peer } from './peers.ts'
import { type Scene, scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'
import { XmppClient, type XmppEvent } from './xmpp-client.ts'

const rounds = process.env['VERONA_SOAK'] ? 100 : 3
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 1_000_000)
/** Milliseconds of load before the kill, at most. */
const loadMsMax = 1500

const senders = ['sampson', 'gregory', 'abram', 'balthasar', 'peter', 'potpan']
/** The first reads all the while with slixmpp; the other comes when all is over. */
const recipients = ['juliet', 'romeo'] as const

const slixmpp = peer('slixmpp')
let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({
    users: [...senders, ...recipients, 'chorus'],
    settings: { xmpp: { plain_without_tls: true }, impp: { plain_without_tls: true } },
  })
})
after(() => server?.remove())

const random = mulberry32(seed)

for (let round = 0; round < rounds; round++) {
  const name = `nothing acknowledged is lost by kill -9 (round ${round}, seed ${seed})`
  scene(
    name,
    slixmpp.skip,
    () => server,
    (stage) => play(stage, round),
  )
}

async function play(stage: Scene, round: number): Promise<void> {
  // By turns one who acknowledges what it reads (XEP-0198 §4), and one who does not.
  const reading = await read(stage, 'juliet', round % 2 === 0)
  await arrived(reading, 'juliet', `begin ${round}`)
  const parties = senders.map((user, at) => partyOf(user, at))
  const acknowledged: string[] = []
  const loads = parties.map(({ party, kind }, at) => load(party, kind, `${round}-${at}`, acknowledged))
  // The one place that waits for time: the moment of the kill is drawn.
  await new Promise((resolve) => setTimeout(resolve, 200 + random() * loadMsMax))
  await server.killHard()
  for (const { party } of parties) party.abandon()
  await Promise.all(loads)
  await reading.next('disconnected')
  await reading.program.kill()
  await server.run()
  const came = new Map<string, readonly XmppEvent[]>([['juliet', reading.seen('message')]])
  for (const user of recipients) {
    const again = await read(stage, user)
    await arrived(again, user, `end ${round}`)
    came.set(user, [...(came.get(user) ?? []), ...again.seen('message')])
    await again.leave()
  }
  assert.ok(acknowledged.length > 0, 'nothing was acknowledged before the kill')
  const held = history()
  for (const id of acknowledged) {
    const user = recipientOf(id)
    const copies = came.get(user)?.filter((event) => event['body'] === `text ${id}`) ?? []
    const ids = new Set(copies.map((event) => event['id']))
    assert.equal(ids.size, 1, `${id} was acknowledged, and came to ${user} with the ids ${[...ids]}`)
    if (user === 'romeo') assert.equal(copies.length, 1, `${id} came to one who was away`)
    assert.equal(held.get(`text ${id}`), 1, `${id} in the history`)
  }
  console.log(`round ${round}: ${acknowledged.length} acknowledged, ${held.size} texts in the history`)
}

/** Reads messages as they come. */
function read(stage: Scene, user: string, resumes = false): Promise<XmppClient> {
  return XmppClient.online(stage, slixmpp.path, `${user}@localhost/reading`, { resumes })
}

/** A last word, so that all before it has come. */
async function arrived(reading: XmppClient, user: string, word: string): Promise<void> {
  await server.as('chorus', 'send', `${user}@localhost`, word).succeeds()
  await reading.ever('message', { body: word })
}

function contextOf(name: string): PartyContext {
  const places: Places = new Map([
    ['xmpp.client', { host: '127.0.0.1', port: server.port('xmpp') }],
    ['sip.udp', { host: '127.0.0.1', port: server.port('sipUdp') }],
    ['impp.client', { host: '127.0.0.1', port: server.port('impp') }],
  ])
  return { name, octets: new Map(), places, variables: new Map(), passwordOf: () => password }
}

type Kind = 'sip' | 'impp' | 'xmpp'

function partyOf(user: string, at: number): { party: Party; kind: Kind } {
  const context = contextOf(user)
  const words = [`${user}@localhost/desk`]
  if (at % 3 === 0) return { party: new SipParty([`${user}@localhost`], context), kind: 'sip' }
  if (at % 3 === 1) return { party: new ImppParty(words, context), kind: 'impp' }
  return { party: new XmppParty(words, context), kind: 'xmpp' }
}

function recipientOf(id: string): string {
  return recipients[Number(id.split('-')[2]) % recipients.length] as string
}

/** Sends one after the other until the server is gone, and notes the id of each that was acknowledged. */
async function load(party: Party, kind: Kind, name: string, acknowledged: string[]): Promise<void> {
  try {
    if (kind !== 'sip') await party.act('signs in', '')
    for (let k = 0; ; k++) {
      const id = `${name}-${k}`
      await say(party, kind, recipientOf(id), id)
      // XMPP acknowledges nothing here: its messages are load alone.
      if (kind !== 'xmpp') acknowledged.push(id)
    }
  } catch {
    // The server is killed in the middle of something, whatever it is: that ends the load.
  }
}

async function say(party: Party, kind: Kind, to: string, id: string): Promise<void> {
  switch (kind) {
    case 'sip':
      await party.act('sends', `MESSAGE sip:${to}@localhost SIP/2.0\nContent-Type: text/plain\n\ntext ${id}`)
      return party.act('receives', 'SIP/2.0 20* *')
    case 'impp':
      await party.act(
        'sends',
        `SEND s-${id}\nTarget: impp://localhost/${to}\nMessage-ID: ${id}\nContent-Type: text/plain\n\ntext ${id}`,
      )
      return party.act('receives', `OK (SEND) s-${id} impp/1.0`)
    case 'xmpp':
      await party.act(
        'sends',
        `<message to='${to}@localhost' id='${id}' type='chat'><body>text ${id}</body></message>`,
      )
      return party.act('receives nothing', '')
  }
}

/** How often the history holds each of our texts. */
function history(): Map<string, number> {
  const database = new DatabaseSync(join(server.directory, 'data', 'verona.sqlite'), { readOnly: true })
  try {
    const rows = database.prepare('SELECT raw FROM message').all() as { raw: Uint8Array }[]
    const texts = rows.map(
      ({ raw }) => /text [0-9]+-[0-9]+-[0-9]+/.exec(Buffer.from(raw).toString('utf8'))?.[0],
    )
    const counts = new Map<string, number>()
    for (const text of texts) if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1)
    return counts
  } finally {
    database.close()
  }
}

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function mulberry32(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
