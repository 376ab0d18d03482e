// Bringing a Node: against a registry on loopback, by the real npm.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { fetchNode } from '../../tools/launch/node.js'
import { makeArchive } from './archive.ts'
import { integrityOf, type Registry, serveRegistry, serveSilence } from './registry.ts'

const name = 'node-test-machine'
const version = '99.1.2'
const saysItsVersion = makeArchive([
  { name: 'package/package.json', body: JSON.stringify({ name, version }) },
  { name: 'package/bin/node', body: `#!/bin/sh\necho v${version}\n` },
  { name: 'package/LICENSE', body: 'as it is' },
])

let folder: string
let place: string
let registry: Registry | undefined
const kept = { ...process.env }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verona with space '))
  place = join(folder, '.node')
  mkdirSync(place)
  process.env['npm_config_cache'] = join(folder, 'npm')
  process.env['npm_config_fetch_retries'] = '0'
  process.env['no_proxy'] = '127.0.0.1'
  delete process.env['npm_execpath']
  mock.method(process.stderr, 'write', () => true) // npm's own complaints
})

afterEach(async () => {
  await registry?.close()
  registry = undefined
  process.env = { ...kept }
  mock.restoreAll()
  rmSync(folder, { recursive: true, force: true })
})

async function use(served: Registry): Promise<void> {
  registry = served
  process.env['npm_config_registry'] = served.url
}

test('the pinned Node is fetched from the registry of the npm configuration and stands executable in a path with spaces', async () => {
  await use(await serveRegistry(name, version, saysItsVersion))
  await fetchNode(place, { name, version, integrity: integrityOf(saysItsVersion) })
  assert.deepEqual(readdirSync(place), [`${name}-${version}`])
  assert.equal(readFileSync(join(place, `${name}-${version}`, 'LICENSE'), 'utf8'), 'as it is')
  assert.equal(registry?.downloads(), 1)
})

test('an archive that the registry vouches for but that is not the pinned one is refused and leaves nothing', async () => {
  await use(await serveRegistry(name, version, saysItsVersion))
  const pinned = integrityOf(Buffer.from('another archive'))
  await assert.rejects(fetchNode(place, { name, version, integrity: pinned }), (error: Error) => {
    assert.equal(error.name, 'SetupError')
    assert.match(error.message, /not what it should be; nothing of it was used/)
    assert.ok(error.message.includes(pinned) && error.message.includes(integrityOf(saysItsVersion)))
    return true
  })
  assert.deepEqual(readdirSync(place), [])
})

test('an archive that is not what the registry states is refused by npm and explained', async () => {
  await use(await serveRegistry(name, version, saysItsVersion, integrityOf(Buffer.from('stated'))))
  const fetched = fetchNode(place, { name, version, integrity: integrityOf(saysItsVersion) })
  await assert.rejects(fetched, /npm pack failed[\s\S]*not what[\s\S]*pins; nothing of it was used/)
  assert.deepEqual(readdirSync(place), [])
})

test('a Node that does not run here is refused with what it said', async () => {
  const broken = makeArchive([
    { name: 'package/package.json', body: JSON.stringify({ name, version }) },
    { name: 'package/bin/node', body: '#!/bin/sh\necho "GLIBC_2.99 not found" >&2\nexit 1\n' },
    { name: 'package/LICENSE', body: '' },
  ])
  await use(await serveRegistry(name, version, broken))
  const fetched = fetchNode(place, { name, version, integrity: integrityOf(broken) })
  await assert.rejects(fetched, /does not run on this machine: GLIBC_2\.99 not found/)
  assert.deepEqual(readdirSync(place), [])
})

test('a registry that does not answer is told with what to do', async () => {
  const gone = await serveRegistry(name, version, saysItsVersion)
  await gone.close()
  process.env['npm_config_registry'] = gone.url
  const fetched = fetchNode(place, { name, version, integrity: integrityOf(saysItsVersion) })
  await assert.rejects(fetched, /cannot be reached: the first set-up needs it once/)
})

test('what an interrupted fetch left is swept away by the next', async () => {
  await use(await serveRegistry(name, version, saysItsVersion))
  mkdirSync(join(place, 'tmp-interrupted'))
  await fetchNode(place, { name, version, integrity: integrityOf(saysItsVersion) })
  assert.deepEqual(readdirSync(place), [`${name}-${version}`])
})

test('a signal during the fetch ends it by that signal and leaves nothing', async () => {
  const silent = await serveSilence()
  const launch = (name: string) => JSON.stringify(join(import.meta.dirname, '../../tools/launch', name))
  const code = `
    const { orExplain } = await import(${launch('prepare.js')})
    const { fetchNode } = await import(${launch('node.js')})
    await orExplain(() => fetchNode(${JSON.stringify(place)}, ${JSON.stringify({ name, version, integrity: '' })}))`
  const env = { ...process.env, npm_config_registry: silent.url }
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env, stdio: 'ignore' })
  await silent.asked
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'])
  assert.deepEqual(readdirSync(place), [])
  await silent.close()
})
