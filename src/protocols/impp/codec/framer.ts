// Octets of a connection -> units (docs/specs/impp-1.0.md §4): a block of lines, then as many octets as Content-Length says.
// Units in one chunk are found in place; one that trickles in is gathered once, in a buffer that doubles.

import type { Bytes } from '#base'
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

const none: Bytes = new Uint8Array(0)

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
  #bytes: Bytes = none
  /** True while `#bytes` is a buffer of ours, not a chunk on loan. */
  #gathering = false
  #start = 0
  #end = 0
  /** The block that is not complete (behind an envelope, if there is one), and how far its end was searched for. */
  #block = 0
  #searched = 0
  /** Octets of the unit at `#start`, once its block is known; 0 before. */
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
    return this.#end - this.#start
  }

  /** Takes a chunk; then call `next` until it answers undefined, before the chunk's loan ends. */
  push(chunk: Bytes): void {
    if (this.#broken) return
    if (this.#discard > 0) {
      const passed = Math.min(this.#discard, chunk.length)
      this.#discard -= passed
      chunk = chunk.subarray(passed)
    }
    if (this.#start === this.#end) {
      this.#bytes = chunk
      this.#gathering = false
      this.#start = 0
      this.#end = chunk.length
      this.#block = 0
      this.#searched = 0
    } else this.#gather(chunk)
  }

  /** The next unit or what is wrong with it; undefined when more octets are needed. After a fatal fault always undefined. */
  next(): ImppUnit | ImppFault | undefined {
    if (this.#broken || this.#start === this.#end) {
      // An idle connection holds no buffer, neither ours nor the one it was read into.
      this.#bytes = none
      this.#start = 0
      this.#end = 0
      return undefined
    }
    if (this.#need > this.#end - this.#start) return this.#wait()
    const head = this.#readHead()
    if (head === undefined) return this.#wait()
    if ('kind' in head) return this.#fail(head)
    return this.#unit(head)
  }

  #gather(chunk: Bytes): void {
    const held = this.#end - this.#start
    if (!this.#gathering || this.#end + chunk.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(512, (held + chunk.length) * 2))
      grown.set(this.#bytes.subarray(this.#start, this.#end))
      this.#block -= this.#start
      this.#searched -= this.#start
      this.#bytes = grown
      this.#gathering = true
      this.#start = 0
      this.#end = held
    }
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** What is left of a chunk on loan is copied now, while the loan lasts. */
  #wait(): undefined {
    if (!this.#gathering) this.#gather(none)
    return undefined
  }

  #readHead(): Head | ImppFault | undefined {
    const bytes = this.#bytes
    let start = this.#start
    let envelope: HeaderLines | undefined
    for (;;) {
      const found = findBlockEnd(bytes, start, start === this.#block ? this.#searched : start, this.#end)
      if (found === -1) {
        this.#block = start
        this.#searched = this.#end
        if (this.#end - start <= this.#rules.blockOctetsMax) return undefined
        return fault('message-too-large', undefined, undefined, true, this.#end - this.#start)
      }
      const lineEnd = bytes.indexOf(10, start)
      const line = bytes[lineEnd - 1] === 13 ? parseStartLine(bytes, start, lineEnd - 1) : undefined
      if (line === undefined) return fault('malformed', undefined, undefined, true, start - this.#start)
      if (line.major !== 1) return fault('version-not-supported', line, undefined, true, start - this.#start)
      const headers = scanHeaderLines(bytes, lineEnd + 1, found, this.#rules)
      if ('fault' in headers) return fault('malformed', line, undefined, true, headers.offset - this.#start)
      const repeated = repeatedName(headers)
      if (repeated !== -1) return fault('malformed', line, headers, true, repeated - this.#start)
      if (line.kind !== 'envelope') return { line, headers, envelope, start }
      if (envelope !== undefined) return fault('malformed', line, undefined, true, start - this.#start)
      envelope = headers
      start = found
    }
  }

  #unit({ line, headers, envelope, start }: Head): ImppUnit | ImppFault | undefined {
    const length = contentLengthOf(headers)
    if (length === -1) return this.#fail(fault('malformed', line, headers, true, headers.start - this.#start))
    const total = headers.end + length - this.#start
    if (total > this.#limits.unitOctetsMax) return this.#tooLarge(line, headers, length)
    this.#need = total
    if (total > this.#end - this.#start) return this.#wait()
    const end = headers.end + length
    this.#forward(end)
    const parts = {
      headers,
      body: this.#bytes.subarray(headers.end, end),
      raw: this.#bytes.subarray(start, end),
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
    this.#start = to
    this.#block = to
    this.#searched = to
    this.#need = 0
  }

  /** The body is read past, so that the connection can go on. */
  #tooLarge(line: StartLine, headers: HeaderLines, length: number): ImppFault {
    const fatal = length > this.#limits.discardOctetsMax
    if (fatal) return this.#fail(fault('message-too-large', line, headers, true, 0))
    const here = Math.min(this.#end - headers.end, length)
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
