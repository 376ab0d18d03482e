// Header fields of IMPP/1.0 and how their values are read (docs/specs/impp-1.0.md §5). Names in lower case, as they are
// looked up; the writer has them as they are written.

import type { HeaderLines } from '#wire/header-lines'

/** Octets of the body: 0 without the header, -1 when it is malformed or has no Content-Type beside it (§4 item 2). */
export function contentLengthOf(headers: HeaderLines): number {
  const index = headers.find('content-length')
  if (index === -1) return headers.find('content-type') === -1 ? 0 : -1
  const length = decimal(headers.value(index))
  return length === undefined || headers.find('content-type') === -1 ? -1 : length
}

/** A decimal number of 1 to 10 digits. */
export function decimal(value: string): number | undefined {
  return /^[0-9]{1,10}$/.test(value) ? Number(value) : undefined
}

/** `infinity` is Infinity; undefined when it is none of the three forms. */
export function leaseTimeOf(value: string): number | 'connection' | undefined {
  if (value === 'infinity') return Number.POSITIVE_INFINITY
  return value === 'connection' ? value : decimal(value)
}

export function leaseTimeText(seconds: number | 'connection'): string {
  if (seconds === 'connection') return seconds
  return seconds === Number.POSITIVE_INFINITY ? 'infinity' : String(seconds)
}

/** Where a name stands that is there twice and may not be (§4 item 1), or -1. Quadratic, under the limit on fields. */
export function repeatedName(headers: HeaderLines): number {
  const { offsets } = headers
  for (let i = 0; i < offsets.length; i += 4) {
    for (let j = i + 4; j < offsets.length; j += 4) {
      if (sameName(headers, i, j) && headers.name(i >> 2).toLowerCase() !== 'subject')
        return offsets[j] as number
    }
  }
  return -1
}

function sameName({ bytes, offsets }: HeaderLines, i: number, j: number): boolean {
  const a = offsets[i] as number
  const b = offsets[j] as number
  const length = (offsets[i + 1] as number) - a
  if ((offsets[j + 1] as number) - b !== length) return false
  for (let k = 0; k < length; k++) {
    if (lower(bytes[a + k] as number) !== lower(bytes[b + k] as number)) return false
  }
  return true
}

function lower(octet: number): number {
  return octet >= 65 && octet <= 90 ? octet | 32 : octet
}

/** Media types of an Accept, best first, without parameters, in lower case. */
export function acceptedTypes(value: string): string[] {
  return value
    .split(',')
    .map((type) => (type.split(';')[0] as string).trim().toLowerCase())
    .filter((type) => type !== '')
}
