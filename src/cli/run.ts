// One call of the command line: from its words to an exit code. Whatever went wrong is said in one sentence; only a fault of
// ours shows where it happened.
import { CommanderError } from 'commander'
import { ConfigurationFault } from '#server'
import type { CommandContext } from './commands/command.ts'
import { CommandFailure, type ExitCode, exitCodes } from './exit-codes.ts'
import { programOf } from './program.ts'

/** Errors whose message is for the operator, by name (they are of folders that this one does not import), and their codes. */
const expected: Readonly<Record<string, ExitCode>> = {
  ConfigError: exitCodes.configuration,
  ControlError: exitCodes.failed,
  ListenError: exitCodes.failed,
  TlsFileError: exitCodes.configuration,
  ServerFault: exitCodes.failed,
  ServiceError: exitCodes.failed,
  NotRunning: exitCodes.unreachable,
}

export async function run(
  words: readonly string[],
  context: CommandContext,
  version: string,
): Promise<number> {
  try {
    await programOf(context, version).parseAsync(words, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    return codeOf(error, context)
  }
}

function codeOf(error: unknown, { terminal }: CommandContext): number {
  // Commander has said what was wrong, or shown the help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof CommandFailure) {
    if (error.message !== '') terminal.err(`verona: ${error.message}\n`)
    return error.code
  }
  const named = error instanceof Error ? expected[error.name] : undefined
  const code = error instanceof ConfigurationFault ? exitCodes.configuration : named
  if (code !== undefined) terminal.err(`verona: ${(error as Error).message}\n`)
  else {
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error)
    terminal.err(`verona: a fault of Verona's own; please report it:\n${shown}\n`)
  }
  return code ?? exitCodes.failed
}
