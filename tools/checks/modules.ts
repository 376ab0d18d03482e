// Every module of the checkout with its imports resolved, and the folder (unit) each belongs to.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { type Import, importsOf } from './imports.ts'

export const root = join(import.meta.dirname, '..', '..')

export interface Edge extends Import {
  /** What it leads to: a module of ours (path from the root), a package or `node:` module, or nothing. */
  target: { module: string } | { package: string } | { missing: string }
}

export interface Module {
  /** Path from the root, with `/`. */
  path: string
  edges: Edge[]
  lines: number
}

/** Every module below the folders, by path. */
export function readModules(
  folders: string[] = ['src', 'tests', 'fuzz', 'bench', 'tools'],
): Map<string, Module> {
  return new Map(listModules(folders).map((path) => [path, readModule(path)]))
}

/** The paths of all modules below the folders, as the file system lists them. */
export function listModules(folders: string[]): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name}`,
      ),
    )
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts') && !name.includes('node_modules/'))
    .sort()
}

function readModule(path: string): Module {
  const source = readFileSync(join(root, path), 'utf8')
  const edges = importsOf(source).map((found) => ({ ...found, target: resolve(path, found) }))
  return { path, edges, lines: source.split('\n').length - 1 }
}

interface Doors {
  imports: Record<string, { 'verona-source': string; default: string }>
}

/** The doors that package.json names. */
export const doors = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Doors).imports

function resolve(from: string, { specifier, kind }: Import): Edge['target'] {
  if (specifier === undefined) return { missing: '(not a string)' }
  if (specifier.startsWith('.') || (kind === 'worker' && !specifier.includes(':'))) {
    return ours(posix.normalize(posix.join(dirname(from), specifier)))
  }
  if (specifier.startsWith('#')) return ours(throughDoor(specifier))
  return { package: specifier }
}

function ours(path: string): Edge['target'] {
  return existsSync(join(root, path)) ? { module: path } : { missing: path }
}

/** What a `#specifier` names, by the `verona-source` condition; the same specifier where no door fits. */
function throughDoor(specifier: string): string {
  for (const [pattern, target] of Object.entries(doors)) {
    const [before = '', after] = pattern.split('*')
    if (
      after === undefined
        ? specifier === pattern
        : specifier.startsWith(before) && specifier.length > before.length
    ) {
      const star = after === undefined ? '' : specifier.slice(before.length)
      return posix.normalize(target['verona-source'].replaceAll('*', star))
    }
  }
  return specifier
}

/** Doors of one protocol beside its own: the client of IMPP, and the same in Node. */
const clients = ['client', 'client-node']
/** The protocols that have one. */
const withClients = ['impp', 'prim', 'apex']

/** The unit a module belongs to: `src/core`, `src/wire/xml`, `src/protocols/sip`, `src/protocols/impp/client`, `src/protocols/prim/client`, or `tests`. */
export function unitOf(path: string): string {
  const parts = path.split('/')
  if (parts[0] !== 'src') return parts[0] as string
  if (
    parts[1] === 'protocols' &&
    withClients.includes(parts[2] as string) &&
    clients.includes(parts[3] as string)
  )
    return parts.slice(0, 4).join('/')
  const nested = (parts[1] === 'wire' || parts[1] === 'protocols') && parts.length > 3
  return parts.slice(0, nested ? 3 : 2).join('/')
}

/** A unit test: it may use any folder's door. */
export function isUnitTest(path: string): boolean {
  return /\.test\.[jt]s$/.test(path)
}

/** A unit test or what only tests use: what lies in a folder `testing` or `conformance`, or is a `conformance.ts`. */
export function isForTests(path: string): boolean {
  return isUnitTest(path) || /\/((testing|conformance)\/.*|conformance\.ts)$/.test(path)
}

/** The units of src: folders that have a door or modules. */
export function unitsOf(modules: Map<string, Module>): string[] {
  return [...new Set([...modules.keys()].filter((path) => path.startsWith('src/')).map(unitOf))].sort()
}

export function isFolder(path: string): boolean {
  return existsSync(join(root, path)) && statSync(join(root, path)).isDirectory()
}
