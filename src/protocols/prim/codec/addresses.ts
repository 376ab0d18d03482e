// pres: and im: identifiers and back (docs/specs/prim.md §3.1, §4), remembered: the same few come again and again.

import { type Address, parseAddress } from '#model'
import { tokenText } from './header-fields.ts'

export type Scheme = 'pres' | 'im'

/** LIMIT: addresses remembered; past it all are forgotten. */
const rememberedMax = 16_384
const remembered = new Map<string, Address>()

/** The person that `pres:user@domain` or `im:user@domain` names, the scheme in lower case; undefined when it is none. */
export function addressOfId(id: string, scheme: Scheme): Address | undefined {
  if (!id.startsWith(`${scheme}:`)) return undefined
  const known = remembered.get(id)
  if (known !== undefined) return known
  const address = addressOfMailbox(id.slice(scheme.length + 1))
  if (address === undefined) return undefined
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(id, address)
  return address
}

/** The same of either scheme, or of none: in lists (docs/specs/prim.md §6.5). */
export function addressOfAnyId(id: string): Address | undefined {
  return addressOfMailbox(id.replace(/^(?:pres|im):/, ''))
}

function addressOfMailbox(written: string): Address | undefined {
  const match = /^((?:[A-Za-z0-9!$&'*.+\-/=?_~]|%[0-9A-Fa-f]{2})+)@([A-Za-z0-9.-]+)$/.exec(written)
  if (match === null) return undefined
  try {
    return parseAddress(`${decodeURIComponent(match[1] as string)}@${match[2]}`)
  } catch {
    return undefined // escapes that are not UTF-8
  }
}

/** The address without its scheme, as lists have it. */
export function mailboxOf({ user, domain }: Address): string {
  return `${tokenText(user)}@${domain}`
}

export function idOf(address: Address, scheme: Scheme): string {
  return `${scheme}:${mailboxOf(address)}`
}
