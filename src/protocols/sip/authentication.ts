// Who sends a request: Digest for those of our own domains (RFC 3261 §22, RFC 7616, RFC 8760), the deployment's word for others.

import type { Digest, DigestOutcome } from '#auth'
import type { DigestHash, Service } from '#core'
import type { Address, Principal } from '#model'
import type { SparingLog } from '#observe'
import { addressOfSipUri } from './binding.ts'
import { challengeOrder } from './challenge-order.ts'
import { credentialsFor } from './codec/credentials.ts'
import type { HeaderLine } from './codec/encode.ts'
import { header } from './codec/header-names.ts'
import { bodyOf, headerValue } from './codec/message.ts'
import type { Incoming } from './incoming.ts'
import { type SipMetrics, sipMetrics } from './metrics.ts'

export interface Identity {
  readonly principal: Principal
  /** The account's primary address; the From address where the sender is a foreigner. */
  readonly owner: Address
}

/** Whether a request in the name of somebody of another domain is taken, and who vouches for it. */
export type JudgeForeign = (
  incoming: Incoming,
  from: Address,
  use: (vouchedBy: Principal['vouchedBy'] | 'refused') => void,
) => void

export class Authentication {
  /** Undefined where other domains are not spoken with. */
  foreign: JudgeForeign | undefined
  readonly #service: Service
  readonly #digest: Digest
  readonly #foreignSenders: boolean
  readonly #metrics: SipMetrics
  readonly #strangers: SparingLog

  constructor(service: Service, digest: Digest, foreignSenders: boolean, strangers: SparingLog) {
    this.#service = service
    this.#strangers = strangers
    this.#digest = digest
    this.#foreignSenders = foreignSenders
    this.#metrics = sipMetrics(service.metrics)
  }

  /** Calls `use` with who sent the request, in the same tick when the nonce is known; otherwise answers it. */
  identify(incoming: Incoming, as: 'user-agent-server' | 'proxy', use: (identity: Identity) => void): void {
    const from = addressOfSipUri(incoming.parts.from.uri)
    if (from === undefined || from.user === '') return incoming.answer(403)
    if (!this.#service.router.isLocal(from.domain)) {
      // A domain that is not ours cannot be asked for a password.
      if (this.foreign === undefined) return this.#unproven(incoming, from, use)
      return this.foreign(incoming, from, (vouchedBy) => {
        if (vouchedBy === 'refused') return this.#unproven(incoming, from, use)
        incoming.flow.known = true
        use({ principal: { address: from, vouchedBy }, owner: from })
      })
    }
    const realm = from.domain
    const authorization = credentialsFor(incoming.request, realm)
    if (authorization === undefined) return this.#challenge(incoming, as, realm, false)
    this.#verify(incoming, as, from, authorization, use)
  }

  /** Whether to believe it all the same is the deployment's choice. */
  #unproven(incoming: Incoming, from: Address, use: (identity: Identity) => void): void {
    if (!this.#foreignSenders) return incoming.answer(403)
    use({ principal: { address: from, vouchedBy: 'nobody' }, owner: from })
  }

  #verify(
    incoming: Incoming,
    as: 'user-agent-server' | 'proxy',
    from: Address,
    authorization: string,
    use: (identity: Identity) => void,
  ): void {
    const remoteAddress = incoming.flow.remote.address
    const { request } = incoming
    const asked = { authorization, method: request.method, realm: from.domain, remoteAddress }
    // Hot: the octets of the body are looked at only where the credentials may cover them (qop auth-int, in any case).
    const mayCoverBody = authorization.includes('-i') || authorization.includes('-I')
    const outcome = this.#digest.verify(mayCoverBody ? { ...asked, body: bodyOf(request) } : asked)
    if (!(outcome instanceof Promise)) return this.#verified(incoming, as, from, outcome, use)
    incoming.keep()
    outcome.then(
      (later) => this.#verified(incoming, as, from, later, use),
      (error: unknown) => {
        this.#service.log.error('a request could not be authenticated', { error })
        incoming.answer(500)
      },
    )
  }

  #verified(
    incoming: Incoming,
    as: 'user-agent-server' | 'proxy',
    from: Address,
    outcome: DigestOutcome,
    use: (identity: Identity) => void,
  ): void {
    switch (outcome.kind) {
      case 'challenge':
        return this.#challenge(incoming, as, from.domain, outcome.stale, outcome.algorithms)
      case 'malformed':
        return incoming.answer(400)
      case 'wait':
        this.#strangers.count('one source guesses at passwords', incoming.flow.remote.address)
        return incoming.answer(503, [['Retry-After', outcome.seconds]])
      case 'verified':
        // Not where we are a proxy: SIP has no such field for it.
        if (as === 'user-agent-server') incoming.authenticationInfo = outcome.info
        return this.#claimed(incoming, from, outcome, use)
    }
  }

  /** RFC 3261 §22.1 leaves it open; we let nobody speak in another's name: From is an address of the account. */
  #claimed(
    incoming: Incoming,
    from: Address,
    verified: { readonly owner: Address; readonly name: Address; readonly isThere: boolean },
    use: (identity: Identity) => void,
  ): void {
    const identity: Identity = { principal: { address: from, vouchedBy: 'us' }, owner: verified.owner }
    // A source over UDP is what the sender wrote there: who has an account may write another's (decision 0093).
    if (incoming.flow.reliable || verified.isThere) incoming.flow.known = true
    const isOwn = verified.name.key === from.key || verified.owner.key === from.key
    const { directory } = this.#service
    // Who sends something need not be registered: their account is to be in memory all the same, for its script and its history.
    const needed = isOwn ? verified.owner : from
    if (directory.resident(needed) === undefined) incoming.keep()
    directory.find(needed, (found) => {
      if (found === 'fault') incoming.answer(500)
      else if (isOwn || (found !== 'unknown' && found.address.key === verified.owner.key)) use(identity)
      else incoming.answer(403)
    })
  }

  #challenge(
    incoming: Incoming,
    as: 'user-agent-server' | 'proxy',
    realm: string,
    stale: boolean,
    algorithms?: readonly DigestHash[],
  ): void {
    this.#metrics.challenges.add()
    const { known, remote } = incoming.flow
    if (!known) this.#strangers.count('one source asks again and again and proves nothing', remote.address)
    const [status, name] =
      as === 'proxy' ? ([407, 'Proxy-Authenticate'] as const) : ([401, 'WWW-Authenticate'] as const)
    const order = algorithms ?? challengeOrder(headerValue(incoming.request, header.userAgent))
    const all = this.#digest
      .challenges(realm, stale, order, remote.address)
      .map((value) => [name, value] as const)
    const lines = isTooMuch(incoming, all) ? all.slice(0, 1) : all
    // RFC 3261 §8.2.7: an INVITE over UDP may say that it is from anywhere; its refusal is not sent again and again.
    if (incoming.request.method === 'INVITE' && !incoming.flow.reliable)
      incoming.answerStateless(status, lines)
    else incoming.answer(status, lines)
  }
}

/** LIMIT: an answer over UDP to where nobody has proved that they are is no more than so many times the request (as RFC 9000 §8.1). */
const amplificationMax = 3

/** Octets of a response beside what it copies of its request, and its challenges. */
const statusOctets = 120

/** Whether these lines would make much of little for somebody who may not have asked. */
export function isTooMuch({ request, flow }: Incoming, lines: readonly HeaderLine[]): boolean {
  if (flow.reliable || flow.known) return false
  let octets = request.bodyStart + statusOctets
  for (const [name, value] of lines) octets += name.length + String(value).length + 4
  return octets > amplificationMax * request.raw.length
}
