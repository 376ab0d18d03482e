// What a method of PRIM is to a client's session: when it is taken, of which service it is, and what takes it.

import type { ClientSession } from '../client-session.ts'
import { field, type PrimRequest, type Scheme } from '../codec/index.ts'
import type { Reply } from '../reply.ts'

export interface Method {
  /** `logged-in`: to its service, with the From of that login (docs/specs/prim.md §4.3). */
  readonly when: 'before-login' | 'logged-in'
  readonly service: Scheme | 'both'
  /** False for what nobody answers (PING, LOGOUT). */
  readonly isAnswered: boolean
  readonly hasBody: boolean
  /** Takes a request, a loan until it returns; `reply` is given once, now or later. */
  take(session: ClientSession, request: PrimRequest, reply: Reply): void
}

/**
 * The service that a request is for: its version token says so; with `PRIM` its method does, and where that is of both, the scheme of
 * From (docs/specs/prim.md §3.2). Undefined where token and method contradict each other.
 */
export function serviceOf(
  { token, headers }: PrimRequest,
  { service }: Pick<Method, 'service'>,
): Scheme | undefined {
  const named = token === 'PRIM-PR' ? 'pres' : token === 'PRIM-IM' ? 'im' : undefined
  if (service !== 'both') return named === undefined || named === service ? service : undefined
  if (named !== undefined) return named
  const from = field(headers, 'From') ?? ''
  return from.startsWith('pres:') ? 'pres' : from.startsWith('im:') ? 'im' : undefined
}
