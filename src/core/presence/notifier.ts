// The second spine of presence: a change -> every watcher, composed once a visibility class. It has a queue of its own, so
// that a publisher never waits for watchers.
import { BoundedQueue } from '#base'
import type { Address, Condition } from '#model'
import type { WatcherAgent } from '../agents.ts'
import type { LateNotices } from '../peers/late-notices.ts'
import { visible } from '../people/access.ts'
import {
  isBlocked,
  isPresenceClass,
  type PresenceClass,
  type VisibilityClass,
} from '../people/access-rules.ts'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import type { Router } from '../router.ts'
import type { Translations } from '../translations.ts'
import { PresenceNotification, type VisibleSource } from './notification.ts'
import type { TupleChange } from './presentities.ts'

/** LIMIT: changes that may wait; past it a publisher's tick carries out those that wait. */
export const changesWaitingMax = 10_000

/** Changes carried out before other work gets its turn. */
const changesATurn = 100

interface Change {
  readonly account: Account
  /** The class of watchers it is for; undefined: all others. */
  readonly of: PresenceClass | undefined
  readonly changes: readonly TupleChange[]
  readonly sources: readonly VisibleSource[]
}

export class Notifier {
  readonly #directory: Directory
  readonly #router: Router
  readonly #translations: Translations
  readonly #late: LateNotices
  readonly #fault: (cause: unknown, what: string) => void
  readonly #queue = new BoundedQueue<Change>(changesWaitingMax)
  #scheduled = false
  /** Set by the presence of other domains: a watcher there could not be told, since no way was found. */
  onNoWay: (account: Account, domain: string, condition: Condition) => void = () => {}

  constructor(
    directory: Directory,
    router: Router,
    translations: Translations,
    late: LateNotices,
    fault: (cause: unknown, what: string) => void,
  ) {
    this.#directory = directory
    this.#router = router
    this.#translations = translations
    this.#late = late
    this.#fault = fault
  }

  /** Queues a change for all who watch the account. */
  fanOut(account: Account, changes: readonly TupleChange[], of?: PresenceClass): void {
    const change = { account, of, changes, sources: sourcesOf(account, of) }
    if (!this.#queue.push(change)) {
      this.#drain(Number.POSITIVE_INFINITY)
      this.#queue.push(change)
    }
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#drain(changesATurn))
  }

  /** Tells one watcher the whole of what it may see now. Changes that wait are carried out first, so that order holds. */
  tellAll(account: Account, agent: WatcherAgent): void {
    this.#drain(Number.POSITIVE_INFINITY)
    const visibility = visible(account, agent.watcher)
    this.tell(agent, fullNotification(account, visibility))
  }

  /** Tells one watcher something of its own, after the changes that wait. */
  tellInTurn(agent: WatcherAgent, notification: PresenceNotification): void {
    this.#drain(Number.POSITIVE_INFINITY)
    this.tell(agent, notification)
  }

  /**
   * The sessions of a watcher of ours, or the agent by which another domain's is told where its protocol has words. `isLate`: the way
   * there was looked for first, and much may be otherwise by then.
   */
  eachAgentOf(account: Account, watcher: Address, use: (agent: WatcherAgent, isLate: boolean) => void): void {
    if (this.#router.isLocal(watcher.domain)) {
      for (const agent of [...(this.#directory.resident(watcher)?.watchers ?? [])]) use(agent, false)
      return
    }
    let isLate = false
    account.underWay++
    this.#router.findPresenceLink(account.address.domain, watcher.domain, (link) => {
      account.underWay--
      if (typeof link === 'string') return this.onNoWay(account, watcher.domain, link)
      const agent = link.words ? link.watcher(watcher) : undefined
      if (agent !== undefined) use(agent, isLate)
    })
    isLate = true
  }

  #drain(most: number): void {
    this.#scheduled = false
    for (let done = 0; done < most; done++) {
      const change = this.#queue.shift()
      if (change === undefined) return
      this.#carryOut(change)
    }
    if (this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => this.#drain(changesATurn))
  }

  #carryOut({ account, of, changes, sources }: Change): void {
    const classes = new Map<VisibilityClass, PresenceNotification>()
    const tell = (agent: WatcherAgent): void => {
      const visibility = visible(account, agent.watcher)
      if (visibility === 'nothing' || classOf(visibility) !== of) return
      let notification = classes.get(visibility)
      if (notification === undefined) {
        notification = new PresenceNotification(account.address, visibility, changes, false, sources)
        classes.set(visibility, notification)
      }
      this.tell(agent, notification)
    }
    for (const agent of account.watchers) tell(agent)
    for (const contact of account.contacts.values()) {
      if (!contact.authorization.from) continue
      const watcher = this.#directory.resident(contact.address)
      if (watcher !== undefined && watcher !== account) for (const agent of watcher.watchers) tell(agent)
    }
    // Hot path: apart, and remembered, so that it costs those who watch from here nothing.
    account.foreignWatchers ??= foreignWatchersOf(account, this.#router)
    for (const watcher of account.foreignWatchers) this.#tellForeign(account, watcher, tell)
    for (const subscription of account.subscriptions.all()) {
      if (subscription.state === 'active') tell(subscription.agent)
    }
  }

  #tellForeign(account: Account, watcher: Address, tell: (agent: WatcherAgent) => void): void {
    this.eachAgentOf(account, watcher, (agent, isLate) => {
      if (!isLate) tell(agent)
      // Whoever had to be looked for is told the whole as it is by then.
      else if (account.contacts.get(watcher.key)?.authorization.from === true) this.tellAll(account, agent)
    })
  }

