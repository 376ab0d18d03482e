// Elements of other namespaces (RFC 3863 §4.2): cut out so that they stand alone, put in so that they mean the same.
// A default namespace is declared only where it is used, so that what is cut out again is what was put in.

import { assert, type Bytes, text, utf8 } from '#base'
import {
  childElementOf,
  type Element,
  elementOf,
  escapeValue,
  type Frame,
  frameDocument,
  isXmlFault,
  Namespaces,
  noNamespaces,
  selfContained,
  selfContainedChild,
} from '#wire/xml'

/** A direct child as a self-contained XML element. */
export function cutExtension(frame: Frame, index: number): string {
  const outer = frame.inner().default
  const usesDefault = outer === '' || holdsNamespace(childElementOf(frame, index), outer)
  const within = usesDefault ? noNamespaces : new Namespaces([['', outer]])
  return text(selfContainedChild(frame, index, within))
}

/** A self-contained element as it must stand where `namespace` is the default. */
export function putExtension(extension: string, namespace: string): string {
  const bytes: Bytes = utf8(extension)
  const frame = frameDocument(bytes, { isDocument: true })
  assert(!isXmlFault(frame), 'an extension of a presence document is one XML element')
  if (!holdsNamespace(elementOf(frame), '')) return text(frame.raw())
  return text(selfContained(frame, new Namespaces([['', namespace]])))
}

function holdsNamespace(element: Element, namespace: string): boolean {
  return (
    element.namespace === namespace || element.elements().some((child) => holdsNamespace(child, namespace))
  )
}

/**
 * A person, device or other element with an occurrence identifier, under one that nothing else in its document has (RFC 4479 §3.5: "unique
 * across all other occurrence identifiers"). The rest of it stays octet for octet; so does all of it where its identifier is free.
 */
export function withFreeId(extension: string, taken: Set<string>): string {
  const frame = frameDocument(utf8(extension), { isDocument: true })
  assert(!isXmlFault(frame), 'an extension of a presence document is one XML element')
  const id = frame.attribute('id')
  if (id === undefined) return extension
  let free = id
  for (let i = 2; taken.has(free); i++) free = `${id}.${i}`
  taken.add(free)
  if (free === id) return extension
  const tag = extension.slice(0, startTagEnd(extension))
  // Attributes are found whole: what stands in another one's value is passed over.
  const renamed = tag.replace(
    /(\s)([^\s=]+)(\s*=\s*)("[^"]*"|'[^']*')/g,
    (whole, space: string, name: string, equals: string) =>
      name === 'id' ? `${space}id${equals}"${escapeValue(free)}"` : whole,
  )
  return renamed + extension.slice(tag.length)
}

/** Where the start tag ends: a `>` may stand in an attribute's value. */
function startTagEnd(element: string): number {
  let quote = ''
  for (let at = 0; at < element.length; at++) {
    const character = element[at] as string
    if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '>') return at + 1
  }
  return element.length
}
