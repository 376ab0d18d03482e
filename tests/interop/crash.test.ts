// `kill -9` of the server under load: nothing that was acknowledged is lost, and what comes again has the id that it had.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { ImppParty } from '../transcripts/impp-party.ts'
import type { Party, PartyContext, Places } from '../transcripts/party.ts'
import { SipParty } from '../transcripts/sip-party.ts'
import { XmppParty } from '../transcripts/xmpp-party.ts'
import type { Program } from './program.ts'
import { password, VeronaServer } from './server.ts'

const rounds = process.env['VERONA_SOAK'] ? 100 : 3
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 1_000_000)
/** Milliseconds of load before the kill, at most. */
const loadMsMax = 1500

const senders = ['sampson', 'gregory', 'abram', 'balthasar', 'peter', 'potpan']
/** One reads all the while, the other comes when all is over. */
const recipients = ['juliet', 'romeo']

const server = await VeronaServer.start({
  users: [...senders, ...recipients, 'chorus'],
  settings: { xmpp: { plain_without_tls: true }, impp: { plain_without_tls: true } },
})
after(() => server.remove())

const random = mulberry32(seed)

test(`nothing acknowledged is lost by kill -9, and history has it once (seed ${seed})`, async (t) => {
  for (let round = 0; round < rounds; round++) {
    await t.test(`round ${round}`, () => play(round))
  }
})

async function play(round: number): Promise<void> {
  const parties = senders.map((user, at) => partyOf(user, at))
  const reading = read('juliet')
  await arrived(reading, 'juliet', `begin ${round}`)
  const acknowledged: string[] = []
  const loads = parties.map(({ party, kind }, at) => load(party, kind, `${round}-${at}`, acknowledged))
  await new Promise((resolve) => setTimeout(resolve, 200 + random() * loadMsMax))
  await server.killHard()
  for (const { party } of parties) party.abandon()
  await Promise.all(loads)
  await reading.ends()
  await server.run()
  const held = history()
  const came = new Map([['juliet', reading.said]])
  for (const user of recipients) {
    const again = read(user)
    await arrived(again, user, `end ${round}`)
    came.set(user, (came.get(user) ?? '') + again.said)
    await again.kill()
  }
  assert.ok(acknowledged.length > 0, 'nothing was acknowledged before the kill')
  for (const id of acknowledged) {
    const user = recipientOf(id)
    assert.ok(came.get(user)?.includes(`"text ${id}"`), `${id} was acknowledged and never came to ${user}`)
    assert.equal(held.filter((text) => text.includes(`text ${id}\u0000`)).length, 1, `${id} in the history`)
  }
  console.log(`round ${round}: ${acknowledged.length} acknowledged, ${held.length} in the history`)
}

/** Reads messages as they come. */
function read(user: string): Program {
  return server.as(user, 'watch', '--messages', '--json')
}

/** A last word, so that all before it has come. */
async function arrived(reading: Program, user: string, word: string): Promise<void> {
  await server.as('chorus', 'send', `${user}@localhost`, word).succeeds()
  await reading.sees(new RegExp(`"text":"${word}"`))
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

/** What the history holds, each with a mark at its end, so that `text 1-1-1` is not found in `text 1-1-10`. */
function history(): string[] {
  const database = new DatabaseSync(join(server.directory, 'data', 'verona.sqlite'), { readOnly: true })
  try {
    const rows = database.prepare('SELECT raw FROM message').all() as { raw: Uint8Array }[]
    return rows.map(
      ({ raw }) =>
        `${Buffer.from(raw)
          .toString('utf8')
          .replace(/<\/body>[\s\S]*/, '')}\u0000`,
    )
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
