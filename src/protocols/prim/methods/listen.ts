// LISTEN and SILENCE (docs/specs/prim.md §6.1): an inbox is open while a device of its owner listens.

import type { ClientSession, Login } from '../client-session.ts'
import type { PrimRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const listen: Method = {
  when: 'logged-in',
  service: 'im',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, _request: PrimRequest, reply: Reply): void {
    const { agent, account } = session.login as Login
    agent.listens = true
    reply.ok()
    session.service.messages.ready(account)
  },
}

export const silence: Method = {
  when: 'logged-in',
  service: 'im',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, _request: PrimRequest, reply: Reply): void {
    const { agent } = session.login as Login
    if (!agent.listens) return reply.error('mailbox-unavailable')
    agent.listens = false
    reply.ok()
  },
}
