// STARTTLS (docs/specs/prim.md §4.2).

import type { Method } from './method.ts'

export const starttls: Method = {
  when: 'before-login',
  service: 'both',
  isAnswered: true,
  hasBody: false,
  take(session, _request, reply): void {
    const { connection, environment } = session
    if (session.state !== 'new' || connection.tls !== undefined || session.exchanging !== undefined)
      return reply.error('malformed')
    if (environment.tls === undefined) return reply.error('operation-not-supported')
    reply.ok()
    session.state = 'securing'
    const requestCertificate = environment.logins.sasl.takesCertificates
    connection.startTls(environment.tls, { server: true, requestCertificate })
  },
}
