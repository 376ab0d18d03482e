// Names, types and limits of the Presence Information Data Format (RFC 3863 §3.1, §4.1.1).

import type { XmlReason } from '#wire/xml'

export const pidfMediaType = 'application/pidf+xml'
/** What the drafts before RFC 3863 called it. */
export const olderPidfMediaType = 'application/cpim-pidf+xml'

export const pidfNamespace = 'urn:ietf:params:xml:ns:pidf'
export const olderPidfNamespace = 'urn:ietf:params:xml:ns:cpim-pidf'

/** RFC 3863 §4.1.1 itself once writes the name with a colon at its end. */
const pidfNamespaces: ReadonlySet<string> = new Set([pidfNamespace, olderPidfNamespace, `${pidfNamespace}:`])

export function isPidfNamespace(namespace: string): boolean {
  return pidfNamespaces.has(namespace)
}

/** True for a media type essence (`type/subtype` in lower case) that this folder reads. */
export function isPidf(essence: string): boolean {
  return essence === pidfMediaType || essence === olderPidfMediaType
}

/** The XMPP elements that PIDF carries as they are (RFC 8048 §6.1, note 7). */
export const xmppNamespace = 'jabber:client'
/** Where earlier texts put a finer status (RFC 3922 §5.1.5, RFC 3863 §4.3.1). */
export const imStatusNamespace = 'urn:ietf:params:xml:ns:pidf:im'
export const dataModelNamespace = 'urn:ietf:params:xml:ns:pidf:data-model'
export const rpidNamespace = 'urn:ietf:params:xml:ns:pidf:rpid'

/** LIMIT: tuples of a document. */
export const tuplesMax = 200
/** LIMIT: notes of a document, or of one tuple. */
export const notesMax = 50
/** LIMIT: characters of a tuple's id. */
export const idLengthMax = 1023

export type PidfCondition =
  | 'not-xml'
  | 'not-presence'
  | 'no-entity'
  | 'no-id'
  | 'repeated-id'
  | 'no-status'
  | 'bad-basic'
  | 'repeated-element'
  | 'too-many-tuples'
  | 'too-many-notes'
  | 'id-too-long'

export interface PidfFault {
  readonly fault: PidfCondition
  readonly offset: number
  /** What is wrong with the XML, where that is the fault. */
  readonly reason?: XmlReason
}
