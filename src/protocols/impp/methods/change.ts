// CHANGE (IMPP §18.5): what the client's own presentity says, for a lease, for the connection's life, or permanently.

import { presenceEnvelope } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  addressOfUrl,
  type ImppRequest,
  leaseTimeOf,
  leaseTimeText,
  parsePresenceBody,
} from '../codec/index.ts'
import type { ImppEnvelope } from '../envelope.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const change: Method = {
  when: 'logged-in',
  take(session: ClientSession, request: ImppRequest, reply: Reply): void {
    const { headers } = request
    const login = session.login as Login
    const target = headers.get('target')
    const lease = leaseTimeOf(headers.get('lease-time') ?? '')
    if (target === undefined || lease === undefined) return reply.error('malformed')
    const presentity = addressOfUrl(target)
    if (presentity === undefined) return reply.error('address-malformed')
    const withdraws =
      lease === 0 || (lease === Number.POSITIVE_INFINITY && headers.find('content-type') === -1)
    const source = withdraws ? undefined : sourceOf(session, request, login)
    if (typeof source === 'string') return reply.error(source)
    const granted =
      typeof lease === 'number' && Number.isFinite(lease)
        ? Math.min(lease, session.environment.settings.changeSecondsMax)
        : lease
    const seconds = granted === 'connection' || granted === 0 ? undefined : granted
    const publication = { presentity, by: login.account.address, tuple: login.connectionId, source, seconds }
    session.service.presence.publish(publication, (outcome) => {
      if (outcome.kind === 'refused') return reply.refuse(outcome)
      if (seconds !== Number.POSITIVE_INFINITY) login.published = granted === 'connection'
      reply.ok([['Lease-Time', leaseTimeText(granted)]])
    })
  },
}

function sourceOf(
  session: ClientSession,
  request: ImppRequest,
  login: Login,
): ImppEnvelope | 'malformed' | 'content-not-understood' {
  const type = request.headers.get('content-type')
  if (type === undefined) return 'malformed'
  const document = parsePresenceBody(type, request.body, session.service.clock.now())
  if (document === 'not-understood') return 'content-not-understood'
  if (document === 'malformed') return 'malformed'
  return presenceEnvelope(request, login.account.address, login.connectionId, document)
}
