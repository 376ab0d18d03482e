// What waits for other domains.
import { all, insert, type Procedure, run, type SqlRow } from './procedure.ts'

/** Answers its sequence. */
export function* enqueue(
  domain: string,
  at: number,
  head: string,
  raw: Uint8Array,
): Procedure<number | undefined> {
  return yield* insert(
    'INSERT INTO peer_queue (domain, at, head, raw) VALUES (?, ?, ?, ?)',
    domain,
    at,
    head,
    raw,
  )
}

export function* queued(domain: string, afterSequence: number, limit: number): Procedure<readonly SqlRow[]> {
  return yield* all(
    'SELECT sequence, at, head, raw FROM peer_queue WHERE domain = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    domain,
    afterSequence,
    limit,
  )
}

export function* dequeue(domain: string, sequences: readonly number[]): Procedure<void> {
  for (const sequence of sequences) {
    yield* run('DELETE FROM peer_queue WHERE domain = ? AND sequence = ?', domain, sequence)
  }
}

/** domain, count, oldest, octets. */
export function* queuedDomains(): Procedure<readonly SqlRow[]> {
  return yield* all('SELECT domain, COUNT(*), MIN(at), SUM(LENGTH(raw)) FROM peer_queue GROUP BY domain')
}
