// The history as it is read: pages by key, never by counting; bounds in time looked for by halves.
import { clockSetBackMax } from '../history-rules.ts'
import { all, one, type Procedure, type SqlRow, type SqlValue } from './procedure.ts'

const itemColumns = 'message.id, message.at, head, raw, entry.sequence, peer, sent, archived'
const items = `SELECT ${itemColumns} FROM entry JOIN message ON message.sequence = entry.sequence
  WHERE entry.domain = ? AND owner = ?`

export function* undelivered(
  domain: string,
  owner: string,
  afterSequence: number,
  limit: number,
): Procedure<readonly SqlRow[]> {
  return yield* all(
    `${items} AND undelivered = 1 AND entry.sequence > ? ORDER BY entry.sequence LIMIT ?`,
    domain,
    owner,
    afterSequence,
    limit,
  )
}

/** The heads of what was appended, and queued, last: of either so many, none older than the newest of all by more than `within`. */
export function* recentHeads(within: number, limit: number): Procedure<readonly string[]> {
  const appended = yield* all('SELECT at, head FROM message ORDER BY sequence DESC LIMIT ?', limit)
  const queued = yield* all('SELECT at, head FROM peer_queue ORDER BY sequence DESC LIMIT ?', limit)
  const rows = [...appended, ...queued] as unknown as readonly (readonly [at: number, head: string])[]
  const newest = rows.reduce((latest, [at]) => Math.max(latest, at), 0)
  return rows.filter(([at]) => at >= newest - within).map(([, head]) => head)
}

export interface FilterValues {
  readonly peer: string | undefined
  readonly agent: string | undefined
  readonly start: number | undefined
  readonly end: number | undefined
  readonly afterId: string | undefined
  readonly beforeId: string | undefined
}

export interface HistoryValues extends FilterValues {
  readonly ids: readonly string[] | undefined
  readonly pageAfterId: string | undefined
  readonly pageBeforeId: string | undefined
  readonly backwards: boolean
  readonly limit: number
}

/** A bound that the owner does not have. */
export interface NoSuchEntry {
  readonly noSuchEntry: string
}

/** The rows, or the bound that the owner does not have. */
export function* history(
  domain: string,
  owner: string,
  query: HistoryValues,
): Procedure<readonly SqlRow[] | NoSuchEntry> {
  const whole = yield* rangeOf(domain, owner, query)
  if ('noSuchEntry' in whole) return whole
  const range = yield* within(domain, owner, whole, query.pageAfterId, query.pageBeforeId)
  if ('noSuchEntry' in range) return range
  if (query.ids !== undefined) return yield* named(domain, owner, query, range)
  const { clause, values } = conditions(domain, owner, query, range)
  const rows = yield* all(
    `${items} ${clause} ORDER BY entry.sequence ${query.backwards ? 'DESC' : 'ASC'} LIMIT ?`,
    ...values,
    query.limit,
  )
  return query.backwards ? rows.toReversed() : rows
}

export function* countHistory(
  domain: string,
  owner: string,
  filter: FilterValues,
  max: number,
): Procedure<number | NoSuchEntry> {
  const range = yield* rangeOf(domain, owner, filter)
  if ('noSuchEntry' in range) return range
  const { clause, values } = conditions(domain, owner, filter, range)
  const matching = `SELECT 1 AS matching FROM entry WHERE entry.domain = ? AND owner = ? ${clause} LIMIT ?`
  const row = yield* one(`SELECT COUNT(*) FROM (${matching}) AS counted`, ...values, max)
  return Number(row?.[0])
}

/** Exclusive bounds of the sequence. */
interface Range {
  readonly after: number
  readonly before: number
}

const everything = Number.MAX_SAFE_INTEGER

