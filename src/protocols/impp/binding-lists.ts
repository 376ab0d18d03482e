// A part of the binding (decision 0014): an owner's access rules, contacts and watchers <-> the entries of application/impp-list
// (docs/specs/impp-1.0.md §11.1).

import { createHash } from 'node:crypto'
import type { AccessRule, AccessRules, Contact, WatcherInfo } from '#core'
import { type Address, addressOfUri, parseAddress } from '#model'
import {
  addressOfUrl,
  type ContactEntry,
  type ContactState,
  type RuleEntry,
  urlOf,
  type WatcherEntry,
} from './codec/index.ts'

export function ruleEntry({ subject, action, visibility }: AccessRule): RuleEntry {
  const person = subject.includes('@') ? parseAddress(subject) : undefined
  return { subject: person === undefined ? subject : urlOf(person), action, visibility }
}

/** The rule; undefined when its subject is neither everybody nor a domain nor a person. */
export function ruleOf({ subject, action, visibility }: RuleEntry): AccessRule | undefined {
  if (subject === '*') return { subject, action, visibility }
  const named = subject.includes(':') ? addressOfUri(subject) : parseAddress(subject)
  return named && { subject: named.key, action, visibility }
}

/** What tells one set of rules from another, whoever made it and whenever: two devices that hold it hold the same rules. */
export function rulesTag(rules: AccessRules): string {
  const hash = createHash('sha256')
  for (const subject of [...rules.keys()].sort()) {
    const rule = rules.get(subject) as AccessRule
    hash.update(`${subject}\n${rule.action}\n${rule.visibility}\n`)
  }
  return hash.digest('base64url').slice(0, 22)
}

const states: readonly (readonly [keyof Contact['authorization'], ContactState])[] = [
  ['to', 'sees'],
  ['from', 'is-seen'],
  ['pendingOut', 'asked'],
  ['pendingIn', 'asks'],
  ['preApproved', 'may-ask'],
]

/** `contact` undefined: it is gone from the list. */
export function contactEntry(address: Address, contact: Contact | undefined): ContactEntry {
  const url = urlOf(address)
  if (contact === undefined) return { url, name: '', groups: [], states: [], isGone: true }
  const { authorization, name, groups } = contact
  const held = states.filter(([facet]) => authorization[facet]).map(([, state]) => state)
  return { url, name, groups, states: held, isGone: false }
}

export function watcherEntry(watcher: WatcherInfo): WatcherEntry {
  const { id, status, event, sees, politelyBlocked, lease } = watcher
  return {
    id,
    url: urlOf(watcher.watcher),
    status,
    event,
    sees,
    isPolitelyBlocked: politelyBlocked,
    ...(lease !== undefined && { lease: { protocol: lease.protocol, secondsLeft: lease.secondsLeft } }),
  }
}

/** The person a URL names, not a domain alone. */
export function personOf(url: string): Address | undefined {
  const address = addressOfUrl(url)
  return address?.user === '' ? undefined : address
}
