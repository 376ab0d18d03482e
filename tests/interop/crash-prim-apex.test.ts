// Three domains of ours, each with its process, database and certificate: verona and mantua, mantua and padua speak PRIM, verona and padua APEX. Each is killed (`kill -9`)
// under load, by turns: what its sender was told is accepted is there in the end, once, and everybody sees what the others say.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Chance } from '../simulation/random.ts'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { PrimWriter } from './prim-writer.ts'
import { VeronaServer } from './server.ts'

const rounds = process.env['VERONA_SOAK'] ? 30 : 3
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 1_000_000)
const domains = ['verona.example', 'mantua.example', 'padua.example'] as const
type Domain = (typeof domains)[number]
/** LIMIT: milliseconds until all has arrived, once all servers run. */
const patience = 60_000

const chance = new Chance(seed)
const servers = new Map<Domain, VeronaServer>()
const writers: PrimWriter[] = []
let network: Network

const isApex = (one: string, other: string): boolean => one !== 'mantua.example' && other !== 'mantua.example'
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

before(async () => {
  network = await Network.open(domains)
  const clients = new Map<Domain, number>()
  for (const domain of domains) {
    const at = async (...labels: readonly string[]): Promise<string> => {
      const port = await freePort()
      for (const label of labels)
        network.names.services.set(`${label}.${domain}`, [{ host: 'localhost', port }])
      return `127.0.0.1:${port}`
    }
    const port = await freePort()
    clients.set(domain, port)
    const server = await VeronaServer.start(
      {
        domain,
        users: ['writer', 'reader'],
        settings: {
          prim: {
            im: `127.0.0.1:${port}`,
            presence: '127.0.0.1:0',
            server: await at('_im._prim', '_pres._prim'),
            plain_without_tls: true,
            domain_lease_seconds: 60,
            domain_connect_seconds: 5,
            domain_response_seconds: 5,
          },
          apex: { mesh: await at('_apex-mesh._tcp') },
          history: { undelivered_max: 1_000_000 },
          peers: {
            trust: network.authority,
            retry_first_seconds: 1,
            retry_max_seconds: 2,
            sender_length_max: 1_000_000,
          },
          dns: { servers: [network.dns] },
        },
        peers: domains
          .filter((other) => other !== domain)
          .map((other) => ({ domain: other, protocol: isApex(domain, other) ? 'apex' : 'prim' })),
      },
      (directory) => network.giveAuthority(`${directory}/data/tls`),
    )
    servers.set(domain, server)
    for (const other of domains)
      if (other !== domain)
        await server.command('contact', `writer@${domain}`, 'allow', `writer@${other}`).succeeds()
  }
  for (const domain of domains) {
    const others = domains.filter((other) => other !== domain)
    const to = (name: string): string[] => others.map((other) => `${name}@${other}`)
    writers.push(
      new PrimWriter(`writer@${domain}`, clients.get(domain) as number, to('reader'), to('writer')),
    )
  }
})
after(async () => {
  for (const writer of writers) writer.end()
  await Promise.all([...servers.values()].map((server) => server.remove()))
  await network?.close()
})

/** Until it holds, or time is over. */
async function until(holds: () => boolean): Promise<boolean> {
  const end = performance.now() + patience
  while (!holds() && performance.now() < end) await sleep(100)
  return holds()
}

/** Bodies of what is there for the readers of a domain, as often as each is. */
function arrivedAt(domain: Domain): readonly string[] {
  const file = join((servers.get(domain) as VeronaServer).directory, 'data', 'verona.sqlite')
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database
      .prepare(
        "SELECT message.raw FROM entry JOIN message ON message.sequence = entry.sequence WHERE sent = 0 AND owner = 'reader'",
      )
      .all() as { raw: Uint8Array }[]
    return rows.flatMap(
      ({ raw }) => /writer\.\w+\.example-\d+-\d(?=\s|$|\r)/m.exec(lastLines(raw))?.[0] ?? [],
    )
  } finally {
    database.close()
  }
}

/** What a message says is in its last lines, by PRIM and by APEX. */
function lastLines(raw: Uint8Array): string {
  const text = Buffer.from(raw).toString('utf8')
  return text.slice(text.lastIndexOf('\r\n\r\n'))
}

for (let round = 0; round < rounds; round++) {
  const victim = domains[round % domains.length] as Domain
  test(`${victim} is killed under load (round ${round}, seed ${seed})`, {
    skip: peer('openssl').skip,
  }, async () => {
    const server = servers.get(victim) as VeronaServer
    for (const writer of writers) writer.write(true)
    assert.ok(
      await until(() => writers.every(({ accepted }) => accepted.length > 0)),
      `they write: ${writers.map(({ sent }) => [...sent].slice(0, 3).join())}`,
    )
    // The places that wait for time: how long the load lasts is drawn.
    await sleep(chance.below(600))
    await server.killHard()
    await sleep(chance.below(600))
    for (const [at, writer] of writers.entries()) writer.publish(`round ${round} of ${domains[at]}`)
    await server.run()
    await sleep(300)
    for (const writer of writers) writer.write(false)
    assert.ok(
      await until(() => writers.every(({ unanswered }) => unanswered.length === 0)),
      'all is answered',
    )
    assert.deepEqual(
      writers.flatMap(({ failures }) => failures),
      [],
    )
    const accepted = writers.flatMap((writer) => writer.accepted)
    const arrived = (): string[] => domains.flatMap(arrivedAt)
    const missing = (): string[] => {
      const there = new Set(arrived())
      return accepted.filter((id) => !there.has(id))
    }
    assert.ok(await until(() => missing().length === 0), `missing: ${missing().slice(0, 5)}`)
    const counts = Map.groupBy(arrived(), (id) => id)
    const doubled = [...counts].filter(([, each]) => each.length > 1).map(([id]) => id)
    assert.deepEqual(doubled, [], 'each is there once')
    const isSeen = (): boolean =>
      writers.every(({ seen, address }) =>
        domains.every(
          (domain) =>
            address.endsWith(domain) || seen.get(`writer@${domain}`) === `round ${round} of ${domain}`,
        ),
      )
    assert.ok(await until(isSeen), `they see ${JSON.stringify(writers.map(({ seen }) => [...seen]))}`)
    const again = writers.reduce((sum, { askedAgain }) => sum + askedAgain, 0)
    console.log(`round ${round}: ${accepted.length} accepted, ${again} asked again`)
  })
}
