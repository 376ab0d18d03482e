// The presence service (RFC 3859): publish, subscribe, unsubscribe, fetch. It reads and decides; the notifier tells.
import { type Address, type Condition, type Outcome, type Refused, refused } from '#model'
import type { WatcherAgent } from '../agents.ts'
import type { Leases } from '../leases.ts'
import { moved } from '../messages/forward.ts'
import {
  type AccessPolicy,
  type AccessSubject,
  isBlockedOtherwise,
  maySubscribe,
  visible,
} from '../people/access.ts'
import type { PresenceClass } from '../people/access-rules.ts'
import type { Account } from '../people/account.ts'
import type { ContactService } from '../people/contact-service.ts'
import type { Directory, Found } from '../people/directory.ts'
import type { Router } from '../router.ts'
import type { Scripts } from '../scripts/scripts.ts'
import type { Store } from '../store.ts'
import type { ForeignPresence } from './foreign-presence.ts'
import type { PresenceNotification } from './notification.ts'
import { absenceOf, fullNotification, type Notifier } from './notifier.ts'
import { type Publication, Publishing, type TupleName } from './publishing.ts'
import { Subscribing, type SubscriptionOutcome, type SubscriptionRequest } from './subscribing.ts'
import { type WatcherInfo, type WatcherInfoAgent, watchersOf } from './watcher-information.ts'

export type FetchOutcome = { readonly kind: 'fetched'; readonly notification: PresenceNotification } | Refused

export interface PresenceParts {
  readonly directory: Directory
  readonly store: Store
  readonly leases: Leases
  readonly notifier: Notifier
  readonly contacts: ContactService
  readonly policy: AccessPolicy
  readonly router: Router
  readonly scripts: Scripts
  readonly foreign: ForeignPresence
  readonly now: () => number
  readonly fault: (cause: unknown, what: string) => void
}

export class PresenceService {
  readonly #parts: PresenceParts
  readonly #subscribing: Subscribing
  readonly #publishing: Publishing

  constructor(parts: PresenceParts) {
    this.#parts = parts
    this.#subscribing = new Subscribing(parts)
    this.#publishing = new Publishing(parts)
    parts.contacts.onAuthorized = (account, watcher) => this.#authorized(account, watcher)
    parts.contacts.onPretended = (account, watcher) => this.#showTo(account, watcher)
    parts.contacts.onWithdrawn = (account, watcher, saw) => this.#withdrawn(account, watcher, saw)
    parts.contacts.onRulesChanged = (account, before) => this.#rulesChanged(account, before)
  }

  /** Sets, changes or takes away one device's tuple. Same tick when the account is in memory and nothing is permanent. */
  publish(publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { source, presentity } = publication
    const kept = source === undefined ? publication : { ...publication, source: source.keep() }
    this.#find(presentity, onOutcome, (account) => this.#publishing.publish(account, kept, onOutcome))
  }

