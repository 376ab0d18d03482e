// Where a command takes a password from: standard input, the environment, or a person. Never from its arguments, which every
// user of the machine can see.
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export interface PasswordOptions {
  readonly passwordStdin?: boolean
}

export const passwordStdinHelp = 'take the password from the first line of standard input'

/** The variable that scripts put a password in. */
export const passwordVariable = 'VERONA_PASSWORD'

export interface TakenPassword {
  readonly password: string
  /** What followed the first line of standard input, if that was read. */
  readonly rest: string | undefined
}

/** The password of an account that exists. */
export function takePassword(
  terminal: Terminal,
  options: PasswordOptions,
  prompt: string,
): Promise<TakenPassword> {
  return take(terminal, options, () => terminal.readSecret(prompt))
}

/** A password to be set: a person types it twice. */
export async function takeNewPassword(
  terminal: Terminal,
  options: PasswordOptions,
  of: string,
): Promise<string> {
  const { password } = await take(terminal, options, async () => {
    const first = await terminal.readSecret(`Password for ${of}: `)
    if (first !== (await terminal.readSecret('The same again: '))) {
      throw new CommandFailure('the two are not the same')
    }
    return first
  })
  return password
}

async function take(
  terminal: Terminal,
  options: PasswordOptions,
  ask: () => Promise<string>,
): Promise<TakenPassword> {
  const given = terminal.environment[passwordVariable]
  let taken: TakenPassword
  if (options.passwordStdin === true) taken = firstLine(await terminal.readAll())
  else if (given !== undefined) taken = { password: given, rest: undefined }
  else if (terminal.interactive) taken = { password: await ask(), rest: undefined }
  else throw new CommandFailure(`no password: use --password-stdin or ${passwordVariable}`, exitCodes.usage)
  if (taken.password === '') throw new CommandFailure('the password is empty', exitCodes.usage)
  return taken
}

function firstLine(input: string): TakenPassword {
  const end = input.indexOf('\n')
  if (end < 0) return { password: input, rest: '' }
  return { password: input.slice(0, end).replace(/\r$/, ''), rest: input.slice(end + 1) }
}
