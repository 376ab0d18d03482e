// application/impp: presence as tags only, no attributes, no processing instructions (IMPP §8; docs/specs/impp-1.0.md §10).

import { type Bytes, utf8 } from '#base'
import type { LanguageText, PresenceDocument, PresenceTuple } from '#model'
import { type Element, escapeText, isXmlFault, parseElement } from '#wire/xml'

export const tagOnlyMediaType = 'application/impp'

/** LIMIT: tuples, and notes of a document or a tuple. */
const tuplesMax = 200
const notesMax = 50

/** Reads it; undefined when it is not in this form. Elements that are not known are passed over. */
export function parseTagOnly(bytes: Bytes): PresenceDocument | undefined {
  const root = parseElement(bytes)
  if (isXmlFault(root) || !root.is('presence', '') || !isTagOnly(root)) return undefined
  const entity = root.childText('entity')?.trim()
  const notes = notesOf(root)
  if (!entity || notes === undefined || root.childrenNamed('tuple').length > tuplesMax) return undefined
  const tuples: PresenceTuple[] = []
  for (const element of root.childrenNamed('tuple')) {
    const tuple = tupleOf(element)
    if (tuple === undefined || tuples.some((other) => other.id === tuple.id)) return undefined
    tuples.push(tuple)
  }
  return { entity, tuples, notes, extensions: [] }
}

export function isTagOnly(element: Element): boolean {
  return element.namespace === '' && element.attributes.size === 0 && element.elements().every(isTagOnly)
}

function tupleOf(element: Element): PresenceTuple | undefined {
  const id = element.childText('id')?.trim()
  const notes = notesOf(element)
  const basic = element.childText('basic')?.trim()
  const show = element.childText('show')?.trim()
  const priority = element.childText('priority')?.trim()
  const timestamp = element.childText('timestamp')?.trim()
  const contact = element.child('contact')
  if (!id || id.length > 1023 || notes === undefined) return undefined
  if (basic !== undefined && basic !== 'open' && basic !== 'closed') return undefined
  if (show !== undefined && !/^(away|chat|dnd|xa)$/.test(show)) return undefined
  if (priority !== undefined && !(/^-?\d{1,3}$/.test(priority) && +priority >= -128 && +priority <= 127))
    return undefined
  return {
    id,
    ...(basic !== undefined && { basic }),
    ...(show !== undefined && { show: show as 'away' | 'chat' | 'dnd' | 'xa' }),
    ...(contact !== undefined && { contact: contactOf(contact) }),
    ...(priority !== undefined && { priority: Number(priority) }),
    ...(timestamp !== undefined && { timestamp }),
    notes,
    statusExtensions: [],
    extensions: [],
  }
}

function contactOf(element: Element): { uri: string; priority?: number } {
  const uri = element.childText('uri')?.trim() ?? ''
  const priority = element.childText('priority')?.trim() ?? ''
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(priority) ? { uri, priority: Number(priority) } : { uri }
}

function notesOf(element: Element): LanguageText[] | undefined {
  const notes = element.childrenNamed('note')
  if (notes.length > notesMax) return undefined
  return notes.map((note) => ({
    language: note.childText('language')?.trim() ?? '',
    text: note.childText('text') ?? '',
  }))
}

/** Writes it; extensions have no form here and are lost. */
export function writeTagOnly(document: PresenceDocument): Bytes {
  let written = `<presence>${tag('entity', document.entity)}`
  for (const tuple of document.tuples) written += tupleText(tuple)
  for (const note of document.notes) written += noteText(note)
  return utf8(`${written}</presence>`)
}

function tupleText(tuple: PresenceTuple): string {
  let written = `<tuple>${tag('id', tuple.id)}${tag('basic', tuple.basic)}${tag('show', tuple.show)}`
  if (tuple.contact !== undefined) {
    const { uri, priority } = tuple.contact
    const rounded = priority === undefined ? undefined : String(Math.round(priority * 1000) / 1000)
    written += `<contact>${tag('uri', uri)}${tag('priority', rounded)}</contact>`
  }
  written += tag('priority', tuple.priority === undefined ? undefined : String(tuple.priority))
  for (const note of tuple.notes) written += noteText(note)
  return `${written}${tag('timestamp', tuple.timestamp)}</tuple>`
}

function noteText({ language, text }: LanguageText): string {
  return `<note>${tag('language', language === '' ? undefined : language)}${tag('text', text)}</note>`
}

export function tag(name: string, text: string | undefined): string {
  return text === undefined ? '' : `<${name}>${escapeText(text)}</${name}>`
}
