// PIDF in (RFC 3863 §4), and the drafts before it. What is not understood is kept as self-contained XML.

import type { Bytes } from '#base'
import type { Basic, LanguageText, PresenceDocument, PresenceTuple, Show } from '#model'
import { childElementOf, childFrame, type Element, type Frame, frameDocument, isXmlFault } from '#wire/xml'
import { cutExtension } from './extension.ts'
import {
  idLengthMax,
  isPidfNamespace,
  notesMax,
  type PidfCondition,
  type PidfFault,
  tuplesMax,
  xmppNamespace,
} from './names.ts'
import { isAnothers, isShow, personFor, showOfExtension, showOfPerson } from './show.ts'
import { idOf } from './tuple-id.ts'

export interface PidfOptions {
  /** Milliseconds since the epoch, to tell whether a timed activity is on (RFC 4480 §3.1). */
  readonly now: number
}

/** Reads a whole document; a fault has the offset of the element it lies in. */
export function parsePidf(bytes: Bytes, options: PidfOptions): PresenceDocument | PidfFault {
  const root = frameDocument(bytes, { isDocument: true })
  if (isXmlFault(root)) return { fault: 'not-xml', offset: root.offset, reason: root.reason }
  if (root.name !== 'presence' || !isPidfNamespace(root.namespace)) return fault('not-presence', root.start)
  const entity = root.attribute('entity')?.trim() ?? ''
  if (entity === '') return fault('no-entity', root.start)
  const language = languageOf(root, '')
  const tuples: PresenceTuple[] = []
  const notes: LanguageText[] = []
  const extensions: string[] = []
  for (let index = 0; index < root.childCount; index++) {
    const place = root.childStart(index)
    if (!isPidfNamespace(root.childNamespace(index))) {
      extensions.push(cutExtension(root, index))
    } else if (root.childName(index) === 'tuple') {
      const tuple = tupleOf(childFrame(root, index), language, options.now)
      if ('fault' in tuple) return tuple
      if (tuples.some((other) => other.id === tuple.id)) return fault('repeated-id', place)
      if (tuples.push(tuple) > tuplesMax) return fault('too-many-tuples', place)
    } else if (root.childName(index) === 'note') {
      if (notes.push(noteOf(childElementOf(root, index), language)) > notesMax)
        return fault('too-many-notes', place)
    }
    // Any other element of the namespace is unknown to RFC 3863, and ignored (§4.2.3).
  }
  return withPersons({ entity, tuples, notes, extensions }, options.now)
}

function fault(condition: PidfCondition, offset: number): PidfFault {
  return { fault: condition, offset }
}

function languageOf(frame: Frame, outer: string): string {
  for (let index = 0; index < frame.attributeCount; index++) {
    if (frame.attributeName(index) === 'xml:lang') return frame.attributeValue(index)
  }
  return outer
}

/** §4.1.6: the language may be that of an element around it. */
function noteOf(element: Element, outer: string): LanguageText {
  return { language: element.lang ?? outer, text: element.text() }
}

interface TupleParts {
  basic?: Basic
  show?: Show
  contact?: { readonly uri: string; readonly priority?: number }
  priority?: number
  timestamp?: string
}

