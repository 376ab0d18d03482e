// A block of header lines as offsets into the octets it came in. Names and values become text only when asked for.

import type { Bytes } from '#base'
import { internAscii } from '#wire/xml'

/** The fields of one block in the order they came. `end` is the offset after its blank line. */
export class HeaderLines {
  readonly bytes: Bytes
  readonly start: number
  readonly end: number
  /** Four a field: name start, name end (the colon), value start, value end. */
  readonly offsets: readonly number[]

  constructor(bytes: Bytes, start: number, end: number, offsets: readonly number[]) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.offsets = offsets
  }

  get length(): number {
    return this.offsets.length >> 2
  }

  /** The name as it came. */
  name(index: number): string {
    return internAscii(this.bytes, this.offsets[index * 4], this.offsets[index * 4 + 1])
  }

  /** The octets of the value, folds included. */
  valueBytes(index: number): Bytes {
    return this.bytes.subarray(this.offsets[index * 4 + 2], this.offsets[index * 4 + 3])
  }

  /** The value unfolded (RFC 5322 §2.2.3: the line end goes, the white space stays); octets that are not UTF-8 become U+FFFD. */
  value(index: number): string {
    // Values come again and again: mostly this decodes nothing.
    return unfold(internAscii(this.bytes, this.offsets[index * 4 + 2], this.offsets[index * 4 + 3]))
  }

  /** The index of the first field of that name at or after `from`, or -1. `name` in lower case; letter case is ignored (RFC 822 §3.4.7). */
  find(name: string, from = 0): number {
    for (let at = from * 4; at < this.offsets.length; at += 4) {
      if (sameName(this.bytes, this.offsets[at], this.offsets[at + 1], name)) return at >> 2
    }
    return -1
  }

  /** The value of the first field of that name (in lower case). */
  get(name: string): string | undefined {
    const index = this.find(name)
    return index === -1 ? undefined : this.value(index)
  }

  /** How many fields have that name (in lower case). */
  count(name: string): number {
    let found = 0
    for (let index = this.find(name); index !== -1; index = this.find(name, index + 1)) found++
    return found
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    for (let index = 0; index < this.length; index++) yield [this.name(index), this.value(index)]
  }
}

function unfold(value: string): string {
  return value.indexOf('\n') === -1 ? value : value.replace(/\r?\n/g, '')
}

function sameName(bytes: Bytes, at: number, end: number, name: string): boolean {
  if (end - at !== name.length) return false
  for (let i = 0; i < name.length; i++) {
    const octet = bytes[at + i] as number
    const lower = octet >= 65 && octet <= 90 ? octet | 32 : octet
    if (lower !== name.charCodeAt(i)) return false
  }
  return true
}
