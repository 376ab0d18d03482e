// PUBLISH and REMOVE (docs/specs/prim.md §6.2): one tuple a request, for a lease or for good.

import type { PresenceClass } from '#core'
import type { Address, Outcome, Refused } from '#model'
import { presenceEnvelope } from '../binding.ts'
import { defaultClass, presenceClassOf } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { classList, decimal, field, type PrimRequest, parsePresenceBody } from '../codec/index.ts'
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
    const type = field(headers, 'PI-Type') ?? ''
    const places = placesOf(session, request)
    const hasValue = type === 'leased' || type === 'permanent'
    const isLease = type === 'leased' || type === 'renew'
    const wish = isLease ? decimal(field(headers, 'Duration') ?? '') : 0
    // A lease has a length; renew and revert have nothing to say.
    if (places === undefined || wish === undefined || (isLease && wish === 0)) return reply.error('malformed')
    if (hasValue !== body.length > 0 || !types.has(type)) return reply.error('malformed')
    const seconds = Math.min(wish, session.environment.settings.publicationSecondsMax)
    const source = hasValue ? sourceOf(session, request, login) : undefined
    if (typeof source === 'string') return reply.error(source)
    const duration: [string, string][] = isLease ? [['Duration', String(seconds)]] : []
    const answer = answerOfAll(places.length, (refused) => {
      if (refused === undefined) reply.ok(duration)
      else reply.refuse(refused)
    })
    for (const place of places) publishAt(session, place, type, source, seconds, answer)
  },
}

const types: ReadonlySet<string> = new Set(['leased', 'permanent', 'renew', 'revert'])

/** A tuple as a class of watchers has it. */
interface Place {
  readonly presentity: Address
  readonly by: Address
  readonly tuple: string
  readonly freeName: true
  readonly of?: PresenceClass
}

/** docs/specs/prim.md §6.2: what becomes of one tuple in one class. */
function publishAt(
  session: ClientSession,
  place: Place,
  type: string,
  source: PrimEnvelope | undefined,
  seconds: number,
  answer: (outcome: Outcome) => void,
): void {
  const { presence } = session.service
  switch (type) {
    case 'leased':
      return presence.publish({ ...place, source, seconds }, answer)
    case 'permanent':
      return presence.publish({ ...place, source, seconds: Number.POSITIVE_INFINITY, kept: true }, answer)
    case 'renew':
      return presence.renew(place, seconds, answer)
    default:
      return presence.publish({ ...place, source: undefined, seconds: undefined }, answer)
  }
}

export const remove: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const places = placesOf(session, request)
    if (places === undefined) return reply.error('malformed')
    // Where it is in some of the classes, it is gone from them; 403: it is in none.
    let found = 0
    const answer = answerOfAll(places.length, (refused) => {
      if (refused === undefined || (refused.condition === 'not-found' && found > 0)) reply.ok()
      else reply.refuse(refused)
    })
    for (const place of places) {
      session.service.presence.withdraw(place, (outcome) => {
        if (outcome.kind !== 'refused') found++
        answer(outcome)
      })
    }
  },
}

/** The tuple in each class that is named; undefined where the request names none, or a class that does not exist (§6.2). */
function placesOf(session: ClientSession, request: PrimRequest): readonly Place[] | undefined {
  const { account } = session.login as Login
  const tuple = tokenField(request, 'Tuple-ID')
  const named = field(request.headers, 'Class')
  const classes = named === undefined ? [defaultClass] : classList(named)
  if (tuple === undefined || tuple === 'malformed' || classes === undefined) return undefined
  const presentity = account.address
  const about = { presentity, by: presentity, tuple, freeName: true } as const
  const places: Place[] = []
  for (const name of classes) {
    const of = presenceClassOf(name)
    if (of === 'reserved') return undefined
    if (of !== undefined && !session.service.presence.hasClass(account, of)) return undefined
    places.push(of === undefined ? about : { ...about, of })
  }
  return places
}

/** Calls back once, with a refusal if there was any: a lack of something is the least of them. */
function answerOfAll(
  count: number,
  done: (refused: Refused | undefined) => void,
): (outcome: Outcome) => void {
  let refused: Refused | undefined
  let left = count
  return (outcome) => {
    if (outcome.kind === 'refused' && (refused === undefined || refused.condition === 'not-found'))
      refused = outcome
    if (--left === 0) done(refused)
  }
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
