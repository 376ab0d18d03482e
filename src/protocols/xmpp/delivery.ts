// What the core brings, written to a client: same protocol by splices on the octets, other protocols from their view.
import { type Bytes, utf8 } from '#base'
import type { DeliveryContext, PresenceNotification, TupleChange } from '#core'
import type { Address, Envelope, InstantMessage, LanguageText, PresenceDocument, Report } from '#model'
import { notesOfPersons } from '#wire/pidf'
import { type Element, escapeValue, Namespaces, serialize, xml } from '#wire/xml'
import { messageElement, presenceElement, reportElement } from './binding.ts'
import type { BoundSession } from './bound-session.ts'
import { bareJid, fullJid, parseJid } from './codec/jid.ts'
import {
  carbonsNamespace,
  clientNamespace,
  clientStream,
  delayNamespace,
  forwardNamespace,
  stanzaIdNamespace,
} from './codec/namespaces.ts'
import { ByteSink, type Sink, writeSpliced } from './codec/splice.ts'
import { StanzaEnvelope } from './envelope.ts'
import type { Fate } from './outgoing.ts'

const fromOnly: readonly string[] = ['from']
const nothing: readonly string[] = []
const insideForward = new Namespaces([['', forwardNamespace]])

/** Writes a message or report: as it is, as a late one, or as a carbon. Hot path where it came from XMPP. */
export function writeMessage(
  sink: Sink,
  session: BoundSession,
  envelope: Envelope,
  context: DeliveryContext,
): void {
  if (isCarbon(session, envelope, context)) return writeCarbon(sink, session, envelope, context)
  const appended = appendedText(session, context)
  if (envelope instanceof StanzaEnvelope) writeStanza(sink, session, envelope, appended, clientStream)
  else writeElement(sink, translated(session, envelope), appended)
}

/** XEP-0280: what this very device was not addressed by. */
function isCarbon(session: BoundSession, { head }: Envelope, context: DeliveryContext): boolean {
  if (context.copy === 'sent') return true
  if (head.toAgent === '' || head.toAgent === session.id || context.storedAt !== undefined) return false
  // Where the named device is gone, RFC 6121 §8.5.3.2.1 treats the message as one for the bare address.
  return session.account.inbox.named(head.toAgent) !== undefined
}

function writeStanza(
  sink: Sink,
  session: BoundSession,
  envelope: StanzaEnvelope,
  appended: string,
  within: Namespaces,
): void {
  const { frame } = envelope.stanza
  writeSpliced(sink, frame, {
    attributes: envelope.stamp,
    replaced: frame.findAttribute('from') < 0 ? nothing : fromOnly,
    cut: forgedChildren(session, envelope),
    appended,
    within,
  })
}

/** XEP-0359 §3: an id that claims to be ours and is not must not reach the client; nor a carbon that we did not make (XEP-0280 §7). */
function forgedChildren(session: BoundSession, envelope: StanzaEnvelope): readonly number[] {
  const claims = envelope.claims()
  return claims.length === 0
    ? noChildren
    : claims.filter(({ isCarbon, by }) => isCarbon || isOwnBare(session, by)).map(({ child }) => child)
}

/** XEP-0359 §3: addresses are compared as prepared ones, so that no other spelling of ours gets through. */
function isOwnBare(session: BoundSession, by: string | undefined): boolean {
  if (by === undefined || by === session.bare) return by !== undefined
  const jid = parseJid(by)
  return jid !== undefined && jid.resource === '' && jid.address.key === session.owner.key
}

const noChildren: readonly number[] = []

/** The delay stamp of a stored message (XEP-0203 §4) and its id in the archive (XEP-0359 §3). */
function appendedText(session: BoundSession, { archiveId, storedAt }: DeliveryContext): string {
  let appended = ''
  if (storedAt !== undefined) {
    const stamp = new Date(storedAt).toISOString()
    appended += `<delay xmlns='${delayNamespace}' from='${escapeValue(session.owner.domain)}' stamp='${stamp}'/>`
  }
  if (archiveId !== '') {
    appended += `<stanza-id xmlns='${stanzaIdNamespace}' by='${escapeValue(session.bare)}' id='${archiveId}'/>`
  }
  return appended
}

/** A message or report of another protocol. Same-protocol traffic never comes here. */
function translated(session: BoundSession, envelope: Envelope): Element {
  const { head } = envelope
  if (head.kind === 'report') return reportElement(head, envelope.view() as Report, session.full)
  const now = session.service.clock.now()
  return messageElement(head, envelope.view() as InstantMessage, fullJid(head.to, head.toAgent), now)
}

function writeElement(sink: Sink, element: Element, appended: string): void {
  sink.writeUtf8(withAppended(element, appended, clientStream))
}

/** The element with what is appended as its last children. */
function withAppended(element: Element, appended: string, outer: Namespaces): string {
  const text = serialize(element, { outer })
  if (appended === '') return text
  if (text.endsWith('/>')) return `${text.slice(0, -2)}>${appended}</${element.name}>`
  return `${text.slice(0, -element.name.length - 3)}${appended}</${element.name}>`
}

