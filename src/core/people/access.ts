// May this one reach, watch, see? Every decision of access is here; the spines ask and obey.
import type { Address } from '#model'
import {
  type AccessRules,
  isBlocked,
  refusesMessages,
  ruleFor,
  type VisibilityClass,
} from './access-rules.ts'
import type { Contact } from './contact.ts'

/** What a deployment has decided for those that no rule names. */
export interface AccessPolicy {
  /** Whether watchers of the presentity's own domain need the owner's word. */
  readonly confirmSameDomain: boolean
  /** Where single domains of ours have decided otherwise. */
  readonly confirmIn?: ReadonlyMap<string, boolean>
}

/** An owner's side of a decision. */
export interface AccessSubject {
  readonly address: Address
  readonly rules: AccessRules
  readonly contacts: ReadonlyMap<string, Contact>
}

/** The rules as they are now, for comparison with what they become. */
export function subjectNow({ address, rules, contacts }: AccessSubject): AccessSubject {
  return { address, rules: new Map(rules), contacts }
}

/** RFC 2779 2.3.5, 5.4.10. Polite blocking is for presence: a politely blocked sender is refused as visibly as a blocked one. */
export function mayMessage(owner: AccessSubject, from: Address, agent = ''): boolean {
  // XEP-0191 §5: no rule keeps a person's devices from each other.
  return from.key === owner.address.key || !refusesMessages(owner.rules, from, agent)
}

/** Whether the owner blocks the party now and did not `before`, or the other way round. */
export function isBlockedOtherwise(owner: AccessSubject, before: AccessSubject, party: Address): boolean {
  if (party.key === owner.address.key) return false
  return isBlocked(owner.rules, party) !== isBlocked(before.rules, party)
}

/** Whether what is neither message nor presence may pass (IQ, INVITE, directed presence). */
export function mayReach(owner: AccessSubject, from: Address, agent = ''): boolean {
  return mayMessage(owner, from, agent)
}

/** The decision on a wish to watch (RFC 2779 2.3.2, 5.1.11 to 5.1.16). */
export function maySubscribe(
  owner: AccessSubject,
  watcher: Address,
  policy: AccessPolicy,
): 'allow' | 'block' | 'polite-block' | 'confirm' {
  if (watcher.key === owner.address.key) return 'allow'
  const rule = ruleFor(owner.rules, watcher)
  if (rule !== undefined && rule.action !== 'confirm') return rule.action
  const authorization = owner.contacts.get(watcher.key)?.authorization
  // RFC 6121 §3.4: who was approved before asking has the owner's word already.
  if (authorization?.from === true || authorization?.preApproved === true) return 'allow'
  if (rule !== undefined || watcher.domain !== owner.address.domain) return 'confirm'
  const confirms = policy.confirmIn?.get(owner.address.domain) ?? policy.confirmSameDomain
  return confirms ? 'confirm' : 'allow'
}

/** What an authorized watcher sees now, or `nothing` (RFC 2779 2.3.1, 2.3.3). */
export function visible(owner: AccessSubject, watcher: Address): VisibilityClass | 'nothing' {
  if (watcher.key === owner.address.key) return 'full'
  const rule = ruleFor(owner.rules, watcher)
  if (rule === undefined) return 'full'
  if (rule.action === 'block' || rule.action === 'polite-block') return 'nothing'
  return rule.visibility
}
