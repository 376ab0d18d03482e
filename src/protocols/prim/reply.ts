// The one response that a request gets. It keeps what it needs of the request, whose octets are a loan.

import type { Condition, Refused } from '#model'
import {
  type Body,
  type Fields,
  type PrimRequest,
  repeatedResponse,
  responseBytes,
  statusOf,
} from './codec/index.ts'

/** Where the response goes, once. */
export interface ReplySink {
  /** Octets of a body that the far end takes (Max-Content-Length). */
  readonly bodyOctetsMax?: number
  respond(response: Uint8Array | string): void
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
  /** Name, value, name, value: they came in a block that was read, and are written as they stood. */
  readonly #repeated: string[] = []
  readonly #sink: ReplySink
  #given = false

  constructor({ id, token, headers }: Parts, sink: ReplySink) {
    this.id = id
    this.#token = token
    this.#sink = sink
    if (headers === undefined) return
    for (let index = 0; index < headers.length; index++) {
      const name = headers.name(index)
      if (repeated.has(name)) this.#repeated.push(name, headers.value(index))
    }
  }

  ok(fields: Fields = none, body?: Body): void {
    this.give(200, fields, body)
  }

  refuse({ condition }: Pick<Refused, 'condition'>): void {
    this.give(statusOf[condition])
  }

  error(condition: Condition): void {
    this.refuse({ condition })
  }

  /** `fields` stand in place of those that are repeated, or behind them. */
  give(status: number, fields: Fields = none, body?: Body, phrase?: string): void {
    if (this.#given) return
    this.#given = true
    // docs/specs/prim.md §3.1: `-` is never answered.
    if (this.id === '-') return this.#sink.respond(noOctets)
    if (fields === none && body === undefined)
      return this.#sink.respond(repeatedResponse(this.#token, this.id, status, this.#repeated, phrase))
    const own = new Map(fields)
    const all: [string, string | undefined][] = []
    for (let at = 0; at < this.#repeated.length; at += 2) {
      const name = this.#repeated[at] as string
      all.push([name, own.has(name) ? own.get(name) : this.#repeated[at + 1]])
      own.delete(name)
    }
    if (body !== undefined && body.bytes.length > (this.#sink.bodyOctetsMax ?? body.bytes.length)) {
      this.#given = false
      return this.error('internal-fault')
    }
    this.#sink.respond(responseBytes(this.#token, this.id, status, [...all, ...own], body, phrase))
  }
}

const none: Fields = []
const noOctets = new Uint8Array(0)