/** XEP-0280 §7, §8: the stanza whole inside one of ours. */
function writeCarbon(sink: Sink, session: BoundSession, envelope: Envelope, context: DeliveryContext): void {
  if (envelope.head.kind === 'report') return
  const isStanza = envelope instanceof StanzaEnvelope
  const type = isStanza ? envelope.stanza.type : 'chat'
  const typeText = type === undefined ? '' : ` type='${escapeValue(type)}'`
  const addresses = `from='${escapeValue(session.bare)}' to='${escapeValue(session.full)}'`
  const appended = appendedText(session, context)
  sink.writeUtf8(
    `<message xmlns='${clientNamespace}' ${addresses}${typeText}><${context.copy} xmlns='${carbonsNamespace}'>` +
      `<forwarded xmlns='${forwardNamespace}'>`,
  )
  if (isStanza) writeStanza(sink, session, envelope, appended, insideForward)
  else sink.writeUtf8(withAppended(translated(session, envelope), appended, insideForward))
  sink.writeUtf8(`</forwarded></${context.copy}></message>`)
}

/** A message of the archive as it stands within <forwarded/> (XEP-0297 §3.1): as it came, without what claims to be our id. */
export function writeArchived(sink: Sink, session: BoundSession, envelope: Envelope): void {
  if (envelope instanceof StanzaEnvelope) writeStanza(sink, session, envelope, '', insideForward)
  else sink.writeUtf8(serialize(translated(session, envelope), { outer: insideForward }))
}

/** IQ and directed presence: the stanza with its `from`. */
export function writeTransit(sink: Sink, envelope: StanzaEnvelope): void {
  const { frame } = envelope.stanza
  writeSpliced(sink, frame, {
    attributes: envelope.stamp,
    replaced: frame.findAttribute('from') < 0 ? nothing : fromOnly,
  })
}

export interface Rendered {
  readonly bytes: Bytes
  /** Where the watcher's ` to='...'` goes. */
  readonly split: number
  readonly fate: Fate
}

const renderedKey = Symbol('xmpp presence')
const presenceTag = '<presence'

/** RFC 6121 §4.2.2, §4.4.2, §4.5.2: each change, rendered once for all clients of the class. */
export function writePresenceChanges(
  session: BoundSession,
  notification: PresenceNotification,
  probeId?: string,
): void {
  const { outgoing } = session
  const rendered = renderedChanges(notification)
  if (rendered.length === 0 && notification.full && notification.presentity.key !== session.owner.key) {
    // RFC 6121 §4.3.2: nobody is there.
    const from = escapeValue(bareJid(notification.presentity))
    // RFC 6121 §4.3.2.1: the id of the probe, where a probe it was.
    const id = probeId === undefined ? '' : ` id='${escapeValue(probeId)}'`
    outgoing
      .begin()
      .writeUtf8(`<presence from='${from}' to='${escapeValue(session.bare)}'${id} type='unavailable'/>`)
    outgoing.end()
  }
  for (const { bytes, split, fate } of rendered) {
    const sink = outgoing.begin()
    sink.write(bytes.subarray(0, split))
    sink.write(session.toAttribute)
    sink.write(bytes.subarray(split))
    outgoing.end(fate)
  }
}

/** Each change as a stanza of a stream whose content namespace is inherited, without `to`: made once for all who are told. */
export function renderedChanges(notification: PresenceNotification): readonly Rendered[] {
  return notification.once(renderedKey, () => render(notification))
}

function render(notification: PresenceNotification): readonly Rendered[] {
  return notification.changes.map((change) => {
    const isStanza = change.source instanceof StanzaEnvelope && notification.visibility === 'full'
    // A newer presence of the same resource makes an older one needless.
    const fate = { replaces: `presence ${notification.presentity.key}/${change.tuple}` }
    if (isStanza) return { ...renderStanza(change.source as StanzaEnvelope), fate }
    return { ...renderTuple(notification, change), fate }
  })
}

/** What a stanza that was kept declares is in force wherever it is written. */
const presenceReplaced: readonly string[] = ['from', 'to', 'xmlns']

function renderStanza({ stanza, stamp }: StanzaEnvelope): Omit<Rendered, 'fate'> {
  const sink = new ByteSink()
  writeSpliced(sink, stanza.frame, { attributes: stamp, replaced: presenceReplaced })
  return { bytes: sink.bytes(), split: stanza.frame.nameEnd - stanza.frame.start + stamp.length }
}

function fromAttribute(presentity: Address, tuple: string): Bytes {
  return utf8(` from='${escapeValue(fullJid(presentity, tuple))}'`)
}

function renderTuple(
  notification: PresenceNotification,
  { kind, tuple }: TupleChange,
): Omit<Rendered, 'fate'> {
  const document = kind === 'removed' ? undefined : notification.document()
  const own = document?.tuples.find(({ id }) => id === tuple)
  const element = presenceElement(
    notification.presentity,
    tuple,
    own,
    document === undefined ? [] : notesOf(document),
  )
  const split = presenceTag.length + fromAttribute(notification.presentity, tuple).length
  return { bytes: utf8(serialize(element, { outer: clientStream })), split }
}

/** What is said of the person as a whole (RFC 4479 §3.2), where its device says nothing. */
function notesOf(document: PresenceDocument): readonly LanguageText[] {
  return document.notes.length > 0 ? document.notes : notesOfPersons(document)
}

/** The <query/> that a few answers share. */
export function resultElement(
  id: string,
  from: string,
  to: string,
  ...children: readonly Element[]
): Element {
  return xml('iq', clientNamespace, { type: 'result', id, from, to }, ...children)
}
