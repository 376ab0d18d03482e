// A BEEP payload of APEX (RFC 3340 §4.1): an XML document, or a multipart/related that begins with one and has the content beside it.

import { type Bytes, concat, utf8 } from '#base'
import { type BeepError, beepError, beepXmlType, type OutgoingEntity } from '#protocols/beep'
import { HeaderLines, headerBlock, mimeHeaderRules, scanHeaderLines } from '#wire/header-lines'
import { contentOf, type MimeEntity, parseEntity, parseMediaType, splitMultipart } from '#wire/mime'

export interface Place {
  readonly start: number
  readonly end: number
}

export interface Payload {
  readonly contentType: string
  /** Entity header fields beside the type. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Bytes
  /** Header and body as they came, where they still are as they came. */
  readonly octets: Bytes | undefined
  /** Where the XML document stands in the body. */
  readonly control: Place
  /** The other parts, by Content-ID without its brackets. */
  readonly parts: ReadonlyMap<string, Place>
}

/** What came, before it is looked into. */
export interface PayloadEntity {
  readonly contentType: string
  readonly headers: HeaderLines
  readonly body: Bytes
}

/** Finds the document and the parts; or why there are none. The body is not copied. */
export function readPayload({ contentType, headers, body }: PayloadEntity): Payload | BeepError {
  const type = parseMediaType(contentType)
  if (type === undefined) return beepError(501, 'the content type is not understood')
  const fields: (readonly [string, string])[] = []
  let characters = 0
  for (const [name, value] of headers) {
    characters += name.length + value.length
    if (!isRepeatable(name, value) || characters > fieldsMax)
      return beepError(500, 'a header field is too long, or holds controls')
    if (name.toLowerCase() !== 'content-type') fields.push([name, value.trim()])
  }
  const head = { contentType: contentType.trim(), fields, body, octets: wholeOf(headers, body) }
  if (!isPlain(headers)) return beepError(504, 'transforming transfer encodings are not taken')
  if (!isUtf8(type.parameters.get('charset'))) return beepError(504, 'the charset must be UTF-8')
  if (type.essence === beepXmlType)
    return { ...head, control: { start: 0, end: body.length }, parts: new Map() }
  if (type.essence !== 'multipart/related')
    return beepError(501, `the content type must be ${beepXmlType} or multipart/related`)
  const places = splitMultipart(body, type.parameters.get('boundary') ?? '')
  if (typeof places === 'string') return beepError(500, `no multipart: ${places}`)
  return related(head, places, type.parameters.get('start'))
}

/** Undefined where the two came apart. */
function wholeOf({ bytes, start, end }: HeaderLines, body: Bytes): Bytes | undefined {
  const isBehind = body.buffer === bytes.buffer && body.byteOffset === bytes.byteOffset + end
  return isBehind ? bytes.subarray(start, end + body.length) : undefined
}

/** LIMIT: characters of an entity header field, unfolded, and of all of them: they are written again, and read again. */
const fieldMax = 2048
const fieldsMax = 16_384

/** Whether the field can be written again, on one line: it may wait on the disk meanwhile. */
function isRepeatable(name: string, value: string): boolean {
  return name.length + value.length <= fieldMax && !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)
}

/** RFC 2387 §3.2: the root is what `start` names, else the first. */
function related(
  head: Omit<Payload, 'control' | 'parts'>,
  places: readonly Place[],
  start: string | undefined,
): Payload | BeepError {
  const root = start === undefined ? undefined : bare(start)
  const parts = new Map<string, Place>()
  let control: Place | undefined
  for (const place of places) {
    const headers = scanHeaderLines(head.body, place.start, place.end, mimeHeaderRules)
    if (!(headers instanceof HeaderLines)) return beepError(500, 'a part has no readable header')
    const id = bare(headers.get('content-id') ?? '')
    if (control === undefined && (root === undefined || id === root)) {
      const type = headers.get('content-type') ?? ''
      if (type !== beepXmlType && parseMediaType(type)?.essence !== beepXmlType)
        return beepError(501, `the first part must be ${beepXmlType}`)
      if (!isPlain(headers)) return beepError(504, 'transforming transfer encodings are not taken')
      control = { start: Math.min(headers.end, place.end), end: place.end }
    } else if (id !== '') parts.set(id, place)
  }
  if (control === undefined) return beepError(501, 'no part is the one that start names')
  return { ...head, control, parts }
}

