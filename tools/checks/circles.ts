// Files that load one another: of two such, one runs before what it imports is there. Types are erased first and make no circle.

import type { Module } from './modules.ts'

/** Each set of modules that import one another by value, directly or by others between; their paths sorted. */
export function circlesOf(modules: ReadonlyMap<string, Module>): string[][] {
  // Tarjan's strongly connected components.
  const seen = new Map<string, { order: number; low: number; open: boolean }>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (path: string) => {
    const own = { order: seen.size, low: seen.size, open: true }
    seen.set(path, own)
    stack.push(path)
    for (const next of loadedBy(modules.get(path))) {
      if (!modules.has(next)) continue
      const other = seen.get(next) ?? visit(next)
      if (other.open) own.low = Math.min(own.low, other.low)
    }
    if (own.low === own.order) {
      const circle = stack.splice(stack.indexOf(path))
      for (const member of circle) (seen.get(member) as typeof own).open = false
      if (circle.length > 1) circles.push(circle.sort())
    }
    return own
  }
  for (const path of modules.keys()) if (!seen.has(path)) visit(path)
  return circles
}

function loadedBy(module: Module | undefined): string[] {
  return (module?.edges ?? [])
    .filter(({ kind, target }) => kind === 'value' && 'module' in target)
    .map(({ target }) => (target as { module: string }).module)
}
