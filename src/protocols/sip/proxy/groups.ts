// In which order the phones of a person ring, by the q of their contacts.

import type { Incoming } from '../incoming.ts'
import type { RegisteredContact } from '../registered-contact.ts'

/**
 * The phones of one preference, which ring together, the preferred ones first (RFC 3261 §16.6). What is no call has one group: it would be too
 * late for its sender, who waits 32 seconds in all (RFC 4321 §1.2).
 */
export function groupsOf(
  { request }: Incoming,
  targets: readonly RegisteredContact[],
): RegisteredContact[][] {
  if (request.method !== 'INVITE') return [[...targets]]
  const groups: RegisteredContact[][] = []
  for (const contact of targets) {
    const last = groups.at(-1)
    if (last?.[0]?.facts.q === contact.facts.q) last.push(contact)
    else groups.push([contact])
  }
  return groups
}
