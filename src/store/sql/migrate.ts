// Brings a database to our schema, from whichever older one it has.

import { one, type Procedure, run } from './procedure.ts'
import type { EngineWords, Migration } from './schema.ts'
import { inWords } from './schema.ts'

/** The newest migration the database has had; 0 for an empty one. */
export function* schemaNumber(): Procedure<number> {
  yield* run('CREATE TABLE IF NOT EXISTS migration (number INTEGER NOT NULL PRIMARY KEY, what TEXT NOT NULL)')
  const row = yield* one('SELECT COALESCE(MAX(number), 0) FROM migration')
  return Number(row?.[0])
}

/**
 * The next migration that is due, applied: its number, or undefined when there is none. One transaction; another process that
 * migrates at the same moment finds it done.
 */
export function* migrateOnce(
  migrations: readonly Migration[],
  words: EngineWords,
): Procedure<number | undefined> {
  const current = yield* schemaNumber()
  const next = migrations.find(({ number }) => number > current)
  if (next === undefined) return undefined
  for (const statement of next.statements) yield* run(inWords(statement, words))
  yield* run('INSERT INTO migration (number, what) VALUES (?, ?)', next.number, next.what)
  return next.number
}
