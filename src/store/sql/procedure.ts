// A procedure is what one call of the store does in the database, as a generator of statements: written once, run in one go by
// an engine that answers at once (SQLite in its thread) and step by step by one that answers later (PostgreSQL).
// Statements use what both speak: `ON CONFLICT`, `RETURNING`, `?` for values.

export type SqlValue = string | number | null | Uint8Array
export type SqlRow = readonly SqlValue[]

/** `run` answers how many rows changed, `insert` the identity of the new row (undefined when none), `all` the rows. */
export interface Step {
  readonly kind: 'run' | 'insert' | 'all'
  readonly sql: string
  readonly values: SqlRow
}

/** Its steps are one transaction, or part of one. */
export type Procedure<Result> = Generator<Step, Result, unknown>

export function* run(sql: string, ...values: SqlValue[]): Procedure<number> {
  return (yield { kind: 'run', sql, values }) as number
}

export function* insert(sql: string, ...values: SqlValue[]): Procedure<number | undefined> {
  return (yield { kind: 'insert', sql, values }) as number | undefined
}

export function* all(sql: string, ...values: SqlValue[]): Procedure<readonly SqlRow[]> {
  return (yield { kind: 'all', sql, values }) as readonly SqlRow[]
}

/** The first row, for a statement that has at most one. */
export function* one(sql: string, ...values: SqlValue[]): Procedure<SqlRow | undefined> {
  const rows = (yield { kind: 'all', sql, values }) as readonly SqlRow[]
  return rows[0]
}
