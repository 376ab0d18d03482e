// One registered phone, an agent of its owner's inbox: a MESSAGE is sent to it, and its answer becomes an Outcome.

import { randomId } from '#base'
import {
  type AgentCapabilities,
  accepted,
  type DeliveryAnswer,
  type DeliveryContext,
  type InboxAgent,
  type Lease,
} from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type InstantMessage,
  type Outcome,
  type Report,
  refused,
  relayed,
  sipUri,
} from '#model'
import { isTold, notification } from './binding-imdn.ts'
import { type MessageParts, messageParts, SipMessageEnvelope } from './binding-message.ts'
import { registeredPresence, type SipPresenceEnvelope } from './binding-presence.ts'
import { SipTransitEnvelope } from './binding-transit.ts'
import { encodeRequest } from './codec/encode.ts'
import { contentTypeText } from './codec/headers.ts'
import { cpimMediaType, type Imdn } from './codec/imdn.ts'
import type { SipRequest } from './codec/message.ts'
import type { Param } from './codec/params.ts'
import { forwardedRequest } from './codec/splice.ts'
import { formatSipUri, type SipUri, uriParam } from './codec/uri.ts'
import { type SipContext, viaFor } from './context.ts'
import { Delivery, declined } from './delivery.ts'
import { type Flow, isSecureTransport } from './flow.ts'

/** LIMIT: types of content that a phone has refused and that are remembered. */
const refusedTypesMax = 32

/** RFC 3261 §18.1.1, RFC 3428 §8: what is larger goes over a congestion-controlled transport. */
const datagramBytesMax = 1300

export interface ContactFacts {
  /** The Contact's URI as it came, and taken apart. */
  readonly uri: string
  readonly parsed: SipUri
  /** 0 to 1. */
  readonly q: number
  readonly flow: Flow
  /** Path values in order, which become Route (RFC 3327 §5.1). */
  readonly path: readonly string[]
  readonly callId: string
  readonly cseq: number
  /** +sip.instance (RFC 5626 §4.1), where it gave one. */
  readonly instance: string | undefined
  /** reg-id: which of the flows of its instance this is; undefined without outbound (RFC 5626 §4.2). */
  readonly regId: number | undefined
  /** Its other parameters as they came, which are given back (RFC 5626 §6: "all the Contact header field parameters"). */
  readonly params: readonly Param[]
  /** False when its Allow or its methods parameter leaves MESSAGE out (RFC 3840 §10.1). */
  readonly takesMessages: boolean
  /** True when its Accept names Message/CPIM. */
  readonly readsCpim: boolean
}

/** One way to a phone: RFC 5626 gives an instance several, each with a lease of its own. */
export interface Registration {
  facts: ContactFacts
  lease: Lease | undefined
  /** Clock.now() when it began. */
  readonly since: number
  /** It was registered more than once. */
  renewed: boolean
}

export const newRegistration = ({ service }: SipContext, facts: ContactFacts): Registration => ({
  facts,
  lease: undefined,
  since: service.clock.now(),
  renewed: false,
})

export class RegisteredContact implements InboxAgent {
  readonly protocol = 'sip'
  readonly owner: Address
  readonly id: string
  capabilities: AgentCapabilities
  /** The one that came last is first. Never empty. */
  registrations: readonly Registration[]
  /** What its temporary GRUUs hold, renewed with its Call-ID (RFC 5627 §5.1). */
  epoch: string | undefined
  /** True while a PUBLISH of this phone says its presence. */
  published = false
  /** Whether it was seen to read Message/CPIM: it said so in Accept, or wrote one itself (decision 0095). */
  readsCpim = false
  readonly #context: SipContext
  readonly #refusedTypes = new Set<string>()

  constructor(context: SipContext, owner: Address, id: string, facts: ContactFacts) {
    this.#context = context
    this.owner = owner
    this.id = id
    this.registrations = [newRegistration(context, facts)]
    this.capabilities = capabilitiesOf(facts)
  }

