// What an engine does for the SQL store: it runs procedures in the order of the calls, several to a transaction.
import type { ServiceError } from '#core'
import type { ProcedureName, ProcedureResult, ProcedureValues } from './procedures.ts'

export type Answer<Result> = (fault: ServiceError | undefined, result: Result | undefined) => void

export interface SqlDriver {
  /** `answer` comes after the tick, once what was written is durable; a call that failed has changed nothing. */
  call<Name extends ProcedureName>(
    name: Name,
    values: ProcedureValues<Name>,
    answer: Answer<ProcedureResult<Name>>,
  ): void
  /** Resolves when all calls are answered and the database is shut. */
  close(): Promise<void>
}
