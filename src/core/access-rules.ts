// Who may reach and see a person: one model for RFC 2779 §2.3 and §5, XEP-0191, RFC 5025 and IMPP's lists.
import type { Address } from '#model'

/** `confirm` asks the owner; `polite-block` shows absence as if it were truth (RFC 2779 5.1.15), for presence only. */
export type AccessAction = 'allow' | 'block' | 'polite-block' | 'confirm'

/** What an allowed watcher sees: everything, or open and closed alone (RFC 2779 2.3.3, 5.2.3). */
export type VisibilityClass = 'full' | 'basic'

export interface AccessRule {
  /** An address key, a domain, or `*` for everybody. The most exact rule wins. */
  readonly subject: string
  readonly action: AccessAction
  readonly visibility: VisibilityClass
}

export type AccessRules = ReadonlyMap<string, AccessRule>

/** LIMIT: rules an owner may hold. */
export const accessRulesMax = 5000

/** The key of one device of an address: what names it alone in a rule or a list, as XMPP writes a full JID. */
export function deviceKey(address: Address, agent: string): string {
  return agent === '' ? address.key : `${address.key}/${agent}`
}

/** The address and the device that a `deviceKey` names; the device is empty where the key names an address alone. */
export function partyOfKey(key: string): { readonly address: Address; readonly agent: string } {
  // No domain has a slash, and of a name with an at-sign and a slash in it no device is told apart.
  const slash = key.indexOf('/', key.indexOf('@') + 1)
  const bare = slash < 0 ? key : key.slice(0, slash)
  const at = bare.lastIndexOf('@')
  const address = { user: at < 0 ? '' : bare.slice(0, at), domain: bare.slice(at + 1), key: bare }
  return { address, agent: slash < 0 ? '' : key.slice(slash + 1) }
}

/** The rule that counts for `address`, or undefined when none does. */
export function ruleFor(rules: AccessRules, address: Address): AccessRule | undefined {
  if (rules.size === 0) return undefined
  return rules.get(address.key) ?? rules.get(address.domain) ?? rules.get('*')
}

/** What one step does to an owner's rules: some are taken away, then some are put. */
export interface RulesChange {
  readonly removed: readonly string[]
  readonly put: readonly AccessRule[]
}

export function rulesAfter(rules: AccessRules, { removed, put }: RulesChange): Map<string, AccessRule> {
  const after = new Map(rules)
  for (const subject of removed) after.delete(subject)
  for (const rule of put) after.set(rule.subject, rule)
  return after
}
