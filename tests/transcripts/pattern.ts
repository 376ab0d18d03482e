// Comparison of what came with what a transcript says: `*` stands for anything, `{name}` for what `{name}` was the first time it
// was met (or for something new, then kept).

export type Variables = Map<string, string>

const special = /[.*+?^${}()|[\]\\]/g

/** Puts what is known in the place of `{name}`, and letters for `{1000 letters}`; what is not known yet stays as written. */
export function filled(text: string, variables: Variables): string {
  const spelt = text.replace(/\{(\d+) letters\}/g, (_, count: string) => 'x'.repeat(Number(count)))
  return spelt.replace(/\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole)
}

/** True when `actual` is what `expected` says; captures what was not known. */
export function matches(expected: string, actual: string, variables: Variables): boolean {
  const names: string[] = []
  const source = filled(expected, variables)
    .split(/(\{\w+\}|\*)/)
    .map((part) => {
      if (part === '*') return '[^]*?'
      const name = /^\{(\w+)\}$/.exec(part)?.[1]
      if (name === undefined) return part.replace(special, '\\$&')
      const at = names.indexOf(name)
      if (at >= 0) return `\\${at + 1}`
      names.push(name)
      return '([^]+?)'
    })
    .join('')
  const found = new RegExp(`^${source}$`).exec(actual)
  if (found === null) return false
  names.forEach((name, at) => {
    variables.set(name, found[at + 1] as string)
  })
  return true
}

/**
 * Compares a header-and-body unit: first lines, then each field that is expected (others may be there), then the body
 * exactly. A line `!Field` says that the field is not there. Answers what differs, or undefined.
 */
export function unitDiffers(expected: string, actual: string, variables: Variables): string | undefined {
  const [head, body] = halves(expected)
  const [actualHead, actualBody] = halves(actual)
  const [first = '', ...fields] = head.split('\n')
  const [actualFirst = '', ...actualFields] = actualHead.split('\n')
  if (!matches(first, actualFirst, variables)) return `the first line is "${actualFirst}", not "${first}"`
  for (const field of fields) {
    if (field.startsWith('!')) {
      const name = field.slice(1).toLowerCase()
      if (actualFields.some((line) => line.toLowerCase().startsWith(`${name}:`))) return `${name} is there`
    } else if (!actualFields.some((line) => fieldMatches(field, line, variables))) {
      return `no field is "${filled(field, variables)}"`
    }
  }
  if (body !== undefined && !matches(body, actualBody ?? '', variables)) {
    return `the body is "${actualBody ?? ''}", not "${filled(body, variables)}"`
  }
  return undefined
}

function fieldMatches(expected: string, actual: string, variables: Variables): boolean {
  const [name = '', ...value] = expected.split(':')
  const [actualName = '', ...actualValue] = actual.split(':')
  return (
    name.trim().toLowerCase() === actualName.trim().toLowerCase() &&
    matches(value.join(':').trim(), actualValue.join(':').trim(), variables)
  )
}

function halves(unit: string): [string, string | undefined] {
  const at = unit.indexOf('\n\n')
  return at < 0 ? [unit, undefined] : [unit.slice(0, at), unit.slice(at + 2)]
}
