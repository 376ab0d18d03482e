// verona presence --as ADDRESS STATE
import { Argument, type Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson } from '../print.ts'
import { type PersonOptions, usingCorrespondent, withLogin, withProtocol } from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

const states = ['open', 'chat', 'away', 'xa', 'dnd', 'closed'] as const
type State = (typeof states)[number]

interface Options extends PersonOptions {
  readonly note?: string
  readonly seconds?: string
  readonly permanent?: boolean
  readonly json?: boolean
}

const secondsDefault = 3600

export function addPresence(program: Command, context: CommandContext): void {
  const command = program
    .command('presence')
    .description('say how you are: open, chat, away, xa (away for long), dnd (do not disturb), closed')
    .addArgument(new Argument('<state>').choices(states))
    .option('--note <text>', 'a sentence that goes with it')
    .option('--seconds <number>', `how long it holds (default: ${secondsDefault}; 0 takes it back)`)
    .option('--permanent', 'what is shown whenever you are not logged in')
    .action((state: State, options: Options) => presence(context, state, options))
    .addHelpText(
      'after',
      `
Examples:
  verona presence --as juliet@example.com away --note "lunch" --seconds 1800
  verona presence --as juliet@example.com closed --permanent --note "on vacation"`,
    )
  withJson(withProtocol(withLogin(command)))
}

async function presence(context: CommandContext, state: State, options: Options): Promise<void> {
  const seconds = options.seconds === undefined ? secondsDefault : Number(options.seconds)
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw new CommandFailure('--seconds expects a whole number', exitCodes.usage)
  }
  if (options.permanent === true && options.seconds !== undefined) {
    throw new CommandFailure('--seconds or --permanent, not both', exitCodes.usage)
  }
  const tuple = {
    basic: state === 'closed' ? ('closed' as const) : ('open' as const),
    ...(state === 'open' || state === 'closed' ? {} : { show: state }),
    notes: options.note === undefined ? [] : [{ language: '', text: options.note }],
  }
  const lease = await usingCorrespondent(
    context,
    options,
    (person) => person.publish(tuple, options.permanent === true ? 'permanent' : seconds),
    { service: 'presence' },
  )
  if (options.json === true) return printJson(context.terminal, { state, note: options.note, lease })
  context.terminal.err(lease === 'permanent' ? `${state}, for good\n` : `${state}, for ${lease} seconds\n`)
}
