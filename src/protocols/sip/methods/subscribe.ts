// SUBSCRIBE to presence (RFC 3856 §6), or by its owner to who watches it (RFC 3857) or to registrations (RFC 3680): begun, renewed, ended, or asked once (RFC 6665 §4.2.1).

import type { Account } from '#core'
import type { Address } from '#model'
import { olderPidfMediaType } from '#wire/pidf'
import { addressOfSipUri } from '../binding.ts'
import { allowedEvents } from '../capabilities.ts'
import type { HeaderLine } from '../codec/encode.ts'
import { ownText, unfolded } from '../codec/grammar.ts'
import { header } from '../codec/header-names.ts'
import { acceptOf, accepts, type EventHeader, eventOf, secondsOf } from '../codec/headers.ts'
import { findHeader, requestUri, type SipRequest, stride } from '../codec/message.ts'
import { ownUri, type SipContext } from '../context.ts'
import { type Dialog, dialogOf } from '../dialog.ts'
import type { Flow } from '../flow.ts'
import type { Incoming } from '../incoming.ts'
import type { NotifierDialog } from '../notifier-dialog.ts'
import { refuse } from '../refusal.ts'
import { RegistrationDialog, registrationPackage } from '../registration-dialog.ts'
import { olderPresencePackage, presencePackage, SubscriptionDialog } from '../subscription-dialog.ts'
import { targetFlow } from '../target-flow.ts'
import { VersionedDialog } from '../versioned-dialog.ts'
import { WatcherInfoDialog, watcherInfoPackage } from '../watcher-info-dialog.ts'
import { grantedSeconds } from './lifetime.ts'

export function subscribe(context: SipContext, incoming: Incoming): void {
  const { settings } = context
  const { request, parts } = incoming
  const event = eventOf(request)
  if (event === 'malformed') return incoming.answer(400)
  const mediaType = event === undefined ? undefined : mediaTypes.get(event.package)
  if (event === undefined || mediaType === undefined)
    return incoming.answer(489, [['Allow-Events', allowedEvents]])
  const ranges = acceptOf(request)
  if (ranges === 'malformed') return incoming.answer(400)
  // RFC 3856 §6.7: "subscribers MUST include application/pidf+xml" where Accept is there at all; RFC 3857 §4.5 has its own.
  const isOlder =
    ranges !== undefined && !accepts(ranges, mediaType) && event.package === presencePackage.name
  if (
    ranges !== undefined &&
    !accepts(ranges, mediaType) &&
    !(isOlder && accepts(ranges, olderPidfMediaType))
  )
    return incoming.answer(406, [['Accept', mediaType]])
  const bounds = {
    min: settings.subscriptionSecondsMin,
    // RFC 3680 §4.4: "slightly longer" than a registration, "3761 seconds".
    default: event.package === registrationPackage.name ? 3761 : settings.subscriptionSecondsDefault,
    max: settings.subscriptionSecondsMax,
  }
  context.authentication.identify(incoming, 'user-agent-server', (identity) => {
    const seconds = grantedSeconds(secondsOf(request, header.expires), bounds)
    if (seconds === 'too-brief') return incoming.answer(423, [['Min-Expires', bounds.min]])
    if (parts.toTag !== undefined) return again(context, incoming, identity.owner, event, seconds)
    const owned = ownedPackages.get(event.package)
    if (owned !== undefined) return watchOwn(context, incoming, identity.owner, event.id, seconds, owned)
    const build = presenceOf(context, identity.owner, isOlder ? olderPresencePackage : presencePackage)
    if (seconds === 0) fetch(context, incoming, identity.owner, event.id, build)
    else begin(context, incoming, identity.owner, event.id, seconds, build)
  })
}

const mediaTypes = new Map(
  [presencePackage, watcherInfoPackage, registrationPackage].map(({ name, mediaType }) => [
    name as string,
    mediaType,
  ]),
)

/** LIMIT: subscriptions of an account's phones to who watches it, and as many to its registrations. */
const ownedDialogsMax = 20

/** A package that tells an owner of their own things. */
interface OwnedPackage {
  readonly build: (
    context: SipContext,
    account: Account,
    watcher: Address,
    ...more: [dialog: Dialog, flow: Flow, eventId: string | undefined]
  ) => WatcherInfoDialog | RegistrationDialog
  readonly count: (context: SipContext, account: Account) => number
}

