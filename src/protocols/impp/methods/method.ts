// What a method of IMPP/1.0 is to the session: when it is taken, and what takes it.

import type { ClientSession } from '../client-session.ts'
import type { ImppRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'

export interface Method {
  /** `logged-in`: with the From and Connection-ID of the login (IMPP §19). */
  readonly when: 'always' | 'before-login' | 'logged-in'
  /** Takes a request, a loan until it returns; `reply` is given once, now or later. */
  take(session: ClientSession, request: ImppRequest, reply: Reply): void
}
