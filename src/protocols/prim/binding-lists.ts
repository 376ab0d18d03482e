// A part of the binding (decision 0014): an owner's access rules <-> PRIM's access lists and class table (docs/specs/prim.md §6.4, §6.5;
// decision 0116). A rule has three facets, and each list is the view of one: who may see presence, who may send, what is seen.

import {
  type AccessRule,
  type AccessRules,
  isPresenceClass,
  ofWholeDomain,
  type PresenceClass,
  partyOfKey,
  readSubject,
  ruleFor,
  type VisibilityClass,
} from '#core'
import { type Address, parseAddress } from '#model'
import {
  type AclEntry,
  addressOfAnyId,
  type ClassEntry,
  mailboxOf,
  type Right,
  type Scheme,
  textOfToken,
  tokenText,
} from './codec/index.ts'

/** The reserved class of all who are in none, and that of those who see open and closed alone. */
export const defaultClass = 'default'
export const basicClass = 'basic'
/** The class of those whom a rule blocks politely: nothing can be published for it. */
export const politeClass = 'politely-blocked'

/** The core's class of a name; undefined for `default`, and 'reserved' for one that nobody publishes for. */
export function presenceClassOf(name: string): PresenceClass | undefined | 'reserved' {
  if (name === defaultClass) return undefined
  return name === basicClass || name === politeClass ? 'reserved' : `class:${textOfToken(name)}`
}

/** What a rule's subject is in a list: an identifier, `@domain`, `@*.domain` (ours), or `.`; undefined where it is a single device, which PRIM can't name. */
function entryOf(subject: string): string | undefined {
  if (subject === '*') return '.'
  if (!subject.includes('@')) return `@${subject}`
  const address = subject.includes('/') ? undefined : parseAddress(subject)
  return address && mailboxOf(address)
}

/** The subject of an entry of a list; undefined for what is none. */
function subjectOf(entry: string): string | undefined {
  if (entry === '.') return '*'
  return entry.startsWith('@') ? domainOf(entry.slice(1)) : addressOfAnyId(entry)?.key
}

function domainOf(written: string): string | undefined {
  const subject = written === '*' ? undefined : readSubject(written)
  return subject?.includes('@') ? undefined : subject
}

type PresenceFacet = AccessRule['action']
type MessagesFacet = 'allow' | 'block'

function messagesOf({ action, messages }: AccessRule): MessagesFacet {
  return messages ?? (action === 'block' || action === 'polite-block' ? 'block' : 'allow')
}

const rightsOf: Readonly<Record<PresenceFacet, readonly Right[]>> = {
  allow: ['fetch', 'subscribe'],
  // A class without tuples, not an access list, is what shows them nothing.
  'polite-block': ['fetch', 'subscribe'],
  // Who may ask, and sees when the owner has answered.
  confirm: ['subscribe'],
  block: [],
}

/** The access list of a presentity or an inbox. `sameDomain`: what watchers of the owner's own domain may do where no rule says. */
export function aclOf(
  owner: Address,
  rules: AccessRules,
  service: Scheme,
  sameDomain: 'allow' | 'confirm',
): readonly AclEntry[] {
  const entries: AclEntry[] = []
  for (const rule of rules.values()) {
    const target = entryOf(rule.subject)
    const sends: readonly Right[] = messagesOf(rule) === 'allow' ? ['send'] : []
    if (target !== undefined)
      entries.push({ targets: [target], rights: service === 'pres' ? rightsOf[rule.action] : sends })
  }
  if (service === 'im') return rules.has('*') ? entries : [...entries, { targets: ['.'], rights: ['send'] }]
  if (rules.has('*')) return entries
  const own: AclEntry = { targets: [`@${owner.domain}`], rights: rightsOf[sameDomain] }
  return [
    ...entries,
    ...(ruleOf(owner.domain, rules) === undefined ? [own] : []),
    { targets: ['.'], rights: rightsOf.confirm },
  ]
}

export type ListFault = 'malformed' | 'operation-not-supported'

/** The rules once an access list stands in place of the one before; a fault where the list says what no rule can. */
export function rulesByAcl(
  owner: Address,
  rules: AccessRules,
  list: readonly AclEntry[],
  service: Scheme,
  sameDomain: 'allow' | 'confirm',
): readonly AccessRule[] | ListFault {
  const wanted = new Map<string, readonly Right[]>()
  for (const { targets, rights } of list) {
    const given = rights.filter((right) => right === 'fetch' || right === 'subscribe' || right === 'send')
    for (const target of targets) {
      const subject = subjectOf(target)
      if (subject === undefined || wanted.has(subject)) return 'malformed'
      // The owner has all rights, whatever a list says; nobody else publishes, removes, listens or silences.
      if (subject === owner.key) continue
      if (given.length < rights.length || (given.includes('fetch') && !given.includes('subscribe')))
        return 'operation-not-supported'
      wanted.set(subject, given)
    }
  }
  // Who is found nowhere in a list may do nothing.
  if (!wanted.has('*')) wanted.set('*', [])
  const facet = (subject: string): readonly Right[] => nearest(subject, wanted) ?? []
  const all = service === 'im' ? withNeighbours(owner, rules, wanted) : subjects(rules, wanted)
  return [...all].map((subject) => {
    const rule = ruleOf(subject, rules)
    const visibility = rules.get(subject)?.visibility ?? 'full'
    const isPolite = rule?.action === 'polite-block' && facet(subject).length === 2
    const rights = facet(subject)
    const action =
      service === 'im'
        ? (rule?.action ?? silentAction(owner, subject, sameDomain))
        : isPolite
          ? 'polite-block'
          : actionBy(rights)
    const messages =
      service === 'im' ? (rights.length > 0 ? 'allow' : 'block') : rule ? messagesOf(rule) : 'allow'
    return { subject, action, visibility, messages }
  })
}

