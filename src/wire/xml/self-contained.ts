// A stanza or child cut out of its stream depends on declarations that stayed behind. Here it gets them back
// (RFC 6120 §4.8.5: prefixes must be declared where they are used).

import { assert, type Bytes, concat, ownBytes, utf8 } from '#base'
import { Frame } from './frame.ts'
import type { XmlLimits } from './limits.ts'
import { type Namespaces, noNamespaces } from './namespaces.ts'
import { Scanner, scanDone } from './scanner.ts'
import { escapeValue } from './write.ts'

/**
 * The element's octets with the outer declarations that it uses written into its start tag: it stands alone, or
 * under a header that declares `within`. The one copy.
 */
export function selfContained(frame: Frame, within: Namespaces = noNamespaces): Bytes {
  const missing = missingDeclarations(frame, within)
  if (missing === '') return ownBytes(frame.raw())
  const { bytes } = frame
  return concat([
    bytes.subarray(frame.start, frame.nameEnd),
    utf8(missing),
    bytes.subarray(frame.nameEnd, frame.end),
  ])
}

/** The same for a direct child of a framed element. */
export function selfContainedChild(frame: Frame, index: number, within: Namespaces = noNamespaces): Bytes {
  return selfContained(childFrame(frame, index), within)
}

/** A direct child as a frame of its own, on the same octets. */
export function childFrame(frame: Frame, index: number): Frame {
  const outer = frame.inner()
  const start = frame.childStart(index)
  const scanner = new Scanner({ limits: unlimited, outer, isDocument: true })
  const result = scanner.scan(frame.bytes, start, frame.childEnd(index))
  assert(result === scanDone, 'a child of a checked element is good')
  return new Frame(frame.bytes, start, outer, scanner.outline())
}

/** The element was read under limits before. */
const unlimited: XmlLimits = {
  bytesMax: Infinity,
  depthMax: Infinity,
  attributesMax: Infinity,
  nameBytesMax: Infinity,
  childrenMax: Infinity,
  namespacesMax: Infinity,
}

/** Text to insert behind the name of the start tag; '' for nothing to declare, which is the usual case. */
export function missingDeclarations(frame: Frame, within: Namespaces): string {
  const { outer } = frame
  let missing = ''
  for (let k = 0; k < outer.prefixes.length; k++) {
    const prefix = outer.prefixes[k]
    const isUsed = prefix === '' || (frame.outerUsed & (1 << Math.min(k, 31))) !== 0
    if (!isUsed || within.uriOf(prefix) === outer.uris[k] || declares(frame, prefix)) continue
    missing += ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}='${escapeValue(outer.uris[k])}'`
  }
  // Under a header with a default namespace, an element without one must say so.
  const hidesDefault = within.default !== '' && outer.uriOf('') === undefined && !declares(frame, '')
  return hidesDefault ? `${missing} xmlns=''` : missing
}

function declares(frame: Frame, prefix: string): boolean {
  if (prefix === '') return frame.findAttribute('xmlns') >= 0
  return frame.declarations().some(([declared]) => declared === prefix)
}
