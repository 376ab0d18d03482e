// A client that has bound a resource: one device of a person. It takes the client's stanzas to their handlers, and it is the
// agent, watcher and contact agent through which the core reaches the client.
import { type Bytes, utf8 } from '#base'
import {
  type Account,
  type AgentCapabilities,
  type AuthorizationEvent,
  accepted,
  type Contact,
  type ContactAgent,
  type DeliveryAnswer,
  type DeliveryContext,
  type InboxAgent,
  type PresenceNotification,
  type Service,
  type WatcherAgent,
} from '#core'
import { type Address, type Condition, delivered, type Envelope, type Outcome, refused } from '#model'
import { type Element, escapeValue, type Frame, serialize } from '#wire/xml'
import { bareJid, fullJid, type Jid, parseJid } from './codec/jid.ts'
import { clientNamespace, clientStream } from './codec/namespaces.ts'
import type { Sink } from './codec/splice.ts'
import { type Stanza, stanzaOf } from './codec/stanza.ts'
import { errorElement, type StanzaError } from './codec/stanza-error.ts'
import type { StreamCondition } from './codec/stream-text.ts'
import { writeMessage, writePresenceChanges, writeTransit } from './delivery.ts'
import { StanzaEnvelope } from './envelope.ts'
import { streamErrorOf } from './errors.ts'
import { DirectedPresence, receivesDirected } from './handlers/directed-presence.ts'
import { handleIq } from './handlers/iq.ts'
import { handleMessage } from './handlers/message.ts'
import { endPresence, handlePresence } from './handlers/presence.ts'
import { pushRosterItem } from './handlers/roster.ts'
import { writeAuthorizationEvent } from './handlers/subscription.ts'
import type { XmppMetrics } from './metrics.ts'
import type { XmppSettings } from './settings.ts'

/** What a bound session needs of the stream below it. */
export interface Stream extends Sink {
  /** False once nothing that is written can arrive. */
  readonly isOpen: boolean
  /** Sends a stream error and ends the stream. */
  fail(condition: StreamCondition): void
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
  readonly stream: Stream
  readonly directed: DirectedPresence

  capabilities: AgentCapabilities = away
  /** RFC 6121 §2.2: it asked for the roster, and gets its pushes. */
  interested = false
  /** RFC 6121 §4.2: it sent presence without `to` and without type, and no goodbye since. */
  available = false
  carbons = false
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
  }) {
    const { account, resource, lang } = parts
    this.service = parts.service
    this.settings = parts.settings
    this.version = parts.version
    this.metrics = parts.metrics
    this.account = account
    this.id = resource
    this.domain = parts.domain
    this.stream = parts.stream
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

  /** Takes a stanza from the client. Hot path. */
  receive(frame: Frame): void {
    const stanza = stanzaOf(frame)
    if (stanza === undefined) {
      // RFC 6120 §4.8.3, §4.9.3.24
      return this.stream.fail(
        frame.namespace === clientNamespace ? 'unsupported-stanza-type' : 'invalid-namespace',
      )
    }
    const from = stanza.from
    // RFC 6120 §8.1.2.1: only its own full or bare address.
    if (from !== undefined && !this.#isOwn(from)) return this.stream.fail('invalid-from')
    this.metrics.stanzas[stanza.kind].add()
    if (stanza.kind === 'message') handleMessage(this, stanza)
    else if (stanza.kind === 'presence') handlePresence(this, stanza)
    else handleIq(this, stanza)
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
    if (!this.#ended) this.stream.writeUtf8(serialize(element, { outer: clientStream }))
  }

  /** Sends a stanza that is written already, whole. */
  sendWritten(stanza: Bytes): void {
    if (!this.#ended) this.stream.write(stanza)
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
    this.stream.writeUtf8(`${start}${serialize(errorElement(error), { outer: clientStream })}</${kind}>`)
  }

  // As an InboxAgent.

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    // What a dead connection can't take, another device or the store can.
    if (this.#ended || !this.stream.isOpen) {
      return answer({ kind: 'declined', condition: 'connection-failed' })
    }
    writeMessage(this, envelope, context)
    answer(accepted)
  }

  signOut(reason: Condition): void {
    this.stream.fail(streamErrorOf(reason))
  }

  forward(envelope: Envelope, answer: (outcome: Outcome) => void): void {
    if (this.#ended || !(envelope instanceof StanzaEnvelope))
      return answer(refused('temporarily-unavailable'))
    const refusal = this.#refusesTransit(envelope)
    if (refusal !== undefined) return answer(refused(refusal))
    const { head, stanza } = envelope
    // RFC 6121 §4.6.1: who says goodbye need not hear ours.
    if (stanza.kind === 'presence' && stanza.type === 'unavailable')
      this.directed.delete(head.from, head.fromAgent)
    writeTransit(this, envelope)
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
    writePresenceChanges(this, notification)
  }

  terminated(): void {
    // An XMPP session has no leased subscriptions.
  }

  // As a ContactAgent.

  contactChanged(address: Address, contact: Contact | undefined): void {
    // RFC 6121 §2.1.6: only interested resources are pushed to.
    if (this.interested && !this.#ended) pushRosterItem(this, address, contact)
  }

  authorizationEvent(event: AuthorizationEvent, from: Address, source: Envelope | undefined): void {
    if (!this.#ended) writeAuthorizationEvent(this, event, from, source)
  }

  /** The stream is over: everything that it stood for goes with it. */
  end(): void {
    if (this.#ended) return
    endPresence(this)
    this.#ended = true
    this.service.contacts.detach(this.account, this)
    this.service.messages.detach(this.account, this)
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
