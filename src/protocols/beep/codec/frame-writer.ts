// Frames -> octets. Hot path: the header is written digit by digit into one scratch line of the thread; the payload is not
// touched.

import type { Bytes } from '#base'
import type { Keyword } from './frame.ts'

/** The longest line is that of an ANS frame, 72 octets. */
const scratch = new Uint8Array(96)
const keywords: Readonly<Record<Keyword | 'SEQ', readonly [number, number, number]>> = {
  MSG: [0x4d, 0x53, 0x47],
  RPY: [0x52, 0x50, 0x59],
  ERR: [0x45, 0x52, 0x52],
  ANS: [0x41, 0x4e, 0x53],
  NUL: [0x4e, 0x55, 0x4c],
  SEQ: [0x53, 0x45, 0x51],
}

export const trailerBytes: Bytes = new Uint8Array([0x45, 0x4e, 0x44, 0x0d, 0x0a])

/** The header line of a data frame. A loan: the next header overwrites it. */
export function headerBytes(
  keyword: Keyword,
  channel: number,
  msgno: number,
  more: boolean,
  seqno: number,
  size: number,
  ansno: number,
): Bytes {
  let at = word(keyword)
  at = number(at, channel)
  at = number(at, msgno)
  scratch[at] = 0x20
  scratch[at + 1] = more ? 0x2a : 0x2e
  at = number(at + 2, seqno)
  at = number(at, size)
  if (keyword === 'ANS') at = number(at, ansno)
  return line(at)
}

/** A whole SEQ frame. A loan, too. */
export function seqBytes(channel: number, ackno: number, window: number): Bytes {
  return line(number(number(number(word('SEQ'), channel), ackno), window))
}

function word(keyword: Keyword | 'SEQ'): number {
  const [a, b, c] = keywords[keyword]
  scratch[0] = a
  scratch[1] = b
  scratch[2] = c
  return 3
}

/** A space and the number in decimal digits; the offset behind it. */
function number(at: number, value: number): number {
  scratch[at] = 0x20
  let digits = 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
  let rest = value
  for (let i = at + digits; i > at; i--) {
    scratch[i] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return at + digits + 1
}

function line(at: number): Bytes {
  scratch[at] = 0x0d
  scratch[at + 1] = 0x0a
  return scratch.subarray(0, at + 2)
}