function actionBy(rights: readonly Right[]): PresenceFacet {
  return rights.includes('fetch') ? 'allow' : rights.includes('subscribe') ? 'confirm' : 'block'
}

/** What holds for a subject where no rule says. */
function silentAction({ domain }: Address, subject: string, sameDomain: 'allow' | 'confirm'): PresenceFacet {
  return subject === domain || subject.endsWith(`@${domain}`) ? sameDomain : 'confirm'
}

function subjects(rules: AccessRules, others: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  return new Set([...rules.keys(), ...others.keys()])
}

/** A first rule for everybody, or for a domain that it is below, must not take from the owner's own domain what it may do where no rule says. */
function withNeighbours(
  { domain }: Address,
  rules: AccessRules,
  others: ReadonlyMap<string, unknown>,
): ReadonlySet<string> {
  const all = new Set(subjects(rules, others))
  if (nearest(domain, others) !== undefined && ruleOf(domain, rules) === undefined) all.add(domain)
  return all
}

function ruleOf(subject: string, rules: AccessRules): AccessRule | undefined {
  const { address, agent } = partyOfKey(subject)
  return ruleFor(rules, address, agent)
}

/** The entry that counts for a subject: its own, its domain's, that of a domain with all below it, everybody's. */
function nearest<T>(subject: string, entries: ReadonlyMap<string, T>): T | undefined {
  const { key, domain } = partyOfKey(subject).address
  const exact = entries.get(subject) ?? entries.get(key) ?? entries.get(domain)
  return exact ?? ofWholeDomain(entries, domain) ?? entries.get('*')
}

/** The class table. `classes`: those that exist, were they empty. */
export function classTableOf(rules: AccessRules, classes: Iterable<PresenceClass>): readonly ClassEntry[] {
  const table = new Map<string, string[]>()
  for (const name of classes) table.set(nameOf(name), [])
  for (const rule of rules.values()) {
    const name = rule.action === 'polite-block' ? politeClass : nameOf(rule.visibility)
    const watcher = entryOf(rule.subject)
    if (name === defaultClass || watcher === undefined) continue
    const watchers = table.get(name)
    if (watchers === undefined) table.set(name, [watcher])
    else watchers.push(watcher)
  }
  return [...table].map(([name, watchers]) => ({ name, watchers }))
}

function nameOf(visibility: VisibilityClass): string {
  if (isPresenceClass(visibility)) return tokenText(visibility.slice('class:'.length))
  return visibility === 'basic' ? basicClass : defaultClass
}

/** The rules once a class table stands in place of the one before, and its classes. */
export function rulesByClassTable(
  owner: Address,
  rules: AccessRules,
  table: readonly ClassEntry[],
  sameDomain: 'allow' | 'confirm',
): { readonly rules: readonly AccessRule[]; readonly classes: ReadonlySet<PresenceClass> } | 'malformed' {
  const wanted = new Map<string, string>()
  const classes = new Set<PresenceClass>()
  const names = new Set<string>()
  for (const { name, watchers } of table) {
    if (names.has(name)) return 'malformed'
    names.add(name)
    const presenceClass = presenceClassOf(name)
    if (presenceClass !== undefined && presenceClass !== 'reserved') classes.add(presenceClass)
    for (const watcher of watchers) {
      const subject = subjectOf(watcher)
      // A watcher is in one class.
      if (subject === undefined || wanted.has(subject)) return 'malformed'
      wanted.set(subject, name)
    }
  }
  const next = [...withNeighbours(owner, rules, wanted)].map((subject) => {
    const rule = ruleOf(subject, rules)
    const before = rule?.action ?? silentAction(owner, subject, sameDomain)
    const name = nearest(subject, wanted) ?? defaultClass
    // Its place in the table is what hides all from the politely blocked; out of it, they are like others.
    const action: PresenceFacet =
      name === politeClass ? 'polite-block' : before === 'polite-block' ? 'allow' : before
    const messages = rule === undefined ? 'allow' : messagesOf(rule)
    return { subject, action, visibility: visibilityOf(name), messages }
  })
  return { rules: next, classes }
}

function visibilityOf(name: string): VisibilityClass {
  const presenceClass = presenceClassOf(name)
  if (presenceClass === 'reserved') return name === basicClass ? 'basic' : 'full'
  return presenceClass ?? 'full'
}
