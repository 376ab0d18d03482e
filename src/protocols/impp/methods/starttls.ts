// STARTTLS (docs/specs/impp-1.0.md §6.2; IMPP §15.1.1: TLS can be negotiated and is not mandatory).

import type { Method } from './method.ts'

export const starttls: Method = {
  when: 'before-login',
  take(session, _request, reply): void {
    const { connection, environment } = session
    if (connection.tls !== undefined || environment.tls === undefined)
      return reply.error('operation-not-supported')
    if (session.state !== 'greeted' || session.mechanism !== undefined || session.deciding)
      return reply.error('malformed')
    reply.ok()
    session.state = 'securing'
    const requestCertificate = environment.logins.sasl.takesCertificates
    connection.startTls(environment.tls, { server: true, requestCertificate })
  },
}
