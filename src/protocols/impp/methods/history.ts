// GET-HISTORY (docs/specs/impp-1.0.md §11.5): one's own messages of all protocols, each as the SEND that shows it, content byte for byte.

import { type Bytes, concat } from '#base'
import type { HistoryItem, HistoryQuery } from '#core'
import { ServiceError } from '#core'
import type { Condition } from '#model'
import type { HeaderLines } from '#wire/header-lines'
import { historyMediaType, historyUnit } from '../binding-history.ts'
import { personOf } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { decimal, type ImppRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { bodyOctetsMax, ownTargetFault } from './own.ts'

/** LIMIT: messages of one response; how many when nobody asks; how many are in memory at a time. */
const limitMax = 1000
const limitDefault = 50
const batchMax = 25

export const getHistory: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const query = ownTargetFault(login, headers) ?? queryOf(headers)
    if (typeof query === 'string') return reply.error(query)
    // LIMIT: one page at a time is read for a connection.
    if (login.readingHistory) return reply.error('resource-limit')
    login.readingHistory = true
    pageOf(session, login, query)
      .then(
        (page) => {
          const type = historyMediaType
          reply.ok([['Next', page.next]], page.bytes.length === 0 ? undefined : { type, bytes: page.bytes })
        },
        (cause: unknown) => {
          const missing = cause instanceof ServiceError && cause.condition === 'not-found'
          if (!missing) session.service.log.error('a history could not be read', { error: cause })
          reply.error(missing ? 'not-found' : 'internal-fault')
        },
      )
      .finally(() => {
        login.readingHistory = false
      })
  },
}

function queryOf(headers: HeaderLines): HistoryQuery | Condition {
  const limit = headers.get('limit')
  const count = limit === undefined ? limitDefault : decimal(limit)
  const [start, end] = [momentOf(headers.get('start')), momentOf(headers.get('end'))]
  const [after, before] = [headers.get('after'), headers.get('before')]
  if (count === undefined || count < 1 || start === 'bad' || end === 'bad') return 'malformed'
  if (after !== undefined && before === '-') return 'malformed'
  const named = headers.get('with')
  const peer = named === undefined ? undefined : personOf(named)
  if (named !== undefined && peer === undefined) return 'address-malformed'
  return {
    ...(peer !== undefined && { with: peer }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(after !== undefined && { afterId: after }),
    ...(before !== undefined && before !== '-' && { beforeId: before }),
    backwards: before !== undefined && after === undefined,
    limit: Math.min(count, limitMax),
  }
}

function momentOf(value: string | undefined): number | undefined | 'bad' {
  if (value === undefined) return undefined
  const moment = /^\d{4}-\d\d-\d\d[Tt]/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(moment) ? 'bad' : moment
}

/** As many as were asked for and fit, oldest first; `next`: where the following page begins, if there is one. */
async function pageOf(session: ClientSession, login: Login, query: HistoryQuery) {
  const units: Bytes[] = []
  let left = bodyOctetsMax(session)
  const backwards = query.backwards === true
  let place = query
  let last: string | undefined
  for (let wanted = query.limit; ; ) {
    // One more than is wanted tells whether there is more.
    const limit = Math.min(wanted, batchMax) + 1
    const found = await session.service.store.history(login.account.address, { ...place, limit })
    const batch = backwards ? [...found].reverse() : found
    for (const item of batch.slice(0, limit - 1)) {
      const unit = unitOf(
        session,
        login,
        item,
        left === bodyOctetsMax(session) ? left : Number.POSITIVE_INFINITY,
      )
      if (unit.length > left) return pageWith(units, backwards, last)
      left -= unit.length
      wanted--
      units.push(unit)
      last = item.id
    }
    if (batch.length < limit) return pageWith(units, backwards, undefined)
    if (wanted <= 0) return pageWith(units, backwards, last)
    place = { ...query, ...(backwards ? { beforeId: last as string } : { afterId: last as string }) }
  }
}

function pageWith(units: readonly Bytes[], backwards: boolean, next: string | undefined) {
  return { bytes: concat(backwards ? [...units].reverse() : units), next }
}

function unitOf(session: ClientSession, login: Login, item: HistoryItem, octetsMax: number): Bytes {
  const { service } = session
  const unit = historyUnit(item, (stored) => service.revive(stored), login.address, octetsMax)
  if (unit.fault !== undefined)
    service.log.error('a message of a history could not be shown', { error: unit.fault, id: item.id })
  return unit.bytes
}