  /** The way that is taken first. */
  get facts(): ContactFacts {
    return this.registrations[0]!.facts
  }

  /** The ways that are open, the one to be taken first at first (RFC 5626 §7: one at a time). */
  get ways(): ContactFacts[] {
    const { facts } = this
    if (this.registrations.length === 1) return facts.flow.open ? [facts] : []
    return this.registrations.map(({ facts }) => facts).filter(({ flow }) => flow.open)
  }

  /** What it says by being registered, where it publishes nothing. */
  registeredPresence(): SipPresenceEnvelope {
    return registeredPresence(this.owner, this.id, this.facts.uri)
  }

  get contactUri(): string {
    return this.facts.uri
  }

  get keepsOrder(): boolean {
    return this.facts.flow.reliable
  }

  /** A registration came again: what was learnt from refusals is forgotten, for the phone may have changed. */
  refresh(registration: Registration, facts: ContactFacts): void {
    registration.facts = facts
    this.registrations = [registration, ...this.registrations.filter((one) => one !== registration)]
    this.capabilities = capabilitiesOf(facts)
    if (facts.readsCpim) this.readsCpim = true
    this.#refusedTypes.clear()
  }

  /** One way of it is over; false when that was the last. */
  drop(registration: Registration): boolean {
    const left = this.registrations.filter((one) => one !== registration)
    registration.lease?.cancel()
    if (left.length === 0) return false
    this.registrations = left
    return true
  }

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    // A SIP phone has no way to show what its owner sent from elsewhere; no core offers it, `sentCopies` being false.
    if (context.copy === 'sent') return answer(declined('not-acceptable'))
    // That a message arrived is a hint which a phone did not ask for, and may be lost; that it failed is not, and waits for a
    // device that can show it.
    if (envelope.head.kind === 'report' && !this.#shows(envelope.view() as Report))
      return answer(
        (envelope.view() as Report).event === 'failed' ? declined('content-not-understood') : accepted,
      )
    const isSip = envelope instanceof SipMessageEnvelope
    const live = isSip && context.storedAt === undefined ? envelope.live : undefined
    const parts = live === undefined ? this.#partsOf(envelope, context) : undefined
    if (live === undefined && parts === undefined) return answer(unshown(envelope))
    if (this.#refusedTypes.size > 0 && this.#refusedTypes.has(essence(typeOf(envelope, parts))))
      return answer(declined('content-not-understood'))
    // RFC 3261 §26.2.2: a sips URI is for TLS on every hop.
    const mustBeSecure = isSip && isSecure(envelope.request)
    const ways = this.ways.filter(({ flow }) => !mustBeSecure || isSecureTransport(flow.transport))
    if (ways.length === 0) return answer(declined(mustBeSecure ? 'not-acceptable' : 'connection-failed'))
    if (envelope.head.hops <= 0)
      return answer({ kind: 'refused', outcome: { kind: 'refused', condition: 'too-many-hops' } })
    if (ways.length === 1) return this.#deliverBy(ways[0]!, envelope, context, parts, answer)
    this.#deliverByOneOf(ways, envelope.keep(), context, answer)
  }

  /** RFC 5626 §7: where a way fails, "replace the failed branch with another target [of the same] instance-id". */
  #deliverByOneOf(
    [way, ...others]: ContactFacts[],
    envelope: Envelope,
    context: DeliveryContext,
    answer: (answer: DeliveryAnswer) => void,
  ): void {
    if (way === undefined) return answer(declined('connection-failed'))
    const isLive =
      envelope instanceof SipMessageEnvelope && context.storedAt === undefined && envelope.live !== undefined
    const parts = isLive ? undefined : this.#partsOf(envelope, context)
    this.#deliverBy(way, envelope, context, parts, (said) => {
      if (others.length > 0 && said.kind === 'declined' && isOfTheWay(said.condition))
        this.#deliverByOneOf(others, envelope, context, answer)
      else answer(said)
    })
  }

  #deliverBy(
    way: ContactFacts,
    envelope: Envelope,
    context: DeliveryContext,
    parts: MessageParts | undefined,
    answer: (answer: DeliveryAnswer) => void,
  ): void {
    const isSip = envelope instanceof SipMessageEnvelope
    const live = isSip && context.storedAt === undefined ? envelope.live : undefined
    const delivery = new Delivery(this.#context, this, live, () => typeOf(envelope, parts), answer)
    const { flow } = way
    const branch = this.#context.layer.newBranch()
    const octets =
      isSip && live !== undefined
        ? this.#forwarded(envelope, way, flow, branch)
        : this.#written(envelope, parts, way, flow, branch)
    if (octets === undefined) return answer(unshown(envelope))
    if (!wantsConnection(way, octets.length)) return delivery.send(flow, branch, octets)
    const kept = envelope.keep()
    this.#context.transport.streamFlow(flow.remote, (stream) => {
      // "If this causes [...] the connection attempt [to fail], the element SHOULD retry [...] using UDP" (RFC 3261 §18.1.1).
      if (stream === undefined) return delivery.send(flow, branch, octets)
      const again =
        isSip && live !== undefined
          ? this.#forwarded(kept as SipMessageEnvelope, way, stream, branch)
          : this.#written(kept, this.#partsOf(kept, context), way, stream, branch)
      if (again === undefined) answer(unshown(kept))
      else delivery.send(stream, branch, again)
    })
  }

  /** A word of ours about a message that this phone sent (RFC 5438 §8.1). Lost, it is not said again. */
  tell(imdn: Imdn, from: Address, sent: number): void {
    const { flow, path } = this.facts
    const { layer } = this.#context
    if (!flow.open || !this.capabilities.messages) return
    const { type, bytes } = notification(imdn, from, this.owner, randomId(), sent)
    const branch = layer.newBranch()
    const octets = encodeRequest({
      method: 'MESSAGE',
      uri: targetOf(this.facts),
      via: viaFor(flow, branch),
      from: `<${sipUri(from)}>;tag=${layer.newTag()}`,
      to: `<${sipUri(this.owner)}>`,
      callId: randomId(),
      cseq: 1,
      routes: path,
      contentType: type,
      body: bytes,
    })
    layer.request(flow, 'MESSAGE', branch, octets, { onResponse: () => {}, onFailure: () => {} })
  }

  /** What is neither message nor presence: the proxy, which asked whether it may, sends it (RFC 3261 §16). */
  forward(envelope: Envelope, answer: (outcome: Outcome) => void): void {
    if (!(envelope instanceof SipTransitEnvelope)) return answer(refused('operation-not-supported'))
    envelope.reached(this)
    answer(relayed)
  }

  /** RFC 5627 §1: a GRUU leads to one phone, so other phones are left in peace (decision 0097). */
  wantsCopyOf({ protocol }: InboxAgent): boolean {
    return protocol !== 'sip'
  }

  signOut(_reason: Condition): void {
    // SIP has no word for it: the next REGISTER is refused (RFC 3261 §10.3).
    this.#context.registrar.remove(this, 'rejected')
  }

  /** The phone refused by method: no message is offered until it registers again. */
  takesNoMessages(): void {
    this.capabilities = { ...this.capabilities, messages: false }
  }

  /** It did not answer: it is away until it registers again, unless it has another way. */
  wasSilent(): void {
    if (this.registrations.length === 1) this.takesNoMessages()
  }

  /** The phone refused this type of content. */
  refusesType(type: string): void {
    if (this.#refusedTypes.size < refusedTypesMax) this.#refusedTypes.add(essence(type))
  }

  /** The sender's own octets with the hop's fields put in (RFC 3261 §16.6). */
  #forwarded(
    envelope: SipMessageEnvelope,
    way: ContactFacts,
    flow: Flow,
    branch: string,
  ): Buffer | undefined {
    const { incoming } = envelope.live!
    return forwardedRequest(envelope.request, {
      uri: targetOf(way),
      via: viaFor(flow, branch),
      topVia: incoming.parts.via,
      stamp: incoming.stamp,
      routesDropped: Number.POSITIVE_INFINITY,
      routes: way.path,
      consumedRealm: envelope.head.from.domain,
      unasserted: !incoming.isAsserted,
    })
  }

  /** A MESSAGE of our own, for what came by another protocol or out of the store (RFC 3428 §4, RFC 7572 §4). */
  #written(
    envelope: Envelope,
    parts: MessageParts | undefined,
    way: ContactFacts,
    flow: Flow,
    branch: string,
  ): Buffer | undefined {
    if (parts === undefined) return undefined
    return encodeRequest({
      ...parts,
      method: 'MESSAGE',
      uri: targetOf(way),
      via: viaFor(flow, branch),
      // RFC 3428 §8.2 wants no loops of messages over gateways: hops go on.
      maxForwards: Math.min(70, envelope.head.hops),
      from: `${parts.from};tag=${this.#context.layer.newTag()}`,
      cseq: 1,
      routes: way.path,
    })
  }

  #partsOf(envelope: Envelope, { storedAt }: DeliveryContext): MessageParts | undefined {
    const now = this.#context.service.clock.now()
    return messageParts(envelope, { now, storedAt, readsCpim: this.#takesCpim })
  }

  get #takesCpim(): boolean {
    return this.readsCpim && !this.#refusedTypes.has(cpimMediaType)
  }

  /** RFC 5438 §8.2: a failure is told who asked to hear of it. */
  #shows(report: Report): boolean {
    return this.#takesCpim && isTold(report)
  }
}

