// What the command line tells the shell. Scripts rely on these numbers.

export const exitCodes = {
  /** Done. */
  done: 0,
  /** Refused by the server, or failed: a taken name, a wrong password, an unknown recipient, a trouble that doctor found. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration is wrong. */
  configuration: 3,
  /** The server cannot be reached. */
  unreachable: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command: its message goes to standard error, its code to the shell. */
export class CommandFailure extends Error {
  readonly code: ExitCode
  /** What the server said no with, for scripts. */
  readonly condition: string | undefined

  constructor(message: string, code: ExitCode = exitCodes.failed, condition?: string) {
    super(message)
    this.name = 'CommandFailure'
    this.code = code
    this.condition = condition
  }
}

export const exitCodesHelp = `
Exit codes:
  0  done
  1  refused or failed
  2  the command line is wrong
  3  the configuration is wrong
  4  the server cannot be reached
  130  ended by Ctrl-C

With --json a failure is a JSON object on standard error: {"error":{"condition","message"}}.
`
