// The one response that a request gets. It keeps what it needs of the request, whose octets are a loan.

import type { Condition, Refused } from '#model'
import { type Body, type Fields, type PrimRequest, responseBytes, statusOf } from './codec/index.ts'

/** Where the response goes, once. */
export interface ReplySink {
  /** Octets of a body that the far end takes (Max-Content-Length). */
  readonly bodyOctetsMax?: number
  respond(response: Uint8Array): void
}

/** docs/specs/prim.md §5.1: what a response repeats as it stood, From and To not swapped. */
const repeated: ReadonlySet<string> = new Set([
  'From',
  'To',
  'Domain',
  'Auth-State',
  'SASL-Mech',
  'Server-Address',
  'Class',
  'Tuple-ID',
  'Duration',
  'PI-Type',
  'Subscription-ID',
  'Message-ID',
  'Conversation-ID',
])

type Parts = Pick<PrimRequest, 'id' | 'token'> & { readonly headers: PrimRequest['headers'] | undefined }

export class Reply {
  readonly id: string
  readonly #token: PrimRequest['token']
  readonly #fields: (readonly [string, string])[] = []
  readonly #sink: ReplySink
  #given = false

  constructor({ id, token, headers }: Parts, sink: ReplySink) {
    this.id = id
    this.#token = token
    this.#sink = sink
    if (headers === undefined) return
    for (let index = 0; index < headers.length; index++) {
      const name = headers.name(index)
      if (repeated.has(name)) this.#fields.push([name, headers.value(index)])
    }
  }

  ok(fields: Fields = [], body?: Body): void {
    this.give(200, fields, body)
  }

  refuse({ condition }: Pick<Refused, 'condition'>): void {
    this.give(statusOf[condition])
  }

  error(condition: Condition): void {
    this.refuse({ condition })
  }

  /** `fields` stand in place of those that are repeated, or behind them. */
  give(status: number, fields: Fields = [], body?: Body, phrase?: string): void {
    if (this.#given) return
    this.#given = true
    // docs/specs/prim.md §3.1: `-` is never answered.
    if (this.id === '-') return this.#sink.respond(noOctets)
    const own = new Map(fields)
    const all: [string, string | undefined][] = []
    for (const [name, value] of this.#fields) {
      all.push([name, own.has(name) ? own.get(name) : value])
      own.delete(name)
    }
    if (body !== undefined && body.bytes.length > (this.#sink.bodyOctetsMax ?? body.bytes.length)) {
      this.#given = false
      return this.error('internal-fault')
    }
    this.#sink.respond(responseBytes(this.#token, this.id, status, [...all, ...own], body, phrase))
  }
}

const noOctets = new Uint8Array(0)
