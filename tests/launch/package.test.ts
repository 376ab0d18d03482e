// The package as it is published: built, packed, unpacked below node_modules where there are no sources and no types are stripped.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readModules, root } from '../../tools/checks/modules.ts'
import { doorTargets } from '../../tools/checks/reach.ts'
import { npmCommand } from '../../tools/launch/npm.js'

const folder = mkdtempSync(join(tmpdir(), 'verona package '))
const installed = join(folder, 'node_modules', 'verona')
after(() => rmSync(folder, { recursive: true, force: true }))

function run(program: string, args: string[], cwd: string): string {
  const { stdout, stderr, status } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

before(() => {
  const source = join(folder, 'source')
  mkdirSync(source)
  for (const name of ['package.json', 'bin', 'tools', 'LICENSE']) {
    cpSync(join(root, name), join(source, name), { recursive: true })
  }
  const flags = ['--conditions=verona-source', '--disable-warning=ExperimentalWarning']
  run(process.execPath, [...flags, join(root, 'tools/build/build.ts'), '--out', join(source, 'dist')], root)
  const [npm = '', ...first] = npmCommand(process.execPath)
  run(npm, [...first, 'pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], source)
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string
  run('tar', ['xzf', archive], folder)
  for (const name of readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.'))) {
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  renameSync(join(folder, 'package'), installed)
})

test('the package holds the build, the launcher and the executable, and no source or test', () => {
  const names = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  assert.ok(
    names.includes('bin/verona') && names.includes('tools/launch/prepare.js') && names.includes('LICENSE'),
  )
  assert.ok(names.filter((name) => name.startsWith('dist/') && name.endsWith('.js')).length > 20)
  assert.deepEqual(
    names.filter((name) => /(?<!\.d)\.ts$/.test(name) || name.includes('.test.')),
    [],
  )
})

test('every door loads from the build', () => {
  const modules = readModules(['src'])
  const doors = [...doorTargets(modules)].filter(([, path]) => modules.has(path)).map(([name]) => name)
  assert.ok(doors.length > 5, doors.join(' '))
  const code = `for (const door of ${JSON.stringify(doors)}) await import(door)`
  run(process.execPath, ['--input-type=module', '-e', code], installed)
})

test('verona/impp loads and is typed where the package is installed, as a browser’s and as Node’s', () => {
  const program = `import { connect, type ConnectOptions, ConnectionLost } from 'verona/impp'
const options: ConnectOptions = { address: 'a@localhost', password: 'x', server: '127.0.0.1:1' }
const error: unknown = await connect(options).catch((error: unknown) => error)
if (!(error instanceof ConnectionLost)) throw new Error('connected to nobody')
// @ts-expect-error there is no such status
const wrong = async () => (await connect(options)).publish({ show: 'asleep' })
`
  writeFileSync(join(folder, 'program.mts'), program)
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const strict = ['--noEmit', '--strict', '--target', 'es2024', '--lib', 'es2024,esnext.disposable,dom']
  const nodes = ['--module', 'nodenext', '--types', 'node']
  const bundlers = ['--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node']
  for (const way of [nodes, bundlers])
    run(process.execPath, [compiler, ...strict, ...way, 'program.mts'], folder)
  run(process.execPath, ['--disable-warning=ExperimentalWarning', 'program.mts'], folder)
})

const noCommand = existsSync(join(root, 'src/cli/main.ts')) ? false : 'src/cli/main.ts does not exist yet'
test('verona --help works where the package is installed, from any folder', { skip: noCommand }, () => {
  symlinkSync(join(installed, 'bin/verona'), join(folder, 'verona'))
  const help = run(process.execPath, [join(folder, 'verona'), '--help'], tmpdir())
  assert.match(help, /serve/)
  assert.match(help, /user/)
})
