// Verification of the Digest scheme (RFC 7616, RFC 8760, RFC 3261 §22) for SIP and HTTP: MD5 and SHA-256, qop `auth`, `auth-int`
// when the caller hands the body over, and none where a setting takes clients that old. Left out: the -sess algorithms,
// SHA-512-256 and userhash, which we never ask for.
import { type Bytes, type Clock, noBytes } from '#base'
import type { Authenticator, DigestHash } from '#core'
import { type Address, addressOf, parseAddress } from '#model'
import type { Attempt, BackOff } from './back-off.ts'
import { digestHashes, ha1Key } from './digest-hash.ts'
import { type DigestCredentials, digestChallengeValue, readDigestCredentials } from './digest-header.ts'
import { type NonceLimits, Nonces, type NonceUse } from './digest-nonce.ts'
import { authenticationInfo, responseOf } from './digest-response.ts'
import type { LoginEvent } from './sasl-exchange.ts'
import { pretendedHa1 } from './unknown-name.ts'

export interface DigestOptions {
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly backOff: BackOff
  /** A secret of this server that outlives restarts. */
  readonly serverKey: Bytes
  /** Strongest first; each becomes one challenge (RFC 8760 §2.3). */
  readonly algorithms?: readonly DigestHash[]
  readonly nonces?: Partial<NonceLimits>
  /** True: a response without qop is taken (RFC 3261 §22.4 (8): "must unfortunately remain optional"), which can be replayed
   * while its nonce lives. */
  readonly withoutQop?: boolean
  readonly onLogin?: (event: LoginEvent) => void
}

export interface DigestRequest {
  /** The value of the Authorization or Proxy-Authorization header, `Digest` included. */
  readonly authorization: string
  readonly method: string
  /** The realm that was challenged for: a domain of ours. */
  readonly realm: string
  readonly remoteAddress: string
  /** The request's body, for qop `auth-int`. */
  readonly body?: Bytes
  /** Whether the digest's uri means this request (RFC 7616 §3.4.6); absent: not looked at, as proxies rewrite it in SIP. */
  readonly isTarget?: (uri: string) => boolean
}

export type DigestOutcome =
  /**
   * `owner` is the account's primary address, `name` the address that was given; `info` makes Authentication-Info for an answer with this
   * body, or none.
   */
  | {
      readonly kind: 'verified'
      readonly owner: Address
      readonly name: Address
      /** Its nonce was given to that remote address: who sends from there hears what is sent there. */
      readonly isThere: boolean
      readonly info: (body?: Bytes) => string
    }
  /** Answer 401 or 407 with `challenges(realm, stale, algorithms)`. */
  | {
      readonly kind: 'challenge'
      readonly stale: boolean
      /** Only these can be answered: the account was imported with digests of no other (decision 0096). */
      readonly algorithms?: readonly DigestHash[]
    }
  /** Answer 400. */
  | { readonly kind: 'malformed' }
  /** Answer that the service is not available, Retry-After these seconds. */
  | { readonly kind: 'wait'; readonly seconds: number }

interface Known {
  readonly username: string
  readonly algorithm: DigestHash
  readonly ha1: string
  readonly owner: Address
  readonly name: Address
}

export class Digest {
  readonly #options: DigestOptions
  readonly #algorithms: readonly DigestHash[]
  readonly #nonces: Nonces<Known>

  constructor(options: DigestOptions) {
    this.#options = options
    this.#algorithms = options.algorithms ?? digestHashes
    this.#nonces = new Nonces(options.clock, options.serverKey, options.nonces)
  }

