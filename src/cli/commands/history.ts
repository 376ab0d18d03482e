// verona history --as ADDRESS
import type { Command } from 'commander'
import { SystemClock } from '#base'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { HistoryMessage, HistoryQuery, Person } from '../person.ts'
import { printJson, visible } from '../print.ts'
import { styled } from '../style.ts'
import type { Terminal } from '../terminal.ts'
import { type PersonOptions, untilInterrupted, usingPerson, withLogin } from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

interface Options extends PersonOptions {
  readonly with?: string
  readonly since?: string
  readonly until?: string
  readonly last?: string
  readonly after?: string
  readonly all?: boolean
  readonly follow?: boolean
  readonly json?: boolean
}

const lastDefault = 20
const followMilliseconds = 1000

export function addHistory(program: Command, context: CommandContext): void {
  const command = program
    .command('history')
    .description('what you and others said, in every protocol, oldest first')
    .option('--with <address>', 'only what was said with this person')
    .option('--since <when>', 'only from then on: 2026-01-31, 2026-01-31T20:00, or 90m, 12h, 7d ago')
    .option('--until <when>', 'only before then')
    .option('--last <number>', `only the newest so many (default: ${lastDefault}, but all with --since)`)
    .option('--all', 'everything')
    .option('--after <id>', 'only what came after the message with this id, as --json shows it')
    .option('--follow', 'go on, and show what is said from now on, until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  verona history --as juliet@example.com --with romeo@example.com
  verona history --as juliet@example.com --since 7d --json
  verona history --as juliet@example.com --last 5 --follow`,
    )
    .action((options: Options) => history(context, options))
  withJson(withLogin(command))
}

async function history(context: CommandContext, options: Options): Promise<void> {
  const query = queryOf(options, Date.now())
  const show = printer(context.terminal, options.json === true)
  await usingPerson(context, options, async (person) => {
    let last = options.after
    for await (const message of person.history(query)) {
      show(message)
      last = message.id
    }
    if (options.follow === true) await follow(context, person, { ...query, after: last }, show)
  })
}

/** Asks again and again: messages are looked at here, and taken by nobody. */
async function follow(
  context: CommandContext,
  person: Person,
  query: HistoryQuery,
  show: (message: HistoryMessage) => void,
): Promise<void> {
  const clock = new SystemClock()
  const failed = Promise.withResolvers<void>()
  let { after } = query
  const look = async (): Promise<void> => {
    const { last: _, since, ...rest } = query
    const from = after === undefined ? { since: since ?? new Date(started) } : { after }
    for await (const message of person.history({ ...rest, ...from })) {
      show(message)
      after = message.id
    }
    timer = clock.schedule(followMilliseconds, () => void look().catch(failed.reject))
  }
  const started = clock.now()
  let timer = clock.schedule(0, () => void look().catch(failed.reject))
  try {
    await untilInterrupted(context, person, failed.promise)
  } finally {
    timer.cancel()
  }
}

function queryOf(options: Options, now: number): HistoryQuery {
  const { since, until, after } = options
  const last = options.last === undefined ? undefined : Number(options.last)
  if (last !== undefined && !(Number.isInteger(last) && last >= 1))
    throw new CommandFailure('--last expects a whole number, 1 or more', exitCodes.usage)
  if (options.all === true && last !== undefined)
    throw new CommandFailure('--all or --last, not both', exitCodes.usage)
  if (after !== undefined && last !== undefined)
    throw new CommandFailure('--after or --last, not both', exitCodes.usage)
  const whole = options.all === true || since !== undefined || after !== undefined
  return {
    with: options.with,
    since: since === undefined ? undefined : momentOf('--since', since, now),
    until: until === undefined ? undefined : momentOf('--until', until, now),
    after,
    last: last ?? (whole ? undefined : lastDefault),
  }
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A date, a time, or how long ago. Without a zone, the machine's. */
export function momentOf(option: string, written: string, now: number): Date {
  const ago = /^(\d{1,6})([smhd])$/.exec(written)
  if (ago !== null) return new Date(now - Number(ago[1]) * units[ago[2] as keyof typeof units])
  // A date alone is UTC by the letter of ISO 8601 in JavaScript, and a day of their own to people.
  const local = /^\d{4}-\d\d-\d\d$/.test(written) ? `${written}T00:00` : written
  const moment = /^\d{4}-\d\d-\d\dT/.test(local) ? new Date(local) : new Date(Number.NaN)
  if (Number.isNaN(moment.getTime())) {
    throw new CommandFailure(
      `${option} expects a date, a time or how long ago: 2026-01-31, 2026-01-31T20:00, 12h`,
      exitCodes.usage,
    )
  }
  return moment
}

function printer(terminal: Terminal, json: boolean): (message: HistoryMessage) => void {
  let day = ''
  // Addresses in one column, which grows with the longest so far.
  let width = 0
  return (message) => {
    if (json) return printJson(terminal, message)
    const { at, direction, peer, subject, text, contentType, omitted } = message
    const [date, time] = localTime(at)
    if (date !== day) terminal.out(`${styled(terminal, 'dim', date)}\n`)
    day = date
    const who = visible(peer)
    width = Math.max(width, who.length)
    const mark = direction === 'sent' ? '>' : '<'
    const about = subject === undefined ? '' : `[${subject}] `
    const said = omitted === undefined ? (text ?? `<${contentType}>`) : `<not shown: ${omitted}>`
    // What follows a line's end is indented, so that a text cannot pretend to be another message.
    const indent = ' '.repeat(13 + width)
    const shown = visible(`${about}${said}`).replaceAll('\n', `\n${indent}`)
    const name = styled(terminal, direction === 'sent' ? 'cyan' : 'bold', who.padEnd(width))
    terminal.out(`  ${styled(terminal, 'dim', time)}  ${mark} ${name}  ${shown}\n`)
  }
}

/** `2026-01-31`, `20:00` where the machine is. */
function localTime(at: string): [string, string] {
  const moment = new Date(at)
  const two = (number: number): string => String(number).padStart(2, '0')
  const date = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`
  return [date, `${two(moment.getHours())}:${two(moment.getMinutes())}`]
}
