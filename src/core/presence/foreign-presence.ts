// What our people know of presentities in other domains (RFC 6121 §3, §4.3; RFC 3859; RFC 8048): asked for by links, kept with the
// account while one of its devices looks, told to its sessions and leased subscriptions. Decisions 0045 and 0046.
import { type Address, type Condition, delivered, type Envelope, type Outcome, refused } from '#model'
import type { AuthorizationEvent, TerminationReason, WatcherAgent } from '../agents.ts'
import type { Leases } from '../leases.ts'
import type { Asks } from '../peers/asks.ts'
import type { PeerLink, RemotePresence } from '../peers/peers.ts'
import type { Account } from '../people/account.ts'
import { contactsMax } from '../people/contact.ts'
import type { ContactService } from '../people/contact-service.ts'
import type { Directory } from '../people/directory.ts'
import type { Router } from '../router.ts'
import { ForeignLooks, isAwaited, isLookedAt, maySee } from './foreign-looks.ts'
import { type ForeignPresentity, whole } from './foreign-presentities.ts'
import { PresenceNotification } from './notification.ts'
import type { Notifier } from './notifier.ts'
import type { FetchOutcome } from './presence-service.ts'
import type { TupleChange } from './presentities.ts'
import type { SubscriptionOutcome, SubscriptionRequest } from './subscribing.ts'
import type { Subscription } from './subscriptions.ts'

/** LIMIT: seconds for which a request that nobody waits for is kept before the other domain, when that cannot be reached. */
export const wishSecondsMax = 600

/** Seconds after which a domain is looked for again where DNS was silent. */
export const wayAgainSeconds = 60

type OnRefused = (refusal: { kind: 'refused'; condition: Condition }) => void

export interface ForeignPresenceParts {
  readonly directory: Directory
  readonly router: Router
  readonly leases: Leases
  readonly notifier: Notifier
  readonly contacts: ContactService
  readonly asks: Asks
}

interface Look {
  readonly account: Account
  readonly presentity: ForeignPresentity
}

export class ForeignPresence implements RemotePresence {
  readonly #parts: ForeignPresenceParts
  readonly #looks: ForeignLooks
  /** Domains that could not be found, with who wants to look. */
  readonly #later = new Map<string, Set<Account>>()

  constructor(parts: ForeignPresenceParts) {
    this.#parts = parts
    this.#looks = new ForeignLooks(parts.asks)
    parts.notifier.onNoWay = (account, domain, condition) => this.#askLater(account, domain, condition)
    parts.contacts.onForeignWord = (event, from, to, source) => this.#say(event, from, to, source)
    parts.contacts.onForeignContact = (account, contact) => this.#contactChanged(account, contact)
  }

  // What our own devices want.