  /** Extends a tuple's lease; `not-found` when there is no such tuple, or it is bound to a session. */
  renew(about: TupleName, seconds: number, onOutcome: (outcome: Outcome) => void): void {
    this.#find(about.presentity, onOutcome, (account) =>
      this.#publishing.renew(account, about, seconds, onOutcome),
    )
  }

  /** Takes away all that is published under a free name, its permanent value too; `not-found` where there is nothing. */
  withdraw(about: TupleName, onOutcome: (outcome: Outcome) => void): void {
    this.#find(about.presentity, onOutcome, (account) => this.#publishing.withdraw(account, about, onOutcome))
  }

  /** Whether the account has the class, or will have it when what was asked of it is done. */
  hasClass(account: Account, presenceClass: PresenceClass): boolean {
    return this.#publishing.hasClass(account, presenceClass)
  }

  /** These are the owner's classes of watchers once that is durable; what was published for others is gone then. */
  setClasses(
    owner: Address,
    classes: ReadonlySet<PresenceClass>,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    this.#find(owner, onOutcome, (account) => this.#publishing.setClasses(account, classes, onOutcome))
  }

  /**
   * Opens a leased subscription, or renews the one with the same id. Asks the owner where no authorization exists (then
   * `pending`). Where it is active, a full notification follows at once, after `onOutcome`.
   */
  subscribe(request: SubscriptionRequest, onOutcome: (outcome: SubscriptionOutcome) => void): void {
    const { presentity, watcher } = request
    if (!this.#isLocal(presentity)) {
      const refusal = this.#parts.scripts.aboutWish(watcher, presentity)
      return refusal === undefined ? this.#parts.foreign.subscribe(request, onOutcome) : onOutcome(refusal)
    }
    if (!this.#parts.router.takesPresence(presentity.domain, watcher.domain))
      return onOutcome(refused('permission-denied'))
    this.#find(presentity, onOutcome, (account) => this.#subscribing.subscribe(account, request, onOutcome))
  }

  /** Ends a leased subscription at its watcher's wish; no notification follows. */
  unsubscribe(
    presentity: Address,
    id: string,
    watcher: Address,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    if (!this.#isLocal(presentity)) return this.#parts.foreign.unsubscribe(presentity, id, watcher, onOutcome)
    this.#find(presentity, onOutcome, (account) =>
      this.#subscribing.unsubscribe(account, id, watcher, onOutcome),
    )
  }

  /** What the watcher may see now, once (RFC 3859: duration 0). Politely blocked, it sees an absence. */
  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    if (!this.#isLocal(presentity)) return this.#parts.foreign.fetch(watcher, presentity, onFetched)
    if (!this.#parts.router.takesPresence(presentity.domain, watcher.domain))
      return onFetched(refused('permission-denied'))
    this.#find(presentity, onFetched, (account) => {
      const elsewhere = moved(account, watcher)
      if (elsewhere !== undefined) return onFetched(elsewhere)
      const decision = maySubscribe(account, watcher, this.#parts.policy)
      if (decision === 'block' || decision === 'confirm') return onFetched(refused('permission-denied'))
      const refusal = this.#parts.scripts.aboutWish(watcher, presentity)
      if (refusal !== undefined) return onFetched(refusal)
      onFetched({ kind: 'fetched', notification: fullNotification(account, visible(account, watcher)) })
      for (const agent of account.watcherInfoAgents) agent.fetched?.(account.address, watcher)
    })
  }

  /** What would become of that one's wish to watch the account. */
  decisionFor(account: AccessSubject, watcher: Address): ReturnType<typeof maySubscribe> {
    return maySubscribe(account, watcher, this.#parts.policy)
  }

  /** A session that watches all that its account is authorized to see; it is told of each at once, its own first. */
  watchContacts(account: Account, agent: WatcherAgent): void {
    this.#parts.notifier.tellAll(account, agent)
    account.watchers.add(agent)
    for (const contact of [...account.contacts.values()]) {
      const { address, authorization } = contact
      if (!this.#isLocal(address)) {
        if (authorization.to || authorization.pendingOut) this.#parts.foreign.show(account, address, agent)
      } else if (authorization.to) this.#probe(address, agent, () => account.watchers.has(agent))
      else if (authorization.pendingOut) this.#parts.contacts.remind(account, address)
    }
  }

  unwatchContacts(account: Account, agent: WatcherAgent): void {
    account.watchers.delete(agent)
    this.#parts.foreign.settleAll(account)
  }

  /** Who watches the account, or waits to (RFC 3857): for its owner alone. */
  watchers(account: Account): readonly WatcherInfo[] {
    return watchersOf(account)
  }

  /** The device is told of every watcher of its account that comes, waits, is allowed or ends, from now on. */
  watchWatchers(account: Account, agent: WatcherInfoAgent): void {
    account.watcherInfoAgents.add(agent)
  }

  unwatchWatchers(account: Account, agent: WatcherInfoAgent): void {
    account.watcherInfoAgents.delete(agent)
  }

  /**
   * Tells one session, or a watcher of another domain, of one contact's presence, if both sides' authorization says it may see (RFC
   * 6121 §4.3).
   */
  probe(presentity: Address, agent: WatcherAgent): void {
    const account = this.#parts.directory.resident(agent.watcher)
    if (!this.#isLocal(presentity)) {
      if (account?.contacts.get(presentity.key)?.authorization.to === true)
        this.#parts.foreign.show(account, presentity, agent)
      return
    }
    if (!this.#parts.router.takesPresence(presentity.domain, agent.watcher.domain)) return
    this.#probe(presentity, agent, () => true)
  }

  /** @param isThere whether the agent still wants to know, when the presentity had to be loaded first */
  #probe(presentity: Address, agent: WatcherAgent, isThere: () => boolean): void {
    this.#parts.directory.find(presentity, (found) => {
      if (found === 'fault' || !isThere()) return
      const { watcher } = agent
      if (found !== 'unknown' && maySee(found, watcher)) return this.#parts.notifier.tellAll(found, agent)
      // Who asks from another domain believes that it may see.
      const believed = this.#parts.directory.resident(watcher)?.contacts.get(presentity.key)
      if (this.#isLocal(watcher) && believed?.authorization.to !== true) return
      // Whoever is blocked is shown an absence, as a blocked contact is (decision 0071): what it knew must not stay.
      if (found !== 'unknown' && visible(found, watcher) === 'nothing')
        return this.#parts.notifier.tellAll(found, agent)
      // RFC 6121 §4.3.2: who believes itself authorized and isn't is told so.
      this.#parts.contacts.heal(watcher, presentity)
    })
  }

  /** The presentity is no more: every tuple is gone, every subscription to it ends (RFC 6665 §4.1.3, noresource). */
  end(account: Account): void {
    for (const { address, authorization } of account.contacts.values())
      if (authorization.from && visible(account, address) !== 'nothing') this.#tellNothing(account, address)
    account.presentity.clear()
    this.#subscribing.end(account)
    this.#parts.foreign.end(account)
  }

  /** An owner allowed a watcher: its pending subscriptions open, its sessions see. */
  #authorized(account: Account, watcher: Address): void {
    this.#subscribing.authorized(account, watcher)
    this.#showTo(account, watcher)
  }

  /** Its sessions are told of all that it may see now, were it nothing (RFC 6121 §3.1.6; RFC 2779 5.1.15). */
  #showTo(account: Account, watcher: Address): void {
    this.#parts.notifier.eachAgentOf(account, watcher, (agent, isLate) => {
      if (!isLate || this.#showsItself(account, watcher)) this.#parts.notifier.tellAll(account, agent)
    })
  }

  /** Whether the watcher is to be told anything, were it an absence. */
  #showsItself(account: Account, watcher: Address): boolean {
    return maySee(account, watcher) || maySubscribe(account, watcher, this.#parts.policy) === 'polite-block'
  }

  /**
   * An owner refused or withdrew: every subscription of that watcher ends (RFC 8048 §5.3). Its sessions learn that all is gone
   * only if they saw it: what was never shown must not be named now (RFC 6121 §3.2.2).
   */
  #withdrawn(account: Account, watcher: Address, saw: boolean): void {
    this.#subscribing.withdrawn(account, watcher)
    if (saw && visible(account, watcher) !== 'nothing') this.#tellNothing(account, watcher)
  }

  /** The owner's rules changed: each watcher for whom they make a difference sees at once what it may see now. */
  #rulesChanged(account: Account, before: AccessSubject): void {
    this.#subscribing.rulesChanged(account, before)
    for (const { address, authorization } of account.contacts.values()) {
      if (!authorization.from || address.key === account.address.key) continue
      const now = visible(account, address)
      if (now === visible(before, address)) continue
      if (now === 'nothing') this.#tellNothing(account, address)
      else this.#showTo(account, address)
    }
    this.#showAnew(account, before)
  }

  /** Whom the account blocked or unblocked its devices see go, or come back (XEP-0191 §3.3). */
  #showAnew(account: Account, before: AccessSubject): void {
    const isOther = (presentity: Address): boolean => isBlockedOtherwise(account, before, presentity)
    for (const { address, authorization } of account.contacts.values()) {
      if (!authorization.to || !this.#isLocal(address) || !isOther(address)) continue
      for (const agent of [...account.watchers])
        this.#probe(address, agent, () => account.watchers.has(agent))
    }
    this.#parts.foreign.showAnew(account, isOther)
    // A device may watch whom no list names; nobody but the presentity knows of that.
    for (const seen of this.#parts.directory.residents()) {
      if (seen.subscriptions.size === 0 || !isOther(seen.address)) continue
      for (const { state, agent } of seen.subscriptions.of(account.address))
        if (state !== 'pending') this.#parts.notifier.tellAll(seen, agent)
    }
  }

  #tellNothing(account: Account, watcher: Address): void {
    const notification = absenceOf(account)
    this.#parts.notifier.eachAgentOf(account, watcher, (agent) =>
      this.#parts.notifier.tellInTurn(agent, notification),
    )
  }

  #isLocal(address: Address): boolean {
    return this.#parts.router.isLocal(address.domain)
  }

  #find(
    presentity: Address,
    onRefused: (refusal: { kind: 'refused'; condition: Condition }) => void,
    use: (account: Account) => void,
  ): void {
    if (!this.#isLocal(presentity)) return onRefused(refused('domain-unknown'))
    this.#parts.directory.find(presentity, (found: Found) => {
      if (found === 'unknown') onRefused(refused('target-unknown'))
      else if (found === 'fault') onRefused(refused('internal-fault'))
      else use(found)
    })
  }
}

function maySee(presentity: Account, watcher: Address): boolean {
  return (
    watcher.key === presentity.address.key ||
    presentity.contacts.get(watcher.key)?.authorization.from === true
  )
}
