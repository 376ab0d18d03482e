// XMPP addresses (RFC 7622): localpart@domainpart/resourcepart. The bare part is the model's Address; the localpart's
// escapes (XEP-0106) are taken off on reading and put back on writing.
import { type Address, addressOf, foreignAddress, jidEscaped, jidUnescaped, prepareOpaque } from '#model'

export interface Jid {
  readonly address: Address
  /** Prepared; empty for a bare JID. */
  readonly resource: string
}

/** LIMIT: JIDs remembered by the thread; past it all are forgotten. */
const rememberedMax = 65_536
/** LIMIT: characters of a JID that is remembered; longer ones are rare and read each time. */
const rememberedCharactersMax = 256
/** LIMIT: characters of a JID that is read at all: three parts of 1023 octets (RFC 7622 §3.1). */
const charactersMax = 3071

const remembered = new Map<string, Jid>()

/** Reads a JID; undefined when it breaks RFC 7622 §3. One map look-up when it was read before. */
export function parseJid(written: string): Jid | undefined {
  const known = remembered.get(written)
  if (known !== undefined) return known
  const jid = readJid(written)
  if (jid === undefined || written.length > rememberedCharactersMax) return jid
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(written, jid)
  return jid
}

/** RFC 7622 §3.3.1: besides what PRECIS forbids, these may not stand in a localpart. */
const forbiddenInLocal = /["&'/:<>@\s]/

function readJid(written: string): Jid | undefined {
  if (written.length > charactersMax) return undefined
  // RFC 7622 §3.2: the first slash first, then the first at-sign before it.
  const slash = written.indexOf('/')
  const bare = slash < 0 ? written : written.slice(0, slash)
  const resource = slash < 0 ? '' : prepareResource(written.slice(slash + 1))
  const at = bare.indexOf('@')
  const local = at < 0 ? '' : bare.slice(0, at)
  if (resource === undefined || at === 0 || forbiddenInLocal.test(local)) return undefined
  const address = addressOf(local, bare.slice(at + 1))
  return address === undefined ? undefined : withoutEscapes(address, resource)
}

/** XEP-0106: the name that an escaped localpart stands for, which may be one that no account of ours could have. */
function withoutEscapes(address: Address, resource: string): Jid | undefined {
  if (!address.user.includes('\\')) return { address, resource }
  // XEP-0106 §4.2: no escaped space at either end.
  if (address.user.startsWith('\\20') || address.user.endsWith('\\20')) return undefined
  const user = jidUnescaped(address.user)
  const named = addressOf(user, address.domain) ?? foreignAddress(user, address.domain)
  return named === undefined ? undefined : { address: named, resource }
}

/** A resourcepart as it is compared and written (RFC 7622 §3.4, OpaqueString), or undefined when it can be none. */
export function prepareResource(written: string): string | undefined {
  const prepared = written === '' ? undefined : prepareOpaque(written)
  return prepared === undefined || Buffer.byteLength(prepared) > 1023 ? undefined : prepared
}

/** `localpart@domainpart` as XMPP writes it. */
export function bareJid(address: Address): string {
  return address.user === '' ? address.domain : `${jidEscaped(address.user)}@${address.domain}`
}

export function fullJid(address: Address, resource: string): string {
  return resource === '' ? bareJid(address) : `${bareJid(address)}/${resource}`
}
