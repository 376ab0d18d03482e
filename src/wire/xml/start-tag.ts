// The start tag that is being read: its attributes by offset, and what must hold of them together (XML 1.0 §3.1, Namespaces in
// XML 1.0 §5, §6.3). The table is used again for every tag.

import type { Bytes } from '#base'
import type { XmlReason } from './faults.ts'
import { sameAscii } from './intern.ts'
import type { XmlLimits } from './limits.ts'
import { attributeColumns } from './outline.ts'
import { type Scope, undeclared } from './scope.ts'

export class StartTag {
  /** Of its `<`, of the colon in its name (0: none), and behind its name. */
  start = 0
  colon = 0
  nameEnd = 0
  #limits: XmlLimits
  readonly #scope: Scope
  readonly #table: number[] = []
  /** How much of the table is of this tag. */
  #length = 0
  /** Attributes with a prefix that are no declarations. */
  #prefixed = 0

  constructor(limits: XmlLimits, scope: Scope) {
    this.#limits = limits
    this.#scope = scope
  }

  begin(limits: XmlLimits): void {
    this.#limits = limits
    this.reset()
  }

  reset(): void {
    this.#length = 0
    this.#prefixed = 0
  }

  /** A copy of the table. */
  attributes(): readonly number[] {
    return this.#table.slice(0, this.#length)
  }

  /** Takes an attribute of the element at `depth`. Offsets are relative to `base`. */
  take(
    bytes: Bytes,
    base: number,
    depth: number,
    start: number,
    colon: number,
    end: number,
    valueStart: number,
    valueEnd: number,
    flags: number,
  ): XmlReason | undefined {
    const table = this.#table
    const length = this.#length
    if (length >= this.#limits.attributesMax * attributeColumns) return 'too-many-attributes'
    for (let a = 0; a < length; a += attributeColumns) {
      const other = table[a]
      if (table[a + 2] - other !== end - start) continue
      let k = 0
      while (start + k < end && bytes[base + start + k] === bytes[base + other + k]) k++
      // XML 1.0 §3.1: no attribute name may appear more than once in the same start tag.
      if (start + k === end) return 'duplicate-attribute'
    }
    table[length] = start
    table[length + 1] = colon
    table[length + 2] = end
    table[length + 3] = valueStart
    table[length + 4] = valueEnd
    table[length + 5] = flags
    this.#length = length + attributeColumns
    if (colon === 0 ? end - start === 5 : colon - start === 5) {
      if (sameAscii('xmlns', bytes, base + start, base + start + 5)) {
        if (this.#scope.count >= this.#limits.namespacesMax) return 'too-many-namespaces'
        const prefixStart = colon === 0 ? end : colon + 1
        return this.#scope.declare(bytes, base, depth, prefixStart, end, valueStart, valueEnd, flags !== 0)
      }
    }
    if (colon !== 0) this.#prefixed++
    return undefined
  }

  /** Once all its declarations are known: every prefix is declared, and no name is there twice. */
  check(bytes: Bytes, base: number): XmlReason | undefined {
    if (this.#prefixed === 0) return undefined
    const table = this.#table
    for (let a = 0; a < this.#length; a += attributeColumns) {
      if (table[a + 1] === 0 || isXmlns(bytes, base, table[a], table[a + 1])) continue
      const binding = this.#scope.find(bytes, base, table[a], table[a + 1])
      if (binding === undeclared) return 'undeclared-prefix'
      if (this.#prefixed > 1 && this.#repeatsNamespace(bytes, base, a, binding)) return 'duplicate-attribute'
    }
    return undefined
  }

  /** Namespaces in XML 1.0 §6.3: no two attributes with the same local part and the same namespace name. */
  #repeatsNamespace(bytes: Bytes, base: number, a: number, binding: number): boolean {
    const table = this.#table
    const local = table[a + 1] + 1
    const length = table[a + 2] - local
    for (let b = 0; b < a; b += attributeColumns) {
      const other = table[b + 1] + 1
      if (other === 1 || table[b + 2] - other !== length) continue
      let k = 0
      while (k < length && bytes[base + local + k] === bytes[base + other + k]) k++
      if (k < length || isXmlns(bytes, base, table[b], table[b + 1])) continue
      const otherBinding = this.#scope.find(bytes, base, table[b], table[b + 1])
      if (otherBinding === binding) return true
      if (this.#scope.uri(bytes, base, otherBinding) === this.#scope.uri(bytes, base, binding)) return true
    }
    return false
  }
}

function isXmlns(bytes: Bytes, base: number, start: number, colon: number): boolean {
  return colon - start === 5 && sameAscii('xmlns', bytes, base + start, base + colon)
}
