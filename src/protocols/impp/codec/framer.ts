// Octets of a connection -> units (docs/specs/impp-1.0.md §4): a block of lines, then as many octets as Content-Length says.

import type { Bytes } from '#base'
import { Gatherer } from '#wire/exchange'
import {
  findBlockEnd,
  type HeaderLines,
  type HeaderRules,
  scanHeaderLines,
  strictHeaderRules,
} from '#wire/header-lines'
import { contentLengthOf, repeatedName } from './header-fields.ts'
import { parseStartLine, type StartLine } from './start-line.ts'
import type { ImppFault, ImppUnit } from './unit.ts'

export interface FramerLimits {
  /** LIMIT: octets of a unit, its envelope included (`Max-Message-Size`). */
  readonly unitOctetsMax: number
  /** LIMIT: octets of a body that is too large and is read past; more is fatal. */
  readonly discardOctetsMax: number
}

export const defaultFramerLimits: FramerLimits = { unitOctetsMax: 262_144, discardOctetsMax: 16_777_216 }

interface Head {
  readonly line: StartLine
  readonly headers: HeaderLines
  readonly envelope: HeaderLines | undefined
  /** Where the unit itself begins, behind its envelope. */
  readonly start: number
}

export class UnitFramer {
  #rules: HeaderRules = strictHeaderRules
  #limits: FramerLimits = defaultFramerLimits
  readonly #held = new Gatherer()
  /** How far behind the first octet held begins the block that is not complete, and how far its end was searched for. */
  #block = 0
  #searched = 0
  /** Octets of the first unit held, once its block is known; 0 before. */
  #need = 0
  #discard = 0
  #broken = false

  constructor(limits: FramerLimits = defaultFramerLimits) {
    this.limits = limits
  }

  /** What holds from the next unit on. */
  set limits(limits: FramerLimits) {
    this.#limits = limits
    // A block is no longer than a unit; unless units are tiny it is bounded more tightly.
    const blockOctetsMax = Math.min(strictHeaderRules.blockOctetsMax, limits.unitOctetsMax)
    this.#rules = { ...strictHeaderRules, blockOctetsMax }
  }

  /** Octets held back because their unit is not complete. */
  get pendingOctets(): number {
    return this.#held.length
  }

  /** Takes a chunk; then call `next` until it answers undefined, before the chunk's loan ends. */
  push(chunk: Bytes): void {
    if (this.#broken) return
    if (this.#discard > 0) {
      const passed = Math.min(this.#discard, chunk.length)
      this.#discard -= passed
      chunk = chunk.subarray(passed)
    }
    if (this.#held.length === 0) {
      this.#block = 0
      this.#searched = 0
    }
    this.#held.push(chunk)
  }

  /** The next unit or what is wrong with it; undefined when more octets are needed. After a fatal fault always undefined. */
  next(): ImppUnit | ImppFault | undefined {
    if (this.#broken || this.#held.length === 0) {
      this.#held.release()
      return undefined
    }
    if (this.#need > this.#held.length) return this.#wait()
    const head = this.#readHead()
    if (head === undefined) return this.#wait()
    if ('kind' in head) return this.#fail(head)
    return this.#unit(head)
  }

  #wait(): undefined {
    this.#held.keep()
    return undefined
  }

  #readHead(): Head | ImppFault | undefined {
    const { bytes, start: first, end } = this.#held
    let start = first
    let envelope: HeaderLines | undefined
    for (;;) {
      const found = findBlockEnd(
        bytes,
        start,
        first + (start - first === this.#block ? this.#searched : start - first),
        end,
      )
      if (found === -1) {
        this.#block = start - first
        this.#searched = end - first
        if (end - start <= this.#rules.blockOctetsMax) return undefined
        return fault('message-too-large', undefined, undefined, true, end - first)
      }
      const lineEnd = bytes.indexOf(10, start)
      const line = bytes[lineEnd - 1] === 13 ? parseStartLine(bytes, start, lineEnd - 1) : undefined
      if (line === undefined) return fault('malformed', undefined, undefined, true, start - first)
      if (line.major !== 1) return fault('version-not-supported', line, undefined, true, start - first)
      const headers = scanHeaderLines(bytes, lineEnd + 1, found, this.#rules)
      if ('fault' in headers) return fault('malformed', line, undefined, true, headers.offset - first)
      const repeated = repeatedName(headers)
      if (repeated !== -1) return fault('malformed', line, headers, true, repeated - first)
      if (line.kind !== 'envelope') return { line, headers, envelope, start }
      if (envelope !== undefined) return fault('malformed', line, undefined, true, start - first)
      envelope = headers
      start = found
    }
  }

  #unit({ line, headers, envelope, start }: Head): ImppUnit | ImppFault | undefined {
    const length = contentLengthOf(headers)
    if (length === -1)
      return this.#fail(fault('malformed', line, headers, true, headers.start - this.#held.start))
    const total = headers.end + length - this.#held.start
    if (total > this.#limits.unitOctetsMax) return this.#tooLarge(line, headers, length)
    this.#need = total
    if (total > this.#held.length) return this.#wait()
    const end = headers.end + length
    this.#forward(end)
    const parts = {
      headers,
      body: this.#held.bytes.subarray(headers.end, end),
      raw: this.#held.bytes.subarray(start, end),
    }
    if (line.kind === 'request')
      return { kind: 'request', method: line.method, id: line.id, ...parts, envelope }
    if (line.kind === 'response' && envelope === undefined) {
      return { kind: 'response', ok: line.ok, method: line.method, id: line.id, ...parts }
    }
    // An envelope is put around requests only.
    return this.#fail(fault('malformed', line, headers, true, 0))
  }

  #forward(to: number): void {
    this.#held.start = to
    this.#block = 0
    this.#searched = 0
    this.#need = 0
  }

  /** The body is read past, so that the connection can go on. */
  #tooLarge(line: StartLine, headers: HeaderLines, length: number): ImppFault {
    const fatal = length > this.#limits.discardOctetsMax
    if (fatal) return this.#fail(fault('message-too-large', line, headers, true, 0))
    const here = Math.min(this.#held.end - headers.end, length)
    this.#discard = length - here
    this.#forward(headers.end + here)
    return fault('message-too-large', line, headers, false, 0)
  }

  #fail(failure: ImppFault): ImppFault {
    this.#broken = failure.fatal
    return failure
  }
}

function fault(
  condition: ImppFault['condition'],
  line: StartLine | undefined,
  headers: HeaderLines | undefined,
  fatal: boolean,
  offset: number,
): ImppFault {
  const known = line !== undefined && line.kind !== 'envelope'
  return {
    kind: 'fault',
    condition,
    method: known ? line.method : '-',
    id: known ? line.id : '-',
    headers,
    response: line?.kind === 'response',
    fatal,
    offset,
  }
}