/** The Request-URI that leads to it: "Any headers present MUST be removed", and method (RFC 3261 §16.6 step 2, §19.1.5). */
export function targetOf({ uri, parsed }: ContactFacts): string {
  if (parsed.headers === undefined && uriParam(parsed, 'method') === undefined) return uri
  return formatSipUri({
    ...parsed,
    headers: undefined,
    params: parsed.params.filter(({ name }) => name !== 'method'),
  })
}

/** RFC 3261 §18.1.1: too large for a datagram, and the phone's own address is one that can be called. */
export function wantsConnection({ flow, parsed, path }: ContactFacts, octets: number): boolean {
  if (flow.reliable || octets <= datagramBytesMax || path.length > 0) return false
  const host = parsed.host.replace(/^\[|\]$/g, '')
  return host === flow.remote.address && uriParam(parsed, 'transport')?.toLowerCase() !== 'udp'
}

/** A refusal that says something of the way, not of the phone. */
const isOfTheWay = (condition: Condition): boolean =>
  condition === 'connection-failed' || condition === 'remote-timeout'

/** Nothing that a phone could show: a hint may be lost, and a receipt; anything else waits for a device that can. */
function unshown(envelope: Envelope): DeliveryAnswer {
  const { receiptFor, displayedFor } = envelope.view() as InstantMessage
  const isHint =
    envelope.head.whenAbsent !== 'store' || receiptFor !== undefined || displayedFor !== undefined
  return isHint ? accepted : declined('content-not-understood')
}

/** The type of content that a phone is offered. */
function typeOf(envelope: Envelope, parts: MessageParts | undefined): string {
  if (parts !== undefined) return parts.contentType
  return envelope instanceof SipMessageEnvelope ? (contentTypeText(envelope.request) ?? '') : ''
}

/** The Request-URI is a sips one. */
const isSecure = ({ head, uriStart }: SipRequest): boolean =>
  head.charCodeAt(uriStart + 4) === 0x3a && (head.charCodeAt(uriStart + 3) | 0x20) === 0x73

const essence = (type: string): string => (type.split(';', 1)[0] ?? '').trim().toLowerCase()

function capabilitiesOf(facts: ContactFacts): AgentCapabilities {
  return {
    messages: facts.takesMessages,
    priority: Math.round(facts.q * 127),
    receivedCopies: true,
    sentCopies: false,
  }
}
