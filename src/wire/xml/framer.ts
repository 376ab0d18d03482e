// Cuts an XML stream (RFC 6120 §4) into its header, its first-level elements and its end, incrementally.
//
// A stanza that lies whole in one chunk is handed out where it lies: offsets, no copy. One that spans chunks is
// gathered in a buffer that grows by doubling, so that even one octet at a time costs linear time.
// Hot path: one call of `next` a stanza, no promise, no string.

import { type Bytes, noBytes, ownBytes } from '#base'
import { classOf, space } from './characters.ts'
import { declarationBytesMax, declarationFault } from './declaration.ts'
import { type XmlFault, type XmlReason, xmlFault } from './faults.ts'
import { Frame } from './frame.ts'
import { type XmlLimits, xmlLimits } from './limits.ts'
import { type Namespaces, noNamespaces, sharedNamespaces } from './namespaces.ts'
import { Scanner, type ScannerOptions, scanFault, scanMore } from './scanner.ts'

/** `more`: everything fed is read. `fault` and `end` are final. */
export type FramerEvent = 'more' | 'header' | 'stanza' | 'end' | 'fault'

type Phase = 'start' | 'prolog' | 'header' | 'between' | 'stanza' | 'end-tag' | 'empty' | 'ended' | 'faulty'

const lt = 0x3c
const slash = 0x2f
const gt = 0x3e
const question = 0x3f

/** Octets moved first when a stanza continues in the next chunk; the double each further time. */
const firstPiece = 512

/** LIMIT: scanners kept for the next stanza. A thread needs one, and one for each stanza that is here in part. */
const spareMax = 8
const spare: Scanner[] = []

const noAliases: ReadonlyMap<string, string> = new Map()

function takeScanner(options: ScannerOptions): Scanner {
  const scanner = spare.pop()
  if (scanner === undefined) return new Scanner(options)
  scanner.begin(options)
  return scanner
}

export class Framer {
  readonly #limits: XmlLimits
  readonly #aliases: ReadonlyMap<string, string>
  /** LIMIT: octets of a stanza or header; may be changed between two of them. */
  bytesMax: number
  #phase: Phase = 'start'
  /** While a header or stanza is being read; between them it belongs to whoever reads next. */
  #scanner: Scanner | undefined
  #options: ScannerOptions

  // The chunk, the place in it, and where what is being read began in it.
  #chunk: Bytes = noBytes
  #at = 0

  // What began in an earlier chunk.
  #gathered: Bytes = noBytes
  #gatheredLength = 0

  /** Whether another stream came before this one. */
  #restarted = false

  /** After `header`: the stream header. Its octets are its own. */
  header: Frame | undefined
  /** After `stanza`: valid as long as the chunk is left alone and `next` is not called. */
  frame: Frame | undefined
  /** After `fault`. */
  fault: XmlFault | undefined
  /** Declarations of the stream header. */
  namespaces: Namespaces = noNamespaces

  /** @param aliases namespaces of the stream header that are taken for others, so that what inherits them reads as those */
  constructor(limits?: Partial<XmlLimits>, aliases: ReadonlyMap<string, string> = noAliases) {
    this.#limits = xmlLimits(limits)
    this.#aliases = aliases
    this.bytesMax = this.#limits.bytesMax
    this.#options = { limits: this.#limits, startTagOnly: true }
  }

