// PING and QUIT (docs/specs/impp-1.0.md §6.4).

import type { Method } from './method.ts'

export const ping: Method = {
  when: 'always',
  take: (_session, _request, reply) => reply.ok(),
}

export const quit: Method = {
  when: 'always',
  take(session, _request, reply): void {
    reply.ok()
    session.close()
  },
}
