// The server's side of the database's thread. Group commit: one batch is in flight, and everything asked meanwhile joins the
// next, which is one message and one transaction. What is asked while none is in flight leaves at the end of the tick.
import { Worker } from 'node:worker_threads'
import { SystemClock, type Timer } from '#base'
import { ServiceError } from '#core'
import type { Answer, SqlDriver } from '../sql/driver.ts'
import type { Call, ProcedureName, ProcedureResult, ProcedureValues } from '../sql/procedures.ts'
import type { SqliteOptions } from './sqlite-database.ts'
import type { SqliteFault } from './sqlite-fault.ts'
import type { FromDatabase, ToDatabase } from './sqlite-messages.ts'

/**
 * Under load a batch waits a little for company: a row costs 38 microseconds of CPU in batches of 20 and 29 in batches of 100.
 * Only what promises durability waits with it, and only for so long.
 */
const gatherMilliseconds = 4
/** So many calls are company enough. */
const gatheredEnough = 128
/** A batch before with fewer calls was no load. */
const loadBegins = 4
/** What is asked in masses, and whose answer nobody looks at before the disk. */
const gathered: ReadonlySet<ProcedureName> = new Set(['append', 'appendInDomains', 'markDelivered'])

/** LIMIT: calls of one batch, so that the first does not wait for thousands of others. */
const batchCallsMax = 4096

const clock = new SystemClock()

export class SqliteDriver implements SqlDriver {
  readonly #worker: Worker
  #calls: Call[] = []
  #answers: Answer<unknown>[] = []
  #inFlight: Answer<unknown>[] | undefined
  #flushSet = false
  /** While a batch waits for company. */
  #gathering: Timer | undefined
  #hasThread = true
  /** Why no more calls are taken. */
  #ended: ServiceError | undefined
  #closing: PromiseWithResolvers<void> | undefined

  /** Resolves once the database is open and migrated. `entry` is the thread's module. */
  static async open(options: SqliteOptions, entry = workerEntry()): Promise<SqliteDriver> {
    const driver = new SqliteDriver(new Worker(entry, { workerData: options }))
    await driver.#opened()
    return driver
  }

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  #opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker
      worker.once('error', reject)
      worker.once('message', ({ fault }: FromDatabase & { kind: 'opened' }) => {
        worker.off('error', reject)
        worker.on('message', (message: FromDatabase) => this.#hear(message))
        worker.on('error', (cause) => this.#lost(cause))
        worker.on('exit', () => this.#lost(undefined))
        worker.unref()
        if (fault === undefined) resolve()
        else reject(serviceError(fault))
      })
    })
  }

  call<Name extends ProcedureName>(
    name: Name,
    values: ProcedureValues<Name>,
    answer: Answer<ProcedureResult<Name>>,
  ): void {
    if (this.#ended !== undefined) {
      const fault = this.#ended
      queueMicrotask(() => answer(fault, undefined))
      return
    }
    this.#calls.push([name, values])
    this.#answers.push(answer as Answer<unknown>)
    if (this.#gathering !== undefined) {
      if (this.#calls.length >= gatheredEnough || !gathered.has(name)) this.#endGathering()
      else return
    }
    if (this.#inFlight === undefined && !this.#flushSet) {
      this.#flushSet = true
      setImmediate(() => this.#flush())
    }
  }

  #gather(): void {
    this.#gathering = clock.schedule(gatherMilliseconds, () => {
      this.#gathering = undefined
      this.#flush()
      this.#restOrShut()
    })
  }

  #endGathering(): void {
    this.#gathering?.cancel()
    this.#gathering = undefined
  }

  #isLoad(batch: number): boolean {
    if (batch < loadBegins || this.#closing !== undefined || this.#calls.length >= gatheredEnough)
      return false
    return this.#calls.every(([name]) => gathered.has(name))
  }

  #flush(): void {
    this.#flushSet = false
    if (this.#inFlight !== undefined || this.#calls.length === 0) return
    const calls = this.#calls.length <= batchCallsMax ? this.#calls : this.#calls.slice(0, batchCallsMax)
    this.#inFlight =
      this.#answers.length <= batchCallsMax ? this.#answers : this.#answers.slice(0, batchCallsMax)
    this.#calls = calls === this.#calls ? [] : this.#calls.slice(batchCallsMax)
    this.#answers = this.#inFlight === this.#answers ? [] : this.#answers.slice(batchCallsMax)
    this.#post(calls)
  }

  #post(message: ToDatabase): void {
    // The thread keeps the process alive only while something is asked of it.
    this.#worker.ref()
    this.#worker.postMessage(message)
  }

  #hear(message: FromDatabase): void {
    if (message.kind !== 'answers') return this.#closed(message.fault)
    const answers = this.#inFlight ?? []
    this.#inFlight = undefined
    const { results, faults } = message
    for (let i = 0; i < answers.length; i++) {
      const fault = faults?.get(i)
      settle(answers[i] as Answer<unknown>, fault === undefined ? undefined : serviceError(fault), results[i])
    }
    if (this.#isLoad(answers.length)) this.#gather()
    else this.#flush()
    this.#restOrShut()
  }

  #restOrShut(): void {
    this.#shutWhenIdle()
    if (this.#inFlight === undefined && this.#closing === undefined) this.#worker.unref()
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise
    this.#closing = Promise.withResolvers<void>()
    this.#ended ??= new ServiceError('internal-fault', 'the store is closed')
    this.#endGathering()
    this.#flush()
    if (this.#hasThread) this.#shutWhenIdle()
    else this.#closing.resolve()
    return this.#closing.promise
  }

  #shutWhenIdle(): void {
    if (this.#closing === undefined || this.#inFlight !== undefined) return
    this.#post('close')
  }

  #closed(fault: SqliteFault | undefined): void {
    if (fault === undefined) this.#closing?.resolve()
    else this.#closing?.reject(serviceError(fault))
  }

  /** The thread is no more. Unless we ended it, what was asked may or may not be on the disk. */
  #lost(cause: unknown): void {
    const answers = [...(this.#inFlight ?? []), ...this.#answers]
    this.#inFlight = undefined
    this.#calls = []
    this.#answers = []
    this.#hasThread = false
    this.#endGathering()
    const fault = new ServiceError('internal-fault', 'the thread of the database ended', {}, cause)
    this.#ended ??= fault
    for (const answer of answers) settle(answer, fault, undefined)
    // After a clean end this changes nothing: the promise is settled.
    this.#closing?.reject(fault)
  }
}

/** A caller's own fault must not keep the answers of others from them. */
function settle(answer: Answer<unknown>, fault: ServiceError | undefined, result: unknown): void {
  try {
    answer(fault, result)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

function serviceError({ condition, message, fields }: SqliteFault): ServiceError {
  return new ServiceError(condition, message, fields)
}

/** Beside this file, from source and from the built package alike. The thread inherits our conditions (execArgv). */
function workerEntry(): URL {
  const entry = new URL('./sqlite-worker.ts', import.meta.url)
  if (import.meta.url.endsWith('.js')) entry.pathname = entry.pathname.replace(/\.ts$/, '.js')
  return entry
}
