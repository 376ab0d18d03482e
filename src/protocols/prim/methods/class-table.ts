// SETCLASSTABLE and GETCLASSTABLE (docs/specs/prim.md §6.5): who sees which publication, and polite blocking among it (RFC 2779 2.3.3,
// 5.1.15, 5.2.3).

import { classTableOf, rulesByClassTable } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  classTableBytes,
  isTokenText,
  listMediaType,
  type PrimRequest,
  parseClassTable,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { isList, ofNeighbours, replaceRules } from './acl.ts'
import type { Method } from './method.ts'

export const getClassTable: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: false,
  take(session: ClientSession, _request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const classes = [...account.presentity.classes.entries()].map(([name]) => name)
    const table = classTableOf(account.rules, classes)
    reply.ok([], { type: listMediaType, bytes: classTableBytes(table) })
  },
}

export const setClassTable: Method = {
  when: 'logged-in',
  service: 'pres',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { account } = session.login as Login
    const table = isList(request) ? parseClassTable(request.body) : undefined
    if (table === undefined || !table.every(({ name }) => isTokenText(name))) return reply.error('malformed')
    const neighbours = ofNeighbours(session)
    const wished = rulesByClassTable(account.address, account.rules, table, neighbours)
    if (wished === 'malformed') return reply.error('malformed')
    // The classes first, so that nobody is in one that is not there; then who is in them.
    session.service.presence.setClasses(account.address, wished.classes, (outcome) => {
      if (outcome.kind === 'refused') return reply.refuse(outcome)
      replaceRules(session, reply, ({ rules }) => {
        const now = rulesByClassTable(account.address, rules, table, neighbours)
        return now === 'malformed' ? now : now.rules
      })
    })
  },
}
