// A person's contacts, authorizations and access rules: the one list that a roster, a buddy list and an access list are views
// of. Every change is durable before it is answered, and told to all the owner's sessions.
import { type Address, type Condition, type Envelope, type Outcome, refused, stored } from '#model'
import type { AuthorizationEvent, ContactAgent } from '../agents.ts'
import { whereMoved } from '../messages/forward.ts'
import { tellOwnerOfContact, type WatcherEvent } from '../presence/watcher-information.ts'
import type { Router } from '../router.ts'
import type { Scripts } from '../scripts/scripts.ts'
import type { Store } from '../store.ts'
import { type AccessPolicy, type AccessSubject, maySubscribe, subjectNow } from './access.ts'
import { type AccessRule, accessRulesMax, type RulesChange, rulesAfter } from './access-rules.ts'
import type { Account } from './account.ts'
import { inbound, outbound } from './authorizations.ts'
import { type Contact, changed, contactsMax, isFull, isNone, noAuthorization, requestOf } from './contact.ts'
import type { Directory, Found } from './directory.ts'
import { looksAlike } from './list-versions.ts'

type OnOutcome = (outcome: Outcome) => void

export interface ContactParts {
  readonly directory: Directory
  readonly store: Store
  readonly policy: AccessPolicy
  readonly router: Router
  readonly scripts: Scripts
  readonly fault: (cause: unknown, what: string) => void
}

export class ContactService {
  readonly #parts: ContactParts
  /** Set by the presence service: a watcher may now see the account, or no longer. */
  onAuthorized: (account: Account, watcher: Address) => void = () => {}
  /** A politely blocked watcher was told that it may see the account: what it sees then is an absence. */
  onPretended: (account: Account, watcher: Address) => void = () => {}
  /** `saw`: whether it was authorized until now; who was not must not learn what there was to see (RFC 6121 §3.2.2). */
  onWithdrawn: (account: Account, watcher: Address, saw: boolean) => void = () => {}
  /** Set by the presence of other domains: carries a word to one of them. */
  onForeignWord: (
    event: AuthorizationEvent,
    from: Address,
    to: Address,
    source: Envelope | undefined,
  ) => void = () => {}
  /** A contact of another domain was asked, allowed, or taken off the list: what the account may see of it follows. */
  onForeignContact: (account: Account, contact: Address) => void = () => {}

  constructor(parts: ContactParts) {
    this.#parts = parts
  }

