// What a client says while its stream is set up, as inputs of the state machine, and the answers to a binding (RFC 6120 §7).
import { prepareDomain } from '#model'
import { type Element, elementOf, type Frame, serialize, xml } from '#wire/xml'
import type { StreamInput } from '../stream.ts'
import { prepareResource } from './jid.ts'
import { bindNamespace, clientNamespace, clientStream, streamNamespace, tlsNamespace } from './namespaces.ts'
import { saslInput } from './sasl.ts'
import { errorElement, type StanzaError } from './stanza-error.ts'
import { unstanzaOf } from './stream-management.ts'

/** What the stream header says (RFC 6120 §4.7). */
export function headerInput(header: Frame) {
  const to = header.attribute('to')
  return {
    isStream: header.name === 'stream' && header.namespace === streamNamespace,
    isClient: header.inner().default === clientNamespace,
    to: to === undefined ? undefined : (prepareDomain(to) ?? ''),
    version: header.attribute('version'),
  }
}

/** The default language of what the client sends (RFC 6120 §4.7.4). */
export function langOf(header: Frame): string | undefined {
  for (let k = 0; k < header.attributeCount; k++) {
    if (header.attributeName(k) === 'xml:lang') return header.attributeValue(k)
  }
  return undefined
}

/**
 * What a first-level element says before the stream is open.
 * @param unread octets that came behind it, but for whitespace. COMPAT: go-xmpp (go-sendxmpp 0.5.6) ends each element with a line
 *   feed; gone when it logs in with the octets counted strictly.
 */
export function elementInput(frame: Frame, unread: number): StreamInput {
  const element = elementOf(frame)
  if (element.is('starttls', tlsNamespace)) return { kind: 'starttls', unread }
  const sasl = saslInput(element)
  if (sasl !== undefined) return { kind: 'sasl', sasl }
  return bindInput(element) ?? managementInput(frame) ?? { kind: 'other' }
}

function managementInput(frame: Frame): StreamInput | undefined {
  const unstanza = unstanzaOf(frame)
  if (unstanza?.kind === 'resume') return unstanza
  return unstanza?.kind === 'enable' ? { kind: 'enable' } : undefined
}

function bindInput(iq: Element): StreamInput | undefined {
  const id = iq.attribute('id')
  if (!iq.is('iq', clientNamespace) || iq.attribute('type') !== 'set' || id === undefined) return undefined
  const bind = iq.child('bind', bindNamespace)
  if (bind === undefined) return undefined
  // RFC 6120 §7.7.2.1: what can be no resourcepart is replaced by one that we make.
  return { kind: 'bind', id, resource: prepareResource(bind.childText('resource') ?? '') }
}

export function bindResultText(id: string, full: string): string {
  const jid = xml('bind', bindNamespace, {}, xml('jid', bindNamespace, {}, full))
  return serialize(xml('iq', clientNamespace, { type: 'result', id }, jid), { outer: clientStream })
}

export function bindErrorText(id: string, error: StanzaError): string {
  return serialize(xml('iq', clientNamespace, { type: 'error', id }, errorElement(error)), {
    outer: clientStream,
  })
}
