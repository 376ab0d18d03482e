// `npm run build [-- --out FOLDER]`: dist/ for the published package, because Node strips no types below node_modules. The
// compiler emits the modules and rewrites their relative imports; the files named by URL (workers) are rewritten here, and
// what is no module (tables, pages) is copied.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { importsOf } from '../checks/imports.ts'
import { isForTests, listModules, root } from '../checks/modules.ts'

const { values } = parseArgs({ options: { out: { type: 'string' } } })
const out = resolve(root, values.out ?? 'dist')

rmSync(out, { recursive: true, force: true })
emit()
const modules = listModules(['src']).filter((path) => !isForTests(path))
for (const path of modules) rewriteUrls(builtPath(path))
const copied = copyData()
console.log(`${out}: ${modules.length} modules, ${copied} other files`)

function emit(): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** `src/core/index.ts` -> `dist/core/index.js` */
function builtPath(path: string): string {
  return join(out, path.slice('src/'.length).replace(/\.ts$/, '.js'))
}

/** Throws when a module was not emitted. */
function rewriteUrls(path: string): void {
  const source = readFileSync(path, 'utf8')
  const rewritten = source.replaceAll(
    /(new URL\(\s*['"][^'"]+)\.ts(['"],\s*import\.meta\.url\s*\))/g,
    '$1.js$2',
  )
  const left = importsOf(rewritten).find(
    ({ specifier }) => specifier?.startsWith('.') && specifier.endsWith('.ts'),
  )
  if (left) throw new Error(`${path}:${left.line} still names ${left.specifier}`)
  if (rewritten !== source) writeFileSync(path, rewritten)
}

function copyData(): number {
  const isData = (name: string) => !/\.(ts|md)$/.test(name) && !/(^|\/)(testdata|testing)\//.test(name)
  const names = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'src').length + 1))
    .filter((name) => isData(name.replaceAll('\\', '/')))
  for (const name of names) {
    mkdirSync(dirname(join(out, name)), { recursive: true })
    cpSync(join(root, 'src', name), join(out, name))
  }
  return names.length
}
