// Elements of other namespaces (RFC 3863 §4.2): cut out so that they stand alone, put in so that they mean the same.
// A default namespace is declared only where it is used, so that what is cut out again is what was put in.

import { assert, type Bytes, text, utf8 } from '#base'
import {
  childElementOf,
  type Element,
  elementOf,
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
