// A client that has bound a resource: one device of a person. It takes the client's stanzas to their handlers, and it is the
// agent, watcher and contact agent through which the core reaches the client.
import { type Bytes, utf8 } from '#base'
import {
  type AccessRules,
  type Account,
  type AgentCapabilities,
  type AuthorizationEvent,
  accepted,
  type Contact,
  type ContactAgent,
  type DeliveryAnswer,
  type DeliveryContext,
  held,
  type InboxAgent,
  type Lease,
  type PresenceNotification,
  type Service,
  type WatcherAgent,
} from '#core'
import { type Address, type Condition, delivered, type Envelope, type Outcome, refused } from '#model'
import { type Element, escapeValue, type Frame, serialize } from '#wire/xml'
import { bareJid, fullJid, type Jid, parseJid } from './codec/jid.ts'
import { clientNamespace, clientStream } from './codec/namespaces.ts'
import { type Stanza, stanzaOf } from './codec/stanza.ts'
import { errorElement, type StanzaError } from './codec/stanza-error.ts'
import { tooMuchText, unstanzaOf } from './codec/stream-management.ts'
import type { StreamCondition } from './codec/stream-text.ts'
import { writeMessage, writePresenceChanges, writeTransit } from './delivery.ts'
import { StanzaEnvelope } from './envelope.ts'
import { streamErrorOf } from './errors.ts'
import { fateOfMessage, fateOfTransit } from './fate.ts'
import type { Handled } from './handled.ts'
import { hasBlocked, pushRules, refuseToBlocked } from './handlers/blocking.ts'
import { DirectedPresence, receivesDirected } from './handlers/directed-presence.ts'
import { handleIq } from './handlers/iq.ts'
import { handleMessage } from './handlers/message.ts'
import { endPresence, handlePresence } from './handlers/presence.ts'
import { pushRosterItem } from './handlers/roster.ts'
import { writeAuthorizationEvent } from './handlers/subscription.ts'
import { handleUnstanza } from './handlers/unstanza.ts'
import type { XmppMetrics } from './metrics.ts'
import { type ClientStream, Outgoing } from './outgoing.ts'
import type { Resumptions } from './resumptions.ts'
import type { XmppSettings } from './settings.ts'
import { StreamManagement } from './stream-management.ts'

/** What a bound session needs of the stream below it. */
export interface Stream extends ClientStream {
  /** Sends a stream error, with more beside its condition, and ends the stream and the session with it. */
  fail(condition: StreamCondition, more?: string): void
  /** The session goes on with another stream: this one ends with `conflict` (XEP-0198 §5). */
  replaced(): void
}

const away: AgentCapabilities = { messages: false, priority: 0, receivedCopies: false, sentCopies: false }

export class BoundSession implements InboxAgent, WatcherAgent, ContactAgent {
  readonly protocol = 'xmpp'
  readonly keepsOrder = true
  readonly service: Service
  readonly settings: XmppSettings
  /** Of the server (XEP-0092). */
  readonly version: string
  readonly metrics: XmppMetrics
  readonly account: Account
  /** The resourcepart. */
  readonly id: string
  readonly bareJid: Jid
  /** The domain that the client connected to. */
  readonly domain: string
  /** As written on the wire. */
  readonly bare: string
  readonly full: string
  readonly #stamp: Bytes
  readonly #stampWithLang: Bytes | undefined
  /** ` to='...'` of what is broadcast to the client. */
  readonly toAttribute: Bytes
  readonly outgoing: Outgoing
  readonly directed: DirectedPresence
  readonly #resumptions: Resumptions
  /** Undefined while its client is away and awaited. */
  #stream: Stream | undefined
  #management: StreamManagement | undefined
  /** How long its client is awaited. */
  #awaiting: Lease | undefined

  capabilities: AgentCapabilities = away
  /** RFC 6121 §2.2: it asked for the roster, and gets its pushes. */
  interested = false
  /** RFC 6121 §4.2: it sent presence without `to` and without type, and no goodbye since. */
  available = false
  carbons = false
  /** XEP-0191 §3.3: it asked for the block list, and gets its pushes. */
  wantsBlockList = false
  #ended = false

  constructor(parts: {
    readonly service: Service
    readonly settings: XmppSettings
    readonly version: string
    readonly metrics: XmppMetrics
    readonly account: Account
    readonly resource: string
    readonly domain: string
    readonly lang: string | undefined
    readonly stream: Stream
    readonly resumptions: Resumptions
  }) {
    const { account, resource, lang } = parts
    this.service = parts.service
    this.settings = parts.settings
    this.version = parts.version
    this.metrics = parts.metrics
    this.account = account
    this.id = resource
    this.domain = parts.domain
    this.#stream = parts.stream
    this.#resumptions = parts.resumptions
    this.outgoing = new Outgoing({
      stream: parts.stream,
      now: () => parts.service.clock.now(),
      domain: parts.domain,
      onOverflow: () => this.#overflow(),
    })
    this.bareJid = { address: account.address, resource: '' }
    this.bare = bareJid(account.address)
    this.full = fullJid(account.address, resource)
    const from = ` from='${escapeValue(this.full)}'`
    this.#stamp = utf8(from)
    this.#stampWithLang = lang === undefined ? undefined : utf8(`${from} xml:lang='${escapeValue(lang)}'`)
    this.toAttribute = utf8(` to='${escapeValue(this.bare)}'`)
    this.directed = new DirectedPresence(parts.settings.directedPresenceMax)
  }

