// A person's contact: a roster item, a buddy, an access entry; one thing for all protocols. The authorization between the
// two lives here, permanent, in the states of RFC 6121 Appendix A.
import type { Bytes } from '#base'
import type { Address, Envelope, ProtocolName } from '#model'

/** The eight facets of RFC 6121 Appendix A.1, as flags whose legal combinations its nine states are. */
export interface Authorization {
  /** The owner may see the contact. */
  readonly to: boolean
  /** The contact may see the owner. */
  readonly from: boolean
  /** The owner asked the contact and waits. */
  readonly pendingOut: boolean
  /** The contact asked the owner and waits. */
  readonly pendingIn: boolean
  /** The owner allowed the contact in advance (RFC 6121 §3.4). */
  readonly preApproved: boolean
}

export const noAuthorization: Authorization = {
  to: false,
  from: false,
  pendingOut: false,
  pendingIn: false,
  preApproved: false,
}

export interface Contact {
  readonly address: Address
  readonly authorization: Authorization
  /** False while it exists only because it asked (RFC 6121 §3.1.3: not pushed to the list yet). */
  readonly listed: boolean
  readonly name: string
  readonly groups: readonly string[]
  /** The request still to be answered, as it came, to be shown again at each sign-in (RFC 6121 §3.1.3). */
  readonly request?: { readonly protocol: ProtocolName; readonly raw: Bytes }
}

/** A contact, new or known, with another authorization. */
export function changed(
  before: Contact | undefined,
  address: Address,
  authorization: Authorization,
  listed: boolean,
): Contact {
  const base = before ?? { address, name: '', groups: [] }
  const request = authorization.pendingIn && before?.request !== undefined ? { request: before.request } : {}
  return { address: base.address, name: base.name, groups: base.groups, authorization, listed, ...request }
}

export function isNone(authorization: Authorization): boolean {
  return !Object.values(authorization).some(Boolean)
}

/** LIMIT: contacts an owner may hold, those that only asked included. */
export const contactsMax = 10_000

/** LIMIT: of those, such as only asked (RFC 6121 §3.1.3, security warning). */
export const requestsMax = 1000

/** Whether one more that only asks is too many. */
export function isFull(contacts: ReadonlyMap<string, Contact>): boolean {
  if (contacts.size >= contactsMax) return true
  if (contacts.size < requestsMax) return false
  let requests = 0
  for (const { listed } of contacts.values()) if (!listed) requests++
  return requests >= requestsMax
}

/** LIMIT: octets of a request that is kept as it came (RFC 6121 §3.1.3, security warning). */
export const requestOctetsMax = 16_384

/** The request as it came, to be shown again (RFC 6121 §3.1.3); past the limit it is shown without its extensions. */
export function requestOf(source: Envelope | undefined): Pick<Contact, 'request'> {
  if (source === undefined || source.raw.length > requestOctetsMax) return {}
  return { request: { protocol: source.head.protocol, raw: source.raw } }
}
