// One MESSAGE on its way to another domain, and what the answer means: from a SIP party its own octets, proxied, and the far end's answer is
// its sender's (RFC 3261 §16.6, §16.7); from others one that we write (RFC 3428 §4, RFC 7572 §4).

import { delivered, type Envelope, type Outcome, refused, sipUri } from '#model'
import { outcomeOf, refusalIn } from '../binding-domains.ts'
import { type MessageParts, SipMessageEnvelope } from '../binding-message.ts'
import { Outgoing, type OutgoingUser } from '../client/outgoing.ts'
import type { UserAgent } from '../client/user-agent.ts'
import { encodeRequest } from '../codec/encode.ts'
import { requestUri, type SipResponse } from '../codec/message.ts'
import { forwardedRequest, forwardedResponse } from '../codec/splice.ts'
import type { Via } from '../codec/via.ts'
import { viaFor } from '../context.ts'
import type { Flow } from '../flow.ts'
import { loopMark } from '../proxy/loop-mark.ts'
import { type SetTimer, TimerQueues } from '../transaction/timer-queues.ts'

/** Octets that a hop adds at most. */
const hopOctets = 400

export class RelayedMessage implements OutgoingUser {
  readonly #agent: UserAgent
  readonly #envelope: Envelope
  readonly #parts: MessageParts | undefined
  readonly #outgoing: Outgoing
  #onOutcome: ((outcome: Outcome) => void) | undefined
  #deadline: SetTimer | undefined
  /** By which it went last, and when. */
  #flow: Flow | undefined
  #sent = 0
  #heard = false

  /** @param parts undefined: the sender's own octets go */
  constructor(
    agent: UserAgent,
    envelope: Envelope,
    parts: MessageParts | undefined,
    onOutcome: (outcome: Outcome) => void,
  ) {
    const { head } = envelope
    const { layer } = agent.environment
    this.#agent = agent
    this.#envelope = envelope
    this.#parts = parts
    this.#onOutcome = onOutcome
    const ends = { ours: head.from.domain, theirs: head.to.domain }
    const size = (parts?.body.length ?? head.size) + hopOctets
    const tag = layer.newTag()
    this.#outgoing = new Outgoing({
      layer,
      reach: agent.reach,
      journey: agent.reach.journey({ ...ends, size, uri: this.#target }),
      theirs: ends.theirs,
      method: 'MESSAGE',
      write: (flow, branch) => {
        this.#flow = flow
        this.#sent = agent.environment.service.clock.monotonic()
        return parts === undefined ? this.#forwarded(flow, branch) : this.#written(parts, tag, flow, branch)
      },
      ...(this.#live === undefined
        ? {}
        : { mark: loopMark(this.#live.incoming.request, this.#live.incoming.parts) }),
      user: this,
    })
  }

  begin(): void {
    const { layer, settings } = this.#agent.environment
    this.#deadline = layer.timers.arm(this, 'answer', settings.domainAnswerSeconds * 1000)
    this.#outgoing.begin()
  }

  onResponse(response: SipResponse, via: Via): void {
    this.#heard = true
    const { status } = response
    if (status < 200) return
    const live = this.#live
    if (live === undefined || status === 503) return this.#settle(outcomeOf(response))
    const octets = forwardedResponse(response, via)
    if (status < 300) {
      live.response ??= { status, octets }
      return this.#settle(delivered)
    }
    this.#settle({ ...refusalIn(response), detail: { protocol: 'sip', code: status, raw: octets } })
  }

  onFailure(failure: 'timeout' | 'unreachable'): void {
    this.#settle(failure === 'unreachable' ? refused('connection-failed') : this.#silence())
  }

  /** Its sender must not wait longer (RFC 4320 §4.2). */
  fired(): void {
    if (this.#onOutcome === undefined) return
    this.#outgoing.drop()
    this.#agent.reach.failed(this.#envelope.head.to.domain, 'no answer came in time')
    this.#agent.reach.ways.silentSince(this.#flow, this.#sent)
    this.#settle(this.#flow === undefined ? refused('connection-failed') : this.#silence())
  }

  /** Their server said something meanwhile, if not this: one person of theirs does not answer, and nobody else's messages wait for that. */
  #silence(): Outcome {
    const lastMessage = (this.#flow as { readonly lastMessage?: number } | undefined)?.lastMessage ?? 0
    const isThere = this.#heard || lastMessage > this.#sent
    return refused(isThere ? 'temporarily-unavailable' : 'remote-timeout')
  }

  get #live(): SipMessageEnvelope['live'] {
    return this.#parts === undefined && this.#envelope instanceof SipMessageEnvelope
      ? this.#envelope.live
      : undefined
  }

  /** Where its sender wrote it to: a sips URI, or one with a port, leads another way than the domain's name. */
  get #target(): string | undefined {
    return this.#live === undefined ? undefined : (this.#sentOn ?? requestUri(this.#live.incoming.request))
  }

  /** Where a script sends it on to: it is for somebody else now. */
  get #sentOn(): string | undefined {
    const { divertedFrom, to } = this.#envelope.head
    return divertedFrom === undefined ? undefined : sipUri(to)
  }

  #forwarded(flow: Flow, branch: string): Buffer | undefined {
    const live = this.#live
    if (live === undefined) return undefined
    const { incoming } = live
    return forwardedRequest((this.#envelope as SipMessageEnvelope).request, {
      uri: this.#sentOn,
      via: viaFor(flow, branch),
      topVia: incoming.parts.via,
      stamp: incoming.stamp,
      routesDropped: Number.POSITIVE_INFINITY,
      consumedRealm: this.#envelope.head.from.domain,
      unasserted: true,
    })
  }

  #written(parts: MessageParts, tag: string, flow: Flow, branch: string): Buffer {
    const { head } = this.#envelope
    return encodeRequest({
      ...parts,
      method: 'MESSAGE',
      uri: sipUri(head.to),
      via: viaFor(flow, branch),
      // RFC 3428 §8.2 wants no loops of messages over gateways: hops go on.
      maxForwards: Math.min(70, head.hops - 1),
      from: `${parts.from};tag=${tag}`,
      cseq: 1,
    })
  }

  #settle(outcome: Outcome): void {
    const tell = this.#onOutcome
    this.#onOutcome = undefined
    if (this.#deadline !== undefined) TimerQueues.cancel(this.#deadline)
    tell?.(outcome)
  }
}
