// A client's login on a stream: its channel, and the mechanism under way (RFC 6120 §6).
import type { Logins, SaslChannel, SaslMechanism, SaslStep } from '#auth'
import type { Bytes } from '#base'
import { type Connection, channelBindings } from '#net'
import type { Log } from '#observe'
import type { StreamInput } from './stream.ts'

export class Login {
  readonly #logins: Logins
  readonly #connection: Connection
  readonly #plainWithoutTls: boolean
  readonly #log: Log
  #mechanism: SaslMechanism | undefined

  constructor(parts: {
    readonly logins: Logins
    readonly connection: Connection
    readonly plainWithoutTls: boolean
    readonly log: Log
  }) {
    this.#logins = parts.logins
    this.#connection = parts.connection
    this.#plainWithoutTls = parts.plainWithoutTls
    this.#log = parts.log
  }

  /** What may be used on this channel now. */
  offered(domain: string): {
    readonly mechanisms: readonly string[]
    readonly channelBindings: readonly string[]
  } {
    const channel = this.#channel(domain)
    return {
      mechanisms: this.#logins.sasl.mechanisms(channel),
      channelBindings: [...channel.bindings.keys()],
    }
  }

  /** Begins anew; an answer, where none needs to be waited for. */
  begin(mechanism: string, data: Bytes | undefined, domain: string): StreamInput | undefined {
    this.#mechanism = this.#logins.sasl.begin(mechanism, this.#channel(domain))
    if (this.#mechanism === undefined) return { kind: 'failed', condition: 'invalid-mechanism' }
    // RFC 6120 §6.4.2: without an initial response the client is asked for it.
    return data === undefined ? { kind: 'challenge', data: new Uint8Array(0) } : undefined
  }

  /** Takes the next step; `answered` is called later, once. */
  proceed(data: Bytes, domain: string, answered: (input: StreamInput) => void): void {
    if (this.#mechanism === undefined) return answered({ kind: 'failed', condition: 'malformed-request' })
    this.#mechanism.step(data).then(
      (step) => answered(this.#inputOf(step, domain)),
      (cause: unknown) => {
        this.#log.error('a login failed by a fault', { error: cause })
        answered(this.#inputOf({ kind: 'failure', failure: 'temporary-auth-failure' }, domain))
      },
    )
  }

  #inputOf(step: SaslStep, domain: string): StreamInput {
    if (step.kind === 'challenge') return { kind: 'challenge', data: step.data }
    this.#mechanism = undefined
    if (step.kind === 'failure')
      return { kind: 'failed', condition: step.failure, isGuess: step.isGuess !== false }
    // The name must be one of the domain that the stream is for.
    if (step.name.domain !== domain) return { kind: 'failed', condition: 'not-authorized' }
    return { kind: 'proven', user: step.owner, data: step.data }
  }

  #channel(domain: string): SaslChannel {
    const { tls, remote } = this.#connection
    return {
      domain,
      remoteAddress: remote.address,
      plainAllowed: tls !== undefined || this.#plainWithoutTls,
      bindings: channelBindings(tls),
    }
  }
}
