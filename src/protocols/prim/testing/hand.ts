// A client by hand, over a pair in memory, apart from the codec: what is written is what a test says, what came is text.
import assert from 'node:assert/strict'
import { concat, noBytes, text, utf8 } from '#base'
import { type Connection, connectionPair } from '#net'
import { serveClient } from '../protocol.ts'
import { type Fixture, settled } from './fixture.ts'

const hands = new Set<Hand>()

/** Ends those that a test left, so that nothing of them waits. */
export function dropHands(): void {
  for (const hand of hands) hand.drop()
  hands.clear()
}

export interface Came {
  readonly first: string
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  /** As it came. */
  readonly text: string
}

export class Hand {
  readonly responses: Came[] = []
  readonly requests: Came[] = []
  readonly pings: string[] = []
  closed: string | undefined
  /** How requests of the server are answered: a status, or nothing. */
  answers: number | undefined = 200
  /** Told of each request of the server before it is answered. */
  onRequest: ((came: Came) => void) | undefined
  readonly #connection: Connection
  #rest = noBytes
  #lastId = 0
  #name = ''
  readonly domain: string

  constructor({ environment, clock, service }: Fixture, secure = false) {
    this.domain = service.router.domains[0] as string
    const [ours, theirs] = connectionPair({ clock, secure })
    serveClient(ours, environment)
    this.#connection = theirs
    hands.add(this)
    theirs.start({
      onData: (octets) => {
        this.#rest = concat([this.#rest, octets])
        for (let unit = this.#next(); unit !== undefined; unit = this.#next()) this.#came(unit)
      },
      onClose: ({ why }) => {
        this.closed = why
      },
    })
  }

  drop(): void {
    this.#connection.destroy()
  }

  /** Octets as they are. */
  write(written: string | Uint8Array): void {
    this.#connection.write(typeof written === 'string' ? utf8(written) : written)
  }

  /** `METHOD TOKEN`, fields, body; answers what came for it. */
  async ask(start: string, fields: Readonly<Record<string, string>> = {}, body = ''): Promise<Came> {
    const before = this.responses.length
    this.send(start, fields, body)
    await until(() => this.responses.length > before || this.closed !== undefined)
    const response = this.responses.at(-1)
    assert.ok(response !== undefined && this.responses.length > before, `no answer to ${start}`)
    return response
  }

  send(start: string, fields: Readonly<Record<string, string>> = {}, body = ''): string {
    const [method = '', token = '', id = `c${++this.#lastId}`] = start.split(' ')
    let head = `${method} ${token}/1.0 ${id} ${utf8(body).length}\r\n`
    for (const [name, value] of Object.entries(fields)) head += `${name}: ${value}\r\n`
    this.write(`${head}\r\n${body}`)
    return id
  }

  /** Logs in to a service by PLAIN. */
  async login(name: string, service: 'pres' | 'im' = 'im', password = 'secret'): Promise<this> {
    const token = service === 'im' ? 'PRIM-IM' : 'PRIM-PR'
    const From = `${service}:${name}@${this.domain}`
    this.#name = `${name}@${this.domain}`
    const init = await this.ask(`LOGIN ${token}`, { From, 'Auth-State': 'init', 'SASL-Mech': 'PLAIN' })
    assert.equal(init.status, 100, init.text)
    const fields = { From, 'Auth-State': 'continue', 'SASL-Mech': 'PLAIN' }
    const done = await this.ask(`LOGIN ${token}`, fields, `${name}\r\n${password}`)
    assert.equal(done.status, 200, done.text)
    return this
  }

  get im(): string {
    return `im:${this.#name}`
  }

  get pres(): string {
    return `pres:${this.#name}`
  }

  /** A request of the presence service with its From. */
  presence(method: string, fields: Readonly<Record<string, string>> = {}, body = ''): Promise<Came> {
    return this.ask(`${method} PRIM-PR`, { From: this.pres, ...fields }, body)
  }

  message(method: string, fields: Readonly<Record<string, string>> = {}, body = ''): Promise<Came> {
    return this.ask(`${method} PRIM-IM`, { From: this.im, ...fields }, body)
  }

  /** The next request of the server. */
  async next(): Promise<Came> {
    await until(() => this.requests.length > 0)
    const request = this.requests.shift()
    assert.ok(request, 'no request came')
    return request
  }

  #came(unit: Came): void {
    if (unit.first.startsWith('PRIM')) {
      this.responses.push(unit)
      return
    }
    if (unit.first.startsWith('PING ')) {
      this.pings.push(unit.text)
      return
    }
    this.requests.push(unit)
    this.onRequest?.(unit)
    const [, version = '', id = '-'] = unit.first.split(' ')
    if (id !== '-' && this.answers !== undefined) this.write(`${version} ${id} 0 ${this.answers} So\r\n\r\n`)
  }

  #next(): Came | undefined {
    const whole = Buffer.from(this.#rest)
    const at = whole.indexOf('\r\n\r\n')
    if (at < 0) return undefined
    const [first = '', ...lines] = whole.subarray(0, at).toString('utf8').split('\r\n')
    const words = first.split(' ')
    const isResponse = first.startsWith('PRIM')
    const length = Number(isResponse ? words[2] : words[3])
    if (whole.length < at + 4 + length) return undefined
    const fields: Record<string, string> = {}
    for (const line of lines) fields[line.slice(0, line.indexOf(': '))] = line.slice(line.indexOf(': ') + 2)
    const body = whole.subarray(at + 4, at + 4 + length)
    this.#rest = new Uint8Array(whole.subarray(at + 4 + length))
    const status = isResponse ? Number(words[3]) : 0
    return { first, status, fields, body: text(body), text: text(whole.subarray(0, at + 4 + length)) }
  }
}

/** LIMIT: milliseconds that a test waits for what must come: what is computed elsewhere takes real time. */
const patience = 10_000

async function until(came: () => boolean): Promise<void> {
  for (const from = performance.now(); !came() && performance.now() - from < patience; ) await settled()
}

/** A document of one tuple. */
export function pidf(basic: 'open' | 'closed', note = ''): string {
  const said = note === '' ? '' : `<note>${note}</note>`
  return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.com"><tuple id="x"><status><basic>${basic}</basic></status>${said}</tuple></presence>`
}
