// The log: pino below, one line an event; text for people on a terminal, JSON for programs. The one file that knows pino.

import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { censored } from './censor.ts'
import { terminalLine } from './terminal-line.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  /** What helps to find a fault; off by default. */
  debug(message: string, fields?: LogFields): void
  /** What an operator wants to read later: starts, stops, what was made. Never once a message. */
  info(message: string, fields?: LogFields): void
  /** Something is wrong and the server goes on. */
  warn(message: string, fields?: LogFields): void
  /** A fault of ours. The error goes into the field `error`. */
  error(message: string, fields?: LogFields): void
  /** True when debug lines are written: to be asked before costly fields are made. */
  readonly debugging: boolean
  /** A log whose lines carry these fields too. */
  child(fields: LogFields): Log
}

export interface RootLog extends Log {
  /** For this log and for the children made from now on. */
  setLevel(level: LogLevel): void
  /** Writes what waits; for the end of the process. */
  flush(): void
}

export interface LogOptions {
  readonly level?: LogLevel
  /** `auto`: text when the output is a terminal. */
  readonly format?: 'auto' | 'text' | 'json'
  /** Where lines go: standard output by default. */
  readonly write?: (line: string) => void
}

export function createLog(options: LogOptions = {}): RootLog {
  const terminal = options.write === undefined && process.stdout.isTTY === true
  const text = options.format === 'text' || (options.format !== 'json' && terminal)
  const { stream, flush } = destination(options, text, terminal)
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: stdSerializers.err },
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return new PinoRoot(logger, flush)
}

/** A log that says nothing, for tests and for parts that were given none. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debugging: false,
  child: () => silentLog,
}

function destination(
  options: LogOptions,
  text: boolean,
  terminal: boolean,
): { stream: DestinationStream; flush: () => void } {
  const sink = options.write
  if (text) {
    const colours = terminal && process.env['NO_COLOR'] === undefined
    const out = sink ?? ((line: string) => void process.stdout.write(line))
    return { stream: { write: (json) => out(terminalLine(json, colours)) }, flush: () => undefined }
  }
  if (sink !== undefined) return { stream: { write: sink }, flush: () => undefined }
  // LIMIT: a reader of our output that stalls must not stall us: past 16 MiB lines are dropped.
  const file = pino.destination({ fd: 1, sync: false, maxLength: 16 * 1024 * 1024 })
  return { stream: file, flush: () => file.flushSync() }
}

class PinoLog implements Log {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  get debugging(): boolean {
    return this.#logger.isLevelEnabled('debug')
  }

  debug(message: string, fields?: LogFields): void {
    if (this.debugging) this.#logger.debug(censored(fields), message)
  }

  info(message: string, fields?: LogFields): void {
    this.#logger.info(censored(fields), message)
  }

  warn(message: string, fields?: LogFields): void {
    this.#logger.warn(censored(fields), message)
  }

  error(message: string, fields?: LogFields): void {
    this.#logger.error(censored(fields), message)
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#logger.child(censored(fields)))
  }
}

class PinoRoot extends PinoLog implements RootLog {
  readonly #root: Logger
  readonly flush: () => void

  constructor(logger: Logger, flush: () => void) {
    super(logger)
    this.#root = logger
    this.flush = flush
  }

  setLevel(level: LogLevel): void {
    this.#root.level = level
  }
}
