// The one response that a request gets. It keeps what it needs of the request, whose octets are a loan.

import type { Condition, Refused } from '#model'
import { type Body, type Fields, type ImppRequest, responseBytes } from './codec/index.ts'
import { authenticationFailed, reasonOf, sentenceOf } from './errors.ts'

export class Reply {
  readonly method: string
  readonly id: string
  readonly #to: string | undefined
  readonly #connectionId: string | undefined
  readonly #write: (octets: Uint8Array) => void
  #given = false

  /** @param write is called once, with the response */
  constructor(request: Pick<ImppRequest, 'method' | 'id' | 'headers'>, write: (octets: Uint8Array) => void) {
    this.method = request.method
    this.id = request.id
    this.#to = request.headers.get('from')
    this.#connectionId = request.headers.get('connection-id')
    this.#write = write
  }

  ok(fields: Fields = [], body?: Body): void {
    this.#give(true, fields, body)
  }

  refuse({ condition, location }: Pick<Refused, 'condition' | 'location'>): void {
    this.#give(false, [
      ['Reason', reasonOf[condition]],
      ['Location', location],
      ['Text', sentenceOf[condition]],
    ])
  }

  error(condition: Condition): void {
    this.refuse({ condition })
  }

  /** docs/specs/impp-1.0.md §6.3: nothing of why. */
  authenticationFailed(): void {
    this.#give(false, [['Reason', authenticationFailed]])
  }

  /** OK to the AUTH that ends a login: the parties are those it makes (§6.3). */
  granted(url: string, connectionId: string, fields: Fields): void {
    if (this.#given) return
    this.#given = true
    this.#write(
      responseBytes(true, this.method, this.id, [['To', url], ['Connection-ID', connectionId], ...fields]),
    )
  }

  #give(ok: boolean, fields: Fields, body?: Body): void {
    if (this.#given) return
    this.#given = true
    // IMPP §19 (D96): the request's From comes back as To, Connection-ID unchanged.
    const parties: Fields = [
      ['To', this.#to],
      ['Connection-ID', this.#connectionId],
    ]
    this.#write(responseBytes(ok, this.method, this.id, [...parties, ...fields], body))
  }
}
