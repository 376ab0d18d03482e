// A part of the binding (decision 0014): an owner's access rules, contacts and watchers <-> the entries of application/impp-list
// (docs/specs/impp-1.0.md §11.1).

import { createHash } from 'node:crypto'
import {
  type AccessRule,
  type AccessRules,
  type Contact,
  deviceKey,
  readSubject,
  type WatcherInfo,
} from '#core'
import { type Address, addressOfUri, parseAddress } from '#model'
import {
  addressOfUrl,
  type ContactEntry,
  type ContactState,
  type RuleEntry,
  urlOf,
  type WatcherEntry,
} from './codec/index.ts'

/** A rule about one device keeps the form that only it has: `user@host/device`. */
export function ruleEntry(rule: AccessRule): RuleEntry {
  const { subject } = rule
  const person = subject.includes('@') ? parseAddress(subject) : undefined
  return { ...rule, subject: person === undefined ? subject : urlOf(person) }
}

/** LIMIT: octets of a device's name (RFC 7622 §3.4). */
const deviceOctetsMax = 1023

/** The rule; undefined when its subject is neither everybody nor a domain, with its subdomains or without, nor a person nor a person's device. */
export function ruleOf(entry: RuleEntry): AccessRule | undefined {
  const { subject } = entry
  const key = keyOf(subject)
  return key === undefined ? undefined : { ...entry, subject: key }
}

function keyOf(subject: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(subject)) return addressOfUri(subject)?.key
  const slash = subject.indexOf('/')
  if (slash === -1) return readSubject(subject)
  const [person, device] = [parseAddress(subject.slice(0, slash)), subject.slice(slash + 1)]
  const isDevice = person?.user !== '' && device !== '' && Buffer.byteLength(device) <= deviceOctetsMax
  return person === undefined || !isDevice ? undefined : deviceKey(person, device)
}

/** What tells one set of rules from another, whoever made it and whenever: two devices that hold it hold the same rules. */
export function rulesTag(rules: AccessRules): string {
  const hash = createHash('sha256')
  for (const subject of [...rules.keys()].sort()) {
    const rule = rules.get(subject) as AccessRule
    hash.update(`${subject}\n${rule.action}\n${rule.visibility}\n${rule.messages ?? ''}\n`)
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
