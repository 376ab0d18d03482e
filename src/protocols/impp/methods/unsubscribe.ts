// UNSUBSCRIBE (IMPP §18.2): the subscription is gone; OK returns nothing.

import type { ClientSession, Login } from '../client-session.ts'
import { addressOfUrl, type ImppRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const unsubscribe: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const target = headers.get('target')
    if (target === undefined) return reply.error('malformed')
    const presentity = addressOfUrl(target)
    if (presentity === undefined) return reply.error('address-malformed')
    const subscription = login.subscriptions.get(presentity.key)
    if (subscription === undefined) return reply.error('subscription-unknown')
    subscription.end()
    session.service.presence.unsubscribe(presentity, subscription.id, login.account.address, (outcome) => {
      if (outcome.kind === 'refused') reply.refuse(outcome)
      else reply.ok()
    })
  },
}
