// The requests that a client may make; all others are `operation-not-supported`.

import { auth } from './auth.ts'
import { change } from './change.ts'
import { fetch } from './fetch.ts'
import { hello } from './hello.ts'
import type { Method } from './method.ts'
import { ping, quit } from './ping-quit.ts'
import { send } from './send.ts'
import { starttls } from './starttls.ts'
import { subscribe } from './subscribe.ts'
import { unsubscribe } from './unsubscribe.ts'

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
])
