// The one response that a request gets. It keeps what it needs of the request, whose octets are a loan.

import { type Condition, type Refused, uriIn } from '#model'
import { type Body, type Fields, type ImppRequest, responseBytes, urlOf, version } from './codec/index.ts'
import { authenticationFailed, reasonOf, sentenceOf } from './errors.ts'

/** Where the response goes, once. */
export interface ReplySink {
  /** Octets of a unit that the far end takes (IMPP §12). */
  readonly unitOctetsMax?: number
  respond(response: Uint8Array | string): void
}

export class Reply {
  readonly method: string
  readonly id: string
  readonly #to: string | undefined
  readonly #connectionId: string | undefined
  readonly #sink: ReplySink
  #given = false

  constructor(request: Pick<ImppRequest, 'method' | 'id' | 'headers'>, sink: ReplySink) {
    this.method = request.method
    this.id = request.id
    this.#to = request.headers.get('from')
    this.#connectionId = request.headers.get('connection-id')
    this.#sink = sink
  }

  ok(fields?: Fields, body?: Body): void {
    if (fields !== undefined || body !== undefined) return this.#give(true, fields ?? [], body)
    if (this.#given) return
    this.#given = true
    // The common answer, of values that were read as one line each, so that nothing needs checking.
    let response = `OK (${this.method}) ${this.id} ${version}\r\n`
    if (this.#to !== undefined) response += `To: ${this.#to}\r\n`
    if (this.#connectionId !== undefined) response += `Connection-ID: ${this.#connectionId}\r\n`
    this.#sink.respond(`${response}\r\n`)
  }

  /** `text` where the general sentence would mislead. */
  refuse(
    { condition, location }: Pick<Refused, 'condition' | 'location'>,
    fields: Fields = [],
    text?: string,
  ): void {
    this.#give(false, [
      ['Reason', reasonOf[condition]],
      [
        'Location',
        location && (condition === 'redirect-to-server' ? location : uriIn('impp', location, urlOf)),
      ],
      ...fields,
      ['Text', text ?? sentenceOf[condition]],
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
    const parties: Fields = [
      ['To', url],
      ['Connection-ID', connectionId],
    ]
    this.#sink.respond(responseBytes(true, this.method, this.id, [...parties, ...fields]))
  }

  #give(ok: boolean, fields: Fields, body?: Body): void {
    if (this.#given) return
    this.#given = true
    // IMPP §19 (D96): the request's From comes back as To, Connection-ID unchanged.
    const parties: Fields = [
      ['To', this.#to],
      ['Connection-ID', this.#connectionId],
    ]
    const response = responseBytes(ok, this.method, this.id, [...parties, ...fields], body)
    if (body === undefined || response.length <= (this.#sink.unitOctetsMax ?? response.length))
      return this.#sink.respond(response)
    this.#given = false
    this.error('message-too-large')
  }
}
