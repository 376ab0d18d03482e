// The frames of XMPP over web sockets (RFC 7395 §3.3), complete: each is one element that stands alone. What differs from a stream of octets is
// turned here into what stands there for the same, both ways.
import { type Bytes, text, utf8 } from '#base'
import { escapeValue, type Frame, frameDocument, isXmlFault, type XmlFamily, type XmlLimits } from '#wire/xml'
import { clientNamespace, framingNamespace, streamNamespace } from './namespaces.ts'
import { streamEnd } from './stream-text.ts'

/** What a frame of the client is: `stray` is a header of another namespace (§3.3.2). */
export type ClientFrame =
  | { readonly kind: 'open' | 'element'; readonly octets: Bytes }
  | { readonly kind: 'close' | 'stray' | 'text' | 'undeclared' }
  | { readonly kind: 'fault'; readonly family: XmlFamily }

export function readFrame(message: Bytes, limits: Partial<XmlLimits>): ClientFrame {
  // §3.3.3, §3.8
  if (message[0] !== lessThan) return { kind: 'text' }
  const frame = frameDocument(message, { limits })
  if (isXmlFault(frame)) return { kind: 'fault', family: frame.family }
  if (frame.namespace === framingNamespace) {
    if (frame.name === 'open') return { kind: 'open', octets: utf8(headerOf(frame)) }
    return { kind: frame.name === 'close' ? 'close' : 'stray' }
  }
  if (frame.name === 'open' || frame.name === 'close' || frame.namespace === streamNamespace)
    return { kind: 'stray' }
  return frame.namespace === '' ? { kind: 'undeclared' } : { kind: 'element', octets: frame.raw() }
}

const lessThan = 0x3c

/** The header of a stream of octets that says the same. */
function headerOf(open: Frame): string {
  let header = `<stream:stream xmlns='${clientNamespace}' xmlns:stream='${streamNamespace}'`
  for (let k = 0; k < open.attributeCount; k++) {
    const name = open.attributeName(k)
    if (name.includes(':') ? name !== 'xml:lang' : name === 'xmlns') continue
    header += ` ${name}='${escapeValue(open.attributeValue(k))}'`
  }
  return `${header}>`
}

const headerStart = `<?xml version='1.0'?><stream:stream xmlns='${clientNamespace}' xmlns:stream='${streamNamespace}'`

/** A frame of what would go out on a stream of octets. */
export function frameOf(unit: string): string {
  if (unit === streamEnd) return `<close xmlns='${framingNamespace}'/>`
  if (unit.startsWith(headerStart))
    return `<open xmlns='${framingNamespace}'${unit.slice(headerStart.length, -1)}/>`
  return declared(unit)
}

/** A <close/> that sends the client elsewhere (§3.6.1). */
export function seeOtherUriText(uri: string): string {
  return `<close xmlns='${framingNamespace}' see-other-uri='${escapeValue(uri)}'/>`
}

/** The same for octets. */
export function frameOfOctets(unit: Bytes): string {
  return frameOf(text(unit))
}

/** What the stream's header would have declared (§3.3.3). */
function declared(unit: string): string {
  const nameEnd = unit.search(/[\s/>]/)
  const tagEnd = startTagEnd(unit, nameEnd)
  const startTag = unit.slice(nameEnd, tagEnd)
  const needsNone = unit.startsWith('<stream:') || /\sxmlns\s*=/.test(withoutValues(startTag))
  let missing = needsNone ? '' : ` xmlns='${clientNamespace}'`
  if (unit.includes('stream:') && !startTag.includes('xmlns:stream'))
    missing += ` xmlns:stream='${streamNamespace}'`
  return missing === '' ? unit : unit.slice(0, nameEnd) + missing + unit.slice(nameEnd)
}

function startTagEnd(unit: string, from: number): number {
  let quote = ''
  for (let at = from; at < unit.length; at++) {
    const c = unit[at] as string
    if (quote !== '') quote = c === quote ? '' : quote
    else if (c === "'" || c === '"') quote = c
    else if (c === '>') return at
  }
  return unit.length
}

function withoutValues(startTag: string): string {
  return startTag.replace(/"[^"]*"|'[^']*'/g, '')
}
