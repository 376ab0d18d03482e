// A hop: the stanza's octets with a few of them replaced. What is not replaced is copied as it lies.
// Hot path: for a message that needs a `from` and nothing else, three copies and no string.
import { type Bytes, concat, utf8 } from '#base'
import { type Frame, missingDeclarations, type Namespaces } from '#wire/xml'
import { clientStream } from './namespaces.ts'

/** Where octets go: a connection's output buffer. */
export interface Sink {
  write(bytes: Bytes): unknown
  writeUtf8(text: string): unknown
}

export interface Splices {
  /** Attributes written into the start tag, each with a space before it: ` from='a@b/c'`. Those of the same name go. */
  readonly attributes: Bytes | string
  /** Names of attributes that `attributes` replaces. */
  readonly replaced: readonly string[]
  /** Children that are left out, by index, ascending. */
  readonly cut?: readonly number[]
  /** Written behind the last child. */
  readonly appended?: string
  /** Declarations in force where it is written. */
  readonly within?: Namespaces
}

/** Writes the stanza with its splices. */
export function writeSpliced(sink: Sink, frame: Frame, splices: Splices): void {
  const { bytes } = frame
  const cut = splices.cut ?? none
  const appended = splices.appended ?? ''
  sink.write(bytes.subarray(frame.start, frame.nameEnd))
  if (typeof splices.attributes === 'string') sink.writeUtf8(splices.attributes)
  else sink.write(splices.attributes)
  const missing = missingDeclarations(frame, splices.within ?? clientStream)
  if (missing !== '') sink.writeUtf8(missing)
  let from = frame.nameEnd
  for (let k = 0; k < frame.attributeCount; k++) {
    if (!splices.replaced.includes(frame.attributeName(k))) continue
    sink.write(bytes.subarray(from, frame.attributeNameStart(k)))
    from = frame.attributeValueEnd(k) + 1
  }
  for (const child of cut) {
    sink.write(bytes.subarray(from, frame.childStart(child)))
    from = frame.childEnd(child)
  }
  if (appended === '') {
    sink.write(bytes.subarray(from, frame.end))
    return
  }
  if (frame.selfClosing) {
    // `<message/>` opens to take a child; its name is written as it was.
    sink.write(bytes.subarray(from, frame.end - 2))
    sink.writeUtf8(`>${appended}</`)
    sink.write(bytes.subarray(frame.start + 1, frame.nameEnd))
    sink.writeUtf8('>')
    return
  }
  sink.write(bytes.subarray(from, frame.contentEnd))
  sink.writeUtf8(appended)
  sink.write(bytes.subarray(frame.contentEnd, frame.end))
}

const none: readonly number[] = []

/** A sink that gathers octets; for what is rendered once and written to many. */
export class ByteSink implements Sink {
  readonly #parts: Bytes[] = []

  write(bytes: Bytes): void {
    this.#parts.push(bytes)
  }

  writeUtf8(text: string): void {
    this.#parts.push(utf8(text))
  }

  /** A copy of everything written. */
  bytes(): Bytes {
    return concat(this.#parts)
  }
}
