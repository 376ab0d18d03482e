// SUBSCRIBE (docs/specs/prim.md §6.3): opens, renews; in two styles. Without a Subscription-ID the presence comes in the response; with
// it by NOTIFY at once, several of a pair may be, and Duration 0 ends one that is known and fetches once by one that is not.

import type { SubscriptionOutcome } from '#core'
import type { Address } from '#model'
import { absentBody, notificationBody } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { dateText, decimal, field, idOf, type PrimRequest, requestBytes } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { PrimWatch } from '../subscription.ts'
import { fetch } from './fetch.ts'
import type { Method } from './method.ts'
import { tokenField, toOf } from './parties.ts'

export const subscribe: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { settings, watches } = session.environment
    const login = session.login as Login
    const presentity = toOf(request, 'pres')
    const subscriptionId = tokenField(request, 'Subscription-ID')
    const wish = field(request.headers, 'Duration')
    const wanted = wish === undefined ? settings.subscriptionSecondsMax : decimal(wish)
    if (presentity === undefined || subscriptionId === 'malformed' || wanted === undefined)
      return reply.error('malformed')
    const watcher = login.account.address
    const known = watches.find(watcher, presentity, subscriptionId)
    if (wanted === 0) {
      if (subscriptionId === undefined) return fetch.take(session, request, reply)
      if (known === undefined) return poll(session, login, presentity, subscriptionId, reply)
      return end(session, known, reply)
    }
    const watch = known ?? watches.open(watcher, presentity, subscriptionId, () => {})
    if (watch === undefined) return reply.error('resource-limit')
    const seconds = Math.max(
      Math.min(wanted, settings.subscriptionSecondsMax),
      settings.subscriptionSecondsMin,
    )
    const wished = { id: watch.id, watcher, presentity, seconds, agent: watch }
    session.service.presence.subscribe(wished, (outcome) =>
      granted(session, watch, outcome, wish === String(seconds) ? 200 : 201, subscriptionId, reply),
    )
  },
}

function granted(
  session: ClientSession,
  watch: PrimWatch,
  outcome: SubscriptionOutcome,
  status: number,
  subscriptionId: string | undefined,
  reply: Reply,
): void {
  if (outcome.kind === 'refused') {
    watch.end()
    return reply.refuse(outcome)
  }
  watch.granted(outcome.seconds)
  const { login } = session
  // The connection ended while the presentity was looked up: the subscription goes on (§4.4).
  if (session.state === 'over' || login === undefined) return
  login.watches.add(watch)
  const duration: [string, string][] = [['Duration', String(outcome.seconds)]]
  if (subscriptionId !== undefined) {
    watch.join(session, undefined)
    return reply.give(status, duration)
  }
  if (outcome.kind === 'pending') {
    // The presentity has not decided: until it has, the watcher sees nothing, and is told when it may.
    watch.join(session, () => {})
    watch.forget()
    return reply.give(status, duration, absentBody(watch.presentity))
  }
  // The full notification that follows at once is what the response returns.
  watch.join(session, (body) => reply.give(status, duration, body))
}

/** Ends one that is known (RFC 3859 §3.3). */
export function end(session: ClientSession, watch: PrimWatch, reply: Reply): void {
  watch.end()
  session.service.presence.unsubscribe(watch.presentity, watch.id, watch.watcher, (outcome) => {
    if (outcome.kind === 'refused') reply.refuse(outcome)
    else reply.ok()
  })
}

/** One NOTIFY and no more, by an id that is not known. */
function poll(
  session: ClientSession,
  { account, names }: Login,
  presentity: Address,
  subscriptionId: string,
  reply: Reply,
): void {
  session.service.presence.fetch(account.address, presentity, (fetched) => {
    if (fetched.kind === 'refused') return reply.refuse(fetched)
    reply.ok()
    if (session.state === 'over') return
    const id = session.freshId()
    const body = notificationBody(fetched.notification)
    const fields: [string, string][] = [
      ['From', idOf(presentity, 'pres')],
      ['To', idOf(names.pres ?? account.address, 'pres')],
      ['Subscription-ID', subscriptionId],
      ['Duration', '0'],
      ['Date', dateText(session.service.clock.now())],
    ]
    const octets = requestBytes('NOTIFY', 'PRIM-PR', id, fields, body)
    if (body.bytes.length <= session.bodyOctetsMax) session.exchange.request({ id }, [octets], () => {})
  })
}
