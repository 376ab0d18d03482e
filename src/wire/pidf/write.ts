// PIDF out (RFC 3863 §4), in the order its schema wants (§4.4).

import { type Bytes, utf8 } from '#base'
import type { LanguageText, PresenceDocument, PresenceTuple } from '#model'
import { escapeText, escapeValue } from '#wire/xml'
import { putExtension, withFreeId } from './extension.ts'
import { olderPidfNamespace, pidfNamespace, xmppNamespace } from './names.ts'
import { personFor } from './show.ts'
import { writtenId } from './tuple-id.ts'

/** The document. `older` writes the namespace of the drafts before RFC 3863. */
export function writePidf(document: PresenceDocument, form: 'pidf' | 'older' = 'pidf'): Bytes {
  const namespace = form === 'pidf' ? pidfNamespace : olderPidfNamespace
  const inner = (extension: string): string => putExtension(extension, namespace)
  let written = `<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="${namespace}" entity="${escapeValue(document.entity)}">`
  for (const tuple of document.tuples) written += tupleText(tuple, inner)
  for (const note of document.notes) written += noteText(note)
  const ids = new Set(document.tuples.map(({ id }) => writtenId(id)))
  for (const extension of document.extensions) written += inner(withFreeId(extension, ids))
  // RPID for watchers that do not read <show/>; not where the presentity speaks RPID itself.
  if (!document.extensions.some(isPerson)) written += personFor(document.tuples)
  return utf8(`${written}</presence>\n`)
}

function tupleText(tuple: PresenceTuple, inner: (extension: string) => string): string {
  let written = `<tuple id="${escapeValue(writtenId(tuple.id))}"><status>`
  if (tuple.basic !== undefined) written += `<basic>${tuple.basic}</basic>`
  // RFC 8048 §6.1, note 7.
  if (tuple.show !== undefined) written += `<show xmlns="${xmppNamespace}">${tuple.show}</show>`
  for (const extension of tuple.statusExtensions) written += inner(extension)
  written += '</status>'
  if (tuple.priority !== undefined)
    written += `<priority xmlns="${xmppNamespace}">${tuple.priority}</priority>`
  for (const extension of tuple.extensions) written += inner(extension)
  if (tuple.contact !== undefined) {
    const priority =
      tuple.contact.priority === undefined ? '' : ` priority="${qvalue(tuple.contact.priority)}"`
    written += `<contact${priority}>${escapeText(tuple.contact.uri)}</contact>`
  }
  for (const note of tuple.notes) written += noteText(note)
  if (tuple.timestamp !== undefined) written += `<timestamp>${escapeText(tuple.timestamp)}</timestamp>`
  return `${written}</tuple>`
}

function noteText({ language, text }: LanguageText): string {
  const tag = language === '' ? '' : ` xml:lang="${escapeValue(language)}"`
  return `<note${tag}>${escapeText(text)}</note>`
}

/** RFC 3863 §4.1.5: 0 to 1, three digits after the point at most. */
function qvalue(priority: number): string {
  return String(Math.round(Math.min(1, Math.max(0, priority)) * 1000) / 1000)
}

function isPerson(extension: string): boolean {
  return /^<(?:[^\s/>:]+:)?person[\s/>]/.test(extension)
}
