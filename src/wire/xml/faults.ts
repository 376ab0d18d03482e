// Everything that can be wrong with XML that we read, each with the family that a protocol maps to its own
// condition. Families carry the names of RFC 6120 §4.9.3, plus `limit`.

export type XmlFamily =
  | 'not-well-formed'
  | 'bad-namespace-prefix'
  | 'restricted-xml'
  | 'unsupported-encoding'
  | 'bad-format'
  | 'limit'

const families = {
  // XML 1.0
  syntax: 'not-well-formed',
  'bad-name': 'not-well-formed',
  'mismatched-tag': 'not-well-formed',
  'duplicate-attribute': 'not-well-formed',
  'bad-reference': 'not-well-formed',
  'illegal-character': 'not-well-formed',
  'cdata-end-in-text': 'not-well-formed',
  'text-outside-root': 'not-well-formed',
  'unexpected-end': 'not-well-formed',
  'bad-declaration': 'not-well-formed',
  // Namespaces in XML 1.0
  'undeclared-prefix': 'bad-namespace-prefix',
  'reserved-namespace': 'not-well-formed',
  // RFC 6120 §11.1
  comment: 'restricted-xml',
  'processing-instruction': 'restricted-xml',
  doctype: 'restricted-xml',
  'undefined-entity': 'restricted-xml',
  // RFC 6120 §11.6
  'invalid-utf8': 'unsupported-encoding',
  'encoding-not-utf8': 'unsupported-encoding',
  // RFC 6120 §11.7: only whitespace may stand between first-level elements
  'text-between-stanzas': 'bad-format',
  // Limits
  'too-many-bytes': 'limit',
  'too-deep': 'limit',
  'too-many-attributes': 'limit',
  'name-too-long': 'limit',
  'too-many-children': 'limit',
  'too-many-namespaces': 'limit',
} as const satisfies Record<string, XmlFamily>

export type XmlReason = keyof typeof families

export const xmlReasons = Object.keys(families) as readonly XmlReason[]

/** Malformed input is a value, not an exception: what, and at which octet of the stanza or document. */
export interface XmlFault {
  readonly reason: XmlReason
  readonly family: XmlFamily
  readonly offset: number
}

export function xmlFault(reason: XmlReason, offset: number): XmlFault {
  return { reason, family: families[reason], offset }
}
