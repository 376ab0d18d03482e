// UNSUBSCRIBE (docs/specs/prim.md §6.3): without a Subscription-ID all of the pair.

import type { ClientSession, Login } from '../client-session.ts'
import type { PrimRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { tokenField, toOf } from './parties.ts'
import { end } from './subscribe.ts'

export const unsubscribe: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { watches } = session.environment
    const watcher = (session.login as Login).account.address
    const presentity = toOf(request, 'pres')
    const subscriptionId = tokenField(request, 'Subscription-ID')
    if (presentity === undefined || subscriptionId === 'malformed') return reply.error('malformed')
    const named = watches.find(watcher, presentity, subscriptionId)
    const all = subscriptionId === undefined ? watches.of(watcher, presentity) : named ? [named] : []
    if (all.length === 0) return reply.error('subscription-unknown')
    for (const watch of all) end(session, watch, reply)
  },
}
