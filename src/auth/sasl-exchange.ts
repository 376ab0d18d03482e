// One SASL exchange (RFC 4422), whatever the mechanism: turns, the name, the back-off, the authorization identity, the end.
import type { X509Certificate } from 'node:crypto'
import type { Bytes } from '#base'
import type { Authenticator, ScramHash, Secrets } from '#core'
import { type Address, addressOf, parseAddress } from '#model'
import type { Attempt, BackOff } from './back-off.ts'
import type { PersonCertificates } from './person-certificates.ts'

/** The words of RFC 6120 §6.5; each protocol maps them to its own. All other reasons stay in the log. */
export type SaslFailure =
  | 'not-authorized'
  | 'malformed-request'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'temporary-auth-failure'

export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Bytes }
  /** `owner` is the account's primary address; `data` is the additional data of RFC 4422 §3.6, or nothing. */
  | {
      readonly kind: 'success'
      readonly owner: Address
      readonly name: Address
      readonly data: Bytes | undefined
    }
  /** `isGuess` is false where it failed before anything was said about a password. */
  | { readonly kind: 'failure'; readonly failure: SaslFailure; readonly isGuess?: false }

/** One exchange. A mechanism answers each message of the client in turn and is over after success or failure. */
export interface SaslMechanism {
  readonly mechanism: string
  /** The client speaks first, but with DIGEST-MD5: an empty first message is asked for by an empty challenge, or begins that. */
  step(message: Bytes): Promise<SaslStep>
}

/** What the exchange runs over. */
export interface SaslChannel {
  /** The domain that a name without `@` belongs to. */
  readonly domain: string
  /** An IP address, or what else names the way in; for back-off and the log. */
  readonly remoteAddress: string
  /** True under TLS, and where a setting lets PLAIN go without it. */
  readonly plainAllowed: boolean
  /** Channel binding data by type; empty: no -PLUS. */
  readonly bindings: ReadonlyMap<string, Bytes>
  /** The certificate that the client has shown in TLS, and holds the key of. */
  readonly certificate?: X509Certificate | undefined
  /** The protocol's SASL service name (RFC 4422 §3.1), for mechanisms that hash it. */
  readonly service?: string
}

/** What happened, for log and metrics; never a password or a key. */
export interface LoginEvent {
  readonly result: 'success' | 'failure' | 'waiting' | 'fault'
  readonly mechanism: string
  readonly name: string
  readonly remoteAddress: string
  readonly because?: string
  readonly cause?: unknown
}

export interface SaslOptions {
  readonly authenticator: Authenticator
  readonly backOff: BackOff
  /** A secret of this server that outlives restarts. */
  readonly serverKey: Bytes
  /** Iterations that unknown names seem to have: those of new passwords. */
  readonly iterations: number
  readonly scram?: readonly ScramHash[]
  /** Whether DIGEST-MD5 is offered where the channel names its service; off without it (RFC 6331). */
  readonly digestMd5?: boolean
  /** Whose certificates are taken; undefined: nobody's. */
  readonly persons?: PersonCertificates
  /** Called after each exchange. */
  readonly onLogin?: (event: LoginEvent) => void
  /** Called with the password after a PLAIN login, so that secrets that are not whole (`Derivation.isComplete`) are completed. */
  readonly onPassword?: (owner: Address, secrets: Secrets, password: string) => void
}

/** What both exchanges share: the name, the back-off, the end. */
export abstract class Exchange implements SaslMechanism {
  readonly mechanism: string
  protected readonly options: SaslOptions
  protected readonly channel: SaslChannel
  protected name: Address | undefined
  protected attempt: Attempt | undefined
  #busy = false
  #over = false

  constructor(options: SaslOptions, channel: SaslChannel, mechanism: string) {
    this.options = options
    this.channel = channel
    this.mechanism = mechanism
  }

  protected abstract answer(message: Bytes): Promise<SaslStep>

  /** Never rejects: a fault of the store is a temporary failure to the client, and told to `onLogin` with its cause. */
  async step(message: Bytes): Promise<SaslStep> {
    // One message at a time, none after the end.
    if (this.#busy || this.#over) {
      this.#over = true
      this.#tell('failure', 'out of turn')
      return { kind: 'failure', failure: 'malformed-request' }
    }
    this.#busy = true
    try {
      const step = await this.answer(message)
      this.#over = step.kind !== 'challenge'
      return step
    } catch (cause) {
      this.#over = true
      this.attempt?.withdrawn()
      this.#tell('fault', 'fault', cause)
      return { kind: 'failure', failure: 'temporary-auth-failure' }
    } finally {
      this.#busy = false
    }
  }

  /** Takes the name as an address (RFC 8265 §3.3); false when it can be none. */
  protected takeName(name: string): boolean {
    this.name = name.includes('@') ? parseAddress(name) : addressOf(name, this.channel.domain)
    return this.name !== undefined && this.name.user !== ''
  }

  /** Counts a guess; the failure to answer with when it must wait. */
  protected countAttempt(): SaslStep | undefined {
    const attempt = this.options.backOff.attempt((this.name as Address).key, this.channel.remoteAddress)
    if (attempt.kind === 'attempt') {
      this.attempt = attempt
      return undefined
    }
    this.#tell('waiting', `${Math.ceil(attempt.milliseconds)} ms to wait`)
    return { kind: 'failure', failure: 'temporary-auth-failure' }
  }

  protected fail(failure: SaslFailure, because: string): SaslStep {
    if (failure === 'malformed-request') this.attempt?.withdrawn()
    else this.attempt?.failed()
    this.#tell('failure', because)
    return { kind: 'failure', failure }
  }

  /** The proof was right: the authorization identity decides (RFC 4422 §3.6, RFC 6120 §6.3.8). */
  protected succeed(owner: Address, authorization: string | undefined, data: Bytes | undefined): SaslStep {
    this.attempt?.succeeded()
    const name = this.name as Address
    const wanted = authorization === undefined ? name : parseAddress(authorization)
    if (wanted === undefined || (wanted.key !== name.key && wanted.key !== owner.key)) {
      return this.fail('invalid-authzid', 'may not act as another')
    }
    this.#tell('success')
    return { kind: 'success', owner, name, data }
  }

  #tell(result: LoginEvent['result'], because?: string, cause?: unknown): void {
    this.options.onLogin?.({
      result,
      mechanism: this.mechanism,
      name: this.name?.key ?? '',
      remoteAddress: this.channel.remoteAddress,
      ...(because === undefined ? {} : { because }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
