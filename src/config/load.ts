// Settings out of `verona.toml` and the environment, checked against their definitions, every mistake told at once.
import { dirname, resolve } from 'node:path'
import { ConfigError, type ConfigProblem } from './problem.ts'
import { keyOf, type Section, type SettingsOf, variableOf } from './section.ts'
import type { ReadContext, Setting, Settings } from './setting.ts'
import { isTable, problemAt, readSource, type Source, type Table } from './source.ts'
import { findUnknown, findUnknownKeys } from './unknown-names.ts'

export interface LoadOptions {
  /** Named on the command line; it must be there. */
  readonly file?: string | undefined
  readonly sections: readonly Section[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
}

export interface Config {
  /** The file that was read, absolute; undefined: the built-in default. */
  readonly file: string | undefined
  /** The values of one of the sections that were loaded. */
  of<S extends Section>(section: S): SettingsOf<S>
}

/** Loads the configuration. Throws ConfigError with all that is wrong in it. */
export function loadConfig(options: LoadOptions): Config {
  const problems: ConfigProblem[] = []
  const source = readSource(options)
  const values = new Map<string, Record<string, unknown>>()
  for (const one of options.sections) values.set(one.name, readSection(one, source, options, problems))
  findUnknown(options.sections, options.environment, source, problems)
  if (problems.length > 0)
    throw new ConfigError(problems.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0))
  return {
    file: source?.file,
    of: <S extends Section>(wanted: S) => {
      const found = values.get(wanted.name)
      if (found === undefined) throw new Error(`the section ${wanted.name} was not loaded`)
      return found as SettingsOf<S>
    },
  }
}

function readSection(
  of: Section,
  source: Source | undefined,
  options: LoadOptions,
  problems: ConfigProblem[],
): Table {
  const table = of.name === '' ? source?.top : source?.top[of.name]
  const path = of.name === '' ? [] : [of.name]
  if (source !== undefined && table !== undefined && !isTable(table)) {
    problems.push(problemAt(source, path, `is the name of a table; write [${of.name}] on a line of its own`))
  }
  const given = isTable(table) ? table : {}
  const values = source === undefined ? {} : readTable(of.settings, given, source, path, problems)
  for (const [property, setting] of Object.entries(of.settings)) {
    if (source === undefined)
      values[property] = setting.builtIn ?? resolvedDefault(setting, options.directory)
    readVariable(of, property, setting, options, values, problems)
  }
  return values
}

/** The values of a table's settings, defaults where it is silent. */
function readTable(
  settings: Settings,
  given: Table,
  source: Source,
  path: readonly (string | number)[],
  problems: ConfigProblem[],
): Table {
  const directory = dirname(source.file)
  const values: Table = {}
  for (const [property, setting] of Object.entries(settings)) {
    const key = keyOf(property)
    const at = [...path, key]
    if (given[key] === undefined && setting.required === true)
      problems.push(problemAt(source, at, 'is missing'))
    else if (given[key] === undefined) values[property] = resolvedDefault(setting, directory)
    else if (setting.inner !== undefined)
      values[property] = readTables(setting.inner, given[key], source, at, problems)
    else {
      const read = setting.read(given[key], contextOf(directory))
      if ('wrong' in read) problems.push(problemAt(source, at, read.wrong))
      else values[property] = read.value
    }
  }
  return values
}

function readTables(
  inner: Settings,
  given: unknown,
  source: Source,
  path: readonly (string | number)[],
  problems: ConfigProblem[],
): Table[] {
  if (!Array.isArray(given) || !given.every(isTable)) {
    problems.push(
      problemAt(source, path, `is the name of tables; write [[${path.join('.')}]] on a line of its own`),
    )
    return []
  }
  return given.map((one, at) => {
    findUnknownKeys(one, inner, source, [...path, at], problems)
    return readTable(inner, one, source, [...path, at], problems)
  })
}

/** The environment has the last word. */
function readVariable(
  of: Section,
  property: string,
  setting: Setting<unknown>,
  options: LoadOptions,
  values: Table,
  problems: ConfigProblem[],
): void {
  const variable = variableOf(of.name, property)
  const written = options.environment[variable]
  if (written === undefined || setting.inner !== undefined) return
  const read = setting.read(setting.fromText(written), contextOf(options.directory))
  if ('wrong' in read) problems.push({ where: variable, line: undefined, key: '', message: read.wrong })
  else values[property] = read.value
}

/** A default is checked like a written value, so that a path in it is resolved like one. */
function resolvedDefault(setting: Setting<unknown>, directory: string): unknown {
  if (setting.default === undefined || setting.inner !== undefined) return setting.default
  const read = setting.read(setting.default, contextOf(directory))
  if ('wrong' in read) throw new Error(`a default of ours is wrong: ${read.wrong}`)
  return read.value
}

function contextOf(directory: string): ReadContext {
  return { resolvePath: (path) => resolve(directory, path) }
}
