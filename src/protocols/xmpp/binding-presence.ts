// Presence between XMPP and the model (RFC 8048 §4, RFC 3922 §5): head, document, and back.

import { text } from '#base'
import {
  type Address,
  type Head,
  hopsDefault,
  type LanguageText,
  type PresenceDocument,
  type PresenceTuple,
  presUri,
  type Show,
} from '#model'
import { type Element, elementOf, selfContainedChild, xml, xmlNamespace } from '#wire/xml'
import { fullJid, type Jid } from './codec/jid.ts'
import { clientNamespace } from './codec/namespaces.ts'
import type { Stanza } from './codec/stanza.ts'

/** The head of a presence stanza; `to` is the sender itself where it is broadcast. */
export function presenceHead(stanza: Stanza, from: Address, fromAgent: string, to: Jid): Head {
  return {
    protocol: 'xmpp',
    kind: 'presence',
    from,
    fromAgent,
    to: to.address,
    toAgent: to.resource,
    id: stanza.id ?? '',
    hops: hopsDefault,
    size: stanza.frame.length,
    whenAbsent: 'drop',
    whenAgentGone: 'drop',
    storable: false,
    copyable: false,
  }
}

/** Head of what goes past the message and presence services: IQ, directed presence. */
export function transitHead(stanza: Stanza, from: Address, fromAgent: string, to: Jid): Head {
  return { ...presenceHead(stanza, from, fromAgent, to), kind: 'transit' }
}

/** One device's presence as a document of one tuple. */
export function presenceView(head: Head, stanza: Stanza): PresenceDocument {
  const { frame } = stanza
  const element = elementOf(frame)
  const lang = element.lang ?? ''
  const isOpen = element.attribute('type') !== 'unavailable'
  const show = element.childText('show')
  const notes = element
    .childrenNamed('status')
    .map((status): LanguageText => ({ language: status.lang ?? lang, text: status.text() }))
  const extensions: string[] = []
  for (let k = 0; k < frame.childCount; k++) {
    if (frame.childNamespace(k) !== clientNamespace) extensions.push(text(selfContainedChild(frame, k)))
  }
  const tuple: PresenceTuple = {
    id: head.fromAgent === '' ? 'presence' : head.fromAgent,
    basic: isOpen ? 'open' : 'closed',
    ...(isShow(show) ? { show } : {}),
    notes,
    priority: priorityOf(stanza) ?? 0,
    statusExtensions: [],
    extensions,
  }
  return { entity: presUri(head.from), tuples: [tuple], notes: [], extensions: [] }
}

/** RFC 6121 §4.7.2.3: -128 to 127, 0 where none is given; undefined when what is given is none. */
export function priorityOf(stanza: Stanza): number | undefined {
  const index = stanza.frame.findChild('priority', clientNamespace)
  if (index < 0) return 0
  const written = stanza.frame.childText(index).trim()
  if (!/^[+-]?[0-9]{1,3}$/.test(written)) return undefined
  const priority = Number(written)
  return priority >= -128 && priority <= 127 ? priority : undefined
}

function isShow(show: string | undefined): show is Show {
  return show === 'away' || show === 'chat' || show === 'dnd' || show === 'xa'
}

/** A tuple of another protocol as presence of a resource (RFC 8048 §4.2). Undefined tuple: the device is gone. */
export function presenceElement(
  presentity: Address,
  resource: string,
  tuple: PresenceTuple | undefined,
  notes: readonly LanguageText[],
): Element {
  const isOpen = tuple !== undefined && tuple.basic !== 'closed'
  const said = tuple === undefined ? [] : tuple.notes.length > 0 ? tuple.notes : notes
  return xml(
    'presence',
    clientNamespace,
    { from: fullJid(presentity, resource), type: isOpen ? undefined : 'unavailable' },
    isOpen && tuple.show !== undefined ? xml('show', clientNamespace, {}, tuple.show) : undefined,
    ...said.map(({ language, text: note }) =>
      xml(
        'status',
        clientNamespace,
        { [`{${xmlNamespace}}lang`]: language === '' ? undefined : language },
        note,
      ),
    ),
    isOpen && tuple.priority !== undefined && tuple.priority !== 0
      ? xml('priority', clientNamespace, {}, String(tuple.priority))
      : undefined,
  )
}
