// Tree -> text. Declares each namespace where it first differs from what is in force: elements by the default
// namespace, attributes by a prefix.

import { type Bytes, utf8 } from '#base'
import type { Element } from './element.ts'
import { type Namespaces, noNamespaces, xmlNamespace } from './namespaces.ts'

export interface WriteOptions {
  /** Declarations already in force where the text will stand, e.g. those of the stream header. */
  readonly outer?: Namespaces
}

/** Text of an element. Characters that XML 1.0 §2.2 forbids are dropped: no escape for them exists. */
export function serialize(element: Element, options: WriteOptions = {}): string {
  const outer = options.outer ?? noNamespaces
  return write(element, outer.default, outer)
}

/** The same in UTF-8. */
export function serializeBytes(element: Element, options: WriteOptions = {}): Bytes {
  return utf8(serialize(element, options))
}

function write(element: Element, inherited: string, scope: Namespaces): string {
  const prefix = prefixOf(element.namespace, inherited, scope)
  const name = prefix === '' ? element.name : `${prefix}:${element.name}`
  const inForce = prefix === '' ? element.namespace : inherited
  let out = `<${name}`
  if (inForce !== inherited) out += ` xmlns='${escapeValue(inForce)}'`
  out += writeAttributes(element, scope)
  if (element.children.length === 0) return `${out}/>`
  out += '>'
  for (const child of element.children) {
    out += typeof child === 'string' ? escapeText(child) : write(child, inForce, scope)
  }
  return `${out}</${name}>`
}

/** An outer prefix where one is bound to the namespace (`stream:error`); '' otherwise. */
function prefixOf(namespace: string, inherited: string, scope: Namespaces): string {
  if (namespace === inherited) return ''
  if (namespace === xmlNamespace) return 'xml'
  const k = scope.uris.findIndex((uri, index) => uri === namespace && scope.prefixes[index] !== '')
  return k < 0 ? '' : scope.prefixes[k]
}

function writeAttributes(element: Element, scope: Namespaces): string {
  let out = ''
  let made = 0
  const declared = new Map<string, string>()
  for (const [key, value] of element.attributes) {
    const brace = key.charCodeAt(0) === 0x7b ? key.lastIndexOf('}') : -1
    if (brace < 0) {
      out += ` ${key}='${escapeValue(value)}'`
      continue
    }
    const namespace = key.slice(1, brace)
    let prefix = declared.get(namespace) ?? prefixOf(namespace, '', scope)
    if (prefix === '') {
      do prefix = `ns${++made}`
      while (scope.prefixes.includes(prefix))
      declared.set(namespace, prefix)
      out += ` xmlns:${prefix}='${escapeValue(namespace)}'`
    }
    out += ` ${prefix}:${key.slice(brace + 1)}='${escapeValue(value)}'`
  }
  return out
}

const textSpecial = /[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/
const valueSpecial = /[&<>'"\t\n\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/
const forbidden =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

/** Character data; a carriage return survives as a reference. Drops what XML cannot carry (`isXmlText`). */
export function escapeText(text: string): string {
  if (!textSpecial.test(text)) return text
  return text.replace(forbidden, '').replace(/[&<>\r]/g, (c) => escapes[c])
}

/** An attribute value for either quote; tab and line ends survive as references. Drops what XML cannot carry. */
export function escapeValue(text: string): string {
  if (!valueSpecial.test(text)) return text
  return text.replace(forbidden, '').replace(/[&<>'"\t\n\r]/g, (c) => escapes[c])
}

/** True when XML can carry every character of the text (XML 1.0 §2.2): nothing would be dropped. */
export function isXmlText(text: string): boolean {
  forbidden.lastIndex = 0
  return !forbidden.test(text)
}
