// What the failures of a protocol's client say, as failures of the command.
import { CommandFailure, exitCodes } from './exit-codes.ts'

/** The two that every client of ours has. */
export interface ClientFailures {
  readonly Refused: abstract new (
    ...rest: never[]
  ) => Error & { readonly isLogin: boolean; readonly condition: string | undefined }
  readonly ConnectionLost: abstract new (...rest: never[]) => Error
}

/** @returns what carries out a call; `about`: whom it is about */
export function tellingOf({ Refused, ConnectionLost }: ClientFailures) {
  return async function told<T>(call: () => Promise<T>, about?: string): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof Refused) {
        if (error.isLogin)
          throw new CommandFailure('the name or the password is wrong', exitCodes.failed, error.condition)
        const said = about === undefined ? error.message : `${about}: ${error.message}`
        throw new CommandFailure(said, exitCodes.failed, error.condition)
      }
      if (error instanceof ConnectionLost) throw new CommandFailure(error.message, exitCodes.unreachable)
      throw error
    }
  }
}
