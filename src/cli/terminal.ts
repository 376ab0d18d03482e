// Where a command runs: what it reads, writes and is told by the environment. A test puts its own in the place of the process.
import { CommandFailure, exitCodes } from './exit-codes.ts'

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** True when a person sits at standard input and error. */
  readonly interactive: boolean
  /** Whether standard output shows colours to a person. */
  readonly coloured: boolean
  /** Columns of standard error, where progress is shown. */
  readonly columns: number
  out(text: string): void
  err(text: string): void
  /** All of standard input, as UTF-8. */
  readAll(): Promise<string>
  /** Asks for a line without echo. */
  readSecret(prompt: string): Promise<string>
  /** Calls `stop` at Ctrl-C or when the process is asked to end; answers how to stop listening. */
  onInterrupt(stop: () => void): () => void
}

export function processTerminal(): Terminal {
  return {
    environment: process.env,
    directory: process.cwd(),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    coloured: process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    columns: process.stderr.columns ?? 80,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readAll,
    readSecret: (prompt) => readSecret(prompt),
    onInterrupt: (stop) => {
      process.on('SIGINT', stop)
      process.on('SIGTERM', stop)
      return () => {
        process.off('SIGINT', stop)
        process.off('SIGTERM', stop)
      }
    },
  }
}

/** LIMIT: octets of standard input; a message larger than this is none. */
const inputOctetsMax = 16 * 1024 * 1024

async function readAll(): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part)
    length += part.length
    if (length > inputOctetsMax) throw new CommandFailure('standard input is too long', exitCodes.usage)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** What is typed at the prompt shows nowhere, were it typed in the moment the prompt appears. */
export function readSecret(
  prompt: string,
  { stdin, stderr }: Pick<typeof process, 'stdin' | 'stderr'> = process,
): Promise<string> {
  stdin.setEncoding('utf8')
  stdin.setRawMode(true)
  stdin.resume()
  stderr.write(prompt)
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (settle: () => void): void => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const onData = (typed: string): void => {
      for (const key of typed) {
        if (key === '\r' || key === '\n') return end(() => resolve(line))
        if (key === '\u0003') return end(() => reject(new CommandFailure('', exitCodes.interrupted)))
        if (key === '\u0004' && line === '') {
          return end(() => reject(new CommandFailure('no password was given', exitCodes.usage)))
        }
        if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('')
        else if (key === '\u0015')
          line = '' // Ctrl-U
        else if (key >= ' ') line += key
      }
    }
    stdin.on('data', onData)
  })
}
