// FETCH (IMPP §18.3): what the watcher may see now.

import { notificationBody } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { acceptedTypes, addressOfUrl, type ImppRequest, presenceTypeOf } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const fetch: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const target = headers.get('target')
    if (target === undefined) return reply.error('malformed')
    const presentity = addressOfUrl(target)
    if (presentity === undefined) return reply.error('address-malformed')
    const type = presenceTypeOf(acceptedTypes(headers.get('accept') ?? ''))
    if (type === undefined) return reply.error('content-not-understood')
    session.service.presence.fetch(login.account.address, presentity, (fetched) => {
      if (fetched.kind === 'refused') reply.refuse(fetched)
      else reply.ok([], notificationBody(fetched.notification, type))
    })
  },
}
