// A package of CommonJS modules as one script for a page: what a bundler makes, for a package with few and plain modules.
import { readFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'

/** A script that leaves what `name` exports in a global of the name `as`. */
export function pageBundle(name: string, as: string): string {
  const modules = new Map<string, string>()
  const entry = add(createRequire(import.meta.url).resolve(name), modules)
  return `(() => {
const modules = {\n${[...modules.values()].join(',\n')}\n}
const loaded = {}
const load = (path) => {
  if (loaded[path] === undefined) {
    const module = (loaded[path] = { exports: {} })
    modules[path](module, module.exports, load)
  }
  return loaded[path].exports
}
globalThis.process ??= { env: {} }
globalThis[${JSON.stringify(as)}] = load(${JSON.stringify(entry)})
})()\n`
}

const requires = /\brequire\((['"])([^'"]+)\1\)/g

/** Adds a file and all that it needs; gives its path. */
function add(path: string, modules: Map<string, string>): string {
  if (modules.has(path)) return path
  modules.set(path, '')
  const source = readFileSync(path, 'utf8')
  const body = path.endsWith('.json')
    ? `module.exports = ${source}`
    : source.replace(requires, (_, _quote, wanted: string) => {
        return `require(${JSON.stringify(add(resolved(wanted, path), modules))})`
      })
  modules.set(path, `${JSON.stringify(path)}: (module, exports, require) => {\n${body}\n}`)
  return path
}

/** The file of a module for a browser: what the package's `browser` says, and never one of Node's own. */
function resolved(wanted: string, from: string): string {
  const { resolve } = createRequire(from)
  if (wanted.startsWith('.')) return resolve(wanted)
  const manifest = resolve(`${wanted}/package.json`)
  const { browser } = JSON.parse(readFileSync(manifest, 'utf8')) as { browser?: unknown }
  if (typeof browser === 'string') return join(dirname(manifest), browser)
  return resolve(isBuiltin(wanted) ? `${wanted}/` : wanted)
}
