// application/beep+xml (RFC 3080 §6.4): XML 1.0 without an XML declaration, DOCTYPE or entities of its own. Read strictly: what an
// element may not have by its DTD is refused, since a peer that sends it means something that we would not do.

import { type Bytes, utf8 } from '#base'
import { decodeCharset, parseMediaType } from '#wire/mime'
import { type Element, escapeText, escapeValue, isXmlFault, parseElement } from '#wire/xml'
import { beepXmlType, type Entity } from './entity.ts'
import { type BeepError, beepError, readReplyCode } from './reply-codes.ts'

/** LIMIT: octets of one message of channel management or tuning; several profiles may bring 4096 octets each in base64. */
export const managementOctetsMax = 65_536

/** Nothing of ours is deeper than start, profile. */
const limits = { bytesMax: managementOctetsMax, depthMax: 8, attributesMax: 16, childrenMax: 1024 }

/** The element of an entity; or the error to answer with: 500 where it is no XML, 501 where it is none for us (§8). */
export function readBeepXml(entity: Entity): Element | BeepError {
  const type = parseMediaType(entity.contentType)
  if (type?.essence !== beepXmlType) return beepError(501, `the content type must be ${beepXmlType}`)
  const content = entity.content()
  if (content === undefined) return beepError(501, 'the transfer encoding is not understood')
  const charset = type.parameters.get('charset') ?? 'utf-8'
  if (/^utf-?8$/i.test(charset)) return readElement(content)
  const text = decodeCharset(content, charset)
  return text === undefined ? beepError(501, 'the charset is not understood') : readElement(utf8(text))
}

/** The element of octets in UTF-8: also of the initialization messages inside a `profile` element. */
export function readElement(octets: Bytes): Element | BeepError {
  if (hasDeclaration(octets)) return beepError(500, 'an XML declaration may not be present')
  const element = parseElement(octets, { limits, isDocument: true })
  return isXmlFault(element) ? beepError(500, `poorly-formed XML: ${element.reason}`) : element
}

/** True for a refusal to be sent; false for an element, or a message that was read. */
export function isBeepError(value: object): value is BeepError {
  return 'code' in value && !('kind' in value)
}

const xmlOpen = utf8('<?xml')

/** §6.4: "neither the XML declaration nor the DOCTYPE declaration". The reader refuses the latter anywhere. */
function hasDeclaration(octets: Bytes): boolean {
  for (let i = 0; i < xmlOpen.length; i++) if (octets[i] !== xmlOpen[i]) return false
  const next = octets[xmlOpen.length]
  return next === 0x20 || next === 0x09 || next === 0x0d || next === 0x0a
}

/** What the DTD lets an element have. */
export interface ElementRule {
  readonly attributes: readonly string[]
  /** `empty`: nothing but white space; `text`: characters; otherwise elements of that name, with white space between. */
  readonly content: 'empty' | 'text' | 'profile'
}

const xmlLang = '{http://www.w3.org/XML/1998/namespace}lang'

/** The DTDs of §7.1 to §7.3. None of them knows a namespace. */
export const elementRules: Readonly<Record<string, ElementRule>> = {
  greeting: { attributes: ['features', 'localize'], content: 'profile' },
  start: { attributes: ['number', 'serverName'], content: 'profile' },
  profile: { attributes: ['uri', 'encoding'], content: 'text' },
  close: { attributes: ['number', 'code', xmlLang], content: 'text' },
  ok: { attributes: [], content: 'empty' },
  error: { attributes: ['code', xmlLang], content: 'text' },
  ready: { attributes: ['version'], content: 'empty' },
  proceed: { attributes: [], content: 'empty' },
  blob: { attributes: ['status', '{http://www.w3.org/XML/1998/namespace}space'], content: 'text' },
}

/** What is wrong with the shape of an element, for the text of an error; undefined when its DTD allows it. */
export function shapeFault(element: Element): string | undefined {
  const rule = Object.hasOwn(elementRules, element.name) ? elementRules[element.name] : undefined
  if (rule === undefined || element.namespace !== '') return `unexpected element <${element.name}>`
  for (const name of element.attributes.keys())
    if (!rule.attributes.includes(name)) return `unexpected attribute in <${element.name}> element`
  for (const child of element.children) {
    if (typeof child === 'string') {
      if (rule.content !== 'text' && child.trim() !== '')
        return `unexpected text in <${element.name}> element`
    } else if (rule.content !== 'profile' || child.name !== 'profile')
      return `unexpected element in <${element.name}> element`
  }
  return undefined
}

/** Reads an `error` element; undefined when it is none. */
export function readError(element: Element): BeepError | undefined {
  if (element.name !== 'error' || shapeFault(element) !== undefined) return undefined
  const code = readReplyCode(element.attribute('code'))
  return code === undefined ? undefined : { code, text: element.text(), language: element.lang }
}

/** An `error` element as it is written inside a payload or a `profile`. */
export function errorText({ code, text = '', language }: BeepError): string {
  return diagnostic('error', ` code='${code}'`, text, language)
}

/** An element whose content is a text for people, with the language it is in. */
export function diagnostic(
  name: string,
  attributes: string,
  text: string,
  language: string | undefined,
): string {
  const lang = language === undefined || text === '' ? '' : ` xml:lang='${escapeValue(language)}'`
  return text === ''
    ? `<${name}${attributes} />`
    : `<${name}${attributes}${lang}>${escapeText(text)}</${name}>`
}
