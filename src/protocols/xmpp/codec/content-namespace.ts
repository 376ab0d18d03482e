// Stanzas between the content namespaces of clients and of servers (RFC 6120 §4.8.3). What inherits its namespace needs no change: it
// reads as the stream it is written to. Here are the rare ones that declare it themselves.
import { type Bytes, utf8 } from '#base'
import {
  childFrame,
  type Element,
  elementOf,
  type Frame,
  frameDocument,
  isXmlFault,
  serialize,
  xml,
} from '#wire/xml'
import { clientNamespace, clientStream, serverNamespace } from './namespaces.ts'
import { type Sink, writeSpliced } from './splice.ts'
import { type Stanza, stanzaOf } from './stanza.ts'

/** A stanza of a server's stream as of a client's; undefined when it is none. */
export function stanzaFromServer(frame: Frame): Stanza | undefined {
  if (frame.namespace !== serverNamespace && !hasServerChild(frame)) return stanzaOf(frame)
  const text = serialize(renamed(elementOf(frame), serverNamespace, clientNamespace), { outer: clientStream })
  const document = frameDocument(utf8(text), { outer: clientStream })
  return isXmlFault(document) ? undefined : stanzaOf(document)
}

function hasServerChild(frame: Frame): boolean {
  for (let k = 0; k < frame.childCount; k++) if (frame.childNamespace(k) === serverNamespace) return true
  return false
}

/**
 * Writes a stanza of a client's stream, or one that was kept, to a server's, with `from` as in `stamp`: by splices, unless a child of it
 * declares the content namespace itself.
 */
export function writeToServer(sink: Sink, { frame }: Stanza, stamp: Bytes, from: string): void {
  if (!isInheriting(frame)) {
    const element = elementOf(frame)
    const attributes = { ...Object.fromEntries(element.attributes), from }
    const stanza = xml(element.name, clientNamespace, attributes, ...element.children)
    return void sink.writeUtf8(serialize(stanza, { outer: clientStream }))
  }
  const declares = frame.findAttribute('xmlns') >= 0
  writeSpliced(sink, frame, { attributes: stamp, replaced: declares ? fromAndNamespace : fromOnly })
}

const fromOnly: readonly string[] = ['from']
const fromAndNamespace: readonly string[] = ['from', 'xmlns']

/** True when at most the declaration in its start tag has to go. */
export function isInheriting(frame: Frame): boolean {
  if (frame.prefix !== '') return false
  const content = Buffer.from(
    frame.bytes.buffer,
    frame.bytes.byteOffset + frame.tagEnd,
    frame.contentEnd - frame.tagEnd,
  )
  // Where its octets name it nowhere behind the start tag, no child can declare it.
  if (content.indexOf(clientNamespace) < 0) return true
  for (let k = 0; k < frame.childCount; k++) {
    const isContent = frame.childNamespace(k) === clientNamespace
    if (isContent && childFrame(frame, k).findAttribute('xmlns') >= 0) return false
  }
  return true
}

/** The element and what shares its namespace down the tree, in another one. */
function renamed(element: Element, from: string, to: string): Element {
  if (element.namespace !== from && element.namespace !== to) return element
  const attributes = Object.fromEntries(element.attributes)
  return xml(
    element.name,
    to,
    attributes,
    ...element.children.map((child) => (typeof child === 'string' ? child : renamed(child, from, to))),
  )
}
