// One whole element at a time: documents that arrive complete (PIDF, a WebSocket frame, a stored stanza).

import { type Bytes, concat, utf8 } from '#base'
import { classOf, space } from './characters.ts'
import { declarationBytesMax, declarationFault, isDeclaration } from './declaration.ts'
import { type XmlFault, xmlFault } from './faults.ts'
import { Frame } from './frame.ts'
import { sameAscii } from './intern.ts'
import { defaultXmlLimits, type XmlLimits, xmlLimits } from './limits.ts'
import { type Namespaces, noNamespaces } from './namespaces.ts'
import { otherMarkup } from './other-markup.ts'
import { Scanner, scanDone, scanFault } from './scanner.ts'

export interface DocumentOptions {
  readonly limits?: Partial<XmlLimits>
  /** Declarations in force outside; for a piece that was cut out of something larger. */
  readonly outer?: Namespaces
  /**
   * True: comments and processing instructions are skipped, and a byte order mark is; for documents that other
   * protocols carry. False: the rules of a stream (RFC 6120 §11.1). A DOCTYPE is refused in any case.
   */
  readonly isDocument?: boolean
}

const whole = new Scanner({ limits: defaultXmlLimits })

/** Finds and checks the one element of a whole document. A view of `bytes`, no copy. */
export function frameDocument(bytes: Bytes, options: DocumentOptions = {}): Frame | XmlFault {
  const limits = xmlLimits(options.limits)
  const outer = options.outer ?? noNamespaces
  const isDocument = options.isDocument ?? false
  if (bytes.length > limits.bytesMax) return xmlFault('too-many-bytes', limits.bytesMax)
  const root = skipMisc(bytes, skipDeclaration(bytes, isDocument), isDocument)
  if (typeof root !== 'number') return root
  if (root === bytes.length) return xmlFault('unexpected-end', root)
  // Nothing of it outlives this call.
  const scanner = whole
  scanner.begin({ limits, outer, isDocument })
  const result = scanner.scan(bytes, root, bytes.length)
  if (result === scanFault) {
    const fault = scanner.fault as XmlFault
    return { ...fault, offset: root + fault.offset }
  }
  if (result !== scanDone) return xmlFault('unexpected-end', bytes.length)
  const frame = new Frame(bytes, root, outer, scanner.outline())
  const end = skipMisc(bytes, frame.end, isDocument)
  if (typeof end !== 'number') return end
  return end === bytes.length ? frame : xmlFault('text-outside-root', end)
}

export function isXmlFault(value: object): value is XmlFault {
  return 'reason' in value && 'family' in value
}

/** Behind the XML declaration and, in a document, the byte order mark before it. */
function skipDeclaration(bytes: Bytes, isDocument: boolean): number | XmlFault {
  const start = isDocument && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  if (!isDeclaration(bytes, start, bytes.length)) return start
  const gt = bytes.subarray(start, start + declarationBytesMax).indexOf(0x3e)
  if (gt < 0) return xmlFault('bad-declaration', start)
  const reason = declarationFault(bytes, start, start + gt + 1, true)
  return reason === undefined ? start + gt + 1 : xmlFault(reason, start)
}

/** Behind whitespace and, in a document, comments and processing instructions: a `<`, or the end. */
function skipMisc(bytes: Bytes, from: number | XmlFault, isDocument: boolean): number | XmlFault {
  if (typeof from !== 'number') return from
  let i = from
  for (;;) {
    while (i < bytes.length && (classOf[bytes[i]] & space) !== 0) i++
    if (i === bytes.length) return i
    if (bytes[i] !== 0x3c) return xmlFault('text-outside-root', i)
    const length = miscLength(bytes, i, isDocument)
    if (typeof length !== 'number') return length
    if (length === 0) return i
    i += length
  }
}

const wrapOpen = utf8('<m>')
const wrapClose = utf8('</m>')

/** Length of the comment or processing instruction at `i`; 0 when an element or end tag is there. */
function miscLength(bytes: Bytes, i: number, isDocument: boolean): number | XmlFault {
  if (bytes[i + 1] !== 0x21 && bytes[i + 1] !== 0x3f) return 0
  const markup = otherMarkup(bytes, i, bytes.length, isDocument)
  if (markup === 'more') return xmlFault('unexpected-end', bytes.length)
  if (typeof markup === 'object') return xmlFault(markup.fault, i)
  // XML 1.0 §2.1: outside the root there is no character data.
  if (markup === 'cdata') return xmlFault('syntax', i)
  const end = markup === 'comment' ? endOf(bytes, '-->', i + 4) : endOf(bytes, '?>', i + 2)
  if (end < 0) return xmlFault('unexpected-end', bytes.length)
  // The scanner knows what is allowed inside an element; it reads this as if it stood in one.
  const wrapped = concat([wrapOpen, bytes.subarray(i, end), wrapClose])
  const scanner = new Scanner({ limits: { ...defaultXmlLimits, bytesMax: wrapped.length }, isDocument })
  scanner.scan(wrapped, 0, wrapped.length)
  if (scanner.fault !== undefined) {
    return { ...scanner.fault, offset: scanner.fault.offset - wrapOpen.length + i }
  }
  return end - i
}

/** Behind the first occurrence of an ASCII text, or -1. */
function endOf(bytes: Bytes, ascii: string, from: number): number {
  for (
    let i = bytes.indexOf(ascii.charCodeAt(0), from);
    i >= 0;
    i = bytes.indexOf(ascii.charCodeAt(0), i + 1)
  ) {
    const end = i + ascii.length
    if (end <= bytes.length && sameAscii(ascii, bytes, i, end)) return end
  }
  return -1
}
