// The namespace declarations inside one element while it is read: a stack of offsets, so that a prefix costs a
// comparison and no string (Namespaces in XML 1.0 §5, §6).

import type { Bytes } from '#base'
import type { XmlReason } from './faults.ts'
import { internAscii, sameAscii } from './intern.ts'
import { type Namespaces, xmlNamespace, xmlnsNamespace } from './namespaces.ts'
import { decodeValue } from './references.ts'

/** Answers of `find` beside an index of the stack (>= 0) and -1-k, the outer binding k. */
export const undeclared = -0x40000000
export const xmlBinding = -0x3fffffff

export class Scope {
  #count = 0
  readonly #prefixStart: number[] = []
  readonly #prefixEnd: number[] = []
  readonly #uriStart: number[] = []
  readonly #uriEnd: number[] = []
  readonly #decode: boolean[] = []
  readonly #depth: number[] = []
  #outer: Namespaces
  /** Bit k: the outer binding k was used by a prefix. Bit 31 stands for all from 31 on. */
  outerUsed = 0

  constructor(outer: Namespaces) {
    this.#outer = outer
  }

  reset(outer: Namespaces): void {
    this.#outer = outer
    this.#count = 0
    this.outerUsed = 0
  }

  get count(): number {
    return this.#count
  }

  /** Takes a declaration of the element at `depth`. Offsets are relative to `base`; an empty prefix is the default. */
  declare(
    bytes: Bytes,
    base: number,
    depth: number,
    prefixStart: number,
    prefixEnd: number,
    uriStart: number,
    uriEnd: number,
    decode: boolean,
  ): XmlReason | undefined {
    const reason = this.#forbids(bytes, base, prefixStart, prefixEnd, uriStart, uriEnd, decode)
    if (reason !== undefined) return reason
    const k = this.#count++
    this.#prefixStart[k] = prefixStart
    this.#prefixEnd[k] = prefixEnd
    this.#uriStart[k] = uriStart
    this.#uriEnd[k] = uriEnd
    this.#decode[k] = decode
    this.#depth[k] = depth
    return undefined
  }

  /** Namespaces in XML 1.0 §3, "Reserved Prefixes and Namespace Names", and §2.2: no prefix is bound to nothing. */
  #forbids(
    bytes: Bytes,
    base: number,
    prefixStart: number,
    prefixEnd: number,
    uriStart: number,
    uriEnd: number,
    decode: boolean,
  ): XmlReason | undefined {
    const prefixed = prefixEnd > prefixStart
    if (prefixed && uriEnd === uriStart) return 'reserved-namespace'
    if (prefixed && sameAscii('xmlns', bytes, base + prefixStart, base + prefixEnd))
      return 'reserved-namespace'
    const isXml = prefixed && sameAscii('xml', bytes, base + prefixStart, base + prefixEnd)
    const length = uriEnd - uriStart
    if (!isXml && !decode && length !== xmlNamespace.length && length !== xmlnsNamespace.length)
      return undefined
    const uri = decodeValue(bytes, base + uriStart, base + uriEnd)
    if (prefixed && uri === '') return 'reserved-namespace'
    return isXml !== (uri === xmlNamespace) || uri === xmlnsNamespace ? 'reserved-namespace' : undefined
  }

  /** Ends the declarations of the element at `depth`. */
  leave(depth: number): void {
    while (this.#count > 0 && this.#depth[this.#count - 1] === depth) this.#count--
  }

  /** The binding in force for the prefix at these offsets; an empty range asks for the default namespace. */
  find(bytes: Bytes, base: number, start: number, end: number): number {
    const length = end - start
    search: for (let k = this.#count - 1; k >= 0; k--) {
      const prefix = this.#prefixStart[k]
      if (this.#prefixEnd[k] - prefix !== length) continue
      for (let i = 0; i < length; i++) {
        if (bytes[base + prefix + i] !== bytes[base + start + i]) continue search
      }
      return k
    }
    const k = this.#outer.find(bytes, base + start, base + end)
    if (k >= 0) {
      if (length > 0) this.outerUsed |= 1 << Math.min(k, 31)
      return -1 - k
    }
    return sameAscii('xml', bytes, base + start, base + end) ? xmlBinding : undeclared
  }

  /** Offsets of the namespace of a binding; an outer or missing one has none. */
  uriStart(binding: number): number {
    return binding >= 0 ? this.#uriStart[binding] : binding
  }

  uriEnd(binding: number): number {
    return binding >= 0 ? this.#uriEnd[binding] : 0
  }

  /** The namespace of a binding that is not `undeclared`. */
  uri(bytes: Bytes, base: number, binding: number): string {
    if (binding === xmlBinding) return xmlNamespace
    if (binding < 0) return this.#outer.uris[-1 - binding]
    const start = base + this.#uriStart[binding]
    const end = base + this.#uriEnd[binding]
    return this.#decode[binding] ? decodeValue(bytes, start, end) : internAscii(bytes, start, end)
  }
}
