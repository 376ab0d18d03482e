// What is written to another domain's server: same protocol by splices on the octets, other protocols from their view.
import { assert, type Bytes, utf8 } from '#base'
import type { AuthorizationEvent, PresenceNotification } from '#core'
import type { Address, Envelope, InstantMessage, Report } from '#model'
import { type Element, escapeText, escapeValue, frameDocument, isXmlFault, serialize } from '#wire/xml'
import { messageElement, reportElement } from '../binding.ts'
import { isInheriting, writeToServer } from '../codec/content-namespace.ts'
import { bareJid, fullJid, type Jid } from '../codec/jid.ts'
import { clientNamespace, clientStream } from '../codec/namespaces.ts'
import { ByteSink, writeSpliced } from '../codec/splice.ts'
import { type Stanza, stanzaOf, storedLimits } from '../codec/stanza.ts'
import { errorElement, type StanzaError } from '../codec/stanza-error.ts'
import { renderedChanges } from '../delivery.ts'
import { StanzaEnvelope } from '../envelope.ts'

/** A message, a report, or transit. Hot path where it came from XMPP. */
export function envelopeBytes(envelope: Envelope, now: number): Bytes {
  if (envelope instanceof StanzaEnvelope) {
    const { head, stanza, stamp } = envelope
    const sink = new ByteSink()
    writeToServer(sink, stanza, stamp, fullJid(head.from, head.fromAgent))
    return sink.bytes()
  }
  const { head } = envelope
  const to = fullJid(head.to, head.toAgent)
  return elementBytes(
    head.kind === 'report'
      ? reportElement(head, envelope.view() as Report, to)
      : messageElement(head, envelope.view() as InstantMessage, to, now),
  )
}

/**
 * A message of a session between two full JIDs, whatever its sender wrote of these, with the session's type and thread (UMPP §4.1). By
 * splices where it came from XMPP.
 */
export function sessionBytes(
  envelope: Envelope,
  { from, to, thread }: { readonly from: Jid; readonly to: Jid; readonly thread: string },
  now: number,
): Bytes {
  const { head } = envelope
  const sender = fullJid(from.address, from.resource)
  const recipient = fullJid(to.address, to.resource)
  if (head.kind === 'report') {
    const named = {
      ...head,
      from: from.address,
      fromAgent: from.resource,
      to: to.address,
      toAgent: to.resource,
    }
    return elementBytes(reportElement(named, envelope.view() as Report, recipient))
  }
  const frame = envelope instanceof StanzaEnvelope ? envelope.stanza.frame : undefined
  if (frame !== undefined && isInheriting(frame)) {
    const sink = new ByteSink()
    const cut: number[] = []
    for (let k = 0; k < frame.childCount; k++)
      if (frame.childName(k) === 'thread' && frame.childNamespace(k) === clientNamespace) cut.push(k)
    writeSpliced(sink, frame, {
      attributes: ` from='${escapeValue(sender)}' to='${escapeValue(recipient)}' type='chat'`,
      replaced: ['from', 'to', 'type', 'xmlns'],
      cut,
      appended: `<thread>${escapeText(thread)}</thread>`,
    })
    return sink.bytes()
  }
  const view = { ...(envelope.view() as InstantMessage), thread, kind: 'chat' } as const
  const named = { ...head, from: from.address, fromAgent: from.resource }
  return elementBytes(messageElement(named, view, recipient, now))
}

/** The stanza as if it had been written to that address: a session's own JID is nothing to a client. */
export function addressedTo(stanza: Stanza, { address, resource }: Jid): Stanza {
  const sink = new ByteSink()
  const attributes = ` to='${escapeValue(fullJid(address, resource))}'`
  writeSpliced(sink, stanza.frame, { attributes, replaced: ['to'] })
  const frame = frameDocument(sink.bytes(), { limits: storedLimits, outer: clientStream })
  assert(!isXmlFault(frame), 'a stanza stays one with another address')
  return stanzaOf(frame) ?? stanza
}

/** A stanza that came by another server's stream. */
export function stanzaBytes(stanza: Stanza, from: string): Bytes {
  const sink = new ByteSink()
  writeToServer(sink, stanza, utf8(` from='${escapeValue(from)}'`), from)
  return sink.bytes()
}

export function elementBytes(element: Element): Bytes {
  return utf8(serialize(element, { outer: clientStream }))
}

/** RFC 6121 §3: between bare addresses, with what its speaker put beside the word. */
export function wordBytes(
  event: AuthorizationEvent,
  from: Address,
  to: Address,
  source: Envelope | undefined,
): Bytes {
  const addresses = ` from='${escapeValue(bareJid(from))}' to='${escapeValue(bareJid(to))}'`
  if (!(source instanceof StanzaEnvelope) || source.stanza.type !== event)
    return utf8(`<presence${addresses} type='${event}'/>`)
  const sink = new ByteSink()
  writeSpliced(sink, source.stanza.frame, { attributes: addresses, replaced: ['from', 'to', 'xmlns'] })
  return sink.bytes()
}

/** RFC 6121 §4.3.1 */
export function probeBytes(from: Address, to: Address): Bytes {
  return utf8(
    `<presence from='${escapeValue(bareJid(from))}' to='${escapeValue(bareJid(to))}' type='probe'/>`,
  )
}

/** RFC 6121 §4.2.2, §4.3.2, §4.4.2: one stanza a change; rendered once for all watchers of the class. */
export function presenceBytes(
  notification: PresenceNotification,
  watcher: Address,
  probeId?: string,
): readonly Bytes[] {
  const to = escapeValue(bareJid(watcher))
  const rendered = renderedChanges(notification)
  if (rendered.length === 0 && notification.full) {
    const id = probeId === undefined ? '' : ` id='${escapeValue(probeId)}'`
    const from = escapeValue(bareJid(notification.presentity))
    return [utf8(`<presence from='${from}' to='${to}'${id} type='unavailable'/>`)]
  }
  const attribute = utf8(` to='${to}'`)
  return rendered.map(({ bytes, split }) => {
    const sink = new ByteSink()
    sink.write(bytes.subarray(0, split))
    sink.write(attribute)
    sink.write(bytes.subarray(split))
    return sink.bytes()
  })
}

/** RFC 6120 §8.3.1: what is wrong with a stanza that came. */
export function errorBytes(
  kind: string,
  id: string | undefined,
  from: string,
  to: string,
  error: StanzaError,
): Bytes {
  const idText = id === undefined ? '' : ` id='${escapeValue(id)}'`
  const start = `<${kind} type='error'${idText} from='${escapeValue(from)}' to='${escapeValue(to)}'>`
  return utf8(`${start}${serialize(errorElement(error), { outer: clientStream })}</${kind}>`)
}