  /**
   * Opens or renews a leased subscription of a device of ours; `active` where the authorization exists, though nothing may be known yet.
   * Where none exists it is asked for, and the subscription waits for the presentity's word.
   */
  subscribe(request: SubscriptionRequest, onOutcome: (outcome: SubscriptionOutcome) => void): void {
    this.#find(request.watcher, onOutcome, (account) => {
      const presentity = account.foreign.get(request.presentity.key)
      const known = presentity?.subscriptions.get(request.id)
      if (presentity === undefined || known === undefined)
        return this.#findLink(account, request.presentity, onOutcome, (link) =>
          this.#open(account, link, request, onOutcome),
        )
      known.lease.renew(request.seconds)
      known.agent = request.agent
      onOutcome({ kind: known.state === 'pending' ? 'pending' : 'active', seconds: request.seconds })
      if (known.state === 'active') this.#tellAll(presentity, known.agent)
      this.#looks.look(account, presentity)
    })
  }

  #open(
    account: Account,
    link: PeerLink,
    request: SubscriptionRequest,
    onOutcome: (outcome: SubscriptionOutcome) => void,
  ): void {
    const { id, seconds, agent } = request
    const contact = account.contacts.get(request.presentity.key)
    const isFull = contact === undefined && account.contacts.size >= contactsMax
    const presentity = isFull ? undefined : this.#looks.hold(account, request.presentity, link)
    if (presentity === undefined) return onOutcome(refused('resource-limit'))
    const mayLook = contact?.authorization.to === true
    const subscription: Subscription = {
      id,
      watcher: account.address,
      presentity: presentity.address,
      agent,
      lease: this.#parts.leases.grant(seconds, () => this.#expired(account, presentity, id)),
      since: this.#parts.leases.clock.now(),
      state: mayLook ? 'active' : 'pending',
      event: 'subscribe',
    }
    if (!presentity.subscriptions.add(subscription)) {
      subscription.lease.cancel()
      this.#looks.settle(account, presentity)
      return onOutcome(refused('resource-limit'))
    }
    onOutcome({ kind: mayLook ? 'active' : 'pending', seconds })
    if (mayLook) this.#tellAll(presentity, agent)
    // The state that waits is written first, so that the word that answers finds it.
    else this.#parts.contacts.ask(account.address, presentity.address, undefined, () => {})
    this.#looks.look(account, presentity)
  }

  /** Ends a leased subscription at its watcher's wish; the authorization stays. */
  unsubscribe(
    presentity: Address,
    id: string,
    watcher: Address,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    this.#find(watcher, onOutcome, (account) => {
      const held = account.foreign.get(presentity.key)
      if (held?.subscriptions.remove(id) === undefined) return onOutcome(refused('subscription-unknown'))
      onOutcome(delivered)
      this.#looks.settle(account, held)
    })
  }

  /** What the watcher may see now: what is known where somebody looks already, else what the other domain answers. */
  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    this.#find(watcher, onFetched, (account) => {
      const held = account.foreign.get(presentity.key)
      if (held?.heard === true && maySee(account, presentity))
        return onFetched({ kind: 'fetched', notification: whole(held) })
      this.#findLink(account, presentity, onFetched, (link) =>
        link.fetch(account.address, presentity, onFetched),
      )
    })
  }

  /**
   * A session looks at a contact: it is told what is known, and the other domain is asked where nobody looked yet. A request that was
   * not answered is said again with each session (RFC 6121 §3.1.2).
   */
  show(account: Account, contact: Address, agent: WatcherAgent): void {
    const authorization = account.contacts.get(contact.key)?.authorization
    const held = account.foreign.get(contact.key)
    if (held?.heard === true && authorization?.to === true) this.#tellAll(held, agent)
    this.#ask(account, contact)
  }

  #ask(account: Account, contact: Address): void {
    const authorization = account.contacts.get(contact.key)?.authorization
    if (authorization?.pendingOut === true) this.#say('subscribe', account.address, contact, undefined)
    this.#wanted(account, contact)
  }

  /** A session no longer looks: where it was the last, the other domains hear so. */
  settleAll(account: Account): void {
    if (account.watchers.size > 0) return
    for (const presentity of [...account.foreign.values()]) this.#looks.settle(account, presentity)
  }

  /** The account is no more: it looks at nobody. */
  end(account: Account): void {
    for (const presentity of [...account.foreign.values()]) {
      for (const { id, agent } of presentity.subscribed) {
        presentity.subscriptions.remove(id)
        agent.terminated(id, 'noresource')
      }
      this.#looks.drop(account, presentity)
    }
  }

  // What the links learn.

  changed(
    watcher: Address,
    presentity: Address,
    changes: readonly TupleChange[],
    full: boolean,
  ): 'known' | 'unknown' {
    const look = this.#lookOf(watcher, presentity)
    if (look === undefined || !maySee(look.account, presentity)) return 'unknown'
    const { account, presentity: held } = look
    const isFirst = full && !held.heard
    const news = held.take(changes, full)
    if (full) held.heard = true
    if (news.length === 0 && !isFirst) return 'known'
    const notification = isFirst
      ? whole(held)
      : new PresenceNotification(held.address, 'full', news, false, held.sources())
    for (const agent of account.watchers) this.#parts.notifier.tell(agent, notification)
    for (const { agent, state } of held.subscribed)
      if (state === 'active') this.#parts.notifier.tell(agent, notification)
    return 'known'
  }

  pending(watcher: Address, presentity: Address): void {
    const look = this.#lookOf(watcher, presentity)
    if (look === undefined) return
    const { account, presentity: held } = look
    held.endWish()
    if (maySee(account, presentity)) {
      // Its domain forgot that it had allowed us, or its owner thinks again: our people wait once more.
      this.#gone(account, held, 'deactivated')
      this.#parts.contacts.waitAgain(account, held.address)
    }
    this.#looks.settle(account, held)
  }

  active(watcher: Address, presentity: Address): void {
    const look = this.#lookOf(watcher, presentity)
    if (look === undefined) return
    look.presentity.endWish()
    // RFC 8048 §5.2: a subscription that was allowed is the word `subscribed`.
    this.#parts.contacts.approve(look.presentity.address, look.account.address, undefined, () => {})
    this.#looks.settle(look.account, look.presentity)
  }

  ended(watcher: Address, presentity: Address, reason: TerminationReason): void {
    const look = this.#lookOf(watcher, presentity)
    if (look === undefined) return
    const { account, presentity: held } = look
    held.watching = false
    held.endWish()
    this.#gone(account, held, reason)
    // RFC 8048 §5.3.
    if (reason === 'rejected') this.#parts.contacts.refuse(held.address, account.address, undefined, () => {})
    // Sessions go on looking; the link is asked again when its domain can be reached, or somebody comes.
    if (!isLookedAt(account, held)) this.#looks.drop(account, held)
  }

  reachable(domain: string): void {
    for (const [presentity, account] of this.#looks.into(domain)) {
      const authorization = account.contacts.get(presentity.address.key)?.authorization
      if (presentity.link.words && authorization?.pendingOut === true)
        this.#say('subscribe', account.address, presentity.address, undefined)
      presentity.watching = false
      this.#looks.look(account, presentity)
    }
  }

  // What the contact list says.

  /** One of our people says a word to one of another domain. Where the protocol has none for it, a request is a wish to watch. */
  #say(event: AuthorizationEvent, from: Address, to: Address, source: Envelope | undefined): void {
    this.#parts.router.findPresenceLink(from.domain, to.domain, (link) => {
      const account = this.#parts.directory.resident(from)
      if (typeof link === 'string') {
        if (event === 'subscribe' && account !== undefined) this.#askLater(account, to.domain, link)
        return
      }
      const own = source?.head.protocol === link.protocol ? source : undefined
      if (link.words) {
        const kept = own?.keep()
        return void this.#parts.asks.next(to.domain, () => link.say(event, from, to, kept))
      }
      if (event === 'subscribe' && account !== undefined) this.#wish(account, to, link)
    })
  }

  #wish(account: Account, address: Address, link: PeerLink): void {
    const presentity = this.#looks.hold(account, address, link)
    if (presentity === undefined) return
    if (!isLookedAt(account, presentity)) {
      presentity.wish ??= this.#parts.leases.grant(wishSecondsMax, () => {
        presentity.wish = undefined
        this.#looks.settle(account, presentity)
      })
    }
    this.#looks.look(account, presentity)
  }

  #contactChanged(account: Account, address: Address): void {
    account.foreignWatchers = undefined
    const authorization = account.contacts.get(address.key)?.authorization
    const held = account.foreign.get(address.key)
    if (authorization?.to === true) {
      if (held !== undefined) this.#activate(held)
      this.#wanted(account, address)
    } else if (authorization?.pendingOut === true) this.#wanted(account, address)
    else if (held !== undefined) {
      held.endWish()
      this.#gone(account, held, 'rejected')
      this.#looks.settle(account, held)
    }
  }

  #activate(presentity: ForeignPresentity): void {
    for (const subscription of presentity.subscribed) {
      if (subscription.state !== 'pending') continue
      subscription.state = 'active'
      subscription.event = 'approved'
      subscription.agent.activated?.(subscription.id)
      this.#tellAll(presentity, subscription.agent)
    }
  }

  /** All that was known is gone, and whoever saw it is told; leased subscriptions end. */
  #gone(account: Account, presentity: ForeignPresentity, reason: TerminationReason): void {
    const removed = presentity.forget()
    if (removed.length > 0) {
      const notification = new PresenceNotification(presentity.address, 'full', removed, true, [])
      for (const agent of account.watchers) this.#parts.notifier.tell(agent, notification)
    }
    for (const { id, agent } of presentity.subscribed) {
      presentity.subscriptions.remove(id)
      agent.terminated(id, reason)
    }
  }

  #expired(account: Account, presentity: ForeignPresentity, id: string): void {
    presentity.subscriptions.remove(id)?.agent.terminated(id, 'timeout')
    this.#looks.settle(account, presentity)
  }

  /** Holds the presentity if somebody looks at it now and a link leads there. */
  #wanted(account: Account, address: Address): void {
    if (!account.foreign.has(address.key) && account.watchers.size === 0) return
    this.#findLink(
      account,
      address,
      ({ condition }) => this.#askLater(account, address.domain, condition),
      (link) => {
        if (!isAwaited(account, address)) return
        const presentity = this.#looks.hold(account, address, link)
        if (presentity !== undefined) this.#looks.settle(account, presentity)
      },
    )
  }

  /** Nobody could say now: DNS was silent. What was said for certain is not asked again before the next session. */
  #askLater(account: Account, domain: string, condition: Condition): void {
    if (condition !== 'connection-failed' && condition !== 'resource-limit') return
    const waiting = this.#later.get(domain)
    if (waiting !== undefined) return void waiting.add(account)
    const accounts = new Set([account])
    this.#later.set(domain, accounts)
    this.#parts.leases.grant(wayAgainSeconds, () => {
      this.#later.delete(domain)
      for (const one of accounts) this.#askAgain(one, domain)
    })
  }

  /** Who looks asks, and who may see is told. */
  #askAgain(account: Account, domain: string): void {
    if (this.#parts.directory.resident(account.address) !== account) return
    const { notifier } = this.#parts
    for (const { address, authorization } of [...account.contacts.values()]) {
      if (address.domain !== domain) continue
      if (account.watchers.size > 0 && isAwaited(account, address)) this.#ask(account, address)
      if (authorization.from)
        notifier.eachAgentOf(account, address, (agent) => notifier.tellAll(account, agent))
    }
  }

  /** The account's own rules make a difference to what its devices are shown. */
  showAnew(account: Account, isOther: (presentity: Address) => boolean): void {
    for (const held of account.foreign.values()) {
      if (!held.heard || !isOther(held.address)) continue
      if (account.contacts.get(held.address.key)?.authorization.to === true)
        for (const agent of account.watchers) this.#tellAll(held, agent)
      for (const { state, agent } of held.subscribed) if (state === 'active') this.#tellAll(held, agent)
    }
  }

  #tellAll(presentity: ForeignPresentity, agent: WatcherAgent): void {
    this.#parts.notifier.tell(agent, whole(presentity))
  }

  #lookOf(watcher: Address, presentity: Address): Look | undefined {
    const account = this.#parts.directory.resident(watcher)
    const held = account?.foreign.get(presentity.key)
    return account === undefined || held === undefined ? undefined : { account, presentity: held }
  }

  #find(watcher: Address, onRefused: OnRefused, use: (account: Account) => void): void {
    // Neither end is ours: no relay.
    if (!this.#parts.router.isLocal(watcher.domain)) return onRefused(refused('domain-unknown'))
    this.#parts.directory.find(watcher, (found) => {
      if (found === 'unknown') onRefused(refused('target-unknown'))
      else if (found === 'fault') onRefused(refused('internal-fault'))
      else use(found)
    })
  }

  /** The way to the presentity's domain, for an account that is in use meanwhile. */
  #findLink(account: Account, to: Address, onRefused: OnRefused, use: (link: PeerLink) => void): void {
    account.underWay++
    this.#parts.router.findPresenceLink(account.address.domain, to.domain, (link) => {
      account.underWay--
      if (typeof link === 'string') onRefused(refused(link))
      else if (this.#parts.directory.resident(account.address) !== account)
        onRefused(refused('target-unknown'))
      else use(link)
    })
  }
}