const ownedPackages: ReadonlyMap<string, OwnedPackage> = new Map<string, OwnedPackage>([
  [
    watcherInfoPackage.name,
    {
      build: (...all) => new WatcherInfoDialog(...all),
      count: (_context, account) => account.watcherInfoAgents.size,
    },
  ],
  [
    registrationPackage.name,
    {
      build: (...all) => new RegistrationDialog(...all),
      count: ({ registrar }, account) => registrar.watchersOf(account.address),
    },
  ],
])

/** RFC 3857 §4.6, RFC 3680 §4.6: it is for its owner; we choose that nobody else is told, not even of themselves. */
function watchOwn(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  eventId: string | undefined,
  seconds: number,
  { build, count }: OwnedPackage,
): void {
  const resource = addressOfSipUri(requestUri(incoming.request))
  if (resource === undefined || resource.user === '') return incoming.answer(404)
  incoming.keep()
  context.service.directory.find(resource, (account) => {
    if (account === 'fault') return incoming.answer(500)
    // Who does not own it learns nothing of it, nor that it is there.
    if (account === 'unknown' || account.address.key !== watcher.key) return incoming.answer(403)
    const subscription = subscriptionOf(context, incoming, eventId, (_presentity, ...dialog) =>
      build(context, account, watcher, ...dialog),
    )
    if (subscription === undefined) return
    if (seconds === 0) {
      accept(context, incoming, 0)
      return subscription.end('timeout', true)
    }
    if (count(context, account) >= ownedDialogsMax || !context.subscriptions.add(subscription))
      return incoming.answer(503)
    accept(context, incoming, seconds)
    subscription.granted(seconds)
  })
}

/** A new subscription, and the dialog for it. */
function begin(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  eventId: string | undefined,
  seconds: number,
  build: Build<SubscriptionDialog>,
): void {
  const subscription = subscriptionOf(context, incoming, eventId, build)
  if (subscription === undefined) return
  if (!context.subscriptions.add(subscription)) return incoming.answer(503)
  const { id, presentity } = subscription
  context.service.presence.subscribe({ id, watcher, presentity, seconds, agent: subscription }, (outcome) => {
    if (outcome.kind === 'refused') {
      context.subscriptions.remove(subscription)
      return refuse(incoming, outcome)
    }
    accept(context, incoming, outcome.seconds)
    subscription.granted(outcome.kind, outcome.seconds)
  })
}

/**
 * RFC 6665 §4.4.3: Expires 0 asks once; the NOTIFY that answers is the last one too. Where the owner has to be asked, they are, and the
 * watcher is told that it waits (RFC 3857 §4.7.1: "to allow for authorization of fetch attempts").
 */
function fetch(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  eventId: string | undefined,
  build: Build<SubscriptionDialog>,
): void {
  const subscription = subscriptionOf(context, incoming, eventId, build)
  if (subscription === undefined) return
  context.service.presence.fetch(watcher, subscription.presentity, (fetched) => {
    if (fetched.kind === 'refused' && fetched.condition === 'permission-denied')
      return askOnce(context, incoming, subscription)
    if (fetched.kind === 'refused') return refuse(incoming, fetched)
    accept(context, incoming, 0)
    subscription.end('timeout', fetched.notification)
  })
}

/** A fetch by one who may not see, or not yet: 403, or a subscription that waits and is over at once. */
function askOnce(context: SipContext, incoming: Incoming, subscription: SubscriptionDialog): void {
  const { service } = context
  const { id, watcher, presentity } = subscription
  const request = { id, watcher, presentity, seconds: 1, agent: subscription }
  service.presence.subscribe(request, (outcome) => {
    if (outcome.kind === 'refused') return refuse(incoming, outcome)
    accept(context, incoming, 0)
    if (outcome.kind === 'pending') subscription.granted('pending', 0)
    // Behind what is told at once, were it allowed in this very moment.
    queueMicrotask(() =>
      service.presence.unsubscribe(presentity, id, watcher, () => subscription.end('timeout')),
    )
  })
}

