// Two servers of two domains under load in both directions, and `kill -9` of either, by turns: what its sender's server had acknowledged
// (XEP-0198) is at the recipient in the end, in the order in which each sender wrote it.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { freePort } from './ports.ts'
import { password, VeronaServer } from './server.ts'

const rounds = process.env['VERONA_SOAK'] ? 60 : 2
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 1_000_000)
const domains = ['verona.example', 'mantua.example'] as const
const people = ['one', 'two', 'three'] as const
/** Messages of one sender that are not acknowledged. */
const windowMax = 20
/** LIMIT: milliseconds until all has arrived, once both servers run. */
const patience = 60_000

const servers: VeronaServer[] = []
const random = mulberry32(seed)

before(async () => {
  const ports = [await freePort(), await freePort()] as const
  const start = (at: 0 | 1): Promise<VeronaServer> =>
    VeronaServer.start({
      domain: domains[at],
      users: people,
      settings: {
        xmpp: { plain_without_tls: true, server: `127.0.0.1:${ports[at]}` },
        // Nobody reads what comes: past the limit it would be refused in order (RFC 6121 §8.5.2.2.1), and the answer find nobody.
        history: { undelivered_max: 1_000_000 },
        peers: {
          tls: 'encrypted',
          retry_first_seconds: 1,
          retry_max_seconds: 2,
          // Whoever writes on while a server is away is not to be refused.
          sender_length_max: 1_000_000,
          queue_length_max: 1_000_000,
        },
      },
      peers: [
        { domain: domains[1 - at] as string, protocol: 'xmpp', servers: [`127.0.0.1:${ports[1 - at]}`] },
      ],
    })
  servers.push(await start(0))
  servers.push(await start(1))
})
after(async () => {
  for (const server of servers) await server.remove()
})

for (let round = 0; round < rounds; round++) {
  const victim = (round % 2) as 0 | 1
  test(`nothing acknowledged is lost or out of order when ${domains[victim]} is killed (round ${round}, seed ${seed})`, async () => {
    const writers = await Promise.all(
      ([0, 1] as const).flatMap((at) => people.map((user) => Writer.begin(at, user, round))),
    )
    for (const writer of writers) await writer.hears()
    // The places that wait for time: how long the load lasts is drawn.
    await sleep(random() * 700)
    await serverOf(victim).killHard()
    await sleep(random() * 700)
    await serverOf(victim).run()
    await sleep(300)
    for (const writer of writers) await writer.end()
    const acknowledged = writers.map((writer) => writer.acknowledgedIds)
    for (const [at, ids] of acknowledged.entries())
      assert.ok(ids.length > 0, `${writers[at]?.name} had nothing acknowledged`)
    for (const { errors, name } of writers) assert.deepEqual(errors, [], `${name} was told of failures`)
    const end = performance.now() + patience
    for (;;) {
      const missing = writers.flatMap((writer) => writer.missing(arrivedAt(writer.there)))
      if (missing.length === 0) break
      if (performance.now() >= end)
        assert.fail(`acknowledged, and not there: ${missing.length}: ${missing.slice(0, 10)}\n${state()}`)
      await sleep(200)
    }
    for (const writer of writers) {
      const came = arrivedAt(writer.there).filter((id) => id.startsWith(`${writer.name}-`))
      const order = [...new Set(came)]
      assert.deepEqual(
        order,
        writer.sentIds.filter((id) => order.includes(id)),
        `the order of ${writer.name}`,
      )
    }
    console.log(`round ${round}: ${acknowledged.flat().length} acknowledged`)
  })
}

