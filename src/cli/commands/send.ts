// verona send --as ADDRESS TO [TEXT]
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson } from '../print.ts'
import { type PersonOptions, usingCorrespondent, withLogin, withProtocol } from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

interface Options extends PersonOptions {
  readonly subject?: string
  readonly thread?: string
  readonly json?: boolean
}

export function addSend(program: Command, context: CommandContext): void {
  const command = program
    .command('send <to> [text]')
    .description('send a message; without a text, what standard input holds')
    .option('--subject <text>', 'what it is about')
    .option('--thread <id>', 'the conversation it belongs to')
    .action((to: string, text: string | undefined, options: Options) => send(context, to, text, options))
    .addHelpText(
      'after',
      `
With --password-stdin and no text, the first line is the password and the rest the message.

Examples:
  verona send --as romeo@example.com juliet@example.com "Good night"
  uptime | verona send --as bot@example.com admin@example.com --subject load
  verona send --protocol prim --server im.example.com:7741 --as romeo@example.com juliet@example.com "Good night"`,
    )
  withJson(withProtocol(withLogin(command)))
}

async function send(
  context: CommandContext,
  to: string,
  given: string | undefined,
  options: Options,
): Promise<void> {
  const { terminal } = context
  await usingCorrespondent(
    context,
    options,
    async (person, rest) => {
      const text = given ?? rest ?? (await terminal.readAll()).replace(/\r?\n$/, '')
      if (text === '') throw new CommandFailure('there is nothing to send', exitCodes.usage)
      const { result, id } = await person.send({ to, text, subject: options.subject, thread: options.thread })
      if (options.json === true) printJson(terminal, { to, result, id })
      else terminal.err(`${outcomes[result](to, domainOf(to) === domainOf(options.as))}\n`)
    },
    { service: 'messages' },
  )
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

const outcomes: Readonly<
  Record<'delivered' | 'stored' | 'relayed', (to: string, isOurs: boolean) => string>
> = {
  delivered: (to) => `delivered to ${to}`,
  // Of another domain's people we know no more than that.
  stored: (to, isOurs) =>
    isOurs
      ? `${to} is away; stored until they are back`
      : `${to} cannot be reached now; stored until they can`,
  relayed: (to) => `handed to the server of ${to}`,
}
