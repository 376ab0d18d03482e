// The presence service (RFC 3859): publish, subscribe, unsubscribe, fetch. It reads and decides; the notifier tells.
import {
  type Address,
  type Condition,
  delivered,
  type Outcome,
  type PresenceEnvelope,
  refused,
  stored,
} from '#model'
import { type AccessPolicy, type AccessSubject, maySubscribe, visible } from './access.ts'
import type { Account } from './account.ts'
import type { WatcherAgent } from './agents.ts'
import type { ContactService } from './contact-service.ts'
import type { Directory, Found } from './directory.ts'
import type { Leases } from './leases.ts'
import type { PresenceNotification } from './notification.ts'
import { fullNotification, type Notifier } from './notifier.ts'
import type { TupleChange } from './presentities.ts'
import type { Store } from './store.ts'
import type { Subscription } from './subscriptions.ts'

export interface Publication {
  /** Whose presence it is, and who says so: only the owner may (RFC 2779 2.3.4). */
  readonly presentity: Address
  readonly by: Address
  /** The device's tuple: a legal resourcepart. */
  readonly tuple: string
  /** What it says; undefined takes the tuple away. */
  readonly source: PresenceEnvelope | undefined
  /** The device's goodbye, where `source` is undefined and it sent one. */
  readonly lastWords?: PresenceEnvelope
  /** Seconds; undefined: as long as its session, which takes it away. `Infinity` sets the permanent value (IMPP §18.5). */
  readonly seconds: number | undefined
  /** Called when the lease ran out and the tuple is gone. */
  readonly onExpired?: () => void
}

export interface SubscriptionRequest {
  /** Unique among the presentity's subscriptions (RFC 3859 §3.3.1, SubscriptID). */
  readonly id: string
  readonly watcher: Address
  readonly presentity: Address
  /** Seconds, > 0; the protocol has applied its bounds. */
  readonly seconds: number
  readonly agent: WatcherAgent
}

export type SubscriptionOutcome =
  | { readonly kind: 'active' | 'pending'; readonly seconds: number }
  | { readonly kind: 'refused'; readonly condition: Condition }

export type FetchOutcome =
  | { readonly kind: 'fetched'; readonly notification: PresenceNotification }
  | { readonly kind: 'refused'; readonly condition: Condition }

export interface PresenceParts {
  readonly directory: Directory
  readonly store: Store
  readonly leases: Leases
  readonly notifier: Notifier
  readonly contacts: ContactService
  readonly policy: AccessPolicy
  /** False where no domain of ours has the address. */
  readonly isLocal: (domain: string) => boolean
  readonly fault: (cause: unknown, what: string) => void
}

export class PresenceService {
  readonly #parts: PresenceParts

  constructor(parts: PresenceParts) {
    this.#parts = parts
    parts.contacts.onAuthorized = (account, watcher) => this.#authorized(account, watcher)
    parts.contacts.onPretended = (account, watcher) => this.#showTo(account, watcher)
    parts.contacts.onWithdrawn = (account, watcher, saw) => this.#withdrawn(account, watcher, saw)
    parts.contacts.onRulesChanged = (account, before) => this.#rulesChanged(account, before)
  }