  #hasBlocked(watcher: Address, presentity: Address): boolean {
    const account = this.#directory.resident(watcher)
    if (account === undefined || account.rules.size === 0) return false
    return account.address.key !== presentity.key && isBlocked(account.rules, presentity)
  }

  /** Tells one watcher at once, or as soon as the share of its domain allows. Of one whom the watcher itself has blocked it is told an absence, and no change (XEP-0191 §3.3). */
  tell(agent: WatcherAgent, told: PresenceNotification): void {
    const isUnwanted = this.#hasBlocked(agent.watcher, told.presentity)
    if (isUnwanted && !told.full) return
    const notification = isUnwanted ? withoutAll(told) : told
    const { domain } = agent.watcher
    if (!this.#router.isLocal(domain)) return this.#tellAfar(agent, notification)
    this.#notify(agent, notification)
  }

  #tellAfar(agent: WatcherAgent, notification: PresenceNotification): void {
    const { domain } = agent.watcher
    // It may have been allowed when the subscription was made.
    if (!this.#router.takesPresence(notification.presentity.domain, domain)) return
    if (this.#late.concerns(domain))
      this.#late.tell(agent, notification, (late, merged) => this.#notify(late, merged))
    else this.#notify(agent, notification)
  }

  #notify(agent: WatcherAgent, notification: PresenceNotification): void {
    for (const { source } of notification.changes) {
      if (source !== undefined) this.#translations.count(source, agent.protocol)
    }
    try {
      agent.notify(notification)
    } catch (cause) {
      this.#fault(cause, 'a watcher could not be notified')
    }
  }
}

/** The same as if nobody were there. */
function withoutAll({ presentity, changes }: PresenceNotification): PresenceNotification {
  const removed = changes.map(({ tuple }): TupleChange => ({ kind: 'removed', tuple, source: undefined }))
  return new PresenceNotification(presentity, 'full', removed, true, [])
}

function foreignWatchersOf(account: Account, router: Router): readonly Address[] {
  return [...account.contacts.values()]
    .filter(({ address, authorization }) => authorization.from && !router.isLocal(address.domain))
    .map(({ address }) => address)
}

function classOf(visibility: VisibilityClass): PresenceClass | undefined {
  return isPresenceClass(visibility) ? visibility : undefined
}

function sourcesOf(account: Account, of: PresenceClass | undefined): readonly VisibleSource[] {
  return account.presentity.of(of)?.sources() ?? []
}

/** To a watcher that may see nothing more: every tuple it knew is gone. */
export function absenceOf(account: Account): PresenceNotification {
  const changes = account.presentity
    .sources()
    .map(({ tuple }): TupleChange => ({ kind: 'removed', tuple, source: undefined }))
  return new PresenceNotification(account.address, 'full', changes, true, [])
}

/** The whole of what a class sees; for one that sees nothing, an absence that cannot be told from the truth. */
export function fullNotification(
  account: Account,
  visibility: VisibilityClass | 'nothing',
): PresenceNotification {
  const sources = visibility === 'nothing' ? [] : sourcesOf(account, classOf(visibility))
  const changes = sources.map(({ tuple, source }): TupleChange => ({ kind: 'added', tuple, source }))
  return new PresenceNotification(
    account.address,
    visibility === 'nothing' ? 'full' : visibility,
    changes,
    true,
    sources,
  )
}
