// verona user add ADDRESS
import type { Command } from 'commander'
import { type PasswordOptions, passwordStdinHelp, takeNewPassword } from '../password.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig } from './command.ts'

interface Options extends ConfigOptions, PasswordOptions {
  readonly alias: readonly string[]
}

export function addUserAdd(parent: Command, context: CommandContext): void {
  const command = parent
    .command('add <address>')
    .description('add an account, such as juliet@example.com')
    .option('--alias <address>', 'a further address of the account; may be repeated', collect, [])
    .option('--password-stdin', passwordStdinHelp)
    .action((address: string, options: Options) => userAdd(context, address, options))
  withConfig(command)
}

async function userAdd(context: CommandContext, address: string, options: Options): Promise<void> {
  const password = await takeNewPassword(context.terminal, options, address)
  await usingControl(context, options, (control) =>
    control.addAccount({ address, aliases: options.alias, password }),
  )
  context.terminal.err(`added ${address}\n`)
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