  /** Sets, changes or takes away one device's tuple. Same tick when the account is in memory and nothing is permanent. */
  publish(publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { presentity, source } = publication
    const kept = source === undefined ? publication : { ...publication, source: source.keep() }
    this.#find(presentity, onOutcome, (account) => {
      if (!sameAccount(account, publication.by)) return onOutcome(refused('permission-denied'))
      if (publication.seconds === Number.POSITIVE_INFINITY)
        return this.#publishPermanent(account, kept, onOutcome)
      if (kept.source === undefined) {
        this.#changed(account, account.presentity.remove(kept.tuple, kept.lastWords?.keep()))
        return onOutcome(delivered)
      }
      const lease =
        kept.seconds === undefined
          ? undefined
          : this.#parts.leases.grant(kept.seconds, () => this.#expired(account, kept))
      const changes = account.presentity.put(kept.tuple, kept.source, lease)
      if (changes === 'full') {
        lease?.cancel()
        return onOutcome(refused('resource-limit'))
      }
      this.#changed(account, changes)
      onOutcome(delivered)
    })
  }

  /** Extends a tuple's lease; `not-found` when there is no such tuple, or it is bound to a session. */
  renew(presentity: Address, tuple: string, seconds: number, onOutcome: (outcome: Outcome) => void): void {
    this.#find(presentity, onOutcome, (account) => {
      const lease = account.presentity.tuples.get(tuple)?.lease
      if (lease === undefined || !lease.active) return onOutcome(refused('not-found'))
      lease.renew(seconds)
      onOutcome(delivered)
    })
  }

  /**
   * Opens a leased subscription, or renews the one with the same id. Asks the owner where no authorization exists (then
   * `pending`). Where it is active, a full notification follows at once, after `onOutcome`.
   */
  subscribe(request: SubscriptionRequest, onOutcome: (outcome: SubscriptionOutcome) => void): void {
    this.#find(request.presentity, onOutcome, (account) => {
      const known = account.subscriptions.get(request.id)
      if (known !== undefined) {
        if (known.watcher.key !== request.watcher.key) return onOutcome(refused('permission-denied'))
        known.lease.renew(request.seconds)
        known.agent = request.agent
        onOutcome({ kind: known.state === 'pending' ? 'pending' : 'active', seconds: request.seconds })
        return this.#tellSubscriber(account, known)
      }
      const decision = maySubscribe(account, request.watcher, this.#parts.policy)
      if (decision === 'block') return onOutcome(refused('permission-denied'))
      const subscription: Subscription = {
        id: request.id,
        watcher: request.watcher,
        presentity: account.address,
        agent: request.agent,
        lease: this.#parts.leases.grant(request.seconds, () =>
          this.#subscriptionExpired(account, request.id),
        ),
        state: decision === 'confirm' ? 'pending' : decision === 'polite-block' ? 'polite' : 'active',
      }
      if (!account.subscriptions.add(subscription)) {
        subscription.lease.cancel()
        return onOutcome(refused('resource-limit'))
      }
      // Polite blocking looks like success on the wire (RFC 2779 5.1.15).
      onOutcome({ kind: subscription.state === 'pending' ? 'pending' : 'active', seconds: request.seconds })
      this.#tellSubscriber(account, subscription)
      // RFC 6121 §3.4.2: the wish turns a pre-approval into an authorization.
      if (decision === 'confirm' || awaitsItsWish(account, request.watcher))
        this.#parts.contacts.ask(request.watcher, account.address, undefined, () => {})
    })
  }

  /** Ends a leased subscription at its watcher's wish; no notification follows. */
  unsubscribe(
    presentity: Address,
    id: string,
    watcher: Address,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    this.#find(presentity, onOutcome, (account) => {
      const known = account.subscriptions.get(id)
      if (known === undefined || known.watcher.key !== watcher.key)
        return onOutcome(refused('subscription-unknown'))
      account.subscriptions.remove(id)
      onOutcome(delivered)
    })
  }

  /** What the watcher may see now, once (RFC 3859: duration 0). Politely blocked, it sees an absence. */
  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    this.#find(presentity, onFetched, (account) => {
      const decision = maySubscribe(account, watcher, this.#parts.policy)
      if (decision === 'block' || decision === 'confirm') return onFetched(refused('permission-denied'))
      onFetched({ kind: 'fetched', notification: fullNotification(account, visible(account, watcher)) })
    })
  }

  /** A session that watches all that its account is authorized to see; it is told of each at once, its own first. */
  watchContacts(account: Account, agent: WatcherAgent): void {
    this.#parts.notifier.tellAll(account, agent)
    account.watchers.add(agent)
    for (const contact of [...account.contacts.values()]) {
      if (contact.authorization.to) this.#probe(contact.address, agent, () => account.watchers.has(agent))
    }
  }

  unwatchContacts(account: Account, agent: WatcherAgent): void {
    account.watchers.delete(agent)
  }

  /** Tells one session of one contact's presence, if both sides' authorization says it may see (RFC 6121 §4.3). */
  probe(presentity: Address, agent: WatcherAgent): void {
    this.#probe(presentity, agent, () => true)
  }

  /** @param isThere whether the agent still wants to know, when the presentity had to be loaded first */
  #probe(presentity: Address, agent: WatcherAgent, isThere: () => boolean): void {
    if (!this.#parts.isLocal(presentity.domain)) return
    this.#parts.directory.find(presentity, (found) => {
      if (found === 'fault' || !isThere()) return
      const { watcher } = agent
      if (found !== 'unknown' && maySee(found, watcher)) return this.#parts.notifier.tellAll(found, agent)
      const believed = this.#parts.directory.resident(watcher)?.contacts.get(presentity.key)
      if (believed?.authorization.to !== true) return
      if (found !== 'unknown' && maySubscribe(found, watcher, this.#parts.policy) === 'polite-block')
        return this.#parts.notifier.tellAll(found, agent)
      // RFC 6121 §4.3.2: who believes itself authorized and isn't is told so.
      this.#parts.contacts.heal(watcher, presentity)
    })
  }

  /** The presentity is no more: every tuple is gone, every subscription to it ends (RFC 6665 §4.1.3, noresource). */
  end(account: Account): void {
    for (const { address, authorization } of account.contacts.values())
      if (authorization.from && visible(account, address) !== 'nothing') this.#tellNothing(account, address)
    account.presentity.permanent = undefined
    for (const tuple of [...account.presentity.tuples.keys()]) account.presentity.remove(tuple, undefined)
    for (const { id, agent } of account.subscriptions.all()) {
      account.subscriptions.remove(id)
      agent.terminated(id, 'noresource')
    }
  }

  #publishPermanent(account: Account, publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { source } = publication
    const unit = source === undefined ? undefined : { head: source.head, raw: source.raw }
    const { presentity } = account
    const write = ++presentity.writesAsked
    account.underWay++
    this.#parts.store.putPermanentPresence(account.address, unit).then(
      () => {
        account.underWay--
        // An earlier value whose answer comes late is no longer the value.
        if (write > presentity.writesDone) {
          presentity.writesDone = write
          this.#changed(account, presentity.setPermanent(source))
        }
        onOutcome(stored)
      },
      (cause: unknown) => {
        account.underWay--
        this.#parts.fault(cause, 'permanent presence could not be stored')
        onOutcome(refused('internal-fault'))
      },
    )
  }

  #expired(account: Account, publication: Publication): void {
    this.#changed(account, account.presentity.remove(publication.tuple, undefined))
    publication.onExpired?.()
  }

  #subscriptionExpired(account: Account, id: string): void {
    const subscription = account.subscriptions.remove(id)
    subscription?.agent.terminated(id, 'timeout')
  }

  #changed(account: Account, changes: readonly TupleChange[] | undefined): void {
    if (changes !== undefined) this.#parts.notifier.fanOut(account, changes)
  }

  #tellSubscriber(account: Account, subscription: Subscription): void {
    if (subscription.state !== 'pending') this.#parts.notifier.tellAll(account, subscription.agent)
  }

  /** An owner allowed a watcher: its pending subscriptions open, its sessions see. */
  #authorized(account: Account, watcher: Address): void {
    for (const subscription of account.subscriptions.of(watcher)) {
      if (subscription.state !== 'pending') continue
      subscription.state = 'active'
      subscription.agent.activated?.(subscription.id)
      this.#parts.notifier.tellAll(account, subscription.agent)
    }
    this.#showTo(account, watcher)
  }

  /** Its sessions are told of all that it may see now, were it nothing (RFC 6121 §3.1.6; RFC 2779 5.1.15). */
  #showTo(account: Account, watcher: Address): void {
    for (const agent of this.#sessionsOf(watcher)) this.#parts.notifier.tellAll(account, agent)
  }

  /**
   * An owner refused or withdrew: every subscription of that watcher ends (RFC 8048 §5.3). Its sessions learn that all is gone
   * only if they saw it: what was never shown must not be named now (RFC 6121 §3.2.2).
   */
  #withdrawn(account: Account, watcher: Address, saw: boolean): void {
    for (const subscription of account.subscriptions.of(watcher)) {
      account.subscriptions.remove(subscription.id)
      subscription.agent.terminated(subscription.id, 'rejected')
    }
    if (saw && visible(account, watcher) !== 'nothing') this.#tellNothing(account, watcher)
  }

  /** The owner's rules changed: each watcher for whom they make a difference sees at once what it may see now. */
  #rulesChanged(account: Account, before: AccessSubject): void {
    for (const subscription of account.subscriptions.all()) this.#ruleApplied(account, subscription, before)
    for (const { address, authorization } of account.contacts.values()) {
      if (!authorization.from || address.key === account.address.key) continue
      const now = visible(account, address)
      if (now === visible(before, address)) continue
      if (now === 'nothing') this.#tellNothing(account, address)
      else this.#showTo(account, address)
    }
  }

  #tellNothing(account: Account, watcher: Address): void {
    for (const agent of this.#sessionsOf(watcher)) this.#parts.notifier.tellNothing(account, agent)
  }

  #sessionsOf(watcher: Address): readonly WatcherAgent[] {
    return [...(this.#parts.directory.resident(watcher)?.watchers ?? [])]
  }

  #ruleApplied(account: Account, subscription: Subscription, before: AccessSubject): void {
    const { id, watcher, state } = subscription
    const decision = maySubscribe(account, watcher, this.#parts.policy)
    if (decision === 'confirm' && state === 'pending') return
    if (decision === 'block' || decision === 'confirm') {
      account.subscriptions.remove(id)
      // RFC 6665 §4.1.3: what was allowed by a rule that is gone may be asked for again.
      return subscription.agent.terminated(id, decision === 'block' ? 'rejected' : 'deactivated')
    }
    subscription.state = decision === 'allow' ? 'active' : 'polite'
    if (state === 'pending') subscription.agent.activated?.(id)
    if (state !== subscription.state || visible(account, watcher) !== visible(before, watcher))
      this.#tellSubscriber(account, subscription)
  }

  #find(
    presentity: Address,
    onRefused: (refusal: { kind: 'refused'; condition: Condition }) => void,
    use: (account: Account) => void,
  ): void {
    if (!this.#parts.isLocal(presentity.domain)) return onRefused(refused('domain-unknown'))
    this.#parts.directory.find(presentity, (found: Found) => {
      if (found === 'unknown') onRefused(refused('target-unknown'))
      else if (found === 'fault') onRefused(refused('internal-fault'))
      else use(found)
    })
  }
}

function sameAccount(account: Account, address: Address): boolean {
  return (
    account.address.key === address.key || account.record.aliases.some((alias) => alias.key === address.key)
  )
}

function maySee(presentity: Account, watcher: Address): boolean {
  return (
    watcher.key === presentity.address.key ||
    presentity.contacts.get(watcher.key)?.authorization.from === true
  )
}

function awaitsItsWish(account: Account, watcher: Address): boolean {
  const authorization = account.contacts.get(watcher.key)?.authorization
  return authorization?.preApproved === true && !authorization.from
}
