// The requests that a client may make; all others are `operation-not-supported`.

import { getAcl, setAcl } from './acl.ts'
import { auth } from './auth.ts'
import { change } from './change.ts'
import { authorize, getContacts, setContact } from './contacts.ts'
import { fetch } from './fetch.ts'
import { getForward, setForward } from './forward.ts'
import { hello } from './hello.ts'
import { getHistory } from './history.ts'
import type { Method } from './method.ts'
import { ping, quit } from './ping-quit.ts'
import { send } from './send.ts'
import { starttls } from './starttls.ts'
import { subscribe } from './subscribe.ts'
import { unsubscribe } from './unsubscribe.ts'
import { getWatchers } from './watchers.ts'

export type { SendAnswer } from './send.ts'

export const methods: ReadonlyMap<string, Method> = new Map([
  ['HELLO', hello],
  ['STARTTLS', starttls],
  ['AUTH', auth],
  ['PING', ping],
  ['QUIT', quit],
  ['SEND', send],
  ['SUBSCRIBE', subscribe],
  ['UNSUBSCRIBE', unsubscribe],
  ['FETCH', fetch],
  ['CHANGE', change],
  ['GET-ACL', getAcl],
  ['SET-ACL', setAcl],
  ['GET-CONTACTS', getContacts],
  ['SET-CONTACT', setContact],
  ['AUTHORIZE', authorize],
  ['GET-WATCHERS', getWatchers],
  ['GET-HISTORY', getHistory],
  ['GET-FORWARD', getForward],
  ['SET-FORWARD', setForward],
])
