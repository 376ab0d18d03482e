// One output buffer a connection, flushed once a tick from a dirty list. A buffer belongs to a connection only while it
// has something to say; an idle connection owns none. Hot path: no promise, no concatenation, one copy.

import type { Bytes } from '#base'

/** Octets of a pooled buffer: a dozen stanzas. A change told to thousands takes one of these for each at once. */
const pooledBytes = 4 * 1024
/** LIMIT: buffers kept for the next tick; the rest go to the collector. */
const pooledMax = 1024
/** From this size a write gets a buffer of its own instead of doubling the shared one. */
const largeBytes = 32 * 1024

const pool: Buffer[] = []

function take(): Buffer {
  return pool.pop() ?? Buffer.allocUnsafeSlow(pooledBytes)
}

/** Gives a buffer back once nobody reads it any more. */
export function release(buffer: Buffer): void {
  if (buffer.length === pooledBytes && pool.length < pooledMax) pool.push(buffer)
}

/** Octets that wait to be written, in order: filled segments, then the one being filled. */
export class Output {
  #current: Buffer | undefined
  #length = 0
  #segments: Buffer[] | undefined
  #segmentBytes = 0

  /** Octets waiting. */
  get length(): number {
    return this.#segmentBytes + this.#length
  }

  write(bytes: Bytes): void {
    if (bytes.length >= largeBytes) {
      this.#seal()
      this.#addSegment(Buffer.from(bytes))
      return
    }
    const at = this.#reserve(bytes.length)
    ;(this.#current as Buffer).set(bytes, at)
    this.#length = at + bytes.length
  }

  writeAscii(text: string): void {
    const at = this.#reserve(text.length)
    this.#length = at + (this.#current as Buffer).write(text, at, 'latin1')
  }

  writeUtf8(text: string): void {
    // A UTF-16 code unit becomes at most three octets.
    if (text.length * 3 >= largeBytes) return this.write(Buffer.from(text, 'utf8'))
    const at = this.#reserve(text.length * 3)
    this.#length = at + (this.#current as Buffer).write(text, at, 'utf8')
  }

  /**
   * Hands everything over to `sink`, segment by segment, and is empty again. `whole` is the buffer under
   * `bytes`: to be released when the sink is done with it.
   */
  drainTo(sink: (bytes: Buffer, whole: Buffer) => void): void {
    const segments = this.#segments
    const current = this.#current
    const length = this.#length
    this.clear()
    if (segments !== undefined) for (const segment of segments) sink(segment, segment)
    if (current === undefined) return
    if (length > 0) sink(current.subarray(0, length), current)
    else release(current)
  }

  /** Forgets everything, without a release: for a connection that is over. */
  clear(): void {
    this.#segments = undefined
    this.#segmentBytes = 0
    this.#current = undefined
    this.#length = 0
  }

  /** Makes room for `more` octets in the current buffer; gives the offset where they go. */
  #reserve(more: number): number {
    const current = this.#current
    if (current === undefined) {
      this.#current = more <= pooledBytes ? take() : Buffer.allocUnsafeSlow(more)
      return 0
    }
    if (this.#length + more > current.length) return this.#grow(current, more)
    return this.#length
  }

  #grow(current: Buffer, more: number): number {
    if (current.length >= 4 * largeBytes) {
      this.#seal()
      return this.#reserve(more)
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(current.length * 2, this.#length + more))
    current.copy(grown, 0, 0, this.#length)
    release(current)
    this.#current = grown
    return this.#length
  }

  #seal(): void {
    if (this.#current === undefined || this.#length === 0) return
    this.#addSegment(this.#current.subarray(0, this.#length))
    this.#current = undefined
    this.#length = 0
  }

  #addSegment(segment: Buffer): void {
    this.#segments ??= []
    this.#segments.push(segment)
    this.#segmentBytes += segment.length
  }
}

/** Something with octets to write at the end of the tick. */
export interface Flushable {
  flush(): void
}

/**
 * So many connections with something to say are written to before the tick ends: the far ends begin to work while we go on,
 * and a change told to thousands needs few buffers.
 */
const dirtyMax = 32

let dirty: Flushable[] = []
let dirtyAtEnd: Flushable[] = []
let scheduled = false

/** Asks for one flush() at the end of this tick, or somewhat earlier when many others ask too. It must call no handler. */
export function flushSoon(what: Flushable): void {
  if (dirty.length >= dirtyMax) flushSockets()
  dirty.push(what)
  if (!scheduled) schedule()
}

/** Asks for one flush() at the end of this tick, never earlier: it may call handlers. */
export function flushAtEnd(what: Flushable): void {
  dirtyAtEnd.push(what)
  if (!scheduled) schedule()
}

/** Writes now what the end of the tick would write. For tests and for shutting down. */
export function flushConnections(): void {
  // What a flush makes dirty (a pair in memory answers at once) is flushed in the same pass.
  while (dirty.length > 0 || dirtyAtEnd.length > 0) {
    flushSockets()
    const batch = dirtyAtEnd
    dirtyAtEnd = []
    for (const what of batch) what.flush()
  }
}

function schedule(): void {
  scheduled = true
  setImmediate(endTick)
}

function endTick(): void {
  scheduled = false
  flushConnections()
}

function flushSockets(): void {
  const batch = dirty
  dirty = []
  for (const what of batch) what.flush()
}