  /** Gives the next octets. What was fed before must be read (`next` answered `more`). */
  feed(chunk: Bytes): void {
    if (this.#at < this.#chunk.length) throw new Error('feed before the last chunk was read')
    this.#chunk = chunk
    this.#at = 0
  }

  /** A new stream begins at the next octet (RFC 6120 §4.3.3). Octets fed and not yet read belong to it. */
  restart(): void {
    this.#phase = 'start'
    this.#restarted = true
    this.#release()
    this.#giveBack()
    this.#options = { limits: this.#limits, startTagOnly: true }
    this.header = undefined
    this.frame = undefined
    this.fault = undefined
    this.namespaces = noNamespaces
  }

  /** Octets fed and not yet read. */
  get unread(): number {
    return this.#chunk.length - this.#at
  }

  /** Octets fed and not yet read, but for whitespace before the first that is none. */
  get unreadBeyondSpace(): number {
    let at = this.#at
    while (at < this.#chunk.length && (classOf[this.#chunk[at]] & space) !== 0) at++
    return this.#chunk.length - at
  }

  /** Forgets what was fed and not yet read: how many octets. After STARTTLS none may remain (RFC 6120 §5.4.3.3). */
  discardUnread(): number {
    const count = this.unread
    this.#chunk = noBytes
    this.#at = 0
    return count
  }

  /** Copies what was fed and not yet read, for when the loan of a chunk ends before it is read. */
  keepUnread(): void {
    if (this.unread === 0) return
    this.#chunk = ownBytes(this.#chunk.subarray(this.#at))
    this.#at = 0
  }

  /** Octets of an unfinished stanza that are held. */
  get held(): number {
    return this.#gatheredLength
  }

  next(): FramerEvent {
    for (;;) {
      const event = this.#step()
      if (event !== undefined) return event
    }
  }

  #step(): FramerEvent | undefined {
    switch (this.#phase) {
      case 'between':
        return this.#readBetween()
      case 'stanza':
        return this.#gatheredLength === 0 ? this.#scanChunk() : this.#scanGathered()
      case 'end-tag':
        return this.#readEndTag()
      case 'start':
      case 'prolog':
        return this.#readProlog()
      case 'header':
        return this.#scanGathered()
      case 'empty':
        this.#phase = 'ended'
        return 'end'
      case 'ended':
        return 'end'
      case 'faulty':
        return 'fault'
    }
  }

  #readBetween(): FramerEvent | undefined {
    const chunk = this.#chunk
    let i = this.#at
    while (i < chunk.length && (classOf[chunk[i]] & space) !== 0) i++
    this.#at = i
    if (i === chunk.length) return this.#more()
    // RFC 6120 §11.7: whitespace is all that may separate first-level elements.
    if (chunk[i] !== lt) return this.#fail('text-between-stanzas', 0)
    if (i + 1 < chunk.length && chunk[i + 1] !== slash) {
      this.#scanner = takeScanner(this.#options)
      this.#phase = 'stanza'
      return this.#scanChunk()
    }
    this.#gather(1)
    this.#phase = 'end-tag'
    return undefined
  }

