// What a stranger may make us hold while we read XML. Each bound has its own fault (faults.ts).

export interface XmlLimits {
  /** LIMIT: octets of one stanza, stream header or document. RFC 6120 §13.12 asks for at least 10000. */
  readonly bytesMax: number
  /** LIMIT: elements open at once, the stanza itself included. */
  readonly depthMax: number
  /** LIMIT: attributes of one start tag, namespace declarations included. */
  readonly attributesMax: number
  /** LIMIT: octets of one element or attribute name, prefix included. */
  readonly nameBytesMax: number
  /** LIMIT: direct children of the outermost element. */
  readonly childrenMax: number
  /** LIMIT: namespace declarations in scope at once. */
  readonly namespacesMax: number
}

export const defaultXmlLimits: XmlLimits = {
  bytesMax: 256 * 1024,
  depthMax: 64,
  attributesMax: 64,
  nameBytesMax: 256,
  childrenMax: 1024,
  namespacesMax: 128,
}

/** The defaults with some replaced. */
export function xmlLimits(changes?: Partial<XmlLimits>): XmlLimits {
  if (changes === undefined) return defaultXmlLimits
  return { ...defaultXmlLimits, ...changes }
}
