// Leased subscriptions to presentities of ours (RFC 3859 §3.3, IMPP §14, RFC 6665), of watchers from here and elsewhere: opened, waiting
// for the owner's word, ended. Every step is told to the owner who asks who watches (RFC 3857).
import { type Address, delivered, type Outcome, type Refused, refused } from '#model'
import type { TerminationReason, WatcherAgent } from '../agents.ts'
import type { Leases } from '../leases.ts'
import { moved } from '../messages/forward.ts'
import { type AccessPolicy, type AccessSubject, maySubscribe, visible } from '../people/access.ts'
import type { Account } from '../people/account.ts'
import type { ContactService } from '../people/contact-service.ts'
import type { Scripts } from '../scripts/scripts.ts'
import type { Notifier } from './notifier.ts'
import type { Subscription } from './subscriptions.ts'
import { leasedWatcher, tellOwner, type WatcherEvent, waitingWatcher } from './watcher-information.ts'

export interface SubscriptionRequest {
  /** Unique among the presentity's subscriptions (RFC 3859 §3.3.1, SubscriptID). */
  readonly id: string
  readonly watcher: Address
  readonly presentity: Address
  /** Seconds, > 0; the protocol has applied its bounds. */
  readonly seconds: number
  readonly agent: WatcherAgent
}

export type SubscriptionOutcome = { readonly kind: 'active' | 'pending'; readonly seconds: number } | Refused

export interface SubscribingParts {
  readonly leases: Leases
  readonly notifier: Notifier
  readonly contacts: ContactService
  readonly policy: AccessPolicy
  readonly scripts: Scripts
}

export class Subscribing {
  readonly #parts: SubscribingParts

  constructor(parts: SubscribingParts) {
    this.#parts = parts
  }

