// A unit in octets of its own, which outlive the loan in which it came.

import { type Bytes, ownBytes } from '#base'
import { HeaderLines } from '#wire/header-lines'

/** What units of these protocols are: a start line, header lines, a body. */
export interface UnitOctets {
  readonly headers: HeaderLines
  readonly body: Bytes
  /** Start line to the end of the body. */
  readonly raw: Bytes
}

export function ownUnit<Unit extends UnitOctets>(unit: Unit): Unit {
  const { headers } = unit
  const raw = ownBytes(unit.raw)
  // The block ends where the body begins; all offsets move by as much.
  const shift = headers.end - (raw.length - unit.body.length)
  const offsets = headers.offsets.map((offset) => offset - shift)
  const moved = new HeaderLines(raw, headers.start - shift, headers.end - shift, offsets)
  return { ...unit, raw, headers: moved, body: raw.subarray(moved.end) }
}
