// Registration information out: application/reginfo+xml, RFC 3680 §5, with public GRUUs (RFC 5628).

import type { Bytes } from '#base'
import { serializeBytes, xml } from '#wire/xml'

export const registrationInfoMediaType = 'application/reginfo+xml'
const namespace = 'urn:ietf:params:xml:ns:reginfo'
const gruuNamespace = 'urn:ietf:params:xml:ns:gruuinfo'

/** What moved a contact to its state (RFC 3680 §4.7.1); those of its words that happen here. */
export type ContactEvent =
  | 'registered'
  | 'refreshed'
  | 'expired'
  | 'deactivated'
  | 'unregistered'
  | 'rejected'

export interface ContactElement {
  readonly id: string
  readonly state: 'active' | 'terminated'
  readonly event: ContactEvent
  readonly uri: string
  /** Seconds. */
  readonly registered: number
  readonly expires: number | undefined
  readonly q: number
  readonly callId: string
  readonly cseq: number
  /** Contact parameters that RFC 3261 does not have, as they are written in a header field. */
  readonly params: readonly (readonly [name: string, value: string])[]
  readonly publicGruu: string | undefined
}

export interface RegistrationInfoDocument {
  /** From 0, one more for each document of a subscription. */
  readonly version: number
  readonly state: 'full' | 'partial'
  readonly record: string
  readonly id: string
  readonly registration: 'init' | 'active' | 'terminated'
  readonly contacts: readonly ContactElement[]
}

export function writeRegistrationInfo(document: RegistrationInfoDocument): Bytes {
  const { version, state, record, id, registration, contacts } = document
  const list = xml(
    'registration',
    namespace,
    { aor: record, id, state: registration },
    ...contacts.map(contactElement),
  )
  return serializeBytes(xml('reginfo', namespace, { version: String(version), state }, list))
}

function contactElement(contact: ContactElement) {
  const { id, state, event, expires, q, cseq, uri, params, publicGruu } = contact
  const attributes = {
    id,
    state,
    event,
    'duration-registered': String(contact.registered),
    expires: expires === undefined ? undefined : String(expires),
    q: String(q),
    callid: contact.callId,
    cseq: String(cseq),
  }
  return xml(
    'contact',
    namespace,
    attributes,
    xml('uri', namespace, {}, uri),
    ...params.map(([name, value]) => xml('unknown-param', namespace, { name }, value)),
    ...(publicGruu === undefined ? [] : [xml('pub-gruu', gruuNamespace, { uri: publicGruu })]),
  )
}
