// What is wrong with a configuration, and the error that carries all of it.

/** One thing that is wrong: `verona.toml, line 7, [xmpp] client: ...`. */
export interface ConfigProblem {
  readonly where: string
  readonly line: number | undefined
  /** The name in the file; empty when the file as a whole is wrong. */
  readonly key: string
  readonly message: string
}

/** All that is wrong with the configuration; the message has a line for each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(problemText).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

function problemText(problem: ConfigProblem): string {
  const line = problem.line === undefined ? '' : `, line ${problem.line}`
  const key = problem.key === '' ? '' : `, ${problem.key}`
  return `${problem.where}${line}${key}: ${problem.message}`
}