  get owner(): Address {
    return this.account.address
  }

  get watcher(): Address {
    return this.account.address
  }

  get ended(): boolean {
    return this.#ended
  }

  get management(): StreamManagement | undefined {
    return this.#management
  }

  /** True while it waits for its client to come back. */
  get isAway(): boolean {
    return this.#stream === undefined && !this.#ended
  }

  /** Which of the client's stanzas are handled; undefined where that is not counted. */
  get handled(): Handled | undefined {
    return this.#management?.handled
  }

  /** Takes a stanza from the client. Hot path. */
  receive(frame: Frame): void {
    const stanza = stanzaOf(frame)
    if (stanza === undefined) return this.#receiveOther(frame)
    const from = stanza.from
    // RFC 6120 §8.1.2.1: only its own full or bare address.
    if (from !== undefined && !this.#isOwn(from)) return this.fail('invalid-from')
    this.metrics.stanzas[stanza.kind].add()
    const management = this.#management
    if (management === undefined) return this.#handle(stanza)
    if (management.repeats.isAgain(stanza.id)) return
    management.handled.begin()
    this.#handle(stanza)
    management.handled.end()
    management.repeats.took(stanza.id, management.handled)
    management.took()
  }

  #handle(stanza: Stanza): void {
    if (this.account.rules.size > 0 && refuseToBlocked(this, stanza)) return
    if (stanza.kind === 'message') handleMessage(this, stanza)
    else if (stanza.kind === 'presence') handlePresence(this, stanza)
    else handleIq(this, stanza)
  }

