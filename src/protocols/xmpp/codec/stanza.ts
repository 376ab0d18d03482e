// A stanza (RFC 6120 §8) as the framer found it: its head by offsets, nothing else read.

import type { Bytes } from '#base'
import { type Frame, frameDocument, isXmlFault } from '#wire/xml'
import { clientNamespace } from './namespaces.ts'

export type StanzaKind = 'message' | 'presence' | 'iq'

export class Stanza {
  readonly kind: StanzaKind
  readonly frame: Frame

  constructor(kind: StanzaKind, frame: Frame) {
    this.kind = kind
    this.frame = frame
  }

  get to(): string | undefined {
    return this.frame.attribute('to')
  }

  get from(): string | undefined {
    return this.frame.attribute('from')
  }

  get id(): string | undefined {
    return this.frame.attribute('id')
  }

  get type(): string | undefined {
    return this.frame.attribute('type')
  }

  /** True when it carries xml:lang itself (RFC 6120 §8.1.5). */
  get hasLang(): boolean {
    for (let k = 0; k < this.frame.attributeCount; k++)
      if (this.frame.attributeName(k) === 'xml:lang') return true
    return false
  }
}

/** The stanza that an element is, or undefined when it is none of the three (RFC 6120 §4.9.3.24). */
export function stanzaOf(frame: Frame): Stanza | undefined {
  if (frame.namespace !== clientNamespace) return undefined
  const { name } = frame
  return name === 'message' || name === 'presence' || name === 'iq' ? new Stanza(name, frame) : undefined
}

/** A stanza out of octets that stand alone, as the store keeps them; undefined when they are none. */
export function readStanza(raw: Bytes): Stanza | undefined {
  const frame = frameDocument(raw, { limits: storedLimits })
  return isXmlFault(frame) ? undefined : stanzaOf(frame)
}

/** What was let in under any setting's limits is read again. */
export const storedLimits = {
  bytesMax: Infinity,
  depthMax: 1024,
  attributesMax: Infinity,
  nameBytesMax: Infinity,
  childrenMax: Infinity,
  namespacesMax: Infinity,
}
