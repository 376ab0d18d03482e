// verona user password ADDRESS
import type { Command } from 'commander'
import { type PasswordOptions, passwordStdinHelp, takeNewPassword } from '../password.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig } from './command.ts'

type Options = ConfigOptions & PasswordOptions

export function addUserPassword(parent: Command, context: CommandContext): void {
  const command = parent
    .command('password <address>')
    .description('set the password of an account')
    .option('--password-stdin', passwordStdinHelp)
    .action((address: string, options: Options) => userPassword(context, address, options))
  withConfig(command)
}

async function userPassword(context: CommandContext, address: string, options: Options): Promise<void> {
  const password = await takeNewPassword(context.terminal, options, address)
  await usingControl(context, options, (control) => control.setPassword(address, password))
  context.terminal.err(`set the password of ${address}\n`)
}
