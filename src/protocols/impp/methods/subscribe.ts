// SUBSCRIBE (IMPP §18.1): creates or extends; the server decides the lease (IMPP §14, D50).

import { randomId } from '#base'
import type { Address } from '#model'
import { absentBody } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  acceptedTypes,
  addressOfUrl,
  type ImppRequest,
  leaseTimeOf,
  leaseTimeText,
  presenceTypeOf,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { ImppSubscription } from '../subscription.ts'
import { fetch } from './fetch.ts'
import type { Method } from './method.ts'

export const subscribe: Method = {
  when: 'logged-in',
  take(session: ClientSession, request: ImppRequest, reply: Reply): void {
    const { headers } = request
    const { settings, service } = session.environment
    const login = session.login as Login
    const target = headers.get('target')
    const wish = headers.get('lease-time')
    const asked = wish === undefined ? settings.subscriptionSecondsDefault : leaseTimeOf(wish)
    if (target === undefined || asked === undefined) return reply.error('malformed')
    if (asked === 0) return fetch.take(session, request, reply) // RFC 3859 §3.3: duration 0 is a fetch
    const presentity = addressOfUrl(target)
    if (presentity === undefined) return reply.error('address-malformed')
    const type = presenceTypeOf(acceptedTypes(headers.get('accept') ?? ''))
    if (type === undefined) return reply.error('content-not-understood')
    const known = login.subscriptions.get(presentity.key)
    if (known === undefined && login.subscriptions.size >= settings.subscriptionsMax)
      return reply.error('resource-limit')
    const subscription = known ?? open(session, login, presentity)
    subscription.type = type
    const longest = settings.subscriptionSecondsMax
    const wanted = asked === 'connection' ? longest : Math.min(asked, longest)
    const seconds = Math.max(wanted, settings.subscriptionSecondsMin)
    const watcher = login.account.address
    const wished = { id: subscription.id, watcher, presentity, seconds, agent: subscription }
    service.presence.subscribe(wished, (outcome) => {
      if (outcome.kind === 'refused') {
        subscription.end()
        return reply.refuse(outcome)
      }
      // The connection ended while the presentity was looked up.
      if (session.state === 'over')
        return service.presence.unsubscribe(presentity, subscription.id, watcher, () => {})
      const granted = (state: string): [string, string][] => [
        ['Lease-Time', leaseTimeText(outcome.seconds)],
        ['Subscription-State', state],
      ]
      if (outcome.kind === 'pending') return reply.ok(granted('pending'), absentBody(presentity, type))
      // The full notification that follows at once is what the OK returns (D74).
      subscription.answerWith((body) => reply.ok(granted('active'), body))
    })
  },
}

function open(session: ClientSession, login: Login, presentity: Address): ImppSubscription {
  const subscription = new ImppSubscription({
    id: `impp-${randomId()}`,
    watcher: login.account.address,
    address: login.address,
    presentity,
    exchange: session.exchange,
    unitOctetsMax: session.unitOctetsMax,
    freshId: session.freshId,
    onOver: () => login.subscriptions.delete(presentity.key),
  })
  login.subscriptions.set(presentity.key, subscription)
  return subscription
}
