// The XML declaration (XML 1.0 §2.8, §4.3.3): only at the very start, only version 1.x, only UTF-8.

import { type Bytes, text } from '#base'
import { classOf, space } from './characters.ts'
import type { XmlReason } from './faults.ts'
import { sameAscii } from './intern.ts'

/** LIMIT: octets of an XML declaration. */
export const declarationBytesMax = 256

const grammar =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'1\.[0-9]+'|"1\.[0-9]+")(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([A-Za-z][A-Za-z0-9._-]*)'|"([A-Za-z][A-Za-z0-9._-]*)"))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>$/

/**
 * What is wrong with the markup at start..end, which begins with `<?` and ends with the first `>`; undefined for a good
 * declaration in its place. A standalone declaration is ignored (RFC 6120 §11.5).
 */
export function declarationFault(
  bytes: Bytes,
  start: number,
  end: number,
  atStart: boolean,
): XmlReason | undefined {
  if (!isDeclaration(bytes, start, end)) return 'processing-instruction'
  if (!atStart) return 'bad-declaration'
  const match = grammar.exec(text(bytes.subarray(start, end)))
  if (match === null) return 'bad-declaration'
  const encoding = match[1] ?? match[2]
  return encoding === undefined || encoding.toLowerCase() === 'utf-8' ? undefined : 'encoding-not-utf8'
}

/** True when an XML declaration, not another processing instruction, begins at `start`. */
export function isDeclaration(bytes: Bytes, start: number, end: number): boolean {
  if (end - start < 6 || !sameAscii('<?xml', bytes, start, start + 5)) return false
  return (classOf[bytes[start + 5]] & space) !== 0
}