function* rangeOf(
  domain: string,
  owner: string,
  { start, end, afterId, beforeId }: FilterValues,
): Procedure<Range | NoSuchEntry> {
  const range = yield* within(domain, owner, { after: 0, before: everything }, afterId, beforeId)
  if ('noSuchEntry' in range) return range
  let { after, before } = range
  // One less and one more, since the bounds in time are inclusive and these are not.
  if (start !== undefined) {
    after = Math.max(after, (yield* firstSince(domain, owner, start - clockSetBackMax)) - 1)
  }
  if (end !== undefined) {
    before = Math.min(before, yield* firstSince(domain, owner, end + clockSetBackMax))
  }
  return { after, before }
}

/** What of a range lies behind one entry and before another. */
function* within(
  domain: string,
  owner: string,
  { after, before }: Range,
  afterId: string | undefined,
  beforeId: string | undefined,
): Procedure<Range | NoSuchEntry> {
  const [lower, upper] = [
    afterId === undefined ? after : yield* sequenceOf(domain, owner, afterId),
    beforeId === undefined ? before : yield* sequenceOf(domain, owner, beforeId),
  ]
  if (lower === undefined) return { noSuchEntry: afterId as string }
  if (upper === undefined) return { noSuchEntry: beforeId as string }
  return { after: Math.max(after, lower), before: Math.min(before, upper) }
}

/**
 * A sequence before which all of the owner's entries are older than `time`, where time went forwards: found by halves, some forty
 * looks at the primary key, however long the history.
 */
function* firstSince(domain: string, owner: string, time: number): Procedure<number> {
  // Asked for together, SQLite would walk from one end to the other.
  const first = yield* one('SELECT MIN(sequence) FROM entry WHERE domain = ? AND owner = ?', domain, owner)
  const last = yield* one('SELECT MAX(sequence) FROM entry WHERE domain = ? AND owner = ?', domain, owner)
  let low = Number(first?.[0] ?? 0)
  let high = Number(last?.[0] ?? 0) + 1
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const row = yield* one(
      'SELECT sequence, at FROM entry WHERE domain = ? AND owner = ? AND sequence >= ? ORDER BY sequence LIMIT 1',
      domain,
      owner,
      middle,
    )
    if (row === undefined || (row[1] as number) >= time) high = middle
    else low = (row[0] as number) + 1
  }
  return low
}

function conditions(
  domain: string,
  owner: string,
  { peer, agent, start, end }: FilterValues,
  { after, before }: Range,
): { readonly clause: string; readonly values: SqlValue[] } {
  let clause = 'AND archived = 1'
  const values: SqlValue[] = [domain, owner]
  const bound = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    clause += ` AND ${condition} ?`
    values.push(value)
  }
  bound('entry.sequence >', after === 0 ? undefined : after)
  bound('entry.sequence <', before === everything ? undefined : before)
  bound('peer =', peer)
  bound('agent =', agent)
  bound('entry.at >=', start)
  bound('entry.at <=', end)
  return { clause, values }
}

/** Those of the named that match, in order; all must be there. */
function* named(
  domain: string,
  owner: string,
  query: HistoryValues,
  range: Range,
): Procedure<readonly SqlRow[] | NoSuchEntry> {
  const { clause, values } = conditions(domain, owner, query, range)
  const found: SqlRow[] = []
  for (const id of new Set(query.ids)) {
    const sequence = yield* sequenceOf(domain, owner, id)
    if (sequence === undefined) return { noSuchEntry: id }
    const row = yield* one(`${items} ${clause} AND entry.sequence = ?`, ...values, sequence)
    if (row !== undefined) found.push(row)
  }
  found.sort((a, b) => (a[4] as number) - (b[4] as number))
  return query.backwards ? found.slice(-query.limit) : found.slice(0, query.limit)
}

function* sequenceOf(domain: string, owner: string, id: string): Procedure<number | undefined> {
  const row = yield* one(
    `SELECT entry.sequence FROM message JOIN entry ON entry.sequence = message.sequence
    WHERE message.domain = ? AND id = ? AND entry.domain = ? AND owner = ? AND archived = 1`,
    domain,
    id,
    domain,
    owner,
  )
  return row?.[0] as number | undefined
}
