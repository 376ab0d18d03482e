// The configuration file: found, read, parsed, and where in it something is written.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { lineOf } from './locate.ts'
import { ConfigError, type ConfigProblem } from './problem.ts'

/** The file that is read when none is named and it is there. */
export const configFileDefault = 'verona.toml'

export type Table = Record<string, unknown>

export interface Source {
  readonly file: string
  /** As the operator named it. */
  readonly shown: string
  readonly text: string
  readonly top: Table
}

/** The file that was named, or the default one if it is there. Throws ConfigError when it cannot be read or is not TOML. */
export function readSource(options: {
  readonly file?: string | undefined
  readonly directory: string
}): Source | undefined {
  const shown = options.file ?? configFileDefault
  const file = resolve(options.directory, shown)
  if (options.file === undefined && !existsSync(file)) return undefined
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError([{ where: shown, line: undefined, key: '', message: unreadable(cause) }])
  }
  try {
    return { file, shown, text, top: parse(text) as Table }
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const message = `is not TOML: ${cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '')}`
    throw new ConfigError([{ where: shown, line: cause.line, key: '', message }])
  }
}

function unreadable(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'may not be read by this user'
  if (code === 'EISDIR') return 'is a directory'
  return `cannot be read (${code ?? String(cause)})`
}

/** A problem with what `path` names in the file. */
export function problemAt(
  source: Source,
  path: readonly (string | number)[],
  message: string,
): ConfigProblem {
  const names = path.filter((one) => typeof one === 'string')
  const key = names.length > 1 ? `[${names.slice(0, -1).join('.')}] ${names.at(-1)}` : names.join('')
  return { where: source.shown, line: lineOf(source.text, path), key, message }
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
