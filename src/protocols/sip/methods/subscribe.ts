// SUBSCRIBE to presence, RFC 6665 §4.2.1 and RFC 3856 §6: begun, renewed, ended, or asked once (Expires 0).

import type { Address } from '#model'
import { pidfMediaType } from '#wire/pidf'
import { addressOfSipUri } from '../binding.ts'
import type { HeaderLine } from '../codec/encode.ts'
import { ownText, unfolded } from '../codec/grammar.ts'
import { header } from '../codec/header-names.ts'
import { acceptOf, accepts, eventOf, secondsOf } from '../codec/headers.ts'
import { findHeader, requestUri, type SipRequest, stride } from '../codec/message.ts'
import { ownUri, type SipContext } from '../context.ts'
import { dialogOf } from '../dialog.ts'
import { fieldsOf, statusOf } from '../errors.ts'
import type { Incoming } from '../incoming.ts'
import { SubscriptionDialog } from '../subscription-dialog.ts'
import { targetFlow } from '../target-flow.ts'
import { grantedSeconds } from './lifetime.ts'

export function subscribe(context: SipContext, incoming: Incoming): void {
  const { settings } = context
  const { request, parts } = incoming
  const event = eventOf(request)
  if (event === 'malformed') return incoming.answer(400)
  if (event?.package !== 'presence') return incoming.answer(489, [['Allow-Events', 'presence']])
  const ranges = acceptOf(request)
  if (ranges === 'malformed') return incoming.answer(400)
  // RFC 3856 §6.7: "subscribers MUST include application/pidf+xml" where Accept is there at all.
  if (ranges !== undefined && !accepts(ranges, pidfMediaType))
    return incoming.answer(406, [['Accept', pidfMediaType]])
  const bounds = {
    min: settings.subscriptionSecondsMin,
    default: settings.subscriptionSecondsDefault,
    max: settings.subscriptionSecondsMax,
  }
  context.authentication.identify(incoming, 'user-agent-server', (identity) => {
    const seconds = grantedSeconds(secondsOf(request, header.expires), bounds)
    if (seconds === 'too-brief') return incoming.answer(423, [['Min-Expires', bounds.min]])
    if (parts.toTag !== undefined) return again(context, incoming, identity.owner, seconds)
    if (seconds === 0) fetch(context, incoming, identity.owner, event.id)
    else begin(context, incoming, identity.owner, event.id, seconds)
  })
}

/** A new subscription, and the dialog for it. */
function begin(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  eventId: string | undefined,
  seconds: number,
): void {
  const subscription = subscriptionOf(context, incoming, watcher, eventId)
  if (subscription === undefined) return
  if (!context.subscriptions.add(subscription)) return incoming.answer(503)
  const { id, presentity } = subscription
  context.service.presence.subscribe({ id, watcher, presentity, seconds, agent: subscription }, (outcome) => {
    if (outcome.kind === 'refused') {
      context.subscriptions.remove(subscription)
      return incoming.answer(statusOf[outcome.condition], fieldsOf(outcome))
    }
    accept(incoming, outcome.seconds)
    subscription.granted(outcome.kind, outcome.seconds)
  })
}

/** RFC 6665 §4.4.3: Expires 0 asks once; the NOTIFY that answers is the last one too. */
function fetch(context: SipContext, incoming: Incoming, watcher: Address, eventId: string | undefined): void {
  const subscription = subscriptionOf(context, incoming, watcher, eventId)
  if (subscription === undefined) return
  context.service.presence.fetch(watcher, subscription.presentity, (fetched) => {
    if (fetched.kind === 'refused') return incoming.answer(statusOf[fetched.condition], fieldsOf(fetched))
    accept(incoming, 0)
    subscription.end('timeout', fetched.notification)
  })
}

/** A SUBSCRIBE in a dialog renews or ends it (RFC 6665 §4.2.1.1); 481 where there is none. */
function again(context: SipContext, incoming: Incoming, watcher: Address, seconds: number): void {
  const { request, parts } = incoming
  const subscription = context.subscriptions.find(parts.callId, parts.toTag ?? '', parts.fromTag ?? '')
  if (subscription === undefined) return incoming.answer(481)
  if (subscription.watcher.key !== watcher.key) return incoming.answer(403)
  const flowTo = (target: string, routes: readonly string[]) =>
    targetFlow(context.transport, incoming.flow, parts.via, target, routes)
  // RFC 3261 §12.2.2.
  if (!subscription.takes(request, parts.cseq.number, flowTo)) return incoming.answer(500)
  const { presence } = context.service
  const { id, presentity } = subscription
  if (seconds > 0) {
    presence.subscribe({ id, watcher, presentity, seconds, agent: subscription }, (outcome) => {
      if (outcome.kind === 'refused') return incoming.answer(statusOf[outcome.condition], fieldsOf(outcome))
      accept(incoming, outcome.seconds)
      subscription.granted(outcome.kind, outcome.seconds)
    })
    return
  }
  const wasPending = subscription.state === 'pending'
  presence.unsubscribe(presentity, id, watcher, () => {
    accept(incoming, 0)
    // RFC 6665 §4.2.1.4: the last NOTIFY has the state, where the watcher may see it.
    if (wasPending) return subscription.end('timeout', undefined)
    presence.fetch(watcher, presentity, (fetched) =>
      subscription.end('timeout', fetched.kind === 'fetched' ? fetched.notification : undefined),
    )
  })
}

function subscriptionOf(
  context: SipContext,
  incoming: Incoming,
  watcher: Address,
  eventId: string | undefined,
): SubscriptionDialog | undefined {
  const { request, parts, flow } = incoming
  const presentity = addressOfSipUri(requestUri(request))
  const dialog = dialogOf(request, parts, incoming.toTag)
  if (presentity === undefined || presentity.user === '') incoming.answer(404)
  // RFC 6665 §4.1.2.1: "SUBSCRIBE [...] MUST contain exactly one Contact header field".
  else if (dialog === undefined)
    incoming.answer(400, undefined, { reason: 'Bad Request (one Contact, please)' })
  else {
    const back = targetFlow(context.transport, flow, parts.via, dialog.target, dialog.routeSet)
    return new SubscriptionDialog(
      context,
      watcher,
      presentity,
      dialog,
      back,
      eventId === undefined ? undefined : ownText(eventId),
    )
  }
  return undefined
}

/** RFC 6665 §4.2.1.1: 200 with Expires; RFC 3261 §12.1.1: Contact, and Record-Route copied. */
function accept(incoming: Incoming, seconds: number): void {
  const lines: HeaderLine[] = [
    ...recordRoutes(incoming.request),
    ['Contact', `<${ownUri(incoming.flow)}>`],
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
