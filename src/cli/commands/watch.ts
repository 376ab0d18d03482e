// verona watch --as ADDRESS [TARGET...]
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { ConnectionState, Correspondent, IncomingMessage } from '../person.ts'
import { presenceText } from '../presence-text.ts'
import { printJson, visible } from '../print.ts'
import { styled } from '../style.ts'
import type { Terminal } from '../terminal.ts'
import {
  type PersonOptions,
  untilInterrupted,
  usingCorrespondent,
  withLogin,
  withProtocol,
} from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

interface Options extends PersonOptions {
  readonly messages?: boolean
  readonly count?: string
  readonly reconnect?: boolean
  readonly json?: boolean
}

export function addWatch(program: Command, context: CommandContext): void {
  const command = program
    .command('watch [targets...]')
    .description('show how people are, and every change, until Ctrl-C')
    .option('--messages', 'also take and show the messages that come to you')
    .option('--count <number>', 'end after so many changes and messages')
    .option('--reconnect', 'stay when the connection is lost, and come back')
    .addHelpText(
      'after',
      `
Examples:
  verona watch --as romeo@example.com juliet@example.com mercutio@example.com
  verona watch --as bot@example.com --messages --reconnect --json | while read -r event; do ...; done`,
    )
    .action((targets: string[], options: Options) => watch(context, targets, options))
  withJson(withProtocol(withLogin(command)))
}

async function watch(context: CommandContext, targets: readonly string[], options: Options): Promise<void> {
  const count = options.count === undefined ? Number.POSITIVE_INFINITY : Number(options.count)
  if (!(count >= 1)) throw new CommandFailure('--count expects a number, 1 or more', exitCodes.usage)
  if (targets.length === 0 && options.messages !== true) {
    throw new CommandFailure('watch whom? Name somebody, or give --messages', exitCodes.usage)
  }
  const { protocol = 'impp' } = options
  if (options.reconnect === true && protocol !== 'impp') {
    throw new CommandFailure(
      `--reconnect is for IMPP: by ${protocol.toUpperCase()} a lost connection is the end`,
      exitCodes.usage,
    )
  }
  const events = new Events(context.terminal, options.json === true, count)
  const taking = options.messages === true ? (message: IncomingMessage) => events.message(message) : undefined
  const use = async (person: Correspondent): Promise<void> => {
    for (const target of targets) {
      await person.watch(target, {
        presence: (presence) =>
          events.tell(
            { event: 'presence', from: target, presence },
            presenceText(context.terminal, target, presence),
          ),
        pending: () => events.note({ event: 'pending', from: target }, `${target} has not agreed yet\n`),
        ended: (reason) => {
          events.note(
            { event: 'ended', from: target, reason },
            `${target} is no longer shown: ${visible(reason)}\n`,
          )
          events.gone(targets.length, options.messages === true)
        },
      })
    }
    await untilInterrupted(context, person, events.over)
  }
  await usingCorrespondent(context, options, use, {
    ...(taking === undefined && { service: 'presence' as const }),
    ...(targets.length === 0 && { service: 'messages' as const }),
    ...(taking && { onMessage: taking }),
    ...(options.reconnect === true && { lasting: true, onState: (state) => events.state(state) }),
  })
}

/** Writes what happens, and counts it. */
class Events {
  readonly #terminal: Terminal
  readonly #json: boolean
  #left: number
  #ended = 0
  #lost = false
  #end: () => void = () => {}
  readonly over: Promise<void>

  constructor(terminal: Terminal, json: boolean, count: number) {
    this.#terminal = terminal
    this.#json = json
    this.#left = count
    this.over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** A change: counted. */
  tell(event: object, text: string): void {
    if (this.#left <= 0) return
    this.note(event, text)
    if (--this.#left <= 0) this.#end()
  }

  note(event: object, text: string): void {
    if (this.#json) return printJson(this.#terminal, event)
    // A person who comes back to the screen sees when it was.
    const now = this.#terminal.coloured ? `${new Date().toTimeString().slice(0, 8)} ` : ''
    this.#terminal.out(now === '' ? text : `${styled(this.#terminal, 'dim', now)}${text}`)
  }

  /** The connection went, or came back. */
  state({ kind, why, seconds }: ConnectionState): void {
    if (kind === 'connected') {
      if (this.#lost) this.note({ event: 'connected' }, 'connected again\n')
      this.#lost = false
    } else if (kind === 'reconnecting') {
      const text = `${visible(why ?? 'the connection is lost')}; again in ${Math.ceil(seconds ?? 0)} s\n`
      this.note({ event: 'lost', why, seconds }, styled(this.#terminal, 'yellow', text))
      this.#lost = true
    }
  }

  message(message: IncomingMessage): void {
    const { from, stored, subject, contentType } = message
    // Indented, so that a text cannot pretend to be another event.
    const text = message.text?.replaceAll('\n', '\n  ')
    const when = stored === undefined ? '' : ` (${stored})`
    const about = subject === undefined ? '' : ` [${subject}]`
    this.tell(
      { event: 'message', ...message },
      `${styled(this.#terminal, 'bold', visible(from))}${visible(`${when}${about}: ${text ?? `<${contentType}>`}\n`)}`,
    )
  }

  /** Nobody is left to watch. */
  gone(targets: number, takesMessages: boolean): void {
    if (++this.#ended === targets && !takesMessages) this.#end()
  }
}
