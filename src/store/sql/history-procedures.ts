// The history as it is written: a message once a domain, an entry an owner, the mark of delivery on the entry (decision 0011).
import { all, insert, one, type Procedure, run } from './procedure.ts'

/** domain, owner, peer, agent, sent, undelivered, archived. */
export type EntryValues = readonly [
  domain: string,
  owner: string,
  peer: string,
  agent: string,
  sent: number,
  undelivered: number,
  archived: number,
]

const entryColumns = '(domain, owner, sequence, peer, agent, at, sent, undelivered, archived)'
const insertMessage = `INSERT INTO message (domain, id, at, owners, head, raw) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (domain, id) DO NOTHING`
const insertEntry = `INSERT INTO entry ${entryColumns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
const insertTwoEntries = `${insertEntry}, (?, ?, ?, ?, ?, ?, ?, ?, ?)`

/**
 * Appends a message for owners of one domain. The hot path leaves it to the foreign key to refuse an owner that is not there;
 * when it did, the call comes again `carefully`: a sender that is gone is passed over, a recipient that is gone refuses.
 */
export function* append(
  domain: string,
  id: string,
  at: number,
  head: string,
  raw: Uint8Array,
  entries: readonly EntryValues[],
  carefully: boolean,
): Procedure<void> {
  const kept = carefully ? yield* withoutGoneSenders(entries) : entries
  if (kept.length === 0) return
  const sequence = yield* insert(insertMessage, domain, id, at, kept.length, head, raw)
  // The same id again: it is held already.
  if (sequence === undefined) return
  if (kept.length === 2) {
    const [a, b] = kept as [EntryValues, EntryValues]
    // biome-ignore format: a row a line
    yield* run(insertTwoEntries,
      a[0], a[1], sequence, a[2], a[3], at, a[4], a[5], a[6],
      b[0], b[1], sequence, b[2], b[3], at, b[4], b[5], b[6])
    return
  }
  for (const [entryDomain, owner, peer, agent, sent, undelivered, archived] of kept) {
    yield* run(insertEntry, entryDomain, owner, sequence, peer, agent, at, sent, undelivered, archived)
  }
}

/** A message between domains of ours is kept once in each, as every key begins with its domain. */
export function* appendInDomains(
  groups: readonly (readonly [domain: string, entries: readonly EntryValues[]])[],
  id: string,
  at: number,
  head: string,
  raw: Uint8Array,
  carefully: boolean,
): Procedure<void> {
  for (const [domain, entries] of groups) yield* append(domain, id, at, head, raw, entries, carefully)
}

function* withoutGoneSenders(entries: readonly EntryValues[]): Procedure<readonly EntryValues[]> {
  const kept: EntryValues[] = []
  for (const entry of entries) {
    const [domain, owner, , , sent] = entry
    const known = yield* one('SELECT 1 FROM account WHERE domain = ? AND localpart = ?', domain, owner)
    if (known !== undefined || sent === 0) kept.push(entry)
  }
  return kept
}

export function* markDelivered(domain: string, owner: string, ids: readonly string[]): Procedure<void> {
  for (const id of ids) {
    const rows = yield* all(
      `UPDATE entry SET undelivered = 0 WHERE domain = ? AND owner = ? AND undelivered = 1
        AND sequence = (SELECT sequence FROM message WHERE message.domain = ? AND id = ?)
      RETURNING sequence, archived`,
      domain,
      owner,
      domain,
      id,
    )
    const [sequence, archived] = rows[0] ?? []
    if (archived === 0) yield* forget(domain, owner, sequence as number)
  }
}

/** Takes an entry away, and its message when it was the last that pointed there. */
function* forget(domain: string, owner: string, sequence: number): Procedure<void> {
  yield* run('DELETE FROM entry WHERE domain = ? AND owner = ? AND sequence = ?', domain, owner, sequence)
  const last = yield* run('DELETE FROM message WHERE sequence = ? AND owners = 1', sequence)
  if (last === 0) yield* run('UPDATE message SET owners = owners - 1 WHERE sequence = ?', sequence)
}

/** Where a walk through all entries stands. */
export type ExpiryPlace = readonly [domain: string, owner: string, sequence: number]

/** LIMIT: entries one step looks at, so that others are served between. */
export const expiryStep = 500

/**
 * Forgets archived, delivered entries older than `before` among the next `expiryStep` of one owner. An owner's entries are
 * nearly in order of time, so a step that sees nothing old goes on to the next owner.
 */
export function* expireSome(
  before: number,
  [domain, owner, after]: ExpiryPlace,
): Procedure<{ readonly count: number; readonly next: ExpiryPlace | undefined }> {
  const rows = yield* all(
    `SELECT sequence, at, archived, undelivered FROM entry
    WHERE domain = ? AND owner = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
    domain,
    owner,
    after,
    expiryStep,
  )
  let [count, old] = [0, 0]
  for (const [sequence, at, archived, undelivered] of rows) {
    if ((at as number) >= before) continue
    old++
    if (archived === 0 || undelivered === 1) continue
    yield* forget(domain, owner, sequence as number)
    count++
  }
  if (rows.length === expiryStep && old > 0) {
    return { count, next: [domain, owner, rows.at(-1)?.[0] as number] }
  }
  const next =
    (yield* one(
      'SELECT domain, owner FROM entry WHERE domain = ? AND owner > ? ORDER BY owner LIMIT 1',
      domain,
      owner,
    )) ??
    (yield* one('SELECT domain, owner FROM entry WHERE domain > ? ORDER BY domain, owner LIMIT 1', domain))
  return { count, next: next === undefined ? undefined : [next[0] as string, next[1] as string, 0] }
}