/** A SUBSCRIBE in a dialog renews or ends it (RFC 6665 §4.2.1.1); 481 where there is none. */
function again(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  event: EventHeader,
  seconds: number,
): void {
  const { request, parts } = incoming
  const subscription = context.subscriptions.find(parts.callId, parts.toTag ?? '', parts.fromTag ?? '')
  // RFC 6665 §4.5.1, §8.2.1: a dialog holds one subscription here; another package, or another id, is none that we know.
  if (subscription?.packageName !== event.package || subscription.eventId !== event.id)
    return incoming.answer(481)
  if (subscription.watcher.key !== watcher.key) return incoming.answer(403)
  const flowTo = (target: string, routes: readonly string[]) =>
    context.domains?.flowBack(incoming, routes[0] ?? target) ??
    targetFlow(context.transport, incoming.flow, parts.via, target, routes)
  // RFC 3261 §12.2.2.
  if (!subscription.takes(request, parts.cseq.number, flowTo)) return incoming.answer(500)
  if (subscription instanceof VersionedDialog) {
    accept(context, incoming, seconds)
    return seconds > 0 ? subscription.granted(seconds) : subscription.end('timeout', true)
  }
  if (subscription instanceof SubscriptionDialog) presenceAgain(context, incoming, subscription, seconds)
}

function presenceAgain(
  context: SipContext,
  incoming: Incoming,
  subscription: SubscriptionDialog,
  seconds: number,
): void {
  const { presence } = context.service
  const { watcher } = subscription
  const { id, presentity } = subscription
  if (seconds > 0) {
    presence.subscribe({ id, watcher, presentity, seconds, agent: subscription }, (outcome) => {
      if (outcome.kind === 'refused') return refuse(incoming, outcome)
      accept(context, incoming, outcome.seconds)
      subscription.granted(outcome.kind, outcome.seconds)
    })
    return
  }
  const wasPending = subscription.state === 'pending'
  presence.unsubscribe(presentity, id, watcher, () => {
    accept(context, incoming, 0)
    // RFC 6665 §4.2.1.4: the last NOTIFY has the state, where the watcher may see it.
    if (wasPending) return subscription.end('timeout')
    presence.fetch(watcher, presentity, (fetched) =>
      subscription.end('timeout', fetched.kind === 'fetched' ? fetched.notification : undefined),
    )
  })
}

type Build<T> = (presentity: Address, dialog: Dialog, flow: Flow, eventId: string | undefined) => T

const presenceOf =
  (
    context: SipContext,
    watcher: Address,
    form: typeof presencePackage | typeof olderPresencePackage,
  ): Build<SubscriptionDialog> =>
  (presentity, dialog, flow, eventId) =>
    new SubscriptionDialog(context, watcher, presentity, dialog, flow, eventId, form)

function subscriptionOf<T extends NotifierDialog>(
  context: SipContext,
  incoming: Incoming,
  eventId: string | undefined,
  build: Build<T>,
): T | undefined {
  const { request, parts, flow } = incoming
  const presentity = addressOfSipUri(requestUri(request))
  const dialog = dialogOf(request, parts, incoming.toTag)
  if (presentity === undefined || presentity.user === '') incoming.answer(404)
  // RFC 6665 §4.1.2.1: "SUBSCRIBE [...] MUST contain exactly one Contact header field".
  else if (dialog === undefined)
    incoming.answer(400, undefined, { reason: 'Bad Request (one Contact, please)' })
  else {
    const back =
      context.domains?.flowBack(incoming, dialog.routeSet[0] ?? dialog.target) ??
      targetFlow(context.transport, flow, parts.via, dialog.target, dialog.routeSet)
    return build(presentity, dialog, back, eventId === undefined ? undefined : ownText(eventId))
  }
  return undefined
}

/** RFC 6665 §4.2.1.1: 200 with Expires; RFC 3261 §12.1.1: Contact, and Record-Route copied. */
function accept({ domains }: SipContext, incoming: Incoming, seconds: number): void {
  const lines: HeaderLine[] = [
    ...recordRoutes(incoming.request),
    ['Contact', `<${domains?.contactBack(incoming) ?? ownUri(incoming.flow)}>`],
    ['Expires', seconds],
  ]
  incoming.answer(200, lines)
}

function recordRoutes(request: SipRequest): HeaderLine[] {
  const lines: HeaderLine[] = []
  for (
    let i = findHeader(request, header.recordRoute);
    i >= 0;
    i = findHeader(request, header.recordRoute, i + stride)
  )
    lines.push(['Record-Route', unfolded(request.head.slice(request.index[i + 2], request.index[i + 3]))])
  return lines
}
