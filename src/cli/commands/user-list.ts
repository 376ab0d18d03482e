// verona user list [DOMAIN]
import type { Command } from 'commander'
import { printJson, printTable } from '../print.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

const tableRows = 1000

export function addUserList(parent: Command, context: CommandContext): void {
  const command = parent
    .command('list [domain]')
    .description('list the accounts, of one domain if it is named; with --json one a line')
    .action((domain: string | undefined, options: Options) => userList(context, domain, options))
  withJson(withConfig(command))
}

async function userList(
  context: CommandContext,
  domain: string | undefined,
  options: Options,
): Promise<void> {
  const { terminal } = context
  await usingControl(context, options, async (control) => {
    // Tables are written a thousand rows at a time: there may be millions.
    let rows: string[][] = []
    const flush = (): void => {
      printTable(terminal, ['ADDRESS', 'ALIASES', 'CREATED', ''], rows)
      rows = []
    }
    for await (const user of control.accounts(domain)) {
      const created = new Date(user.created).toISOString()
      if (options.json === true) printJson(terminal, { ...user, created })
      else {
        rows.push([
          user.address,
          user.aliases.join(' '),
          created.slice(0, 10),
          user.disabled ? 'disabled' : '',
        ])
        if (rows.length === tableRows) flush()
      }
    }
    flush()
  })
}
