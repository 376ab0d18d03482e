// Where in a TOML text a key is written, for messages: the parser keeps no positions.

/**
 * The line (from 1) of `path`, such as ['xmpp', 'client'] or ['domain', 1, 'name'] (the second `[[domain]]`); that of the nearest table
 * above it when the key itself is not found, and undefined when neither is.
 */
export function lineOf(toml: string, path: readonly (string | number)[]): number | undefined {
  const wanted = path.join('\0')
  let table: (string | number)[] = []
  const counts = new Map<string, number>()
  let nearest: { line: number; depth: number } | undefined
  let line = 0
  let closing: string | undefined
  const found = (at: readonly (string | number)[]): boolean => {
    const key = at.join('\0')
    if (key === wanted) return true
    if (wanted.startsWith(`${key}\0`) && (nearest?.depth ?? 0) <= at.length)
      nearest = { line, depth: at.length }
    return false
  }
  for (const text of toml.split('\n')) {
    line++
    if (closing !== undefined) {
      if (text.includes(closing)) closing = undefined
      continue
    }
    const tables = /^\s*\[\[(.+?)\]\]/.exec(text)
    const header = tables ?? /^\s*\[(.+?)\]/.exec(text)
    if (header !== null) {
      table = keysOf(header[1] as string)
      if (tables !== null) {
        const name = table.join('\0')
        const index = counts.get(name) ?? 0
        counts.set(name, index + 1)
        table = [...table, index]
      }
      if (found(table)) return line
      continue
    }
    const assignment =
      /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=(.*)$/.exec(text)
    if (assignment === null) continue
    if (found([...table, ...keysOf(assignment[1] as string)])) return line
    closing = openString(assignment[2] as string)
  }
  return nearest?.line
}

/** The delimiter of a multi-line string that this value opens and does not close. */
function openString(value: string): string | undefined {
  const delimiter = /^\s*("""|''')/.exec(value)?.[1]
  return delimiter !== undefined && value.split(delimiter).length === 2 ? delimiter : undefined
}

function keysOf(dotted: string): string[] {
  return (dotted.match(/"[^"]*"|'[^']*'|[\w-]+/g) ?? []).map((key) => key.replace(/^["']|["']$/g, ''))
}