  /** What follows `<`: the stream's end tag, or a stanza after all. */
  #readEndTag(): FramerEvent | undefined {
    const header = this.header as Frame
    const nameLength = header.nameEnd - header.start - 1
    while (this.#at < this.#chunk.length) {
      const c = this.#chunk[this.#at]
      const place = this.#gatheredLength
      if (place === 1 && c !== slash) {
        this.#scanner = takeScanner(this.#options)
        this.#phase = 'stanza'
        return undefined
      }
      if (place >= 2 + nameLength) {
        if (c !== gt && (classOf[c] & space) === 0) return this.#fail('mismatched-tag', place)
        this.#at++
        if (c === gt) {
          this.#release()
          this.#phase = 'ended'
          return 'end'
        }
      } else {
        if (place >= 2 && c !== header.bytes[place - 1]) return this.#fail('mismatched-tag', place)
        this.#gather(1)
      }
    }
    return this.#more()
  }

  /** The XML declaration, if any, whitespace, and the `<` of the header. */
  #readProlog(): FramerEvent | undefined {
    while (this.#at < this.#chunk.length) {
      const c = this.#chunk[this.#at]
      if (this.#gatheredLength === 0) {
        if ((classOf[c] & space) !== 0) {
          // XML 1.0 §2.8: nothing at all may stand before the declaration. What a client writes behind the last element of
          // the stream before is that stream's.
          if (!this.#restarted) this.#phase = 'prolog'
          this.#at++
          continue
        }
        if (c !== lt) return this.#fail('text-outside-root', 0)
      } else if (this.#gatheredLength === 1 && c !== question) {
        this.#scanner = takeScanner(this.#options)
        this.#phase = 'header'
        return undefined
      }
      this.#gather(1)
      if (this.#gatheredLength > declarationBytesMax) return this.#fail('bad-declaration', 0)
      if (c === gt) {
        const reason = declarationFault(this.#gathered, 0, this.#gatheredLength, this.#phase === 'start')
        if (reason !== undefined) return this.#fail(reason, 0)
        this.#release()
        this.#phase = 'prolog'
      }
    }
    return this.#more()
  }

  /** Reads on in the chunk itself. */
  #scanChunk(): FramerEvent | undefined {
    const scanner = this.#scanner as Scanner
    const chunk = this.#chunk
    const base = this.#at
    const end = Math.min(chunk.length, base + this.bytesMax)
    const result = scanner.scan(chunk, base, end)
    if (result === scanMore) {
      if (end < chunk.length) return this.#fail('too-many-bytes', this.bytesMax)
      this.#gather(chunk.length - base)
      return this.#more()
    }
    if (result === scanFault) return this.#fault(scanner.fault as XmlFault)
    this.#at = base + scanner.at
    return this.#found(chunk, base, scanner)
  }

  /** Reads on in what was gathered, a piece of the chunk at a time. */
  #scanGathered(): FramerEvent | undefined {
    const scanner = this.#scanner as Scanner
    let piece = firstPiece
    for (;;) {
      const end = Math.min(this.#gatheredLength, this.bytesMax)
      const result = scanner.scan(this.#gathered, 0, end)
      if (result === scanFault) return this.#fault(scanner.fault as XmlFault)
      if (result !== scanMore) break
      if (this.#gatheredLength > this.bytesMax) return this.#fail('too-many-bytes', this.bytesMax)
      if (this.unread === 0) return this.#more()
      this.#gather(Math.min(piece, this.unread))
      piece *= 2
    }
    const bytes = this.#gathered
    // What was gathered beyond the element's end goes back: it is still in the chunk.
    this.#at -= this.#gatheredLength - scanner.at
    this.#release()
    return this.#found(bytes, 0, scanner)
  }

  /** Moves `count` octets of the chunk behind those gathered. */
  #gather(count: number): void {
    const needed = this.#gatheredLength + count
    if (needed > this.#gathered.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#gathered.length, firstPiece))
      grown.set(this.#gathered.subarray(0, this.#gatheredLength))
      this.#gathered = grown
    }
    this.#gathered.set(this.#chunk.subarray(this.#at, this.#at + count), this.#gatheredLength)
    this.#gatheredLength = needed
    this.#at += count
  }

  #found(bytes: Bytes, base: number, scanner: Scanner): FramerEvent {
    const outline = scanner.outline()
    this.#giveBack()
    if (this.#phase === 'stanza') {
      this.#phase = 'between'
      this.frame = new Frame(bytes, base, this.namespaces, outline)
      return 'stanza'
    }
    const header = new Frame(bytes, base, noNamespaces, outline).keep()
    this.header = header
    const declared = header.declarations()
    const { size } = this.#aliases
    this.namespaces = sharedNamespaces(
      size === 0 ? declared : declared.map(([prefix, uri]) => [prefix, this.#aliases.get(uri) ?? uri]),
    )
    this.#options = { limits: this.#limits, outer: this.namespaces }
    this.#phase = header.selfClosing ? 'empty' : 'between'
    return 'header'
  }

  #giveBack(): void {
    if (this.#scanner !== undefined && spare.length < spareMax) spare.push(this.#scanner)
    this.#scanner = undefined
  }

  #release(): void {
    this.#gathered = noBytes
    this.#gatheredLength = 0
  }

  /** Nothing of the chunk is held on to: it may pin the whole buffer that a socket was read into. */
  #more(): FramerEvent {
    this.#chunk = noBytes
    this.#at = 0
    this.frame = undefined
    return 'more'
  }

  #fail(reason: XmlReason, offset: number): FramerEvent {
    return this.#fault(xmlFault(reason, offset))
  }

  #fault(fault: XmlFault): FramerEvent {
    this.fault = fault
    this.#phase = 'faulty'
    this.#giveBack()
    this.#release()
    this.discardUnread()
    return 'fault'
  }
}