  #receiveOther(frame: Frame): void {
    const unstanza = unstanzaOf(frame)
    if (unstanza !== undefined) return handleUnstanza(this, unstanza)
    // RFC 6120 §4.8.3, §4.9.3.24
    this.fail(frame.namespace === clientNamespace ? 'unsupported-stanza-type' : 'invalid-namespace')
  }

  /** Ends the session, with a word to its client where it has a stream. */
  fail(condition: StreamCondition, more?: string): void {
    if (this.#stream === undefined) this.end()
    else this.#stream.fail(condition, more)
  }

  #overflow(): void {
    this.metrics.overflows.add()
    this.fail('policy-violation', tooMuchText)
    this.end()
  }

  /** ` from='...'` (RFC 6120 §8.1.2.1), with the stream's xml:lang where the stanza has none (§4.7.4). */
  stampFor(stanza: Stanza): Bytes {
    return this.#stampWithLang === undefined || stanza.hasLang ? this.#stamp : this.#stampWithLang
  }

  #isOwn(from: string): boolean {
    if (from === this.full) return true
    const jid = parseJid(from)
    if (jid === undefined || jid.address.key !== this.owner.key) return false
    return jid.resource === '' || jid.resource === this.id
  }

  send(element: Element): void {
    if (this.#ended) return
    this.outgoing.begin().writeUtf8(serialize(element, { outer: clientStream }))
    this.outgoing.end()
  }

  /** What is no stanza, and not counted. */
  writeUnstanza(text: string): void {
    this.#stream?.writeUtf8(text)
  }

  /** Sends a stanza that is written already, whole. */
  sendWritten(stanza: Bytes): void {
    if (this.#ended) return
    this.outgoing.begin().write(stanza)
    this.outgoing.end()
  }

  /** Answers a stanza with an error (RFC 6120 §8.3.1); never one that is an error itself. */
  sendError(stanza: Stanza, error: StanzaError): void {
    if (stanza.type === 'error') return
    this.sendErrorFor(stanza.kind, stanza.id, stanza.to ?? this.bare, error)
  }

  /** The same when the stanza's octets are gone. */
  sendErrorFor(kind: string, id: string | undefined, from: string, error: StanzaError): void {
    if (this.#ended) return
    const idText = id === undefined ? '' : ` id='${escapeValue(id)}'`
    const start = `<${kind} type='error'${idText} from='${escapeValue(from)}' to='${escapeValue(this.full)}'>`
    const text = `${start}${serialize(errorElement(error), { outer: clientStream })}</${kind}>`
    this.outgoing.begin().writeUtf8(text)
    this.outgoing.end()
  }

  // As an InboxAgent.

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    const { outgoing } = this
    // What a dead connection can't take, another device or the store can.
    if (this.#ended || !outgoing.takesStanzas) {
      return answer({ kind: 'declined', condition: 'connection-failed' })
    }
    writeMessage(outgoing.begin(), this, envelope, context)
    if (outgoing.isStraight) {
      outgoing.end()
      return answer(accepted)
    }
    outgoing.end(fateOfMessage(envelope, context, answer))
    answer(outgoing.isManaged ? held : accepted)
  }

  signOut(reason: Condition): void {
    this.fail(streamErrorOf(reason))
  }

  forward(envelope: Envelope, answer: (outcome: Outcome) => void): void {
    if (this.#ended || !this.outgoing.takesStanzas || !(envelope instanceof StanzaEnvelope))
      return answer(refused('temporarily-unavailable'))
    const refusal = this.#refusesTransit(envelope)
    if (refusal !== undefined) return answer(refused(refusal))
    const { head, stanza } = envelope
    // RFC 6121 §4.6.1: who says goodbye need not hear ours.
    if (stanza.kind === 'presence' && stanza.type === 'unavailable')
      this.directed.delete(head.from, head.fromAgent)
    writeTransit(this.outgoing.begin(), envelope)
    this.outgoing.end(this.outgoing.isStraight ? undefined : fateOfTransit(this, envelope))
    answer(delivered)
  }

  /** RFC 6121 §8.5.3.1: a request from somebody who may not see the person must not show that they are here. */
  #refusesTransit({ head, stanza }: StanzaEnvelope): Condition | undefined {
    if (stanza.kind !== 'iq' || (stanza.type !== 'get' && stanza.type !== 'set')) return undefined
    if (head.from.key === this.owner.key) return undefined
    if (this.account.contacts.get(head.from.key)?.authorization.from === true) return undefined
    return receivesDirected(this, head.from, head.fromAgent) ? undefined : 'temporarily-unavailable'
  }

  // As a WatcherAgent.

  notify(notification: PresenceNotification): void {
    if (this.#ended) return
    // RFC 6121 §4.6.1, as for directed presence.
    for (const { kind, tuple } of notification.changes)
      if (kind === 'removed') this.directed.delete(notification.presentity, tuple)
    // XEP-0191 §3.3: nothing of a blocked one is shown.
    if (!hasBlocked(this, notification.presentity)) writePresenceChanges(this, notification)
  }

  terminated(): void {
    // An XMPP session has no leased subscriptions.
  }

  // As a ContactAgent.

  contactChanged(address: Address, contact: Contact | undefined): void {
    // RFC 6121 §2.1.6: only interested resources are pushed to.
    if (this.interested && !this.#ended) pushRosterItem(this, address, contact)
  }

  rulesChanged(before: AccessRules): void {
    if (!this.#ended) pushRules(this, before)
  }

  authorizationEvent(event: AuthorizationEvent, from: Address, source: Envelope | undefined): void {
    if (!this.#ended && !hasBlocked(this, from)) writeAuthorizationEvent(this, event, from, source)
  }

  // Its streams.

  /** Stream management begins (XEP-0198 §3), here or resumable later. */
  manage(resumable: { readonly id: string; readonly seconds: number } | undefined): void {
    const { service, settings } = this
    this.#management = new StreamManagement({ settings, leases: service.leases, resumable })
    if (resumable !== undefined) this.#resumptions.add(resumable.id, this)
    this.outgoing.manage(this.#management)
  }

  /** The stream broke: where the client may come back, the session waits for it (XEP-0198 §7); else it is over. */
  lost(): void {
    const resumable = this.#management?.resumable
    if (this.#ended || this.#stream === undefined) return
    if (resumable === undefined) return this.end()
    this.#stream = undefined
    this.metrics.awaited.add()
    this.outgoing.detach()
    this.#awaiting = this.service.leases.grant(resumable.seconds, () => this.end())
  }

  isOn(stream: Stream): boolean {
    return this.#stream === stream
  }

  /** The client wants to come back: the stream that it had, if we still think that it has one, is closed. */
  letGo(): void {
    const old = this.#stream
    this.lost()
    old?.replaced()
  }

  /** The client is back (XEP-0198 §5), having read so much of what it was sent, which must be possible. */
  resume(stream: Stream, h: number): void {
    const management = this.#management as StreamManagement
    this.letGo()
    this.#awaiting?.cancel()
    this.#stream = stream
    this.metrics.awaited.add(-1)
    this.metrics.resumed.add()
    management.acknowledged(h)
    stream.writeUtf8(management.resumedText())
    this.outgoing.attach(stream)
  }

  /** The session is over: everything that it stood for goes with it, and what its client has not acknowledged waits for another. */
  end(): void {
    if (this.#ended) return
    endPresence(this)
    this.#ended = true
    if (this.#stream === undefined) this.metrics.awaited.add(-1)
    this.#awaiting?.cancel()
    this.metrics.sessions.add(-1)
    this.service.contacts.detach(this.account, this)
    this.service.messages.detach(this.account, this)
    const id = this.#management?.resumable?.id
    if (id !== undefined) this.#resumptions.end(id, this.#management?.handled)
    this.outgoing.abandon()
  }

  /** Sets what the core knows of this device. */
  become(available: boolean, priority: number): void {
    this.available = available
    this.#capable(available && priority >= 0, priority)
  }

  setCarbons(enabled: boolean): void {
    this.carbons = enabled
    this.#capable(this.capabilities.messages, this.capabilities.priority)
  }

  #capable(messages: boolean, priority: number): void {
    this.capabilities = { messages, priority, receivedCopies: this.carbons, sentCopies: this.carbons }
  }
}
