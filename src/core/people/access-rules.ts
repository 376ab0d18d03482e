// Who may reach and see a person: one model for RFC 2779 §2.3 and §5, XEP-0191, RFC 5025 and IMPP's lists.
import { type Address, parseAddress, prepareDomain } from '#model'

/** `confirm` asks the owner; `polite-block` shows absence as if it were truth (RFC 2779 5.1.15), for presence only. */
export type AccessAction = 'allow' | 'block' | 'polite-block' | 'confirm'

/** A class of watchers with presence of its own: what is published for it, and nothing else (RFC 2779 2.3.3, 5.2.3; decision 0115). */
export type PresenceClass = `class:${string}`

/** What an allowed watcher sees: everything, open and closed alone, or what is published for its class. */
export type VisibilityClass = 'full' | 'basic' | PresenceClass

export function isPresenceClass(visibility: string): visibility is PresenceClass {
  return visibility.startsWith('class:')
}

export interface AccessRule {
  /** The key of a device, of an address, a domain, `*.domain` for it and all below it, or `*` for everybody. The most exact wins (XEP-0191 §6). */
  readonly subject: string
  readonly action: AccessAction
  readonly visibility: VisibilityClass
  /** Where messages are decided apart (RFC 2779 2.3.5); then `action` is about presence alone, and blocks nobody. */
  readonly messages?: 'allow' | 'block'
}

export interface AccessRules extends ReadonlyMap<string, AccessRule> {
  /** How many rules are about single devices; undefined when nobody counted. */
  readonly devices?: number
  /** The same of rules about a domain with its subdomains. */
  readonly wholeDomains?: number
}

/** An owner's rules, which know whether any is about a device or a whole domain: else none is looked for at each message. */
export class AccessRuleMap extends Map<string, AccessRule> implements AccessRules {
  #devices = 0
  #wholeDomains = 0

  get devices(): number {
    return this.#devices
  }

  get wholeDomains(): number {
    return this.#wholeDomains
  }

  override set(subject: string, rule: AccessRule): this {
    if (!this.has(subject)) this.#count(subject, 1)
    return super.set(subject, rule)
  }

  override delete(subject: string): boolean {
    const isGone = super.delete(subject)
    if (isGone) this.#count(subject, -1)
    return isGone
  }

  override clear(): void {
    this.#devices = 0
    this.#wholeDomains = 0
    super.clear()
  }

  #count(subject: string, by: 1 | -1): void {
    if (isDeviceKey(subject)) this.#devices += by
    else if (isWholeDomain(subject)) this.#wholeDomains += by
  }
}

/** Whether a subject is a domain with all its subdomains: `*.example.com`. An address may begin so, and has an at-sign. */
export function isWholeDomain(subject: string): boolean {
  return subject.startsWith('*.') && !subject.includes('@')
}

/** The subject that is written as an address, a domain, `*.domain` or `*`; undefined when it is none of them. */
export function readSubject(written: string): string | undefined {
  if (written === '*') return written
  if (!isWholeDomain(written)) return parseAddress(written)?.key
  const domain = prepareDomain(written.slice(2))
  // A numeric address is below none.
  return domain === undefined || /^\[|(?:^|\.)[0-9]+$/.test(domain) ? undefined : `*.${domain}`
}

/** The entry for the nearest whole domain that a domain is, or is below: the longest name (RFC 3341 §3.1). */
export function ofWholeDomain<T>(entries: ReadonlyMap<string, T>, domain: string): T | undefined {
  for (let start = 0; ; ) {
    const found = entries.get(`*.${domain.slice(start)}`)
    if (found !== undefined) return found
    const dot = domain.indexOf('.', start)
    if (dot < 0) return undefined
    start = dot + 1
  }
}

function isDeviceKey(subject: string): boolean {
  return partyOfKey(subject).agent !== ''
}

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

/** The rule that counts for `address` and, where it is named, its device; undefined when none does. Hot path. */
export function ruleFor(rules: AccessRules, address: Address, agent = ''): AccessRule | undefined {
  if (rules.size === 0) return undefined
  const ofDevice = agent === '' || rules.devices === 0 ? undefined : rules.get(deviceKey(address, agent))
  if (ofDevice !== undefined) return ofDevice
  const exact = rules.get(address.key) ?? rules.get(address.domain)
  if (exact !== undefined) return exact
  const whole = rules.wholeDomains === 0 ? undefined : ofWholeDomain(rules, address.domain)
  return whole ?? rules.get('*')
}

/** Whether the rules block the party as a whole, politely or not (XEP-0191). */
export function isBlocked(rules: AccessRules, address: Address, agent = ''): boolean {
  return blocks(ruleFor(rules, address, agent))
}

export function blocks(rule: AccessRule | undefined): boolean {
  return (rule?.action === 'block' || rule?.action === 'polite-block') && rule.messages === undefined
}

/** Whether the rules refuse what that party sends. Hot path. */
export function refusesMessages(rules: AccessRules, address: Address, agent: string): boolean {
  const rule = ruleFor(rules, address, agent)
  return rule !== undefined && (rule.messages === 'block' || blocks(rule))
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
