// What another domain may ask of us (IMPP §11.1, §11.2, D38, D40), and what is checked of each request before: that it is in the name
// of a user of the domain that has proven itself, for one of ours (IMPP §19, D91), within the policy for that domain (§10).

import { mayComeBy, type PeerPolicy } from '#core'
import { type Address, oneHopLess } from '#model'
import { messageEnvelope, notificationBody } from '../binding.ts'
import { hopsOf, reportIn, terminationIn } from '../binding-domains.ts'
import { acceptedTypes, addressOfUrl, type ImppRequest, presenceTypeOf } from '../codec/index.ts'
import { answer, isEmpty } from '../methods/send.ts'
import type { Reply } from '../reply.ts'
import type { ForeignWatchers } from './foreign-watchers.ts'
import type { DomainPair } from './pair.ts'
import type { Watch } from './watch.ts'

/** Who of the two domains a request is between. */
interface Checked {
  readonly pair: DomainPair
  readonly request: ImppRequest
  readonly from: Address
  readonly target: Address
  readonly connectionId: string
  readonly reply: Reply
}

export interface Takers {
  readonly watchers: ForeignWatchers
  readonly watchOf: (watcher: Address, presentity: Address) => Watch | undefined
}

interface Taker {
  readonly service: 'messages' | 'presence'
  readonly take: (checked: Checked, takers: Takers) => void
}

/** LIMIT: how often the log says that a domain forges names; the metric counts them all. */
const forgeryTellMilliseconds = 60_000

/** All others stay inside a domain (D38). */
const takers: ReadonlyMap<string, Taker> = new Map<string, Taker>([
  ['SEND', { service: 'messages', take: send }],
  ['FETCH', { service: 'presence', take: fetch }],
  ['SUBSCRIBE', { service: 'presence', take: subscribe }],
  ['UNSUBSCRIBE', { service: 'presence', take: unsubscribe }],
  ['CHANGE-NOTIFY', { service: 'presence', take: changeNotify }],
  ['TERMINATE-SUBSCRIPTION', { service: 'presence', take: terminate }],
])

export function takeRequest(pair: DomainPair, request: ImppRequest, reply: Reply, by: Takers): void {
  const taker = takers.get(request.method)
  if (taker === undefined) return reply.error('operation-not-supported')
  const { headers } = request
  const written = { from: headers.get('from'), target: headers.get('target') }
  const connectionId = headers.get('connection-id')
  if (written.from === undefined || written.target === undefined || connectionId === undefined)
    return reply.error('malformed')
  const from = addressOfUrl(written.from)
  const target = addressOfUrl(written.target)
  if (from === undefined || target === undefined) return reply.error('address-malformed')
  if (from.domain !== pair.theirs) return forged(pair, written.from, reply)
  // We are no way to anybody else's users, nor to those of our other domains by this connection.
  if (target.domain !== pair.ours) return reply.error('target-unknown')
  const refusal = refusedBy(pair.environment.service.peers.policyFor(pair.theirs, pair.ours), taker.service)
  if (refusal !== undefined) return reply.error(refusal)
  taker.take({ pair, request, from, target, connectionId, reply }, by)
}

/** E5: the domain of that name has not proven itself here. */
function forged(pair: DomainPair, from: string, reply: Reply): void {
  const { metrics, service } = pair.environment
  metrics.forged.add()
  const now = service.clock.monotonic()
  if (now - pair.forgeryTold >= forgeryTellMilliseconds) {
    pair.forgeryTold = now
    service.log.warn('a domain speaks in the name of another', { domain: pair.theirs, from })
  }
  reply.error('domain-authentication-required')
}

/** IMPP §10: D32, D33. */
function refusedBy(
  policy: PeerPolicy,
  service: 'messages' | 'presence',
): 'permission-denied' | 'authentication-required' | undefined {
  if (!mayComeBy(policy, service, 'impp')) return 'permission-denied'
  return policy.trusted ? undefined : 'authentication-required'
}

function send({ pair, request, from, target, connectionId, reply }: Checked): void {
  const { headers } = request
  const { service } = pair.environment
  if (headers.find('report') !== -1) return report(pair, request, from, target, reply)
  if (headers.get('message-kind') === 'groupchat') return reply.error('operation-not-supported')
  if (headers.find('content-type') === -1 && isEmpty(request)) return reply.error('malformed')
  const hops = hopsOf(request)
  if (hops === undefined) return reply.error('malformed')
  const accept = headers.get('accept')
  const type = (accept && presenceTypeOf(acceptedTypes(accept))) || 'pidf'
  const envelope = messageEnvelope(request, from, connectionId, target, hops)
  const { head } = envelope
  service.messages.send(envelope, (outcome) => {
    if (outcome.kind === 'refused') reply.refuse(outcome)
    else answer(service, head, type, outcome, reply)
  })
}

/** Only a domain itself reports (docs/specs/impp-1.0.md §7.5). */
function report(pair: DomainPair, request: ImppRequest, from: Address, target: Address, reply: Reply): void {
  if (from.user !== '') return reply.error('permission-denied')
  const found = reportIn(request, target, pair.theirs)
  if (found === undefined) return reply.error('malformed')
  // What is answered is with our sender, or on the disk.
  pair.environment.service.messages.report(found.report, oneHopLess(found.about), (outcome) => {
    if (outcome?.kind === 'refused') reply.refuse(outcome)
    else reply.ok()
  })
}

function fetch({ pair, request, from, target, reply }: Checked): void {
  const type = presenceTypeOf(acceptedTypes(request.headers.get('accept') ?? ''))
  if (type === undefined) return reply.error('content-not-understood')
  pair.environment.service.presence.fetch(from, target, (fetched) => {
    if (fetched.kind === 'refused') reply.refuse(fetched)
    else reply.ok([], notificationBody(fetched.notification, type))
  })
}

function subscribe(checked: Checked, { watchers }: Takers): void {
  const { pair, request, from, target, reply } = checked
  if (request.headers.get('lease-time') === '0') return fetch(checked) // RFC 3859 §3.3: duration 0 is a fetch
  watchers.subscribe(pair, request, from, target, reply)
}

function unsubscribe({ from, target, reply }: Checked, { watchers }: Takers): void {
  watchers.unsubscribe(from, target, (condition) => {
    if (condition === undefined) reply.ok()
    else reply.error(condition)
  })
}

/** The Origin is the one who speaks, and its domain the one that has proven itself. */
function changeNotify({ request, from, target, reply }: Checked, { watchOf }: Takers): void {
  if (originOf(request)?.key !== from.key) return reply.error('malformed')
  const watch = watchOf(target, from)
  const condition = watch === undefined ? 'subscription-unknown' : watch.changed(request)
  if (condition === 'subscription-unknown') watch?.unwant()
  if (condition === undefined) reply.ok()
  else reply.error(condition)
}

function terminate({ request, from, target, reply }: Checked, { watchOf }: Takers): void {
  if (originOf(request)?.key !== from.key) return reply.error('malformed')
  const watch = watchOf(target, from)
  if (watch === undefined) return reply.error('subscription-unknown')
  watch.terminated(terminationIn(request))
  reply.ok()
}

function originOf({ headers }: ImppRequest): Address | undefined {
  return addressOfUrl(headers.get('origin') ?? '')
}
