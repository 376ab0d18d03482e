// Presence on the wire: PIDF (RFC 3863), and the older format of the drafts, read from old clients only (docs/specs/prim.md §6.2).

import type { Bytes } from '#base'
import type { PresenceDocument, PresenceTuple } from '#model'
import { parseMediaType } from '#wire/mime'
import { isPidf, parsePidf, pidfMediaType, writePidf } from '#wire/pidf'
import { type Element, isXmlFault, parseElement } from '#wire/xml'
import type { Body } from './write.ts'

/** The format of the drafts, one tuple a document. */
export const oldMediaType = 'application/presence'

/** The document; `not-understood` for another media type, `malformed` where the octets are not of it. `now` in milliseconds. */
export function parsePresenceBody(
  type: string,
  bytes: Bytes,
  now: number,
): PresenceDocument | 'not-understood' | 'malformed' {
  const essence = parseMediaType(type)?.essence
  if (essence === undefined) return 'malformed'
  if (essence === oldMediaType) return parseOldPresence(bytes) ?? 'malformed'
  if (!isPidf(essence)) return 'not-understood'
  const document = parsePidf(bytes, { now })
  return 'fault' in document ? 'malformed' : document
}

export function presenceBody(document: PresenceDocument): Body {
  return { type: pidfMediaType, bytes: writePidf(document) }
}

/** What is not in PIDF (a preference of whole numbers, a display name) is lost. */
function parseOldPresence(bytes: Bytes): PresenceDocument | undefined {
  const root = parseElement(bytes, { isDocument: true })
  if (isXmlFault(root) || root.name !== 'presence') return undefined
  const entity = root.attribute('address') ?? root.attribute('identifier')
  const contact = root.child('contact')
  if (entity === undefined || contact === undefined) return undefined
  const tuple = oldTuple(contact, root.attribute('date'))
  const notes = notesOf(root.child('presentity'))
  return tuple && { entity, tuples: [tuple], notes, extensions: [] }
}

function oldTuple(contact: Element, date: string | undefined): PresenceTuple | undefined {
  const status = contact.child('status')
  const value = status?.attribute('value')
  const uri = contact.attribute('address')
  if (value !== undefined && value !== 'open' && value !== 'closed') return undefined
  const at = date === undefined ? Number.NaN : Date.parse(date)
  return {
    id: uri ?? 'contact',
    ...(value !== undefined && { basic: value }),
    ...(uri !== undefined && { contact: { uri } }),
    ...(!Number.isNaN(at) && { timestamp: new Date(at).toISOString() }),
    notes: notesOf(contact),
    statusExtensions: [],
    extensions: [],
  }
}

function notesOf(element: Element | undefined): PresenceDocument['notes'] {
  const notes = element?.childrenNamed('note') ?? []
  return notes.map((note) => ({ language: note.lang ?? '', text: note.text() }))
}
