// S/MIME in stanzas, RFC 3923 §3: a MIME entity that its author signed or encrypted, as the text of <e2e/>. XML makes LF of CR LF, which such an entity
// has at the end of each line (RFC 8551 §3.1.1), so they are put back. Complete for messages; presence and IQ in it pass as they are.

import { type Bytes, strictText, utf8 } from '#base'
import type { Content } from '#model'
import { contentOf, describingFields, parseEntity, parseMediaType, writeEntity } from '#wire/mime'

/** LIMIT: octets of an entity that is written as text beside its base64; past it only those who know that get it. */
export const e2eOctetsMax = 65_536

/** What <e2e/> says as MIME content; undefined where it is no MIME entity with a type of S/MIME. */
export function contentOfE2e(text: string): Content | undefined {
  // Around a CDATA section stands white space, before and behind its lines (RFC 3923 §3.2).
  const lines = text.trimStart().replace(/(?<=\n)[ \t]+$/, '')
  const entity = parseEntity(utf8(lines.replaceAll(/\r?\n/g, '\r\n')))
  if (!('headers' in entity)) return undefined
  const type = quoted(entity.headers.get('content-type'))
  if (type === undefined || !isSmime(type)) return undefined
  // Where the whole is base64 it is so for the sake of text alone; parts of a multipart keep theirs, which the signature covers.
  const isWhole = !isMultipart(type)
  const bytes = isWhole ? contentOf(entity) : entity.body
  if (bytes === undefined) return undefined
  const others = [...entity.headers].map(([name, value]) => ({ name, value }))
  const fields = describingFields(others).filter(({ name }) => !(isWhole && isEncoding(name)))
  return { type, bytes, fields }
}

/** The text of <e2e/> for content; undefined where that is no S/MIME, or has what XML cannot carry. */
export function e2eTextOf({ type, bytes, fields }: Content): string | undefined {
  if (bytes.length > e2eOctetsMax || !isSmime(type)) return undefined
  const isWhole = !isMultipart(type)
  const kept = isWhole ? fields.filter(({ name }) => !isEncoding(name)) : fields
  const lines: (readonly [string, string])[] = [
    ['Content-Type', type],
    ...kept.map(({ name, value }) => [name, value] as const),
  ]
  if (isWhole) lines.push(['Content-Transfer-Encoding', 'base64'])
  const text = textOf(writeEntity(lines, isWhole ? base64Lines(bytes) : bytes))
  return text === undefined ? undefined : `\n${text.replaceAll('\r\n', '\n')}`
}

/** `x-`: of S/MIME's second version, which openssl still writes. */
const smimeTypes: ReadonlySet<string> = new Set(['application/pkcs7-mime', 'application/x-pkcs7-mime'])
const signatureTypes: ReadonlySet<string> = new Set([
  'application/pkcs7-signature',
  'application/x-pkcs7-signature',
])

function isSmime(written: string): boolean {
  const type = parseMediaType(written)
  if (type?.essence !== 'multipart/signed') return type !== undefined && smimeTypes.has(type.essence)
  return signatureTypes.has(type.parameters.get('protocol')?.toLowerCase() ?? '')
}

/** RFC 3923 §3.2 prints the parameter without the quotes that RFC 2045 §5.1 wants around a slash. */
const quoted = (type: string | undefined): string | undefined =>
  type?.replace(/(;\s*protocol=)(application\/(?:x-)?pkcs7-signature)/i, '$1"$2"')

const isMultipart = (type: string): boolean => /^multipart\//i.test(type)
const isEncoding = (name: string): boolean => name.toLowerCase() === 'content-transfer-encoding'

/** RFC 2045 §6.8: lines of 76. */
function base64Lines(bytes: Bytes): Bytes {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  return utf8(all.replaceAll(/.{1,76}/g, '$&\r\n'))
}

/** Text whose every line ends with CR LF, of characters that XML may hold (XML 1.0 §2.2). */
function textOf(bytes: Bytes): string | undefined {
  const text = strictText(bytes)
  if (text === undefined) return undefined
  const isXml = !/[^\t\r\n\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text)
  return isXml && !/\r(?!\n)|(?<!\r)\n/.test(text) ? text : undefined
}
