// The elements of a script with their places in it, and the rules that hold for all of them: no attribute, child, text or namespace that RFC
// 3880 does not have.

import type { Bytes } from '#base'
import type { ScriptFault } from '#model'
import { type Element, isXmlFault, parseLocated, type XmlReason } from '#wire/xml'
import { withoutDoctype } from './doctype.ts'
import {
  cplNamespace,
  ignoredNamespaces,
  scriptDepthMax,
  scriptElementsMax,
  scriptOctetsMax,
  scriptValueMax,
} from './names.ts'

/** Thrown while a script is read, and caught where the reading began: a fault ends it, however deep it is. */
export class Refused extends Error {
  readonly fault: ScriptFault

  constructor(fault: ScriptFault) {
    super(fault.reason)
    this.fault = fault
  }
}

export class Source {
  readonly root: Element
  readonly #document: Bytes
  readonly #offsetOf: (element: Element) => number

  /** @throws Refused where the document is no XML, or is larger than we read */
  constructor(document: Bytes) {
    const fault = (offset: number, reason: string): Refused =>
      new Refused({ ...placeOf(document, offset), reason })
    if (document.length > scriptOctetsMax)
      throw fault(0, `the script is larger than ${scriptOctetsMax} octets`)
    const limits = { bytesMax: scriptOctetsMax, depthMax: scriptDepthMax, childrenMax: scriptElementsMax }
    const read = parseLocated(withoutDoctype(document), { limits, isDocument: true })
    if (isXmlFault(read)) throw fault(read.offset, xmlReasonText(read.reason))
    this.root = read.root
    this.#document = document
    this.#offsetOf = read.offsetOf
    let left = scriptElementsMax
    const count = (element: Element): void => {
      if (--left < 0) throw this.refusal(element, `the script has more than ${scriptElementsMax} elements`)
      this.#checkNames(element)
      for (const child of element.elements()) count(child)
    }
    count(this.root)
  }

  refusal(element: Element, reason: string): Refused {
    return new Refused({ ...placeOf(this.#document, this.#offsetOf(element)), reason })
  }

  /**
   * The attributes of an element, which has these and no others.
   * @throws Refused
   */
  attributes<Name extends string>(
    element: Element,
    required: readonly Name[],
    optional: readonly Name[] = [],
  ): Partial<Record<Name, string>> {
    const found: Partial<Record<Name, string>> = {}
    for (const [key, value] of element.attributes) {
      const name = key.startsWith(`{${cplNamespace}}`) ? key.slice(cplNamespace.length + 2) : key
      if (name.startsWith('{')) continue
      const known = [...required, ...optional].find((one) => one === name)
      if (known === undefined) throw this.refusal(element, `<${element.name}> has no attribute "${name}"`)
      if (known in found) throw this.refusal(element, `<${element.name}> has "${name}" twice`)
      if (value.length > scriptValueMax)
        throw this.refusal(element, `"${name}" is longer than ${scriptValueMax} characters`)
      found[known] = value
    }
    const missing = required.find((name) => found[name] === undefined)
    if (missing !== undefined) throw this.refusal(element, `<${element.name}> lacks "${missing}"`)
    return found
  }

  /** One of the words that an attribute may be. @throws Refused */
  word<Word extends string>(
    element: Element,
    name: string,
    value: string | undefined,
    words: readonly Word[],
    otherwise: Word,
  ): Word {
    if (value === undefined) return otherwise
    const known = words.find((word) => word === value)
    if (known === undefined)
      throw this.refusal(
        element,
        `"${name}" is ${words.map((word) => `"${word}"`).join(' or ')}, not "${value}"`,
      )
    return known
  }

  yes(element: Element, name: string, value: string | undefined, otherwise: 'yes' | 'no'): boolean {
    return this.word(element, name, value, ['yes', 'no'], otherwise) === 'yes'
  }

  /** A number of seconds or times: at least one. @throws Refused */
  positive(element: Element, name: string, value: string): number {
    const number = /^\+?[0-9]{1,9}$/.test(value) ? Number(value) : 0
    if (number < 1) throw this.refusal(element, `"${name}" is a number from 1, not "${value}"`)
    return number
  }

  #checkNames(element: Element): void {
    const { name, namespace, children, attributes } = element
    if (namespace !== '' && namespace !== cplNamespace)
      throw this.refusal(element, `<${name}> is of an extension that is not known here: ${namespace}`)
    for (const key of attributes.keys()) {
      const other = key.startsWith('{') ? key.slice(1, key.indexOf('}')) : cplNamespace
      if (other !== cplNamespace && !ignoredNamespaces.has(other))
        throw this.refusal(
          element,
          `<${name}> has an attribute of an extension that is not known here: ${other}`,
        )
    }
    const text = children.find((child) => typeof child === 'string' && child.trim() !== '')
    if (text !== undefined) throw this.refusal(element, `<${name}> holds text, where only elements may be`)
  }
}

function placeOf(document: Bytes, offset: number): { line: number; column: number } {
  let line = 1
  let column = 1
  for (let i = 0; i < Math.min(offset, document.length); i++) {
    const octet = document[i] as number
    if (octet === 0x0a) {
      line++
      column = 1
      // Of a character of several octets the first counts.
    } else if ((octet & 0xc0) !== 0x80) column++
  }
  return { line, column }
}

const xmlTexts: Partial<Record<XmlReason, string>> = {
  doctype: 'a DOCTYPE that declares something is not read',
  'too-deep': `elements stand more than ${scriptDepthMax} deep`,
  'mismatched-tag': 'this end tag is not that of the element that is open',
  'unexpected-end': 'the document ends before its elements do',
  'invalid-utf8': 'this is not UTF-8',
  'encoding-not-utf8': 'the document says that it is not in UTF-8',
  'undeclared-prefix': 'this prefix has no namespace',
}

function xmlReasonText(reason: XmlReason): string {
  return xmlTexts[reason] ?? `this is not well-formed XML (${reason})`
}
