// HELLO (docs/specs/impp-1.0.md §6.1): limits of both sides (IMPP §12, D43), the domain, what may follow.

import type { ClientSession } from '../client-session.ts'
import { decimal, type ImppRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { mechanisms } from './auth.ts'
import type { Method } from './method.ts'

/** LIMIT: a client that takes less than this cannot be spoken with. */
const unitOctetsMin = 1024

export const hello: Method = {
  when: 'before-login',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const { service, settings, tls } = session.environment
    const domain = (headers.get('domain') ?? '').toLowerCase()
    const unitOctets = limit(headers.get('max-message-size'))
    const pending = limit(headers.get('max-pending'))
    if (domain === '' || unitOctets === 'bad' || pending === 'bad') return reply.error('malformed')
    if (unitOctets !== undefined && unitOctets < unitOctetsMin) return reply.error('not-acceptable')
    if (!service.router.isLocal(domain))
      return reply.refuse({ condition: 'domain-unknown' }, [], 'This server does not serve that domain.')
    // IMPP §18.8 (E9): this domain's clients are served elsewhere.
    if (settings.redirect !== undefined)
      return reply.refuse({ condition: 'redirect-to-server', location: settings.redirect })
    session.greet(domain, unitOctets, pending)
    const secure = session.connection.tls !== undefined
    const offered = mechanisms(session)
    reply.ok([
      ['Domain', domain],
      ['Max-Message-Size', String(settings.messageOctetsMax)],
      ['Max-Pending', String(settings.pendingMax)],
      [
        'STARTTLS',
        secure ? 'active' : tls === undefined ? undefined : offered.length === 0 ? 'required' : 'available',
      ],
      ['Mechanisms', offered.length === 0 ? undefined : offered.join(' ')],
    ])
  },
}

function limit(value: string | undefined): number | undefined | 'bad' {
  if (value === undefined) return undefined
  const number = decimal(value)
  return number === undefined || number === 0 ? 'bad' : number
}
