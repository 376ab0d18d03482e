// Names in the file and the environment that no setting has: refused, with the nearest that one has.
import { nearest } from './nearest.ts'
import type { ConfigProblem } from './problem.ts'
import { keyOf, type Section, variableOf } from './section.ts'
import type { Settings } from './setting.ts'
import { isTable, problemAt, type Source, type Table } from './source.ts'

export function findUnknown(
  sections: readonly Section[],
  environment: Readonly<Record<string, unknown>>,
  source: Source | undefined,
  problems: ConfigProblem[],
): void {
  const top = sections.find((one) => one.name === '')
  const names = sections.map((one) => one.name).filter((name) => name !== '')
  if (source !== undefined) {
    const known = [...names, ...Object.keys(top?.settings ?? {}).map(keyOf)]
    for (const key of Object.keys(source.top)) {
      if (!known.includes(key)) problems.push(unknownProblem(source, [key], known))
    }
    for (const one of sections) {
      const table = source.top[one.name]
      if (one.name !== '' && isTable(table))
        findUnknownKeys(table, one.settings, source, [one.name], problems)
    }
  }
  // Of the environment only what begins like a section of ours is surely meant for us.
  const variables = sections.flatMap((one) =>
    Object.keys(one.settings).map((key) => variableOf(one.name, key)),
  )
  for (const variable of Object.keys(environment)) {
    if (
      variables.includes(variable) ||
      !names.some((name) => variable.startsWith(`VERONA_${name.toUpperCase()}_`))
    )
      continue
    problems.push({
      where: variable,
      line: undefined,
      key: '',
      message: `is no setting${suggestion(variable, variables)}`,
    })
  }
}

export function findUnknownKeys(
  table: Table,
  settings: Settings,
  source: Source,
  path: readonly (string | number)[],
  problems: ConfigProblem[],
): void {
  const known = Object.keys(settings).map(keyOf)
  for (const key of Object.keys(table)) {
    if (!known.includes(key)) problems.push(unknownProblem(source, [...path, key], known))
  }
}

function unknownProblem(
  source: Source,
  path: readonly (string | number)[],
  known: readonly string[],
): ConfigProblem {
  return problemAt(source, path, `is no setting${suggestion(String(path.at(-1)), known)}`)
}

function suggestion(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === undefined ? '' : `; is ${meant} meant?`
}
