// GET-FORWARD and SET-FORWARD (docs/specs/impp-1.0.md §11.6): the person has moved, for a while or for good (IMPP §18.8, E6, E7).

import type { Forward } from '#core'
import type { ClientSession, Login } from '../client-session.ts'
import type { Fields, ImppRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { ownTargetFault } from './own.ts'

export const getForward: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    reply.ok(forwardFields(login.account.forward))
  },
}

export const setForward: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    const word = headers.get('forward')
    const location = headers.get('location')
    const wish = word === 'temporary' || word === 'permanent'
    if (word === 'none' ? location !== undefined : !wish || location === undefined)
      return reply.error('malformed')
    const forward = location === undefined ? undefined : { location, permanent: word === 'permanent' }
    session.service.accounts.setForward(login.account.address, forward).then(
      (outcome) => {
        if (outcome.kind === 'refused') reply.error(outcome.condition)
        else reply.ok(forwardFields(forward))
      },
      (cause: unknown) => {
        session.service.log.error('a forward could not be stored', { error: cause })
        reply.error('internal-fault')
      },
    )
  },
}

function forwardFields(forward: Forward | undefined): Fields {
  if (forward === undefined) return [['Forward', 'none']]
  return [
    ['Forward', forward.permanent ? 'permanent' : 'temporary'],
    ['Location', forward.location],
  ]
}
