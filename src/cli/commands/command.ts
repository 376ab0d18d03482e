// What every command is given, and how it is put into the program.
import type { Command } from 'commander'
import type { Control, OpenControl } from '../control.ts'
import type { Correspondent, LoginOptions, Person } from '../person.ts'
import type { Terminal } from '../terminal.ts'

export interface CommandContext {
  readonly terminal: Terminal
  /** Reaches the running server, or opens the store when none runs. */
  readonly openControl: (file: string | undefined) => Promise<OpenControl>
  /** Logs in to the running server as an IMPP client. */
  readonly logIn: (options: LoginOptions) => Promise<Person>
  /** The same by another protocol. */
  readonly logInBy: Readonly<Record<OtherProtocol, (options: LoginOptions) => Promise<Correspondent>>>
}

/** What `--protocol` may be beside impp. A further one needs a login (`prim-person.ts` is an example) and its place here. */
export const otherProtocols = ['prim', 'apex'] as const
export type OtherProtocol = (typeof otherProtocols)[number]

export interface ConfigOptions {
  readonly config?: string
}

/** Gives a command `--config FILE`. */
export function withConfig(command: Command): Command {
  return command.option(
    '--config <file>',
    'the configuration file (default: verona.toml here, if there is one)',
  )
}

/** Gives a command `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'write JSON, for scripts')
}

/** Opens the control for as long as `use` takes. */
export async function usingControl<T>(
  context: CommandContext,
  options: ConfigOptions,
  use: (control: Control) => Promise<T>,
): Promise<T> {
  const opened = await context.openControl(options.config)
  try {
    return await use(opened.control)
  } finally {
    await opened.close()
  }
}
