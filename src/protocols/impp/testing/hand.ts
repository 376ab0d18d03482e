// A client by hand: writes what it is told and shows what came.
import assert from 'node:assert/strict'
import { text, utf8 } from '#base'
import { type Connection, connectionPair } from '#net'
import {
  type ImppRequest,
  type ImppResponse,
  requestBytes,
  responseBytes,
  UnitFramer,
} from '../codec/index.ts'
import { serveClient } from '../protocol.ts'
import type { Fixture } from './fixture.ts'

/** A response or request as its lines, and its body. */
export interface Seen {
  readonly first: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  readonly envelope: string
}

export class Hand {
  readonly connection: Connection
  readonly requests: Seen[] = []
  readonly responses: Seen[] = []
  closed = ''
  secured = 0
  url = ''
  connectionId = ''
  /** Answers requests of the server by itself. */
  answers: 'OK' | 'nothing' = 'OK'
  readonly #framer = new UnitFramer()
  readonly #waiting: { readonly from: Seen[]; readonly take: (seen: Seen) => void }[] = []

  constructor({ environment, clock }: Fixture) {
    const [ours, theirs] = connectionPair({ clock })
    this.connection = theirs
    serveClient(ours, environment)
    theirs.start({
      onData: (octets) => this.#read(octets),
      onSecure: () => this.secured++,
      onClose: ({ why }) => {
        this.closed = why
      },
    })
    open.push(this)
  }

  write(octets: string): void {
    this.connection.write(utf8(octets))
  }

  /** Writes a request with From and Connection-ID, and waits for its response. */
  async ask(method: string, fields: Record<string, string> = {}, body?: string): Promise<Seen> {
    this.request(method, `r${++ids}`, fields, body)
    return this.next(this.responses)
  }

  request(method: string, id: string, fields: Record<string, string> = {}, body?: string): void {
    const own =
      this.url === '' ? [] : [['From', this.url] as const, ['Connection-ID', this.connectionId] as const]
    const all = new Map([...own, ...Object.entries(fields)])
    const type = all.get('Content-Type') ?? 'text/plain; charset=utf-8'
    all.delete('Content-Type')
    this.connection.write(
      requestBytes(method, id, all, body === undefined ? undefined : { type, bytes: utf8(body) }),
    )
  }

  /** The next of `requests` or `responses`: there already, or when it comes. */
  next(from: Seen[]): Promise<Seen> {
    const seen = from.shift()
    if (seen !== undefined) return Promise.resolve(seen)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing came; closed: "${this.closed}"`)), 10_000)
      this.#waiting.push({
        from,
        take: (arrived) => {
          clearTimeout(late)
          resolve(arrived)
        },
      })
    })
  }

  #arrived(list: Seen[], seen: Seen): void {
    const at = this.#waiting.findIndex(({ from }) => from === list)
    if (at === -1) list.push(seen)
    else this.#waiting.splice(at, 1)[0]?.take(seen)
  }

  async login(
    name: string,
    fields: Record<string, string> = {},
    greeting: Record<string, string> = {},
  ): Promise<this> {
    await this.ask('HELLO', { Domain: 'example.com', ...greeting })
    const data = Buffer.from(`\0${name}\0secret`).toString('base64')
    const done = await this.ask('AUTH', { Mechanism: 'PLAIN', Data: data, ...fields })
    assert.equal(done.fields['auth-state'], 'done', JSON.stringify(done))
    this.url = done.fields.to as string
    this.connectionId = done.fields['connection-id'] as string
    return this
  }

  answer(request: Seen, fields: Record<string, string> = {}, ok = true): void {
    const [method = '', id = ''] = request.first.split(' ')
    const parties = { To: request.fields.from, 'Connection-ID': request.fields['connection-id'] }
    this.connection.write(responseBytes(ok, method, id, Object.entries({ ...parties, ...fields })))
  }

  #read(octets: Uint8Array): void {
    this.#framer.push(octets)
    for (let unit = this.#framer.next(); unit !== undefined; unit = this.#framer.next()) {
      assert.ok(unit.kind !== 'fault', JSON.stringify(unit))
      const seen = seenOf(unit)
      if (unit.kind === 'response') this.#arrived(this.responses, seen)
      else {
        if (this.answers === 'OK') this.answer(seen)
        if (unit.method !== 'PING') this.#arrived(this.requests, seen)
      }
    }
  }
}

function seenOf(unit: ImppRequest | ImppResponse): Seen {
  const raw = text(unit.raw)
  const fields = Object.fromEntries([...unit.headers].map(([name, value]) => [name.toLowerCase(), value]))
  const envelope =
    unit.kind === 'request' && unit.envelope
      ? [...unit.envelope].map(([n, v]) => `${n}: ${v}`).join('\n')
      : ''
  return { first: raw.slice(0, raw.indexOf('\r\n')), fields, body: text(unit.body), envelope }
}

let ids = 0
const open: Hand[] = []

/** Cuts every connection that was made by hand. */
export function dropHands(): void {
  for (const hand of open.splice(0)) hand.connection.destroy()
}
