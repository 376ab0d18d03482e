// What the program reaches from where it starts, by the imports as written.

import { doors, isForTests, isUnitTest, type Module, unitOf } from './modules.ts'

/**
 * Where the product begins: the command line, and each protocol's door, because the server finds protocols by listing the
 * folder. While there is no command line, every door.
 */
export function productRoots(modules: Map<string, Module>): string[] {
  const main = 'src/cli/main.ts'
  const isDoor = (path: string) => path === `${unitOf(path)}/index.ts`
  const isRoot = (path: string) => isDoor(path) && (!modules.has(main) || path.startsWith('src/protocols/'))
  return [...modules.keys()].filter((path) => path === main || isRoot(path))
}

/** What spans folders: tests, fuzzers, benchmarks and tools. */
export function spanningRoots(modules: Map<string, Module>): string[] {
  return [...modules.keys()].filter((path) => !path.startsWith('src/'))
}

/** The modules reached from `roots`. With `loadedOnly`, by what runs at once: no types, no workers, no `import()`. */
export function reachedFrom(roots: string[], modules: Map<string, Module>, loadedOnly = false): Set<string> {
  const reached = new Set<string>()
  const queue = [...roots]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { kind, target } of modules.get(path)?.edges ?? []) {
      if ('module' in target && (!loadedOnly || kind === 'value')) queue.push(target.module)
    }
  }
  return reached
}

/**
 * The modules of src that nothing reaches: neither the product nor what spans folders. A unit test alone keeps no file
 * alive, unless the file is for tests by its name (`testing/`, `conformance.ts`), and then the product may not import it.
 */
export function unreached(modules: Map<string, Module>): string[] {
  const alive = reachedFrom([...productRoots(modules), ...spanningRoots(modules)], modules)
  const unitTests = [...modules.keys()].filter(isUnitTest)
  const tested = reachedFrom(unitTests, modules)
  return [...modules.keys()].filter((path) => {
    if (!path.startsWith('src/') || unitTests.includes(path)) return false
    return !alive.has(path) && !(isForTests(path) && tested.has(path))
  })
}

/**
 * What a bundle for the browser would hold: like `reachedFrom`, but of a door only those files from which the names asked for
 * come, because a door lists its exports one by one and does nothing itself.
 */
export function bundledFrom(start: string, modules: Map<string, Module>): Set<string> {
  const reached = new Set<string>()
  const visit = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { kind, names, target } of modules.get(path)?.edges ?? []) {
      if (kind !== 'type' && 'module' in target) follow(target.module, names)
    }
  }
  const follow = (path: string, names: string[] | '*'): void => {
    const module = modules.get(path)
    const isPlainDoor = path.endsWith('/index.ts') && module?.edges.every((edge) => edge.handsOn)
    if (!isPlainDoor || names === '*') return visit(path)
    for (const edge of module?.edges ?? []) {
      const asked = edge.names === '*' ? names : names.filter((name) => edge.names.includes(name))
      if (asked.length > 0 && edge.kind !== 'type' && 'module' in edge.target)
        follow(edge.target.module, asked)
    }
  }
  visit(start)
  return reached
}

/** The doors of package.json that name one folder each, those with a `*` spread out over the folders that exist. */
export function doorTargets(modules: Map<string, Module>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, target] of Object.entries(doors)) {
    const path = target['verona-source'].replace('./', '')
    if (!name.includes('*')) found.set(name, path)
    const folder = path.split('*')[0] as string
    for (const module of name.includes('*') ? modules.keys() : []) {
      const star =
        module.startsWith(folder) && module.endsWith('/index.ts')
          ? module.slice(folder.length, -'/index.ts'.length)
          : ''
      if (star && module === `${unitOf(module)}/index.ts`) found.set(name.replace('*', star), module)
    }
  }
  return found
}