export function controlOf({ body, control }: Payload): Bytes {
  return body.subarray(control.start, control.end)
}

/** The Content-ID of the part that a `cid:` URL names (RFC 2392 §2); undefined where there is none. */
export function partNamed({ parts }: Payload, uri: string): string | undefined {
  const id = contentIdOf(uri)
  return id !== undefined && parts.has(id) ? id : undefined
}

/** That part, headers and all. */
export function partOf({ body, parts }: Payload, uri: string): MimeEntity | undefined {
  const place = parts.get(contentIdOf(uri) ?? '')
  if (place === undefined) return undefined
  const entity = parseEntity(body.subarray(place.start, place.end))
  return 'fault' in entity ? undefined : entity
}

/** The octets that the part means, its transfer encoding undone. */
export { contentOf as partContent }

function contentIdOf(uri: string): string | undefined {
  if (!/^cid:/i.test(uri)) return undefined
  try {
    return decodeURIComponent(uri.slice(4))
  } catch {
    return undefined // a stray `%`: it names no part
  }
}

/** The same payload with another document. The other parts stay octet for octet. */
export function withControl(payload: Payload, control: Bytes): Payload {
  const { body, control: place } = payload
  if (place.start === 0 && place.end === body.length)
    return { ...payload, body: control, octets: undefined, control: { start: 0, end: control.length } }
  const grown = control.length - (place.end - place.start)
  const parts = new Map<string, Place>()
  for (const [id, { start, end }] of payload.parts)
    parts.set(id, start < place.start ? { start, end } : { start: start + grown, end: end + grown })
  return {
    ...payload,
    body: concat([body.subarray(0, place.start), control, body.subarray(place.end)]),
    octets: undefined,
    control: { start: place.start, end: place.start + control.length },
    parts,
  }
}

export function entityOf({ contentType, fields, body, octets }: Payload): OutgoingEntity {
  const entity = { contentType, fields, body }
  return octets === undefined ? entity : { ...entity, head: octets.subarray(0, octets.length - body.length) }
}

/** The whole as octets that can be kept: entity header, empty line, body. */
export function payloadBytes({ contentType, fields, body, octets }: Payload): Bytes {
  return octets ?? concat([utf8(headerBlock([['Content-Type', contentType], ...fields])), body])
}

/** What payloadBytes made. */
export function readPayloadBytes(octets: Bytes): Payload | BeepError {
  const headers = scanHeaderLines(octets, 0, octets.length, mimeHeaderRules)
  if (!(headers instanceof HeaderLines)) return beepError(500, 'no readable header')
  const contentType = headers.get('content-type') ?? ''
  return readPayload({ contentType, headers, body: octets.subarray(headers.end) })
}

/** A document alone. */
export function xmlPayload(document: string): Payload {
  const body = utf8(document)
  return {
    contentType: beepXmlType,
    fields: [],
    body,
    octets: undefined,
    control: { start: 0, end: body.length },
    parts: new Map(),
  }
}

/** §4.1: BEEP is eight bits wide; what changes octets "should not be used", and in the document would hide it from relays. */
function isPlain(headers: HeaderLines): boolean {
  const written = headers.get('content-transfer-encoding')
  return written === undefined || /^(7bit|8bit|binary)$/i.test(written.trim())
}

/** RFC 3080 §6.4 lets a document be in another; relays write copies of it with their own words in them. */
function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || /^(utf-8|us-ascii)$/i.test(charset)
}

function bare(written: string): string {
  const id = written.trim()
  return id.startsWith('<') && id.endsWith('>') ? id.slice(1, -1) : id
}
