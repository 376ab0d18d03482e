// Octets -> tree. The scanner checks first; the tree is then built from octets known to be good.

import type { Bytes } from '#base'
import { classOf, nameChar, space } from './characters.ts'
import { type DocumentOptions, frameDocument, isXmlFault } from './document.ts'
import { Element, joinTexts, type Node } from './element.ts'
import type { XmlFault } from './faults.ts'
import type { Frame } from './frame.ts'
import { internAscii } from './intern.ts'
import { type Namespaces, xmlNamespace } from './namespaces.ts'
import { decodeCdata, decodeText, decodeValue } from './references.ts'

/** The tree of a whole document, or what is wrong with it. */
export function parseElement(bytes: Bytes, options: DocumentOptions = {}): Element | XmlFault {
  const frame = frameDocument(bytes, options)
  return isXmlFault(frame) ? frame : elementOf(frame)
}

/** A tree, and at which octet of the document the start tag of each of its elements is. */
export interface Located {
  readonly root: Element
  readonly offsetOf: (element: Element) => number
}

/** The same, for whoever has to say where in a document something is. */
export function parseLocated(bytes: Bytes, options: DocumentOptions = {}): Located | XmlFault {
  const frame = frameDocument(bytes, options)
  if (isXmlFault(frame)) return frame
  const offsets = new Map<Element, number>()
  const root = new Builder(frame.bytes, frame.start, offsets).element(frame.outer)
  return { root, offsetOf: (element) => offsets.get(element) ?? 0 }
}

/** The tree of an element that was framed. */
export function elementOf(frame: Frame): Element {
  return new Builder(frame.bytes, frame.start).element(frame.outer)
}

/** The tree of a direct child of an element that was framed. */
export function childElementOf(frame: Frame, index: number): Element {
  return new Builder(frame.bytes, frame.childStart(index)).element(frame.inner())
}

const lt = 0x3c
const gt = 0x3e
const slash = 0x2f
const equals = 0x3d
const bang = 0x21
const question = 0x3f
const colon = 0x3a

const noAttributes: ReadonlyMap<string, string> = new Map()
const noNodes: readonly Node[] = []

/** Walks checked octets once. The recursion is as deep as the depth limit of the check. */
class Builder {
  readonly #bytes: Bytes
  #i: number
  /** Among the attributes read last is a declaration, or one with a prefix. */
  #hasNamespaces = false
  readonly #offsets: Map<Element, number> | undefined

  constructor(bytes: Bytes, start: number, offsets?: Map<Element, number>) {
    this.#bytes = bytes
    this.#i = start
    this.#offsets = offsets
  }

  element(outer: Namespaces): Element {
    const start = this.#i
    const made = this.#element(outer)
    this.#offsets?.set(made, start)
    return made
  }

  #element(outer: Namespaces): Element {
    this.#i++
    const name = this.#name()
    this.#hasNamespaces = false
    let attributes = this.#attributes()
    let scope = outer
    if (this.#hasNamespaces) {
      scope = declaredIn(attributes, outer)
      attributes = inNamespaces(attributes, scope)
    }
    const at = name.indexOf(':')
    const namespace = uriOf(scope, at < 0 ? '' : name.slice(0, at))
    return new Element(at < 0 ? name : name.slice(at + 1), namespace, attributes, this.#content(scope))
  }

  #name(): string {
    const bytes = this.#bytes
    const start = this.#i
    let i = start
    while (bytes[i] >= 0x80 || bytes[i] === colon || (classOf[bytes[i]] & nameChar) !== 0) i++
    this.#i = i
    return internAscii(bytes, start, i)
  }

  /** By their names as they are written. */
  #attributes(): ReadonlyMap<string, string> {
    const bytes = this.#bytes
    this.#skipSpace()
    if (bytes[this.#i] === gt || bytes[this.#i] === slash) return noAttributes
    const found = new Map<string, string>()
    for (;;) {
      this.#skipSpace()
      if (bytes[this.#i] === gt || bytes[this.#i] === slash) return found
      const name = this.#name()
      this.#skipSpace()
      if (bytes[this.#i] === equals) this.#i++
      this.#skipSpace()
      const start = this.#i + 1
      const end = bytes.indexOf(bytes[this.#i], start)
      found.set(name, decodeValue(bytes, start, end))
      if (name === 'xmlns' || name.includes(':')) this.#hasNamespaces = true
      this.#i = end + 1
    }
  }

  #skipSpace(): void {
    while ((classOf[this.#bytes[this.#i]] & space) !== 0) this.#i++
  }

  /** From the end of the start tag to behind the end tag. */
  #content(scope: Namespaces): readonly Node[] {
    const bytes = this.#bytes
    if (bytes[this.#i] === slash) {
      this.#i += 2
      return noNodes
    }
    this.#i++
    const nodes: Node[] = []
    for (;;) {
      const start = this.#i
      this.#i = bytes.indexOf(lt, start)
      if (this.#i > start) nodes.push(decodeText(bytes, start, this.#i))
      const next = bytes[this.#i + 1]
      if (next === slash) {
        this.#i = bytes.indexOf(gt, this.#i) + 1
        return joinTexts(nodes)
      }
      if (next === bang) nodes.push(this.#cdataOrComment())
      else if (next === question) this.#i = this.#behind('?>', this.#i + 2)
      else nodes.push(this.element(scope))
    }
  }

  #cdataOrComment(): string {
    const start = this.#i
    if (this.#bytes[start + 2] !== 0x5b) {
      this.#i = this.#behind('-->', start + 4)
      return ''
    }
    this.#i = this.#behind(']]>', start + 9)
    return decodeCdata(this.#bytes, start + 9, this.#i - 3)
  }

  #behind(terminator: string, from: number): number {
    const bytes = this.#bytes
    let i = from
    while (bytes[i] !== gt || !this.#endsWith(terminator, from, i + 1)) i++
    return i + 1
  }

  #endsWith(terminator: string, from: number, end: number): boolean {
    const start = end - terminator.length
    if (start < from) return false
    for (let k = 0; k < terminator.length; k++) {
      if (this.#bytes[start + k] !== terminator.charCodeAt(k)) return false
    }
    return true
  }
}

function isDeclaration(name: string): boolean {
  return name === 'xmlns' || name.startsWith('xmlns:')
}

function declaredIn(written: ReadonlyMap<string, string>, outer: Namespaces): Namespaces {
  const declared = [...written].filter(([name]) => isDeclaration(name))
  return declared.length === 0 ? outer : outer.with(declared.map(([name, uri]) => [name.slice(6), uri]))
}

/** The attributes by local name, or `{namespace}local`; declarations are none. */
function inNamespaces(written: ReadonlyMap<string, string>, scope: Namespaces): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const [name, value] of written) {
    if (isDeclaration(name)) continue
    const at = name.indexOf(':')
    attributes.set(at < 0 ? name : `{${uriOf(scope, name.slice(0, at))}}${name.slice(at + 1)}`, value)
  }
  return attributes
}

function uriOf(scope: Namespaces, prefix: string): string {
  return prefix === 'xml' ? xmlNamespace : (scope.uriOf(prefix) ?? '')
}