  /** `watcher` asks to see `presentity` (subscribe). */
  ask(watcher: Address, presentity: Address, source: Envelope | undefined, onOutcome: OnOutcome): void {
    const kept = source?.keep()
    whereMoved(this.#parts, presentity, watcher, (elsewhere) => {
      if (elsewhere === undefined) this.#say('subscribe', watcher, presentity, kept, onOutcome)
      else onOutcome(elsewhere)
    })
  }

  /** The same of a wish to watch by lease, about which scripts were asked. */
  askFor(watcher: Address, presentity: Address): void {
    this.#say('subscribe', watcher, presentity, undefined, () => {})
  }

  /** A request that was not answered is said again (RFC 6121 §3.1.2): it may have found its asker blocked, who is not now. */
  remind(account: Account, presentity: Address): void {
    this.#hear('subscribe', account.address, presentity, undefined)
  }

  /** `watcher` no longer wants to see `presentity` (unsubscribe). */
  giveUp(watcher: Address, presentity: Address, source: Envelope | undefined, onOutcome: OnOutcome): void {
    this.#say('unsubscribe', watcher, presentity, source, onOutcome)
  }

  /** `owner` lets `watcher` see, now or in advance (subscribed). */
  approve(owner: Address, watcher: Address, source: Envelope | undefined, onOutcome: OnOutcome): void {
    this.#say('subscribed', owner, watcher, source, onOutcome)
  }

  /** `owner` refuses `watcher`, or withdraws what it allowed (unsubscribed). */
  refuse(owner: Address, watcher: Address, source: Envelope | undefined, onOutcome: OnOutcome): void {
    this.#say('unsubscribed', owner, watcher, source, onOutcome)
  }

  /** Puts a contact on the list or changes its name and groups; its authorization stays (RFC 6121 §2.3, §2.4). */
  put(owner: Address, contact: Address, name: string, groups: readonly string[], onOutcome: OnOutcome): void {
    this.#findBoth(owner, contact, onOutcome, (account, named) => {
      const before = account.contacts.get(named.key)
      if (before === undefined && account.contacts.size >= contactsMax)
        return onOutcome(refused('resource-limit'))
      const authorization = before?.authorization ?? noAuthorization
      const request = before?.request === undefined ? {} : { request: before.request }
      this.#save(
        account,
        { address: named, authorization, listed: true, name, groups, ...request },
        onOutcome,
        'rejected',
        true,
      )
    })
  }

  /** Takes a contact off the list, ending what was authorized both ways (RFC 6121 §2.5.1). `not-found` when it isn't on it. */
  remove(owner: Address, contact: Address, onOutcome: OnOutcome): void {
    this.#findBoth(owner, contact, onOutcome, (account, named) => {
      const before = account.contacts.get(named.key)
      if (before === undefined || !before.listed) return onOutcome(refused('not-found'))
      const { to, from, pendingOut, pendingIn } = before.authorization
      account.contacts.delete(named.key)
      account.listVersions.changed(before, undefined)
      this.#durably(this.#parts.store.removeContact(account.address, named), onOutcome)
      for (const agent of account.contactAgents) agent.contactChanged(named, undefined)
      tellOwnerOfContact(account, { ...before, authorization: noAuthorization }, before.authorization)
      if (!this.#parts.router.isLocal(named.domain)) this.onForeignContact(account, named)
      if (to || pendingOut) this.#hear('unsubscribe', account.address, named, undefined)
      // RFC 6121 §3.2.2: its absence is told before the word that withdraws.
      if (!from && !pendingIn) return
      this.onWithdrawn(account, named, from)
      this.#hear('unsubscribed', account.address, named, undefined)
    })
  }

  /** The account is no more: all whom it watched, and who watched it, hear so (as if it took each off its list). */
  end(account: Account): void {
    const contacts = [...account.contacts.values()]
    account.contacts.clear()
    for (const { address, authorization } of contacts) {
      const { to, from, pendingOut, pendingIn } = authorization
      if (to || pendingOut) this.#hear('unsubscribe', account.address, address, undefined)
      if (from || pendingIn) this.#hear('unsubscribed', account.address, address, undefined)
    }
  }

  /** Sets one access rule, replacing the one with the same subject; what may be seen changes at once. */
  setRule(owner: Address, rule: AccessRule, onOutcome: OnOutcome): void {
    this.changeRules(owner, () => ({ removed: [], put: [rule] }), onOutcome)
  }

  removeRule(owner: Address, subject: string, onOutcome: OnOutcome): void {
    const change = { removed: [subject], put: [] }
    this.changeRules(owner, ({ rules }) => (rules.has(subject) ? change : 'not-found'), onOutcome)
  }

  /** Changes any number of rules in one step: `decide` sees those that are and says what becomes of them, or why not. */
  changeRules(
    owner: Address,
    decide: (account: Account) => RulesChange | Condition,
    onOutcome: OnOutcome,
  ): void {
    this.#find(owner, onOutcome, (account) => {
      const change = decide(account)
      if (typeof change === 'string') return onOutcome(refused(change))
      const rules = rulesAfter(account.rules, change)
      if (rules.size > accessRulesMax && rules.size > account.rules.size)
        return onOutcome(refused('resource-limit'))
      const before = subjectNow(account)
      account.rules.clear()
      for (const rule of rules.values()) account.rules.set(rule.subject, rule)
      this.#durably(this.#parts.store.changeRules(account.address, change.removed, change.put), onOutcome)
      this.#rulesChanged(account, before)
    })
  }

  /** Called when rules changed from those of `before`; the presence service tells those who see more or less now. */
  onRulesChanged: (account: Account, before: AccessSubject) => void = () => {}

  /**
   * A watcher that believes itself authorized looks at `presentity` and isn't in its contacts (RFC 6121 §4.3.2): the rules decide
   * as for a request, and where they don't, it learns that it is not.
   */
  heal(watcher: Address, presentity: Address): void {
    this.#parts.directory.find(presentity, (found) => {
      if (found === 'fault') return
      if (found !== 'unknown') {
        const { from, pendingIn } = found.contacts.get(watcher.key)?.authorization ?? noAuthorization
        if (from) return
        if (this.#decidedByRule(found, watcher)) return
        // It asked while a polite block let it believe so: its request waits here, and so must it.
        const asker = pendingIn ? this.#parts.directory.resident(watcher) : undefined
        if (asker !== undefined) return this.waitAgain(asker, found.address)
      }
      this.#hear('unsubscribed', presentity, watcher, undefined)
    })
  }

  /** The contact's domain asks its owner again: what was allowed is a request that waits (watching by lease alone). */
  waitAgain(account: Account, presentity: Address): void {
    const contact = account.contacts.get(presentity.key)
    if (contact === undefined) return
    const authorization = { ...contact.authorization, to: false, pendingOut: true }
    this.#save(account, { ...contact, authorization }, () => {})
  }

  /** A session that shows the list. It is told at once of who waits for an answer. */
  attach(account: Account, agent: ContactAgent): void {
    account.contactAgents.add(agent)
  }

  detach(account: Account, agent: ContactAgent): void {
    account.contactAgents.delete(agent)
  }

  #rulesChanged(account: Account, before: AccessSubject): void {
    for (const contact of [...account.contacts.values()]) {
      if (!contact.authorization.pendingIn) continue
      const decision = maySubscribe(account, contact.address, this.#parts.policy)
      if (decision === 'allow') this.#say('subscribed', account.address, contact.address, undefined, () => {})
      if (decision === 'block')
        this.#say('unsubscribed', account.address, contact.address, undefined, () => {})
      if (decision === 'polite-block') this.#decidedByRule(account, contact.address)
    }
    this.onRulesChanged(account, before)
    for (const agent of account.contactAgents) agent.rulesChanged?.(before.rules)
  }

  /** The owner's own word: RFC 6121 Appendix A.2, then the other side hears it. */
  #say(
    event: AuthorizationEvent,
    owner: Address,
    contact: Address,
    source: Envelope | undefined,
    onOutcome: OnOutcome,
  ): void {
    const kept = source?.keep()
    if (!this.#parts.router.isLocal(owner.domain)) {
      if (!this.#parts.router.isLocal(contact.domain)) return onOutcome(refused('domain-unknown'))
      if (!this.#parts.router.takesPresence(contact.domain, owner.domain))
        return onOutcome(refused('permission-denied'))
      // A foreign watcher's state is its own domain's; here only the presentity hears.
      this.#hear(event, owner, contact, kept)
      return onOutcome(stored)
    }
    if (event === 'subscribe' && !this.#parts.router.isLocal(contact.domain)) {
      // RFC 6121 §3.1.2: where no way leads there, nothing is pending.
      return this.#parts.router.findPresenceLink(owner.domain, contact.domain, (link) => {
        if (typeof link === 'string') return onOutcome(refused(link))
        this.#find(owner, onOutcome, (account) => this.#said(event, account, contact, kept, onOutcome))
      })
    }
    this.#findBoth(owner, contact, onOutcome, (account, named, exists) => {
      // RFC 6121 §3.1.2: what cannot be delivered is answered with an error, and nothing is pending.
      if (event !== 'subscribe' || exists) return this.#said(event, account, named, kept, onOutcome)
      onOutcome(refused('target-unknown'))
    })
  }

  /** The owner, and the contact by its primary address, so that an alias is no second person. */
  #findBoth(
    owner: Address,
    contact: Address,
    onOutcome: OnOutcome,
    use: (account: Account, contact: Address, exists: boolean) => void,
  ): void {
    // The owner last, so that what is done with its account is done in the turn in which it was found.
    const withOwner = (named: Address, exists: boolean): void =>
      this.#find(owner, onOutcome, (account) => use(account, named, exists))
    if (!this.#parts.router.isLocal(contact.domain)) return withOwner(contact, false)
    this.#parts.directory.find(contact, (found) => {
      if (found === 'fault') onOutcome(refused('internal-fault'))
      else if (found === 'unknown') withOwner(contact, false)
      else withOwner(found.address, true)
    })
  }

  #said(
    event: AuthorizationEvent,
    account: Account,
    contact: Address,
    source: Envelope | undefined,
    onOutcome: OnOutcome,
  ): void {
    const before = account.contacts.get(contact.key)
    const state = before?.authorization ?? noAuthorization
    const { next, route } = outbound(state, event)
    if (before !== undefined || !event.startsWith('un')) {
      if (before === undefined && account.contacts.size >= contactsMax)
        return onOutcome(refused('resource-limit'))
      const listed = event === 'subscribe' || event === 'subscribed' || before?.listed === true
      this.#save(account, changed(before, contact, next, listed), onOutcome)
    } else onOutcome(stored)
    // RFC 6121 §3.2.2: absence first, then the word. A leased subscription may wait, or be allowed by a rule, though nothing
    // is pending: the owner has decided now.
    if (event === 'unsubscribed') this.onWithdrawn(account, contact, state.from)
    if (route) this.#hear(event, account.address, contact, source)
    if (!state.from && next.from) this.onAuthorized(account, contact)
  }

  /** The other side hears it: RFC 6121 Appendix A.3. Who is not there is silent (§3.2.3, §3.3.3). */
  #hear(event: AuthorizationEvent, from: Address, to: Address, source: Envelope | undefined): void {
    if (!this.#parts.router.isLocal(to.domain)) return this.onForeignWord(event, from, to, source)
    this.#parts.directory.find(to, (found) => {
      if (found === 'fault') return
      if (found !== 'unknown') return this.#heard(found, event, from, source)
      // A foreign asker has none but this word (RFC 6121 §3.1.3).
      if (event === 'subscribe') this.#hear('unsubscribed', to, from, undefined)
    })
  }

  #heard(account: Account, event: AuthorizationEvent, from: Address, source: Envelope | undefined): void {
    if (event === 'subscribe' && (this.#isOver(account, from) || this.#decidedByRule(account, from))) return
    const before = account.contacts.get(from.key)
    const state = before?.authorization ?? noAuthorization
    const { next, deliver, reply } = inbound(state, event)
    if (before === undefined && next !== state && isFull(account.contacts))
      return this.#hear('unsubscribed', account.address, from, undefined)
    // RFC 6121 §3.1.6, §3.2.3, §3.3.3: the word itself MUST come before the roster push.
    if (deliver) for (const agent of account.contactAgents) agent.authorizationEvent(event, from, source)
    if (next !== state) {
      const request = event === 'subscribe' && next.pendingIn ? requestOf(source) : {}
      const contact = { ...changed(before, from, next, before?.listed ?? false), ...request }
      this.#save(account, contact, () => {}, 'timeout')
    }
    if (event === 'unsubscribe' && deliver) this.onWithdrawn(account, from, state.from)
    if (reply !== undefined) this.#hear(reply, account.address, from, undefined)
    if (reply === 'subscribed') this.onAuthorized(account, from)
  }

  /** A request of one of ours that was answered or taken back while the account was loaded is none any more. */
  #isOver(account: Account, watcher: Address): boolean {
    const asker = this.#parts.directory.resident(watcher)
    const asked = asker?.contacts.get(account.address.key)?.authorization ?? noAuthorization
    return asker !== undefined && !asked.to && !asked.pendingOut
  }

  /** True when a rule or the deployment answers in the owner's place. */
  #decidedByRule(account: Account, watcher: Address): boolean {
    const decision = maySubscribe(account, watcher, this.#parts.policy)
    if (decision === 'confirm') return false
    // XEP-0191 §3.3: to presence of a blocked one nothing is answered; what it had stays, unseen (§4).
    if (decision === 'block') return true
    const before = account.contacts.get(watcher.key)
    const state = before?.authorization ?? noAuthorization
    if (decision === 'allow') {
      if (!state.from) {
        if (before === undefined && account.contacts.size >= contactsMax) {
          this.#hear('unsubscribed', account.address, watcher, undefined)
          return true
        }
        const next = { ...state, from: true, pendingIn: false }
        this.#save(account, changed(before, watcher, next, true), () => {})
      }
      this.#hear('subscribed', account.address, watcher, undefined)
      this.onAuthorized(account, watcher)
      return true
    }
    // Polite blocking grants in appearance alone (RFC 2779 5.1.15): the owner's own state says nothing of it, so that the end of
    // the rule does not leave behind an authorization that the owner never gave.
    const next = { ...state, pendingIn: false }
    if (state.pendingIn)
      this.#save(account, changed(before, watcher, next, before?.listed === true), () => {})
    this.#hear('subscribed', account.address, watcher, undefined)
    this.onPretended(account, watcher)
    return true
  }

  /** `end`: why, if the contact watches no more. `isAsked`: all hear of the item, were it the same as before (RFC 6121 §2.3.2). */
  #save(
    account: Account,
    contact: Contact,
    onOutcome: OnOutcome,
    end: WatcherEvent = 'rejected',
    isAsked = false,
  ): void {
    const before = account.contacts.get(contact.address.key)
    const gone = !contact.listed && isNone(contact.authorization)
    if (gone) {
      account.contacts.delete(contact.address.key)
      this.#durably(this.#parts.store.removeContact(account.address, contact.address), onOutcome)
    } else {
      account.contacts.set(contact.address.key, contact)
      this.#durably(this.#parts.store.putContact(account.address, contact), onOutcome)
    }
    account.listVersions.changed(before, gone ? undefined : contact)
    if (isAsked || !looksAlike(before, contact))
      for (const agent of account.contactAgents) agent.contactChanged(contact.address, contact)
    tellOwnerOfContact(account, contact, before?.authorization, end)
    if (!this.#parts.router.isLocal(contact.address.domain)) this.onForeignContact(account, contact.address)
  }

  #durably(written: Promise<void>, onOutcome: OnOutcome): void {
    written.then(
      () => onOutcome(stored),
      (cause: unknown) => {
        this.#parts.fault(cause, 'a contact or rule could not be stored')
        onOutcome(refused('internal-fault'))
      },
    )
  }

  #find(owner: Address, onOutcome: OnOutcome, use: (account: Account) => void): void {
    this.#parts.directory.find(owner, (found: Found) => {
      if (found === 'unknown') onOutcome(refused('target-unknown'))
      else if (found === 'fault') onOutcome(refused('internal-fault'))
      else use(found)
    })
  }
}
