// verona user remove ADDRESS
import type { Command } from 'commander'
import { type CommandContext, type ConfigOptions, usingControl, withConfig } from './command.ts'

export function addUserRemove(parent: Command, context: CommandContext): void {
  const command = parent
    .command('remove <address>')
    .description('remove an account with its contacts, rules and history, and sign its devices out')
    .action((address: string, options: ConfigOptions) => userRemove(context, address, options))
  withConfig(command)
}

async function userRemove(context: CommandContext, address: string, options: ConfigOptions): Promise<void> {
  await usingControl(context, options, (control) => control.removeAccount(address))
  context.terminal.err(`removed ${address}\n`)
}
