// What another domain may ask of us (docs/specs/prim.md §8.3), and what is checked of each request before: that it is in the name of a user of
// the domain that has proven itself, for one of ours, within the policy for that domain.

import { type Answered, mayComeBy, type PeerPolicy } from '#core'
import { type Address, delivered } from '#model'
import { messageEnvelope, notificationBody, statusOfOutcome } from '../binding.ts'
import { reportIn } from '../binding-domains.ts'
import {
  addressOfId,
  decimal,
  field,
  isMessageId,
  type PrimRequest,
  type Scheme,
  strengthOf,
  weaker,
} from '../codec/index.ts'
import { tokenField } from '../methods/parties.ts'
import { hopCountOf, isSend } from '../methods/send.ts'
import type { Reply } from '../reply.ts'
import type { ForeignWatchers } from './foreign-watchers.ts'
import type { Leg } from './leg.ts'
import type { Watch } from './watch.ts'

export interface Takers {
  readonly watchers: ForeignWatchers
  readonly watchOf: (watcher: Address, presentity: Address, id: string | undefined) => Watch | undefined
  /** What was answered to SEND, so that none is delivered twice when a domain asks again. */
  readonly answered: Answered<number>
}

interface Checked {
  readonly leg: Leg
  readonly request: PrimRequest
  readonly from: Address
  readonly to: Address
  readonly reply: Reply
}

interface Taker {
  readonly service: Scheme
  readonly take: (checked: Checked, takers: Takers) => void
}

const takers: ReadonlyMap<string, Taker> = new Map<string, Taker>([
  ['SEND', { service: 'im', take: send }],
  ['FETCH', { service: 'pres', take: fetch }],
  ['SUBSCRIBE', { service: 'pres', take: subscribe }],
  ['UNSUBSCRIBE', { service: 'pres', take: unsubscribe }],
  ['NOTIFY', { service: 'pres', take: notify }],
  ['CANCELSUBSCRIPTION', { service: 'pres', take: cancelled }],
])

export function takeRequest(leg: Leg, request: PrimRequest, reply: Reply, by: Takers): void {
  const { service, metrics, settings } = leg.environment
  metrics.taken.add()
  if (request.method === 'LOGIN') return reply.give(409)
  const taker = takers.get(request.method)
  if (taker === undefined) return reply.error('operation-not-supported')
  const from = addressOfId(field(request.headers, 'From') ?? '', taker.service)
  const to = addressOfId(field(request.headers, 'To') ?? '', taker.service)
  const said = strengthOf(field(request.headers, 'AStrength'))
  if (from === undefined || to === undefined || said === undefined) return reply.error('malformed')
  if (from.domain !== leg.theirs) {
    metrics.forged.add()
    return reply.error('permission-denied')
  }
  // We are no way to anybody else's users.
  if (
    !service.router.isLocal(to.domain) ||
    !allows(service.peers.policyFor(leg.theirs, to.domain), taker.service)
  )
    return reply.error('permission-denied')
  // A relay refuses no answer for it, and no news (§5.2).
  const isRated = request.method === 'SEND' || request.method === 'SUBSCRIBE' || request.method === 'FETCH'
  const strength = weaker(said, leg.strength)
  if (isRated && weaker(strength, settings.strengthMin) !== settings.strengthMin) return reply.give(410)
  taker.take({ leg, request, from, to, reply }, by)
}

function allows(policy: PeerPolicy, service: Scheme): boolean {
  return policy.trusted && mayComeBy(policy, service === 'im' ? 'messages' : 'presence', 'prim')
}

function send(checked: Checked, { answered }: Takers): void {
  const { leg, request, from, to, reply } = checked
  const { service } = leg.environment
  if (field(request.headers, 'Report') !== undefined) return report(checked, answered)
  const hops = hopCountOf(request)
  if (hops === undefined || !isSend(request)) return reply.error('malformed')
  if (hops === 0) return reply.error('too-many-hops')
  const strength = weaker(strengthOf(field(request.headers, 'AStrength')) ?? 'none', leg.strength)
  const envelope = messageEnvelope(request, from, '', to, { strength, hops, now: service.clock.now() })
  const name = `${from.key}\n${to.key}\n${envelope.head.mark}`
  answered.once(
    name,
    (status) => reply.give(status),
    (respond) =>
      service.messages.send(envelope, (outcome) =>
        respond(statusOfOutcome(outcome), outcome.kind !== 'refused'),
      ),
  )
}

/** §6.1: what became known of a message of ours later. It is answered when our sender has it, or the disk. */
function report({ leg, request, from, to, reply }: Checked, answered: Takers['answered']): void {
  const found = reportIn(request, from, to)
  const id = field(request.headers, 'Message-ID') ?? ''
  if (found === undefined || !isMessageId(id)) return reply.error('malformed')
  answered.once(
    `${from.key}\n${to.key}\n${id}`,
    (status) => reply.give(status),
    (respond) =>
      leg.environment.service.messages.report(found.report, found.about, (outcome = delivered) =>
        respond(statusOfOutcome(outcome), outcome.kind !== 'refused'),
      ),
  )
}

function fetch({ leg, from, to, reply }: Checked): void {
  leg.environment.service.presence.fetch(from, to, (fetched) => {
    if (fetched.kind === 'refused') reply.refuse(fetched)
    else reply.ok([], notificationBody(fetched.notification))
  })
}

function subscribe(checked: Checked, { watchers }: Takers): void {
  const { request, from, to, reply, leg } = checked
  const id = tokenField(request, 'Subscription-ID')
  const wish = decimal(field(request.headers, 'Duration') ?? '')
  if (id === 'malformed' || wish === undefined) return reply.error('malformed')
  if (wish > 0) return watchers.subscribe(from, to, id ?? 'one', wish, reply)
  if (watchers.unsubscribe(from, to, id ?? 'one') > 0) return reply.ok()
  // RFC 3859 §3.3: a new id and no Duration is a fetch. The answer holds it: no connection need be opened for one NOTIFY.
  leg.environment.service.presence.fetch(from, to, (fetched) => {
    if (fetched.kind === 'refused') reply.refuse(fetched)
    else reply.ok([], notificationBody(fetched.notification))
  })
}

function unsubscribe({ request, from, to, reply }: Checked, { watchers }: Takers): void {
  const id = tokenField(request, 'Subscription-ID')
  if (id === 'malformed') return reply.error('malformed')
  if (watchers.unsubscribe(from, to, id) > 0) reply.ok()
  else reply.error('subscription-unknown')
}

/** From is the presentity, and its domain the one that has proven itself. */
function notify({ request, from, to, reply }: Checked, { watchOf }: Takers): void {
  const id = field(request.headers, 'Subscription-ID')
  reply.give(watchOf(to, from, id)?.notified(request) ?? 403)
}

function cancelled({ request, from, to, reply }: Checked, { watchOf }: Takers): void {
  watchOf(to, from, field(request.headers, 'Subscription-ID'))?.cancelled()
  reply.ok()
}