  /**
   * Header values for a 401 or 407, one an algorithm: those of `order` that we take, else all, strongest first.
   * @param remoteAddress who has them; a request with their nonce from there is `isThere`
   */
  challenges(
    realm: string,
    stale = false,
    order: readonly DigestHash[] = this.#algorithms,
    remoteAddress?: string,
  ): string[] {
    const nonce = this.#nonces.issue(realm, remoteAddress)
    const wanted = order.filter((algorithm) => this.#algorithms.includes(algorithm))
    return (wanted.length === 0 ? this.#algorithms : wanted).map((algorithm) =>
      digestChallengeValue({ realm, nonce, algorithm, stale }),
    )
  }

  /** Verifies a request. In the same tick when the nonce already served the same user. Rejects only when the store does. */
  verify(request: DigestRequest): DigestOutcome | Promise<DigestOutcome> {
    const credentials = readDigestCredentials(request.authorization)
    if (credentials === undefined) return { kind: 'malformed' }
    const algorithm = this.#algorithms.find((one) => one === credentials.algorithm.toUpperCase())
    if (algorithm === undefined || !this.#isAnswerable(credentials, request)) return challenge(false)
    const use = this.#nonces.look(credentials.nonce, request.realm, request.remoteAddress)
    if (use === 'foreign') return challenge(false)
    // "the server does not want to re-prompt": only the nonce is too old (RFC 7616 §3.3, stale).
    if (use === 'stale') return challenge(true)
    const known = use.user
    if (known?.username === credentials.username && known.algorithm === algorithm) {
      if (isResponseRight(known, credentials, request)) return this.#count(use, known, credentials, request)
    }
    return this.#lookUp(request, credentials, algorithm, use)
  }

  /** Forgets what was verified of an account: its password changed, or it is gone. */
  forget(owner: Address): void {
    this.#nonces.forgetUsers((known) => known.owner.key === owner.key)
  }

  /** Whether the response has the parts that its kind needs; else it gets a fresh challenge. */
  #isAnswerable(credentials: DigestCredentials, request: DigestRequest): boolean {
    const { qop, cnonce, nc } = credentials
    if (credentials.userhash || credentials.realm !== request.realm) return false
    if (request.isTarget?.(credentials.uri) === false) return false
    if (qop === undefined) return this.#options.withoutQop === true
    if (cnonce === undefined || nc === undefined) return false
    return qop === 'auth' || (qop === 'auth-int' && request.body !== undefined)
  }

  async #lookUp(
    request: DigestRequest,
    credentials: DigestCredentials,
    algorithm: DigestHash,
    use: NonceUse<Known>,
  ): Promise<DigestOutcome> {
    const { username } = credentials
    const name = username.includes('@') ? parseAddress(username) : addressOf(username, request.realm)
    const account = name?.key ?? username
    const attempt = this.#options.backOff.attempt(account, request.remoteAddress)
    if (attempt.kind === 'wait') {
      this.#tell('waiting', algorithm, account, request)
      return { kind: 'wait', seconds: Math.ceil(attempt.milliseconds / 1000) }
    }
    const known = await this.#known(credentials, request, algorithm, name, attempt)
    if (known.others.length > 0) {
      // No guess: it was answered as we asked. Stale, so that the phone answers again and asks nobody for a password.
      attempt.withdrawn()
      return { kind: 'challenge', stale: true, algorithms: known.others }
    }
    const right = isResponseRight(known, credentials, request)
    if (!right || known.owner === undefined || name === undefined) {
      attempt.failed()
      this.#tell('failure', algorithm, account, request)
      return challenge(false)
    }
    attempt.succeeded()
    this.#tell('success', algorithm, account, request)
    return this.#count(
      use,
      { username: Buffer.from(username).toString(), algorithm, ha1: known.ha1, owner: known.owner, name },
      credentials,
      request,
    )
  }

  /** The kept HA1, or a pretended one for an unknown name, at the same cost; `others`: it is kept for these algorithms only. */
  async #known(
    credentials: DigestCredentials,
    request: DigestRequest,
    algorithm: DigestHash,
    name: Address | undefined,
    attempt: Attempt,
  ): Promise<{ ha1: string; owner: Address | undefined; others: readonly DigestHash[] }> {
    const pretended = pretendedHa1(this.#options.serverKey, algorithm, name?.key ?? credentials.username)
    const nobody = { ha1: pretended, owner: undefined, others: [] }
    if (name === undefined) return nobody
    try {
      const found = await this.#options.authenticator.credentials(name)
      if (found === undefined) return nobody
      const form = credentials.username.includes('@') ? name.key : name.user
      const kept = (one: DigestHash): string | undefined =>
        found.secrets.ha1[ha1Key(one, form, request.realm)]
      const ha1 = kept(algorithm)
      if (ha1 !== undefined) return { ha1, owner: found.owner, others: [] }
      return { ...nobody, others: this.#algorithms.filter((one) => kept(one) !== undefined) }
    } catch (fault) {
      attempt.withdrawn()
      throw fault
    }
  }

  /** The response is right; what is left is whether it was seen before. */
  #count(
    use: NonceUse<Known>,
    known: Known,
    credentials: DigestCredentials,
    { remoteAddress }: DigestRequest,
  ): DigestOutcome {
    use.user = known
    if (credentials.qop === undefined) this.#nonces.keep(credentials.nonce, use)
    else if (!this.#nonces.use(credentials.nonce, use, Number.parseInt(credentials.nc as string, 16))) {
      // A replay, or a phone that never counts: a new nonce tells which.
      return challenge(true)
    }
    const info = (body = noBytes): string => authenticationInfo(known.ha1, credentials, body)
    const isThere = use.place === remoteAddress
    return { kind: 'verified', owner: known.owner, name: known.name, isThere, info }
  }

  #tell(result: LoginEvent['result'], algorithm: DigestHash, name: string, request: DigestRequest): void {
    this.#options.onLogin?.({
      result,
      mechanism: `Digest-${algorithm}`,
      name,
      remoteAddress: request.remoteAddress,
    })
  }
}

function challenge(stale: boolean): DigestOutcome {
  return { kind: 'challenge', stale }
}

function isResponseRight(
  known: { ha1: string },
  credentials: DigestCredentials,
  request: DigestRequest,
): boolean {
  return equalTexts(
    responseOf(known.ha1, credentials, request.method, bodyFor(credentials, request)),
    credentials.response,
  )
}

/** The body, where it is part of the hash. */
function bodyFor({ qop }: DigestCredentials, request: DigestRequest): Bytes | undefined {
  return qop === 'auth-int' ? request.body : undefined
}

/** In a time that tells nothing of where they differ. Hot: without a buffer for either. */
function equalTexts(expected: string, given: string): boolean {
  if (expected.length !== given.length) return false
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ given.charCodeAt(i)
  return difference === 0
}
