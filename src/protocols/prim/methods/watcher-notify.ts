// STARTWATCHERNOTIFY and STOPWATCHERNOTIFY (docs/specs/prim.md §6.6; RFC 2779 5.1.11, 5.1.12): who watches, and who comes and goes.

import type { ClientSession, Login } from '../client-session.ts'
import { idOf, listMediaType, type PrimRequest, subscribersBytes } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { WatcherFeed } from '../watcher-feed.ts'
import type { Method } from './method.ts'

export const startWatcherNotify: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, _request: PrimRequest, reply: Reply): void {
    const login = session.login as Login
    const { presence } = session.service
    const watchers = presence.watchers(login.account)
    if (login.feed === undefined) {
      login.feed = new WatcherFeed(session, login.names.pres ?? login.account.address, watchers)
      presence.watchWatchers(login.account, login.feed)
    }
    const ids = watchers
      .filter(({ status }) => status !== 'waiting')
      .map(({ watcher }) => idOf(watcher, 'pres'))
    reply.ok([], { type: listMediaType, bytes: subscribersBytes([...new Set(ids)]) })
  },
}

export const stopWatcherNotify: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, _request: PrimRequest, reply: Reply): void {
    const login = session.login as Login
    if (login.feed !== undefined) session.service.presence.unwatchWatchers(login.account, login.feed)
    login.feed = undefined
    reply.ok()
  },
}
