// Watcher information (RFC 3857): an owner's view of who watches. Two kinds of watcher make the list: leased subscriptions, and
// contacts with an authorization, which need no lease (RFC 6121). Nobody but the owner is shown it.
import type { Address, ProtocolName } from '#model'
import type { TerminationReason } from '../agents.ts'
import { visible } from '../people/access.ts'
import { ruleFor, type VisibilityClass } from '../people/access-rules.ts'
import type { Account } from '../people/account.ts'
import { type Authorization, type Contact, noAuthorization } from '../people/contact.ts'
import type { Subscription } from './subscriptions.ts'

/** RFC 3857 §4.7.1 without `init`, which is over at once. `waiting`: asked, and has no subscription now. */
export type WatcherStatus = 'pending' | 'waiting' | 'active' | 'terminated'

/** What led to the status (RFC 3857 §4.7.1, RFC 3858 §3.2). */
export type WatcherEvent = 'subscribe' | 'approved' | TerminationReason

export interface WatcherInfo {
  /** Unique among the owner's, the same from the watcher's first step to its last. */
  readonly id: string
  readonly watcher: Address
  readonly kind: 'subscription' | 'authorization'
  readonly status: WatcherStatus
  readonly event: WatcherEvent
  /** What the watcher may see now. */
  readonly sees: VisibilityClass | 'nothing'
  /** True where a rule shows it an absence instead of refusing it (RFC 2779 5.1.15). */
  readonly politelyBlocked: boolean
  /** Of a subscription: its protocol, whole seconds of its lease that are left, and when it began (milliseconds since the epoch). */
  readonly lease?: {
    readonly protocol: ProtocolName
    readonly secondsLeft: number
    readonly since: number
  }
}

/** A device that shows its owner who watches. */
export interface WatcherInfoAgent {
  /** These are as given now; what is `terminated` is gone from the list. Must not throw. */
  watchersChanged(owner: Address, changes: readonly WatcherInfo[]): void
  /** Somebody read the presence once (RFC 2779 5.1.11). Must not throw. */
  fetched?(owner: Address, watcher: Address): void
}

/** All who watch the account or wait to. */
export function watchersOf(account: Account): readonly WatcherInfo[] {
  const watchers = account.subscriptions.all().map((subscription) => leasedWatcher(account, subscription))
  for (const contact of account.contacts.values()) {
    const watcher = authorizedWatcher(account, contact)
    if (watcher !== undefined) watchers.push(watcher)
  }
  return watchers
}

export function leasedWatcher(account: Account, subscription: Subscription): WatcherInfo {
  const { id, watcher, state, event, agent, lease, since } = subscription
  return {
    id,
    kind: 'subscription',
    status: state === 'pending' ? 'pending' : 'active',
    event,
    ...seenBy(account, watcher),
    lease: { protocol: agent.protocol, secondsLeft: lease.secondsLeft(), since },
  }
}

/** A contact that may see the owner, or asked and has no pending subscription that would say so. */
function authorizedWatcher(account: Account, { address, authorization }: Contact): WatcherInfo | undefined {
  const status = statusOf(account, address, authorization)
  if (status === 'terminated') return undefined
  const event = status === 'active' ? 'approved' : 'subscribe'
  return { ...authorizationOf(account, address), status, event }
}

/** A contact that asked and has no subscription now. */
export function waitingWatcher(account: Account, watcher: Address): WatcherInfo | undefined {
  const contact = account.contacts.get(watcher.key)
  const info = contact === undefined ? undefined : authorizedWatcher(account, contact)
  return info?.status === 'waiting' ? info : undefined
}

function statusOf(account: Account, watcher: Address, { from, pendingIn }: Authorization): WatcherStatus {
  if (from) return 'active'
  const isPending = account.subscriptions.of(watcher).some(({ state }) => state === 'pending')
  return pendingIn && !isPending ? 'waiting' : 'terminated'
}

function authorizationOf(account: Account, watcher: Address) {
  return { id: `contact:${watcher.key}`, kind: 'authorization', ...seenBy(account, watcher) } as const
}

function seenBy(account: Account, watcher: Address) {
  const sees = visible(account, watcher)
  return { watcher, sees, politelyBlocked: ruleFor(account.rules, watcher)?.action === 'polite-block' }
}

/** Tells the owner's devices what changed, and, where it is given, of the contact who waits on. */
export function tellOwner(account: Account, changes: readonly WatcherInfo[], waiting?: Contact): void {
  if (account.watcherInfoAgents.size === 0) return
  const also = waiting === undefined ? undefined : authorizedWatcher(account, waiting)
  const told = also === undefined ? changes : [...changes, also]
  for (const agent of account.watcherInfoAgents) agent.watchersChanged(account.address, told)
}

/** Tells the owner's devices of a contact whose authorization changed from `before`. `end`: why, if it ended. */
export function tellOwnerOfContact(
  account: Account,
  contact: Contact,
  before: Authorization = noAuthorization,
  end: WatcherEvent = 'rejected',
): void {
  const { address, authorization } = contact
  if (account.watcherInfoAgents.size === 0) return
  if (before.from === authorization.from && before.pendingIn === authorization.pendingIn) return
  const was = statusOf(account, address, before)
  const status = statusOf(account, address, authorization)
  if (was === status) return
  const event =
    status === 'terminated' ? end : status === 'active' && before.pendingIn ? 'approved' : 'subscribe'
  tellOwner(account, [{ ...authorizationOf(account, address), status, event }])
}
