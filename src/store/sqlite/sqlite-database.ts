// The database itself, in the thread that owns it: opened, migrated, and given batches of calls. One transaction a batch; when
// anything in it fails it is undone and each call is made again alone, so that a call that fails harms no other.
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { migrateOnce, schemaNumber } from '../sql/migrate.ts'
import type { Procedure, Step } from '../sql/procedure.ts'
import { type Call, procedureOf, readOnly } from '../sql/procedures.ts'
import { type Migration, migrations, sqliteWords } from '../sql/schema.ts'
import { faultOf, isLocked, type SqliteFault } from './sqlite-fault.ts'

export interface SqliteOptions {
  readonly file: string
  /** Milliseconds to wait while another process writes. */
  readonly busyMilliseconds?: number
  /** LIMIT: octets the database may take; 2^32 pages when absent. Past it: `temporarily-unavailable`. */
  readonly octetsMax?: number
}

const busyMillisecondsDefault = 5000
const pageOctets = 4096
/** Pages of the log after which a commit copies it into the database; the idle do so earlier. 64 MiB. */
const checkpointPages = 16_384

/** Answers in the order of the calls. */
export interface Answers {
  readonly results: unknown[]
  /** By the index of the call. */
  readonly faults: Map<number, SqliteFault>
}

export class SqliteDatabase {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** Opens and migrates. Throws a SqliteFault. */
  constructor(options: SqliteOptions, known: readonly Migration[] = migrations) {
    this.#file = options.file
    let database: DatabaseSync | undefined
    try {
      // Made by us so that its secrets are readable by its owner only; SQLite gives its log the same mode.
      closeSync(openSync(options.file, 'a', 0o600))
      database = new DatabaseSync(options.file, {
        timeout: options.busyMilliseconds ?? busyMillisecondsDefault,
        enableForeignKeyConstraints: true,
      })
      this.#database = database
      this.#prepare(options)
      this.#migrate(known)
    } catch (error) {
      database?.close()
      throw faultOf(error, options.file)
    }
  }

  #prepare(options: SqliteOptions): void {
    const database = this.#database
    database.exec(`PRAGMA page_size = ${pageOctets}`)
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
    database.exec('PRAGMA cache_size = -32768')
    if (options.octetsMax !== undefined) {
      database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.octetsMax / pageOctets))}`)
    }
  }

  #migrate(known: readonly Migration[]): void {
    const newest = known.at(-1)?.number ?? 0
    const found = this.#transaction(true, () => this.#perform(schemaNumber()))
    if (found > newest) {
      const fault: SqliteFault = {
        condition: 'version-not-supported',
        message: `the database was made by a newer version: its schema is ${found}, this version knows ${newest} (${this.#file})`,
        fields: { file: this.#file, found, newest },
      }
      throw fault
    }
    const step = (): number | undefined =>
      this.#transaction(true, () => this.#perform(migrateOnce(known, sqliteWords)))
    while (step() !== undefined);
  }

  /** Makes all calls, in order. Once it returns, what the answers tell is on the disk. */
  perform(calls: readonly Call[]): Answers {
    const answers: Answers = { results: new Array(calls.length), faults: new Map() }
    const writes = calls.some(isWrite)
    try {
      this.#transaction(writes, () => {
        for (let i = 0; i < calls.length; i++) {
          answers.results[i] = this.#perform(procedureOf(calls[i] as Call, false))
        }
      })
    } catch {
      this.#performEachAlone(calls, answers)
    }
    return answers
  }

  #performEachAlone(calls: readonly Call[], answers: Answers): void {
    let locked: unknown
    for (const [i, call] of calls.entries()) {
      answers.results[i] = undefined
      try {
        // To wait for the lock again for each call would hold up all that come after.
        if (locked !== undefined && isWrite(call)) throw locked
        answers.results[i] = this.#transaction(isWrite(call), () => this.#perform(procedureOf(call, true)))
      } catch (error) {
        if (isLocked(error)) locked = error
        answers.faults.set(i, faultOf(error, this.#file))
      }
    }
  }

  /** A reader never waits for a writer (WAL); a writer takes its lock at once, where waiting is still possible. */
  #transaction<Result>(writes: boolean, work: () => Result): Result {
    this.#database.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN')
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      // After some faults (a full disk) SQLite has undone it by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #perform<Result>(procedure: Procedure<Result>): Result {
    let next = procedure.next()
    while (next.done !== true) next = procedure.next(this.#execute(next.value))
    return next.value
  }

  #execute({ kind, sql, values }: Step): unknown {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      statement.setReturnArrays(true)
      this.#statements.set(sql, statement)
    }
    if (kind === 'all') return statement.all(...values)
    const { changes, lastInsertRowid } = statement.run(...values)
    if (kind === 'run') return Number(changes)
    return Number(changes) === 0 ? undefined : Number(lastInsertRowid)
  }

  /** Copies the log into the database without waiting for readers. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  close(): void {
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } finally {
      this.#statements.clear()
      this.#database.close()
    }
  }
}

function isWrite([name]: Call): boolean {
  return !readOnly.has(name)
}
