// Roster items (RFC 6121 §2.1.2): written from a contact, read from a roster set.
import type { Contact } from '#core'
import type { Address } from '#model'
import { type Element, xml } from '#wire/xml'
import { bareJid, parseJid, prepareResource } from './jid.ts'
import { rosterNamespace } from './namespaces.ts'
import { type StanzaError, stanzaError } from './stanza-error.ts'

/** LIMIT: characters of an item's name and of a group's (RFC 6121 §2.3.3 lets us choose). */
const nameMax = 1023
/** LIMIT: groups of one item. */
const groupsMax = 64

export type RosterSet =
  | {
      readonly kind: 'put'
      readonly address: Address
      readonly name: string
      readonly groups: readonly string[]
    }
  | { readonly kind: 'remove'; readonly address: Address }
  | { readonly kind: 'wrong'; readonly error: StanzaError }

export function rosterItem({ address, authorization, name, groups }: Contact): Element {
  const { to, from, pendingOut, preApproved } = authorization
  return xml(
    'item',
    rosterNamespace,
    {
      jid: bareJid(address),
      name: name === '' ? undefined : name,
      subscription: to ? (from ? 'both' : 'to') : from ? 'from' : 'none',
      ask: pendingOut ? 'subscribe' : undefined,
      approved: preApproved ? 'true' : undefined,
    },
    ...groups.map((group) => xml('group', rosterNamespace, {}, group)),
  )
}

/** The errors of RFC 6121 §2.3.3. */
export function readRosterSet(query: Element): RosterSet {
  const items = query.childrenNamed('item')
  const item = items[0]
  const written = item?.attribute('jid')
  if (item === undefined || items.length > 1 || written === undefined) return wrong('bad-request')
  const jid = parseJid(written)
  if (jid === undefined) return wrong('jid-malformed')
  // RFC 6121 §2.1.2.4: the server ignores every other value from a client.
  if (item.attribute('subscription') === 'remove') return { kind: 'remove', address: jid.address }
  const name = item.attribute('name') ?? ''
  const groups = item.childrenNamed('group').map((group) => group.text())
  // Compared as resourceparts are (RFC 6121 §2.3.3).
  const compared = groups.map((group) => prepareResource(group) ?? group)
  if (new Set(compared).size < groups.length) return wrong('bad-request')
  const isTooLong = groups.some((group) => group === '' || group.length > nameMax)
  if (name.length > nameMax || isTooLong || groups.length > groupsMax) return wrong('not-acceptable')
  return { kind: 'put', address: jid.address, name, groups }
}

function wrong(condition: Parameters<typeof stanzaError>[0]): RosterSet {
  return { kind: 'wrong', error: stanzaError(condition) }
}
