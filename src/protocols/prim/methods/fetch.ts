// FETCH (docs/specs/prim.md §6.3): what the watcher may see now.

import { notificationBody } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import type { PrimRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { toOf } from './parties.ts'

export const fetch: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const presentity = toOf(request, 'pres')
    if (presentity === undefined) return reply.error('malformed')
    session.service.presence.fetch(account.address, presentity, (fetched) => {
      if (fetched.kind === 'refused') reply.refuse(fetched)
      else reply.ok([], notificationBody(fetched.notification))
    })
  },
}
