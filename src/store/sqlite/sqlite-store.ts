// The store in one file on this machine's disk, by SQLite in a thread of its own.
import type { Store } from '#core'
import { SqlStore } from '../sql/sql-store.ts'
import type { SqliteOptions } from './sqlite-database.ts'
import { SqliteDriver } from './sqlite-driver.ts'

/**
 * Opens the database, making or migrating it where needed. Rejects with a ServiceError that tells what to do when it can't be:
 * no such directory, read-only, locked, not a database, or made by a newer version.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  return new SqlStore(await SqliteDriver.open(options))
}