  subscribe(
    account: Account,
    request: SubscriptionRequest,
    onOutcome: (outcome: SubscriptionOutcome) => void,
  ): void {
    const elsewhere = moved(account, request.watcher)
    if (elsewhere !== undefined) return onOutcome(elsewhere)
    const known = account.subscriptions.get(request.id)
    if (known !== undefined) {
      if (known.watcher.key !== request.watcher.key) return onOutcome(refused('permission-denied'))
      known.lease.renew(request.seconds)
      known.agent = request.agent
      onOutcome({ kind: known.state === 'pending' ? 'pending' : 'active', seconds: request.seconds })
      return this.#tell(account, known)
    }
    const decision = maySubscribe(account, request.watcher, this.#parts.policy)
    if (decision === 'block') return onOutcome(refused('permission-denied'))
    // The step of scripts (RFC 3880): behind the rules; what is there already is not asked about again.
    const refusal = this.#parts.scripts.aboutWish(request.watcher, account.address)
    if (refusal !== undefined) return onOutcome(refusal)
    const { leases } = this.#parts
    const subscription: Subscription = {
      id: request.id,
      watcher: request.watcher,
      presentity: account.address,
      agent: request.agent,
      lease: leases.grant(request.seconds, () => this.#expired(account, request.id)),
      since: leases.clock.now(),
      state: decision === 'confirm' ? 'pending' : decision === 'polite-block' ? 'polite' : 'active',
      event: 'subscribe',
    }
    const before = waitingWatcher(account, request.watcher)
    if (!account.subscriptions.add(subscription)) {
      subscription.lease.cancel()
      return onOutcome(refused('resource-limit'))
    }
    // Polite blocking looks like success on the wire (RFC 2779 5.1.15).
    onOutcome({ kind: subscription.state === 'pending' ? 'pending' : 'active', seconds: request.seconds })
    this.#tell(account, subscription)
    tellOwner(account, [leasedWatcher(account, subscription)])
    // RFC 3857 §4.7.1: the subscription stands for what waited without one.
    if (before !== undefined && subscription.state === 'pending')
      tellOwner(account, [{ ...before, status: 'terminated', event: 'giveup' }])
    // RFC 6121 §3.4.2: the wish turns a pre-approval into an authorization.
    if (decision === 'confirm' || awaitsItsWish(account, request.watcher))
      this.#parts.contacts.askFor(request.watcher, account.address)
  }

  unsubscribe(account: Account, id: string, watcher: Address, onOutcome: (outcome: Outcome) => void): void {
    const known = account.subscriptions.get(id)
    if (known === undefined || known.watcher.key !== watcher.key)
      return onOutcome(refused('subscription-unknown'))
    account.subscriptions.remove(id)
    onOutcome(delivered)
    // RFC 3857 §4.7.1 has no event of its own for a watcher that leaves; RFC 6665 §4.4.1 says timeout.
    this.#over(account, known, 'timeout')
  }

  /** The owner allowed a watcher: what waited opens. */
  authorized(account: Account, watcher: Address): void {
    for (const subscription of account.subscriptions.of(watcher)) {
      if (subscription.state !== 'pending') continue
      subscription.state = 'active'
      subscription.event = 'approved'
      subscription.agent.activated?.(subscription.id)
      this.#parts.notifier.tellAll(account, subscription.agent)
      tellOwner(account, [leasedWatcher(account, subscription)])
    }
  }

  /** The owner refused or withdrew: every subscription of that watcher ends (RFC 8048 §5.3). */
  withdrawn(account: Account, watcher: Address): void {
    for (const subscription of account.subscriptions.of(watcher)) this.#end(account, subscription, 'rejected')
  }

  /** The owner's rules are others now. */
  rulesChanged(account: Account, before: AccessSubject): void {
    for (const subscription of account.subscriptions.all()) this.#ruleApplied(account, subscription, before)
  }

  /** The presentity is no more (RFC 6665 §4.1.3, noresource). */
  end(account: Account): void {
    for (const subscription of account.subscriptions.all()) this.#end(account, subscription, 'noresource')
  }

  #ruleApplied(account: Account, subscription: Subscription, before: AccessSubject): void {
    const { id, watcher, state } = subscription
    const decision = maySubscribe(account, watcher, this.#parts.policy)
    if (decision === 'confirm' && state === 'pending') return
    // RFC 6665 §4.1.3: what was allowed by a rule that is gone may be asked for again.
    if (decision === 'block') return this.#end(account, subscription, 'rejected')
    if (decision === 'confirm') return this.#end(account, subscription, 'deactivated')
    subscription.state = decision === 'allow' ? 'active' : 'polite'
    if (state === 'pending') {
      subscription.event = 'approved'
      subscription.agent.activated?.(id)
    }
    const sees = visible(account, watcher)
    if (state === subscription.state && sees === visible(before, watcher)) return
    this.#tell(account, subscription)
    tellOwner(account, [leasedWatcher(account, subscription)])
  }

  #expired(account: Account, id: string): void {
    const subscription = account.subscriptions.get(id)
    if (subscription !== undefined) this.#end(account, subscription, 'timeout')
  }

  #end(account: Account, subscription: Subscription, reason: TerminationReason): void {
    account.subscriptions.remove(subscription.id)
    subscription.agent.terminated(subscription.id, reason)
    this.#over(account, subscription, reason)
  }

  #over(account: Account, subscription: Subscription, event: WatcherEvent): void {
    const last = { ...leasedWatcher(account, subscription), status: 'terminated', event } as const
    const contact = account.contacts.get(subscription.watcher.key)
    const waits = subscription.state === 'pending' && contact?.authorization.pendingIn === true
    tellOwner(account, [last], waits ? contact : undefined)
  }

  #tell(account: Account, subscription: Subscription): void {
    if (subscription.state !== 'pending') this.#parts.notifier.tellAll(account, subscription.agent)
  }
}

function awaitsItsWish(account: Account, watcher: Address): boolean {
  const authorization = account.contacts.get(watcher.key)?.authorization
  return authorization?.preApproved === true && !authorization.from
}
