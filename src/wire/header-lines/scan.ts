// From octets to the places of header fields, without copying any (RFC 822 §3.1, RFC 5322 §2.2).

import { type Bytes, strictText } from '#base'
import { HeaderLines } from './header-lines.ts'
import type { HeaderCondition, HeaderFault, HeaderRules } from './rules.ts'

const LF = 10
const CR = 13

/**
 * The offset after the blank line that ends the block beginning at `start`, or -1 when it is not there yet.
 * `from` (>= start) is where an earlier call may be taken up: pass the end of what was already searched, and a
 * block that trickles in is searched once, not once a chunk.
 */
export function findBlockEnd(bytes: Bytes, start: number, from: number, end: number): number {
  let at = Math.max(start, from - 3)
  for (;;) {
    const lf = bytes.indexOf(LF, at)
    if (lf === -1 || lf >= end) return -1
    if (endsBlankLine(bytes, start, lf)) return lf + 1
    at = lf + 1
  }
}

function endsBlankLine(bytes: Bytes, start: number, lf: number): boolean {
  const last = lf > start && bytes[lf - 1] === CR ? lf - 1 : lf
  return last === start || bytes[last - 1] === LF
}

/**
 * The fields of the block that begins at `start`, up to and including its blank line. A block without a blank line
 * before `end` is `unfinished`.
 */
export function scanHeaderLines(
  bytes: Bytes,
  start: number,
  end: number,
  rules: HeaderRules,
): HeaderLines | HeaderFault {
  const offsets: number[] = []
  const limit = Math.min(end, start + rules.blockOctetsMax)
  let at = start
  let high = false
  for (;;) {
    const lf = bytes.indexOf(LF, at)
    if (lf === -1 || lf >= limit) return fault(limit < end ? 'block-too-long' : 'unfinished', limit)
    const crlf = lf > at && bytes[lf - 1] === CR
    if (!crlf && !rules.bareLineFeed) return fault('bad-line-end', lf)
    const lineEnd = crlf ? lf - 1 : lf
    if (lineEnd === at) break
    if (lineEnd - at > rules.lineOctetsMax) return fault('line-too-long', at + rules.lineOctetsMax)
    const first = bytes[at] as number
    if (first === 32 || first === 9) {
      if (!rules.folding || offsets.length === 0) return fault('bad-folding', at)
      const bad = scanValue(bytes, at, lineEnd)
      if (bad < 0) high = true
      if (bad > 0) return fault('bad-character', bad)
      offsets[offsets.length - 1] = rules.trim
        ? trimmedEnd(bytes, offsets[offsets.length - 2], lineEnd)
        : lineEnd
    } else {
      if (offsets.length >= rules.fieldsMax * 4) return fault('too-many-fields', at)
      const colon = nameEnd(bytes, at, lineEnd)
      if (colon === lineEnd) return fault('no-colon', at)
      if (colon === at || bytes[colon] !== 58) return fault('bad-name', colon)
      const bad = scanValue(bytes, colon + 1, lineEnd)
      if (bad < 0) high = true
      if (bad > 0) return fault('bad-character', bad)
      const valueStart = rules.trim ? trimmedStart(bytes, colon + 1, lineEnd) : colon + 1
      offsets.push(at, colon, valueStart, rules.trim ? trimmedEnd(bytes, valueStart, lineEnd) : lineEnd)
    }
    at = lf + 1
  }
  if (high && rules.utf8 && strictText(bytes.subarray(start, at)) === undefined)
    return fault('not-utf8', start)
  const after = bytes[at] === CR ? at + 2 : at + 1
  return new HeaderLines(bytes, start, after, offsets)
}

function fault(condition: HeaderCondition, offset: number): HeaderFault {
  return { fault: condition, offset }
}

/** RFC 822 §3.2 field-name: any character but controls, space and colon. Answers where it stops. */
function nameEnd(bytes: Bytes, at: number, end: number): number {
  while (at < end) {
    const octet = bytes[at] as number
    if (octet <= 32 || octet >= 127 || octet === 58) return at
    at++
  }
  return end
}

/** 0 when all is plain, -1 when octets above 127 occur, else the offset of a forbidden octet (never 0: a name precedes). */
function scanValue(bytes: Bytes, at: number, end: number): number {
  let high = 0
  for (; at < end; at++) {
    const octet = bytes[at] as number
    // Controls other than tab have no use in a header and much in an attack (RFC 9110 §5.5).
    if (octet < 32 ? octet !== 9 : octet === 127) return at
    if (octet > 127) high = -1
  }
  return high
}

function trimmedStart(bytes: Bytes, at: number, end: number): number {
  while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++
  return at
}

function trimmedEnd(bytes: Bytes, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === 32 || bytes[end - 1] === 9)) end--
  return end
}
