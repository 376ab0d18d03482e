// Nothing unreached; the browser's part free of node:; and no module loaded twice under both conditions. The last also
// proves the scanner: what Node loads is what the scanner says it loads.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { listModules, type Module, readModules, root } from '../../tools/checks/modules.ts'
import { bundledFrom, doorTargets, productRoots, reachedFrom, unreached } from '../../tools/checks/reach.ts'

const modules = readModules()

test('every file of src is reached from the command line, a protocol, a worker or what spans folders', () => {
  assert.equal(modules.size, listModules(['src', 'tests', 'fuzz', 'bench', 'tools']).length)
  assert.ok(productRoots(modules).length > 0)
  assert.deepEqual(unreached(modules), [])
})

const client = 'src/protocols/impp/client/index.ts'
const noClient = modules.has(client) ? false : `${client} does not exist yet`
test('what #protocols/impp/client bundles is free of node: and of packages', { skip: noClient }, () => {
  const bundled = bundledFrom(client, modules)
  assert.ok(bundled.size > 1, `only ${bundled.size} modules seen`)
  const foreign = [...bundled].flatMap((path) =>
    (modules.get(path) as Module).edges
      .filter((edge) => edge.kind !== 'type' && 'package' in edge.target)
      .map((edge) => `${path}:${edge.line}: ${edge.specifier}`),
  )
  assert.deepEqual(foreign, [])
})

test('no module is loaded from the build beside the sources, and Node loads what the scanner sees', () => {
  const entrances = [...doorTargets(modules).values()].filter((path) => modules.has(path))
  const loaded = loadedBy(entrances)
  const fromOurs = loaded.filter((path) => !path.startsWith('node_modules/'))
  assert.deepEqual(
    fromOurs.filter((path) => !path.startsWith('src/')),
    [],
  )
  assert.deepEqual(fromOurs.sort(), [...reachedFrom(entrances, modules, true)].sort())
})

test('a worker that is given flags of its own keeps ours, else it would load the build', () => {
  const workers = [...modules.values()].filter((module) =>
    module.edges.some((edge) => edge.kind === 'worker'),
  )
  const forgetful = workers.filter(({ path }) => {
    const source = readFileSync(join(root, path), 'utf8')
    return /\bexecArgv\s*:/.test(source) && !/\bexecArgv\s*:[^\n]*process\.execArgv/.test(source)
  })
  assert.deepEqual(
    forgetful.map((module) => module.path),
    [],
  )
})

/** The files below the root that Node loads when it imports `paths`, each once. */
function loadedBy(paths: string[]): string[] {
  const script = `
    const { registerHooks } = await import('node:module')
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    for (const url of ${JSON.stringify(paths.map((path) => pathToFileURL(join(root, path)).href))}) await import(url)
    console.log(JSON.stringify(loaded))
    process.exit(0)`
  const flags = [
    '--conditions=verona-source',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ]
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  })
  assert.equal(status, 0, stderr)
  const home = pathToFileURL(`${root}/`).href
  const urls = (JSON.parse(stdout) as string[]).filter((url) => url.startsWith(home))
  assert.equal(new Set(urls).size, urls.length, 'a module was loaded twice')
  return urls.map((url) => decodeURIComponent(url.slice(home.length)))
}

/** A tree of modules from `path -> paths it imports`. */
function tree(imports: Record<string, string[]>): Map<string, Module> {
  const edge = (module: string) => {
    return {
      specifier: module,
      kind: 'value',
      names: '*',
      handsOn: false,
      line: 1,
      target: { module },
    } as const
  }
  return new Map(Object.entries(imports).map(([path, to]) => [path, { path, edges: to.map(edge), lines: 1 }]))
}

test('a file that only its own test imports is unreached, one that a worker or a spanning test needs is not', () => {
  const found = unreached(
    tree({
      'src/cli/main.ts': ['src/core/index.ts'],
      'src/core/index.ts': ['src/core/used.ts'],
      'src/core/used.ts': [],
      'src/core/dead.ts': [],
      'src/core/dead.test.ts': ['src/core/dead.ts', 'src/core/testing/clock.ts'],
      'src/core/testing/clock.ts': [],
      'src/core/testing/unused.ts': [],
      'src/protocols/sip/index.ts': [],
      'src/store/suite.ts': [],
      'tests/conformance/store.test.ts': ['src/store/suite.ts'],
    }),
  )
  assert.deepEqual(found, ['src/core/dead.ts', 'src/core/testing/unused.ts'])
})

test('a bundle takes of a door only the files whose names are asked for', () => {
  const door = (names: string[], module: string) => {
    return { specifier: module, kind: 'value', names, handsOn: true, line: 1, target: { module } } as const
  }
  const start = { ...door(['bytes'], 'src/base/index.ts'), handsOn: false }
  const found = bundledFrom(
    'src/a.ts',
    new Map<string, Module>([
      ['src/a.ts', { path: 'src/a.ts', edges: [start], lines: 1 }],
      [
        'src/base/index.ts',
        {
          path: 'src/base/index.ts',
          edges: [door(['bytes'], 'src/base/bytes.ts'), door(['id'], 'src/base/ids.ts')],
          lines: 1,
        },
      ],
      ['src/base/bytes.ts', { path: 'src/base/bytes.ts', edges: [], lines: 1 }],
      ['src/base/ids.ts', { path: 'src/base/ids.ts', edges: [], lines: 1 }],
    ]),
  )
  assert.deepEqual([...found], ['src/a.ts', 'src/base/bytes.ts'])
})
