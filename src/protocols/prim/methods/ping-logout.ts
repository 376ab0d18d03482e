// PING and LOGOUT (docs/specs/prim.md §4.5, §4.4): never answered.

import type { Method } from './method.ts'

export const ping: Method = {
  when: 'before-login',
  service: 'both',
  isAnswered: false,
  hasBody: false,
  // That it came is all it says.
  take: () => {},
}

export const logout: Method = {
  when: 'before-login',
  service: 'both',
  isAnswered: false,
  hasBody: false,
  take: (session) => session.close(),
}
