// The thread of the database: a batch in, its answers out.
import { parentPort, workerData } from 'node:worker_threads'
import { assert, SystemClock } from '#base'
import type { Call } from '../sql/procedures.ts'
import { readOnly } from '../sql/procedures.ts'
import { IdleCheckpoint } from './idle-checkpoint.ts'
import { SqliteDatabase, type SqliteOptions } from './sqlite-database.ts'
import { faultOf, type SqliteFault } from './sqlite-fault.ts'
import type { FromDatabase, ToDatabase } from './sqlite-messages.ts'

assert(parentPort !== null, 'the database has a thread of its own')
const port = parentPort
const options = workerData as SqliteOptions

function tell(message: FromDatabase): void {
  port.postMessage(message)
}

function serve(database: SqliteDatabase): void {
  // A checkpoint that fails leaves the log as it is; the next commit meets the same disk and tells its callers.
  const idle = new IdleCheckpoint(new SystemClock(), () => attempt(() => database.checkpoint()))
  port.on('message', (message: ToDatabase) => {
    if (message === 'close') {
      tell({ kind: 'closed', fault: attempt(() => database.close()) })
      port.close()
      return
    }
    const { results, faults } = database.perform(message)
    tell({ kind: 'answers', results, faults: faults.size === 0 ? undefined : faults })
    if (message.some(([name]: Call) => !readOnly.has(name))) idle.wrote()
  })
}

function attempt(what: () => void): SqliteFault | undefined {
  try {
    what()
    return undefined
  } catch (error) {
    return faultOf(error, options.file)
  }
}

let database: SqliteDatabase | undefined
const fault = attempt(() => {
  database = new SqliteDatabase(options)
})
if (database !== undefined) serve(database)
tell({ kind: 'opened', fault })
