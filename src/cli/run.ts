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
    return codeOf(error, words, context)
  }
}

function codeOf(error: unknown, words: readonly string[], { terminal }: CommandContext): number {
  // Commander has said what was wrong, or shown the help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  const code = expectedCode(error)
  if (code === undefined) {
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error)
    terminal.err(`verona: a fault of Verona's own; please report it:\n${shown}\n`)
    return exitCodes.failed
  }
  const { message, condition } = error as Error & { readonly condition?: string }
  // A script that reads JSON reads why it failed as JSON too.
  if (message !== '' && words.includes('--json'))
    terminal.err(`${JSON.stringify({ error: { condition, message } })}\n`)
  else if (message !== '') terminal.err(`verona: ${message}\n`)
  return code
}

/** The exit code of what may go wrong; undefined: a fault of ours. */
function expectedCode(error: unknown): ExitCode | undefined {
  if (error instanceof CommandFailure) return error.code
  if (error instanceof ConfigurationFault) return exitCodes.configuration
  return error instanceof Error ? expected[error.name] : undefined
}
