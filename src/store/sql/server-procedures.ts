// What belongs to no account alone: leased subscriptions and the server's own settings.
import { all, one, type Procedure, run, type SqlRow, type SqlValue } from './procedure.ts'

/** id, protocol, watcher, presentity, expires, state. */
export function* putSubscription(...values: SqlValue[]): Procedure<void> {
  yield* run(
    `INSERT INTO subscription (id, protocol, watcher, presentity, expires, state) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET protocol = excluded.protocol, watcher = excluded.watcher,
      presentity = excluded.presentity, expires = excluded.expires, state = excluded.state`,
    ...values,
  )
}

export function* removeSubscription(id: string): Procedure<void> {
  yield* run('DELETE FROM subscription WHERE id = ?', id)
}

export function* subscriptions(protocol: string): Procedure<readonly SqlRow[]> {
  return yield* all(
    'SELECT id, protocol, watcher, presentity, expires, state FROM subscription WHERE protocol = ?',
    protocol,
  )
}

export function* setting(name: string): Procedure<Uint8Array | undefined> {
  const row = yield* one('SELECT value FROM setting WHERE name = ?', name)
  return row?.[0] as Uint8Array | undefined
}

export function* putSetting(name: string, value: Uint8Array): Procedure<void> {
  yield* run(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    value,
  )
}
