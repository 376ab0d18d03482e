// What begins with `<!` or `<?` inside an element: CDATA sections, and what RFC 6120 §11.1 refuses on a stream
// (comments, processing instructions, DOCTYPE). Documents other than streams may hold the first two.

import type { Bytes } from '#base'
import { classOf, nameChar, nameStart } from './characters.ts'
import type { XmlReason } from './faults.ts'

export type OtherMarkup = 'more' | 'cdata' | 'comment' | 'instruction' | { readonly fault: XmlReason }

const openings = [
  ['<![CDATA[', 'cdata'],
  ['<!--', 'comment'],
  ['<!DOCTYPE', 'doctype'],
] as const

/** What opens at `i`, where `<!` or `<?` stands. A stream faults on the first octet that shows it is forbidden. */
export function otherMarkup(bytes: Bytes, i: number, end: number, isDocument: boolean): OtherMarkup {
  if (bytes[i + 1] === 0x3f)
    return isDocument ? instruction(bytes, i, end) : { fault: 'processing-instruction' }
  for (const [opening, kind] of openings) {
    let j = 2
    while (j < opening.length && i + j < end && bytes[i + j] === opening.charCodeAt(j)) j++
    if (j === opening.length) {
      if (kind === 'doctype' || (kind === 'comment' && !isDocument)) return { fault: kind }
      return kind
    }
    if (i + j >= end) return 'more'
  }
  return { fault: 'syntax' }
}

/** XML 1.0 §2.6: the target is a name, but not `xml` in any case. */
function instruction(bytes: Bytes, i: number, end: number): OtherMarkup {
  let j = i + 2
  while (j < end && (bytes[j] >= 0x80 || (classOf[bytes[j]] & nameChar) !== 0)) j++
  if (j === end) return 'more'
  const startsName = bytes[i + 2] >= 0x80 || (classOf[bytes[i + 2]] & nameStart) !== 0
  if (!startsName) return { fault: 'syntax' }
  const isXml =
    j === i + 5 &&
    (bytes[i + 2] | 0x20) === 0x78 &&
    (bytes[i + 3] | 0x20) === 0x6d &&
    (bytes[i + 4] | 0x20) === 0x6c
  return isXml ? { fault: 'bad-declaration' } : 'instruction'
}

/** Octets of the opening that the content follows. */
export const openingLength = { cdata: 9, comment: 4, instruction: 2 } as const
