// verona fetch --as ADDRESS TARGET
import type { Command } from 'commander'
import { presenceText } from '../presence-text.ts'
import { printJson } from '../print.ts'
import { type PersonOptions, usingCorrespondent, withLogin, withProtocol } from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

interface Options extends PersonOptions {
  readonly json?: boolean
}

export function addFetch(program: Command, context: CommandContext): void {
  const command = program
    .command('fetch <target>')
    .description('look once how somebody is')
    .addHelpText('after', '\nExample:\n  verona fetch --as romeo@example.com juliet@example.com')
    .action((target: string, options: Options) => fetchOnce(context, target, options))
  withJson(withProtocol(withLogin(command)))
}

async function fetchOnce(context: CommandContext, target: string, options: Options): Promise<void> {
  const presence = await usingCorrespondent(context, options, (person) => person.fetch(target), {
    service: 'presence',
  })
  if (options.json === true) printJson(context.terminal, presence)
  else context.terminal.out(presenceText(context.terminal, target, presence))
}