function serverOf(at: 0 | 1): VeronaServer {
  return servers[at] as VeronaServer
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Somebody who writes to somebody of the other domain as fast as their server acknowledges, and wants no answer but that. */
class Writer {
  readonly name: string
  readonly there: 0 | 1
  readonly sentIds: string[] = []
  readonly errors: string[] = []
  readonly #socket: Socket
  readonly #to: string
  #text = ''
  #acknowledged = 0
  #ended = false
  #look: () => void = () => {}

  private constructor(at: 0 | 1, user: string, round: number) {
    this.there = (1 - at) as 0 | 1
    this.name = `${round}.${at}.${user}`
    this.#to = `${user}@${domains[this.there]}`
    this.#socket = connect({ host: '127.0.0.1', port: serverOf(at).port('xmpp'), noDelay: true })
    this.#socket.on('data', (octets: Buffer) => {
      this.#text += octets.toString('latin1')
      this.#look()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#ended = true
      this.#look()
    })
  }

  static async begin(at: 0 | 1, user: string, round: number): Promise<Writer> {
    const writer = new Writer(at, user, round)
    const header = `<stream:stream to='${domains[at]}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
    const proof = Buffer.from(`\0${user}\0${password}`).toString('base64')
    const steps = [
      [header, '</stream:features>'],
      [`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${proof}</auth>`, '<success'],
      [header, '</stream:features>'],
      [
        `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${round}</resource></bind></iq>`,
        '</iq>',
      ],
      ["<enable xmlns='urn:xmpp:sm:3'/>", '<enabled'],
    ] as const
    for (const [text, mark] of steps) await writer.#ask(text, mark)
    writer.#text = ''
    writer.#look = () => writer.#write()
    writer.#write()
    return writer
  }

  get acknowledgedIds(): readonly string[] {
    return this.sentIds.slice(0, this.#acknowledged)
  }

  /** Resolves when something was acknowledged. */
  async hears(): Promise<void> {
    const end = performance.now() + patience
    while (this.#acknowledged === 0) {
      assert.ok(performance.now() < end && !this.#ended, `${this.name} hears nothing`)
      await sleep(20)
    }
  }

  missing(arrived: readonly string[]): string[] {
    const there = new Set(arrived)
    return this.acknowledgedIds.filter((id) => !there.has(id))
  }

  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    const gone = new Promise((resolve) => this.#socket.once('close', resolve))
    this.#socket.end('</stream:stream>')
    await Promise.race([gone, sleep(2000)])
    this.#socket.destroy()
    this.#hear()
  }

  #ask(text: string, mark: string): Promise<void> {
    this.#text = ''
    this.#socket.write(text)
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (this.#text.includes(mark)) resolve()
        else if (this.#ended) reject(new Error(`${this.name}: ${mark} did not come: ${this.#text}`))
      }
    })
  }

  #hear(): void {
    for (const [, h] of this.#text.matchAll(/<a [^>]*h=['"](\d+)['"]/g)) this.#acknowledged = Number(h)
    for (const [error] of this.#text.matchAll(/<message [^>]*type=['"]error['"].*?<\/message>/gs))
      this.errors.push(error)
    // What is not whole yet stays.
    this.#text = this.#text.slice(this.#text.lastIndexOf('>') + 1)
  }

  #write(): void {
    this.#hear()
    if (this.#ended) return
    let text = ''
    while (this.sentIds.length - this.#acknowledged < windowMax) {
      const id = `${this.name}-${this.sentIds.length}`
      this.sentIds.push(id)
      text += `<message to='${this.#to}' id='${id}' type='chat'><body>${id}</body></message>`
    }
    if (text !== '') this.#socket.write(`${text}<r xmlns='urn:xmpp:sm:3'/>`)
  }
}

/** What waits in both servers, and the end of what they said. */
function state(): string {
  return servers
    .map((server) => {
      const database = new DatabaseSync(join(server.directory, 'data', 'verona.sqlite'), { readOnly: true })
      const waiting = database
        .prepare('SELECT domain, COUNT(*) AS n, MIN(raw) AS first FROM peer_queue GROUP BY domain')
        .all() as { domain: string; n: number; first: Uint8Array }[]
      database.close()
      const rows = waiting.map(
        ({ domain, n, first }) => `${n} for ${domain}, as ${Buffer.from(first).toString('utf8')}`,
      )
      const said = server.programs
        .filter(({ name }) => name === 'verona serve')
        .slice(-2)
        .map(({ said }) => `${said.length}: ${said.slice(-6000)}`)
      return [`${server.domain} waiting: ${rows.join('; ') || 'none'}`, ...said].join('\n')
    })
    .join('\n\n')
}

/** The identifiers of what came to the people of a domain, in the order in which it is in their histories. */
function arrivedAt(at: 0 | 1): string[] {
  const file = join(serverOf(at).directory, 'data', 'verona.sqlite')
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database
      .prepare(
        'SELECT message.raw FROM entry JOIN message ON message.sequence = entry.sequence WHERE entry.sent = 0 ORDER BY entry.sequence',
      )
      .all() as { raw: Uint8Array }[]
    return rows.flatMap(
      ({ raw }) => /<body>([^<]+)<\/body>/.exec(Buffer.from(raw).toString('utf8'))?.[1] ?? [],
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