function tupleOf(frame: Frame, outerLanguage: string, now: number): PresenceTuple | PidfFault {
  const written = frame.attribute('id') ?? ''
  if (written === '') return fault('no-id', frame.start)
  // Each character of an id of ours may be written as seven.
  if (written.length > 7 * idLengthMax || idOf(written).length > idLengthMax)
    return fault('id-too-long', frame.start)
  const language = languageOf(frame, outerLanguage)
  const parts: TupleParts = {}
  const notes: LanguageText[] = []
  const extensions: string[] = []
  let statusExtensions: readonly string[] | undefined
  for (let index = 0; index < frame.childCount; index++) {
    const place = frame.childStart(index)
    if (!isPidfNamespace(frame.childNamespace(index))) {
      if (!takePriority(frame, index, parts)) extensions.push(cutExtension(frame, index))
      continue
    }
    switch (frame.childName(index)) {
      case 'status': {
        if (statusExtensions !== undefined) return fault('repeated-element', place)
        const status = statusOf(childFrame(frame, index), parts)
        if ('fault' in status) return status
        statusExtensions = status
        break
      }
      case 'contact':
        if (parts.contact !== undefined) return fault('repeated-element', place)
        parts.contact = contactOf(childElementOf(frame, index))
        break
      case 'note':
        if (notes.push(noteOf(childElementOf(frame, index), language)) > notesMax)
          return fault('too-many-notes', place)
        break
      case 'timestamp':
        if (parts.timestamp !== undefined) return fault('repeated-element', place)
        parts.timestamp = childElementOf(frame, index).text().trim()
        break
      default: // unknown to RFC 3863, and ignored (§4.2.3)
    }
  }
  if (statusExtensions === undefined) return fault('no-status', frame.start) // §4.1.2: mandatory
  if (parts.show === undefined) {
    const show = firstShow([...statusExtensions, ...extensions], (extension) =>
      showOfExtension(extension, now),
    )
    if (show !== undefined) parts.show = show
  }
  return { id: idOf(written), ...parts, notes, statusExtensions, extensions }
}

/** §4.1.3. COMPAT: a status without any child, which the text forbids, says nothing. */
function statusOf(frame: Frame, parts: TupleParts): string[] | PidfFault {
  const extensions: string[] = []
  for (let index = 0; index < frame.childCount; index++) {
    const name = frame.childName(index)
    const namespace = frame.childNamespace(index)
    if (isPidfNamespace(namespace)) {
      if (name !== 'basic') continue
      const basic = childElementOf(frame, index).text().trim()
      if (parts.basic !== undefined) return fault('repeated-element', frame.childStart(index))
      if (basic !== 'open' && basic !== 'closed') return fault('bad-basic', frame.childStart(index))
      parts.basic = basic
    } else if (
      !(name === 'show' && namespace === xmppNamespace && takeShow(childElementOf(frame, index), parts))
    ) {
      extensions.push(cutExtension(frame, index))
    }
  }
  return extensions
}

function takeShow(element: Element, parts: TupleParts): boolean {
  const value = element.text().trim()
  if (!isShow(value) || !isPlain(element) || parts.show !== undefined) return false
  parts.show = value
  return true
}

function takePriority(frame: Frame, index: number, parts: TupleParts): boolean {
  if (frame.childName(index) !== 'priority' || frame.childNamespace(index) !== xmppNamespace) return false
  const element = childElementOf(frame, index)
  const value = element.text().trim()
  if (!/^[+-]?\d{1,3}$/.test(value) || !isPlain(element) || parts.priority !== undefined) return false
  if (Number(value) < -128 || Number(value) > 127) return false
  parts.priority = Number(value)
  return true
}

/** Nothing that the model's plain field would lose. */
function isPlain(element: Element): boolean {
  return element.attributes.size === 0 && element.elements().length === 0
}

function contactOf(element: Element): { uri: string; priority?: number } {
  const uri = element.text().trim()
  const written = element.attribute('priority') ?? ''
  // §4.1.5: a value out of its range is as if it were not there.
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(written) ? { uri, priority: Number(written) } : { uri }
}

function firstShow(
  extensions: readonly string[],
  showOf: (extension: string) => Show | undefined,
): Show | undefined {
  for (const extension of extensions) {
    const show = showOf(extension)
    if (show !== undefined) return show
  }
  return undefined
}

/** Drops the person that our writer adds, and lets any other say what the tuples leave open. */
function withPersons(document: PresenceDocument, now: number): PresenceDocument {
  if (document.extensions.length === 0) return document
  const ours = personFor(document.tuples)
  const extensions = document.extensions.filter((extension) => extension !== ours)
  const show = firstShow(extensions, (extension) => showOfPerson(extension, now))
  if (show === undefined) return { ...document, extensions }
  const tuples = document.tuples.map((tuple) => {
    const isOwn = tuple.basic !== 'closed' && tuple.show === undefined && !isAnothers(tuple)
    return isOwn ? { ...tuple, show } : tuple
  })
  return { ...document, tuples, extensions }
}
