// Contacts as columns and back. What many contacts have in common is one object in memory: with ten contacts a person, most of an
// idle session would else be copies of it.
import type { Authorization, Contact } from '#core'
import type { SqlRow, SqlValue } from './procedure.ts'
import { Shared } from './shared.ts'
import { addressOfKey, ownOctets } from './values.ts'

const facets = [
  'to',
  'from',
  'pendingOut',
  'pendingIn',
  'preApproved',
] as const satisfies (keyof Authorization)[]

/** By their flags: bit n is facet n. */
const authorizations: readonly Authorization[] = Array.from({ length: 1 << facets.length }, (_, flags) => ({
  to: (flags & 1) !== 0,
  from: (flags & 2) !== 0,
  pendingOut: (flags & 4) !== 0,
  pendingIn: (flags & 8) !== 0,
  preApproved: (flags & 16) !== 0,
}))

/** LIMIT: addresses, and lists of groups, that are held to be shared; past it sharing begins anew. */
const sharedMax = 20_000

const addresses = new Shared(sharedMax, addressOfKey)
const groupLists = new Shared(sharedMax, (text): readonly string[] => JSON.parse(text) as string[])

export function contactValues(contact: Contact): SqlValue[] {
  let flags = 0
  for (const [bit, facet] of facets.entries()) if (contact.authorization[facet]) flags |= 1 << bit
  return [
    contact.address.key,
    flags,
    contact.listed ? 1 : 0,
    contact.name,
    JSON.stringify(contact.groups),
    contact.request?.protocol ?? null,
    contact.request === undefined ? null : ownOctets(contact.request.raw),
  ]
}

export function contactOf([key, flags, listed, name, groups, protocol, raw]: SqlRow): Contact {
  const contact: Contact = {
    address: addresses.of(key as string),
    authorization: authorizations[flags as number] as Authorization,
    listed: listed === 1,
    name: name as string,
    groups: groupLists.of(groups as string),
  }
  if (protocol === null) return contact
  return { ...contact, request: { protocol: protocol as string, raw: raw as Uint8Array } }
}
