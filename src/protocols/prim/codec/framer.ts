// Octets of a connection -> units (docs/specs/prim.md §3): a start line that says how long the body is, header lines, the body.

import type { Bytes } from '#base'
import { Gatherer } from '#wire/exchange'
import {
  findBlockEnd,
  type HeaderLines,
  type HeaderRules,
  scanHeaderLines,
  strictHeaderRules,
} from '#wire/header-lines'
import { field, primLines } from './header-fields.ts'
import { parseStartLine, type StartLine } from './start-line.ts'
import type { PrimFault, PrimUnit } from './unit.ts'

export interface FramerLimits {
  /** LIMIT: octets of a body; one that is longer ends the connection. */
  readonly bodyOctetsMax: number
}

export const defaultFramerLimits: FramerLimits = { bodyOctetsMax: 262_144 }

/** LIMIT: octets of a start line and of a header line; headers (docs/specs/prim.md §3.4). */
export const lineOctetsMax = 4096
export const headersMax = 64

const rules: HeaderRules = {
  ...strictHeaderRules,
  trim: false,
  fieldsMax: headersMax,
  lineOctetsMax,
  blockOctetsMax: 65_536,
}

export class UnitFramer {
  limits: FramerLimits
  readonly #held = new Gatherer()
  /** How far behind the first octet held the end of its header block was searched for. */
  #searched = 0
  /** Octets of the first unit held, once its block is known; 0 before. */
  #need = 0
  #discard = 0
  #broken = false

  constructor(limits: FramerLimits = defaultFramerLimits) {
    this.limits = limits
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
    if (this.#held.length === 0) this.#searched = 0
    this.#held.push(chunk)
  }

  /** The next unit or what is wrong with it; undefined when more octets are needed. After a fatal fault always undefined. */
  next(): PrimUnit | PrimFault | undefined {
    this.#skipEmptyLines()
    const held = this.#held
    if (this.#broken || held.length === 0) {
      held.release()
      return undefined
    }
    if (this.#need > held.length) return this.#wait()
    const { bytes, start, end } = held
    const lineEnd = bytes.indexOf(10, start)
    if (lineEnd === -1 || lineEnd >= end) {
      if (held.length > lineOctetsMax) return this.#fail(fault('malformed', undefined, undefined, true, 0))
      return this.#wait()
    }
    const isLine = bytes[lineEnd - 1] === 13 && lineEnd - start <= lineOctetsMax
    const line = isLine ? parseStartLine(bytes, start, lineEnd - 1) : undefined
    if (line === undefined) return this.#fail(fault('malformed', undefined, undefined, true, 0))
    return this.#unit(line, lineEnd + 1)
  }

  /** docs/specs/prim.md §3.1: empty lines before a start line are passed over. */
  #skipEmptyLines(): void {
    const held = this.#held
    if (this.#need > 0) return
    while (held.length >= 2 && held.bytes[held.start] === 13 && held.bytes[held.start + 1] === 10) {
      held.start += 2
      this.#searched = 0
    }
  }

  #unit(line: StartLine, block: number): PrimUnit | PrimFault | undefined {
    const { bytes, start, end } = this.#held
    if (line.major !== 1) return this.#fail(fault('version-not-supported', line, undefined, true, 0))
    const found = findBlockEnd(bytes, block, Math.max(block, start + this.#searched), end)
    if (found === -1) {
      this.#searched = end - start
      if (end - block <= rules.blockOctetsMax) return this.#wait()
      return this.#fail(fault('message-too-large', line, undefined, true, block - start))
    }
    const scanned = scanHeaderLines(bytes, block, found, rules)
    const headers = 'fault' in scanned ? scanned.offset : primLines(scanned)
    const known = typeof headers === 'number' ? undefined : headers
    if (line.length > this.limits.bodyOctetsMax)
      return this.#fail(fault('message-too-large', line, known, true, 0))
    if (known === undefined) return this.#skip(line, found, (headers as number) - start)
    if (found + line.length > end) {
      this.#need = found + line.length - start
      return this.#wait()
    }
    return this.#whole(line, known, found)
  }

  #whole(line: StartLine, headers: HeaderLines, body: number): PrimUnit | PrimFault {
    const { bytes, start } = this.#held
    const end = body + line.length
    this.#forward(end)
    // docs/specs/prim.md §3.3: a body says what it is, but in LOGIN, where it is octets of SASL.
    const isLogin = line.kind === 'response' || line.method === 'LOGIN'
    if (line.length > 0 && !isLogin && field(headers, 'Content-Type') === undefined)
      return fault('malformed', line, headers, false, 0)
    const parts = {
      token: line.token,
      id: line.id,
      headers,
      body: bytes.subarray(body, end),
      raw: bytes.subarray(start, end),
    }
    if (line.kind === 'request') return { kind: 'request', method: line.method, ...parts }
    return { kind: 'response', status: line.status, ...parts }
  }

  #wait(): undefined {
    this.#held.keep()
    return undefined
  }

  #forward(to: number): void {
    this.#held.start = to
    this.#searched = 0
    this.#need = 0
  }

  /** A unit whose lines are wrong: its body is read past, so that the connection can go on. */
  #skip(line: StartLine, body: number, offset: number): PrimFault {
    const here = Math.min(this.#held.end - body, line.length)
    this.#discard = line.length - here
    this.#forward(body + here)
    return fault('malformed', line, undefined, false, offset)
  }

  #fail(failure: PrimFault): PrimFault {
    this.#broken = true
    return failure
  }
}

function fault(
  condition: PrimFault['condition'],
  line: StartLine | undefined,
  headers: HeaderLines | undefined,
  fatal: boolean,
  offset: number,
): PrimFault {
  return {
    kind: 'fault',
    condition,
    token: line?.token ?? 'PRIM',
    id: line?.id ?? '-',
    headers,
    response: line?.kind === 'response',
    fatal,
    offset,
  }
}
