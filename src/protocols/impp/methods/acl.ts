// GET-ACL and SET-ACL (IMPP §11.1, §16; docs/specs/impp-1.0.md §11.2): the one set of access rules that all protocols obey.

import type { AccessRule, RulesChange } from '#core'
import type { Condition } from '#model'
import { ruleEntry, ruleOf, rulesTag } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { type ImppRequest, listMediaType, parseRules, ruleText } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { giveList, ownTargetFault } from './own.ts'

export const getAcl: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    const { rules } = login.account
    const entries = [...rules.values()].map((rule) => ({
      key: rule.subject,
      text: ruleText(ruleEntry(rule)),
    }))
    giveList(session, headers, reply, 'access', entries, [['Entity-Tag', rulesTag(rules)]])
  },
}

export const setAcl: Method = {
  when: 'logged-in',
  take(session: ClientSession, request: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const { headers } = request
    const change = headers.get('change')
    const wanted = headers.get('if-match')
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    // A whole set replaces only what its writer has seen: else one device would undo what another did (§11.2).
    if (change !== 'put' && change !== 'remove' && (change !== 'replace' || wanted === undefined))
      return reply.error('malformed')
    const rules = rulesIn(request)
    if (typeof rules === 'string') return reply.error(rules)
    const owner = login.account.address
    session.service.contacts.changeRules(
      owner,
      (account) => {
        if (wanted !== undefined && wanted !== rulesTag(account.rules)) return 'precondition-failed'
        return changeOf(change, rules, account.rules.keys())
      },
      (outcome) => {
        const tag: [string, string][] = [['Entity-Tag', rulesTag(login.account.rules)]]
        if (outcome.kind === 'refused') reply.refuse(outcome, tag)
        else reply.ok(tag)
      },
    )
  },
}

function rulesIn({ headers, body }: ImppRequest): AccessRule[] | Condition {
  const type = headers.get('content-type')
  if (type === undefined) return 'malformed'
  if (type.toLowerCase() !== listMediaType) return 'content-not-understood'
  const entries = parseRules(body)
  if (entries === undefined) return 'malformed'
  const rules = entries.map(ruleOf)
  return rules.every((rule) => rule !== undefined) ? rules : 'address-malformed'
}

function changeOf(
  change: 'put' | 'remove' | 'replace',
  rules: readonly AccessRule[],
  subjects: Iterable<string>,
): RulesChange {
  if (change === 'put') return { removed: [], put: rules }
  if (change === 'remove') return { removed: rules.map(({ subject }) => subject), put: [] }
  return { removed: [...subjects], put: rules }
}
