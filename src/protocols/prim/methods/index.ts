// The requests that a client may make; all others are 501.

import { getAcl, setAcl } from './acl.ts'
import { getClassTable, setClassTable } from './class-table.ts'
import { fetch } from './fetch.ts'
import { listen, silence } from './listen.ts'
import { login } from './login.ts'
import type { Method } from './method.ts'
import { logout, ping } from './ping-logout.ts'
import { publish, remove } from './publish.ts'
import { send } from './send.ts'
import { starttls } from './starttls.ts'
import { subscribe } from './subscribe.ts'
import { unsubscribe } from './unsubscribe.ts'
import { startWatcherNotify, stopWatcherNotify } from './watcher-notify.ts'

export { type Method, serviceOf } from './method.ts'

export const methods: ReadonlyMap<string, Method> = new Map([
  ['LOGIN', login],
  ['STARTTLS', starttls],
  ['LOGOUT', logout],
  ['PING', ping],
  ['SUBSCRIBE', subscribe],
  ['UNSUBSCRIBE', unsubscribe],
  ['FETCH', fetch],
  ['PUBLISH', publish],
  ['REMOVE', remove],
  ['SETCLASSTABLE', setClassTable],
  ['GETCLASSTABLE', getClassTable],
  ['STARTWATCHERNOTIFY', startWatcherNotify],
  ['STOPWATCHERNOTIFY', stopWatcherNotify],
  ['SEND', send],
  ['LISTEN', listen],
  ['SILENCE', silence],
  ['SETACL', setAcl],
  ['GETACL', getAcl],
])
