// SETACL and GETACL (docs/specs/prim.md §6.4; RFC 2779 §2.3): the one set of access rules that all protocols obey, as a presentity's list
// and as an inbox's.

import type { AccessRule } from '#core'
import type { Condition } from '#model'
import { aclOf, rulesByAcl } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  aclBytes,
  field,
  inboxRights,
  listMediaType,
  type PrimRequest,
  parseAcl,
  presenceRights,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { type Method, serviceOf } from './method.ts'

export const getAcl: Method = {
  when: 'logged-in',
  service: 'both',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const service = serviceOf(request, getAcl)
    if (service === undefined) return reply.error('malformed')
    const list = aclOf(account.address, account.rules, service, ofNeighbours(session))
    reply.ok([], { type: listMediaType, bytes: aclBytes(list) })
  },
}

export const setAcl: Method = {
  when: 'logged-in',
  service: 'both',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const service = serviceOf(request, setAcl)
    const list = isList(request)
      ? parseAcl(request.body, service === 'pres' ? presenceRights : inboxRights)
      : undefined
    if (service === undefined || list === undefined) return reply.error('malformed')
    const neighbours = ofNeighbours(session)
    replaceRules(session, reply, ({ rules }) => rulesByAcl(account.address, rules, list, service, neighbours))
  },
}

/** What watchers of the owner's own domain may do where no rule says. */
export function ofNeighbours(session: ClientSession): 'allow' | 'confirm' {
  const { address } = (session.login as Login).account
  const neighbour = { ...address, user: '', key: address.domain }
  const silent = { address, rules: new Map(), contacts: new Map() }
  return session.service.presence.decisionFor(silent, neighbour) === 'confirm' ? 'confirm' : 'allow'
}

export function isList({ headers }: PrimRequest): boolean {
  const type = (field(headers, 'Content-Type') ?? '').toLowerCase().split(';')[0]?.trim()
  return type === listMediaType || type === 'text/xml'
}

/** All rules become those that `decide` gives, in one step. */
export function replaceRules(
  session: ClientSession,
  reply: Reply,
  decide: (login: Login['account']) => readonly AccessRule[] | Condition,
  then: () => void = () => reply.ok(),
): void {
  const { account } = session.login as Login
  session.service.contacts.changeRules(
    account.address,
    (found) => {
      const put = decide(found)
      if (typeof put === 'string') return put
      const subjects = new Set(put.map(({ subject }) => subject))
      return { removed: [...found.rules.keys()].filter((subject) => !subjects.has(subject)), put }
    },
    (outcome) => {
      if (outcome.kind === 'refused') reply.refuse(outcome)
      else then()
    },
  )
}
