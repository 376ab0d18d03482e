// What the commands share that act as a person.
import { type Command, Option } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { type PasswordOptions, passwordStdinHelp, passwordVariable, takePassword } from '../password.ts'
import type { Correspondent, LoginOptions, Person } from '../person.ts'
import {
  type CommandContext,
  type ConfigOptions,
  type OtherProtocol,
  otherProtocols,
  withConfig,
} from './command.ts'

export interface PersonOptions extends ConfigOptions, PasswordOptions {
  readonly as: string
  readonly server?: string
  readonly trust?: string
  readonly protocol?: 'impp' | OtherProtocol
}

/** Gives a command the options of a login. */
export function withLogin(command: Command): Command {
  return withConfig(command)
    .requiredOption('--as <address>', 'who you are')
    .option('--password-stdin', passwordStdinHelp)
    .option(
      '--server <host:port>',
      'where the server takes clients, for IMPP also wss://host/impp (default: as the configuration says, for other domains by DNS)',
    )
    .option(
      '--trust <file.pem>',
      'an authority to trust, beside those of the system and of this installation',
    )
    .addHelpText(
      'after',
      `\nThe password is taken from ${passwordVariable}, or standard input, or you are asked for it.`,
    )
}

/** Gives a command of a login the choice of its protocol. */
export function withProtocol(command: Command): Command {
  return command.addOption(
    new Option('--protocol <name>', 'what to speak with the server')
      .choices(['impp', ...otherProtocols])
      .default('impp'),
  )
}

type More = Pick<LoginOptions, 'onMessage' | 'onState' | 'lasting' | 'service'>

/** Logs in by IMPP for as long as `use` takes. `rest` is what followed the password on standard input. */
export function usingPerson<T>(
  context: CommandContext,
  options: PersonOptions,
  use: (person: Person, rest: string | undefined) => Promise<T>,
): Promise<T> {
  return loggedIn(context, options, context.logIn, use, {})
}

/** The same by whatever protocol is asked for. */
export function usingCorrespondent<T>(
  context: CommandContext,
  options: PersonOptions,
  use: (correspondent: Correspondent, rest: string | undefined) => Promise<T>,
  more: More = {},
): Promise<T> {
  const { protocol = 'impp' } = options
  const logIn: (options: LoginOptions) => Promise<Correspondent> =
    protocol === 'impp' ? context.logIn : context.logInBy[protocol]
  return loggedIn(context, options, logIn, use, more)
}

async function loggedIn<T, P extends Correspondent>(
  context: CommandContext,
  options: PersonOptions,
  logIn: (options: LoginOptions) => Promise<P>,
  use: (person: P, rest: string | undefined) => Promise<T>,
  more: More,
): Promise<T> {
  const { password, rest } = await takePassword(context.terminal, options, `Password for ${options.as}: `)
  const person = await logIn({
    address: options.as,
    password,
    server: options.server,
    config: options.config,
    trust: options.trust === undefined ? [] : [options.trust],
    ...more,
  })
  try {
    return await use(person, rest)
  } finally {
    await person.leave()
  }
}

/** Waits for Ctrl-C, for `done`, or for the connection's end, which is a failure. */
export async function untilInterrupted(
  context: CommandContext,
  person: Correspondent,
  done: Promise<void>,
): Promise<void> {
  let listening = (): void => {}
  const interrupted = new Promise<'interrupted'>((resolve) => {
    listening = context.terminal.onInterrupt(() => resolve('interrupted'))
  })
  try {
    const end = await Promise.race([interrupted, done, person.lost])
    if (typeof end === 'string' && end !== 'interrupted') throw new CommandFailure(end, exitCodes.unreachable)
  } finally {
    listening()
  }
}
