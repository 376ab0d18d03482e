// PUBLISH and REMOVE (docs/specs/prim.md §6.2): one tuple a request, for a lease or for good.

import type { Outcome } from '#model'
import { presenceEnvelope } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { decimal, field, type PrimRequest, parsePresenceBody } from '../codec/index.ts'
import type { PrimEnvelope } from '../envelope.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { tokenField } from './parties.ts'

export const publish: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { headers, body } = request
    const login = session.login as Login
    const { presence } = session.service
    const tuple = tokenField(request, 'Tuple-ID')
    const type = field(headers, 'PI-Type') ?? ''
    if (tuple === undefined || tuple === 'malformed') return reply.error('malformed')
    const isLease = type === 'leased' || type === 'renew'
    const wish = isLease ? decimal(field(headers, 'Duration') ?? '') : 0
    // A lease has a length; renew and revert have nothing to say.
    if (wish === undefined || (isLease && wish === 0)) return reply.error('malformed')
    const seconds = Math.min(wish, session.environment.settings.publicationSecondsMax)
    const duration: [string, string][] = isLease ? [['Duration', String(seconds)]] : []
    const answer = (outcome: Outcome): void => {
      if (outcome.kind === 'refused') reply.refuse(outcome)
      else reply.ok(duration)
    }
    const presentity = login.account.address
    const about = { presentity, by: presentity, tuple }
    if (type === 'renew' && body.length === 0) return presence.renew(presentity, tuple, seconds, answer)
    if (type === 'revert' && body.length === 0)
      return presence.publish({ ...about, source: undefined, seconds: undefined }, answer)
    if (type !== 'leased' || body.length === 0) return reply.error('malformed')
    const source = sourceOf(session, request, login)
    if (typeof source === 'string') return reply.error(source)
    presence.publish({ ...about, source, seconds }, answer)
  },
}

export const remove: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const tuple = tokenField(request, 'Tuple-ID')
    if (tuple === undefined || tuple === 'malformed') return reply.error('malformed')
    if (!account.presentity.tuples.has(tuple)) return reply.error('not-found')
    const presentity = account.address
    const gone = { presentity, by: presentity, tuple, source: undefined, seconds: undefined }
    session.service.presence.publish(gone, (outcome) => {
      if (outcome.kind === 'refused') reply.refuse(outcome)
      else reply.ok()
    })
  },
}

/** §6.2: a document with one tuple. */
function sourceOf(
  session: ClientSession,
  request: PrimRequest,
  { account, agent }: Login,
): PrimEnvelope | 'malformed' | 'content-not-understood' {
  const type = field(request.headers, 'Content-Type') ?? ''
  const document = parsePresenceBody(type, request.body, session.service.clock.now())
  if (document === 'not-understood') return 'content-not-understood'
  if (document === 'malformed' || document.tuples.length !== 1) return 'malformed'
  return presenceEnvelope(request, account.address, agent.id, document)
}
