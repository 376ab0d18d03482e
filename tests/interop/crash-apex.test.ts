// `kill -9` of a server whose APEX user was told `ok` while the recipient is slow (decision 0143): a telephone that does not answer, another domain whose server stands
// still. After the restart the recipient has the data, and its author the report that he asked for (decision 0144).
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { ApexParty } from '../transcripts/apex-party.ts'
import { phoneByHand } from './phone-by-hand.ts'
import { freePort } from './ports.ts'
import { password, VeronaServer } from './server.ts'

const [ours, theirs] = ['verona.example', 'mantua.example'] as const
const romeo = `romeo@${ours}`
/** LIMIT: milliseconds until what must come has come, once all run. */
const patience = 30_000

let server: VeronaServer
let far: VeronaServer
let edge = 0

before(async () => {
  edge = await freePort()
  const ports = [await freePort(), await freePort()] as const
  const start = (at: 0 | 1, domain: string, other: string): Promise<VeronaServer> =>
    VeronaServer.start({
      domain,
      users: ['romeo', 'juliet'],
      settings: {
        apex: {
          edge: at === 0 ? `127.0.0.1:${edge}` : '127.0.0.1:0',
          ok_seconds: 1,
          plain_without_tls: true,
        },
        xmpp: { server: `127.0.0.1:${ports[at]}` },
        peers: { tls: 'encrypted', retry_first_seconds: 1, retry_max_seconds: 2 },
      },
      peers: [{ domain: other, protocol: 'xmpp', servers: [`127.0.0.1:${ports[1 - at]}`] }],
    })
  server = await start(0, ours, theirs)
  far = await start(1, theirs, ours)
})
after(async () => {
  await server?.remove()
  await far?.remove()
})

async function author(): Promise<ApexParty> {
  const party = new ApexParty([romeo], {
    name: 'Romeo',
    octets: new Map(),
    places: new Map([['apex.edge', { host: '127.0.0.1', port: edge }]]),
    variables: new Map(),
    passwordOf: () => password,
  })
  await party.act('signs in', '')
  return party
}

function data(to: string, id: number, text: string): string {
  const asks = `<option internal='statusRequest' targetHop='all' transID='${id}' />`
  const control = `<data content='cid:m${id}@localhost'><originator identity='${romeo}' /><recipient identity='${to}' />${asks}</data>`
  return `${control}\nContent-Type: text/plain; charset=utf-8\n\n${text}`
}

function report(to: string, id: number): string {
  return `<data content='#Content'><originator identity='apex=report@${ours}' /><recipient identity='${romeo}' /><data-content Name='Content'><statusResponse transID='${id}'><destination identity='${to}'><reply code='250' /></destination></statusResponse></data-content></data>`
}

/** How often the other domain has kept that. */
function keptThere(text: string): number {
  const database = new DatabaseSync(join(far.directory, 'data', 'verona.sqlite'), { readOnly: true })
  try {
    const rows = database
      .prepare(
        "SELECT message.raw FROM entry JOIN message ON message.sequence = entry.sequence WHERE owner = 'juliet'",
      )
      .all() as { raw: Uint8Array }[]
    return rows.filter(({ raw }) => Buffer.from(raw).toString('utf8').includes(text)).length
  } finally {
    database.close()
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + patience; !holds(); ) {
    assert.ok(performance.now() < end, what)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('a telephone that does not answer: it rings again after the kill, and the report comes', async () => {
  const to = `juliet@${ours}`
  const phone = phoneByHand(to, server.port('sipUdp'))
  const before = await author()
  await phone.act('registers', '')
  await before.act('sends', data(to, 1, 'wherefore'))
  const message = `MESSAGE sip:juliet@* SIP/2.0\nFrom: <sip:${romeo}>;tag=*\n\nwherefore`
  await phone.act('receives', message)
  await before.act('receives', '<ok />')
  await server.killHard()
  phone.abandon()
  before.abandon()
  await server.run()
  const again = await author()
  const other = phoneByHand(to, server.port('sipUdp'))
  await other.act('registers', '')
  await other.act('receives', message)
  await other.act('answers 200', '')
  await again.act('receives', report(to, 1))
  again.abandon()
  other.abandon()
})

test('a domain whose server stands still: it has the message after the kill, once, and the report comes', async () => {
  const to = `juliet@${theirs}`
  const before = await author()
  const serves = far.programs.find(({ name }) => name === 'verona serve')
  serves?.signal('SIGSTOP')
  await before.act('sends', data(to, 2, 'parting'))
  await before.act('receives', '<ok />')
  await server.killHard()
  before.abandon()
  serves?.signal('SIGCONT')
  await server.run()
  const again = await author()
  await until(() => keptThere('parting') > 0, 'it is there')
  await again.act('receives', report(to, 2))
  assert.equal(keptThere('parting'), 1)
  again.abandon()
})
