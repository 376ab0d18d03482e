// GET-WATCHERS (docs/specs/impp-1.0.md §11.4): who watches one's presence, and who asks to (RFC 3857).

import { watcherEntry } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { type ImppRequest, watcherText } from '../codec/index.ts'
import { followWatchers } from '../feeds.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { giveList, ownTargetFault } from './own.ts'

export const getWatchers: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    if (headers.get('notify') === 'yes') followWatchers(session, login)
    const watchers = session.service.presence.watchers(login.account)
    const entries = watchers.map((watcher) => ({ key: watcher.id, text: watcherText(watcherEntry(watcher)) }))
    giveList(session, headers, reply, 'watchers', entries)
  },
}
