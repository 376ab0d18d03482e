// Finds the Node that runs Verona: this one when it is new enough, else the pinned one, brought once from the registry
// into a folder of its own.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { whileLocked } from './lock.js'
import { mayWrite, npmCommand, npmEnvironment, npmVersion, runNpm } from './npm.js'
import { pinFor, pins, platformOfThisMachine, satisfies } from './platform.js'
import { codeOf, explained, SetupError, say } from './say.js'
import { unpack } from './unpack.js'

/** @typedef {import('./platform.js').Pin} Pin */

/**
 * The path of a Node that meets `range`, fetched when it must be.
 * @param {string} root  the checkout or the installed package
 * @param {string} range  `engines.node` of package.json
 * @returns {Promise<string>}
 */
export async function rightNode(root, range) {
  if (satisfies(process.version, range)) return process.execPath
  return broughtNode(root) ?? (await bringNode(root, pinFor(platformOfThisMachine())))
}

/** The Node that an earlier start brought. Stat calls only. @param {string} root @returns {string | undefined} */
function broughtNode(root) {
  const pin = pins[`${process.platform}-${process.arch}`]
  return (
    pin &&
    places(root)
      .map((place) => executable(place, pin))
      .find((path) => existsSync(path))
  )
}

/** Where a Node may stand: beside the sources, or with the user where those belong to somebody else. @param {string} root */
function places(root) {
  const caches = process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] || tmpdir(), '.cache')
  return [join(root, '.node'), join(caches, 'verona', 'node')]
}

/** @param {string} place @param {Pin} pin */
function executable(place, pin) {
  return join(place, `${pin.name}-${pin.version}`, 'bin', 'node')
}

/** @param {string} root @param {Pin} pin */
async function bringNode(root, pin) {
  const place = places(root).find(mayWrite)
  if (!place) throw new SetupError(`none of these folders can be written: ${places(root).join(', ')}`)
  return whileLocked(join(place, 'lock'), async () => {
    const path = executable(place, pin)
    if (!existsSync(path)) await fetchNode(place, pin)
    return path
  })
}

/**
 * Fetches, checks and unpacks the pinned Node below `place`. What fails leaves nothing behind.
 * @param {string} place
 * @param {Pin} pin
 */
export async function fetchNode(place, pin) {
  say(
    `this Node is ${process.version}; bringing ${pin.name} ${pin.version} from the npm registry (once, about 50 MB)`,
  )
  const command = npmCommand(process.execPath)
  npmVersion(command)
  sweep(place)
  const desk = mkdtempSync(join(place, 'tmp-'))
  try {
    const env = npmEnvironment(command, desk)
    const spec = `${pin.name}@${pin.version}`
    await runNpm(
      command,
      ['pack', spec, '--pack-destination', desk, '--no-update-notifier', '--loglevel=error'],
      { cwd: desk, env },
    )
    const archive = readdirSync(desk).find((name) => name.endsWith('.tgz'))
    if (!archive) throw new SetupError(`npm pack ${spec} left no archive`)
    await checkIntegrity(join(desk, archive), pin)
    await unpackNode(join(desk, archive), desk)
    checkRuns(join(desk, 'node', 'bin', 'node'), pin)
    renameSync(join(desk, 'node'), join(place, `${pin.name}-${pin.version}`))
    say(`Node ${pin.version} stands in ${place}`)
  } catch (error) {
    throw explained(error, place)
  } finally {
    rmSync(desk, { recursive: true, force: true })
  }
}

/** Removes what an interrupted fetch left; under the lock nobody else is at work here. @param {string} place */
function sweep(place) {
  for (const name of readdirSync(place)) {
    if (name.startsWith('tmp-')) rmSync(join(place, name), { recursive: true, force: true })
  }
}

/** Throws a SetupError unless the archive is the pinned one. @param {string} archive @param {Pin} pin */
export async function checkIntegrity(archive, pin) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(archive), hash)
  const found = `sha512-${hash.digest('base64')}`
  if (found === pin.integrity) return
  throw new SetupError(`${pin.name} ${pin.version} is not what it should be; nothing of it was used`, [
    `expected ${pin.integrity}`,
    `received ${found}`,
    'the registry or something on the way to it sent another archive: see `npm config get registry`',
  ])
}

/** @param {string} archive @param {string} desk */
async function unpackNode(archive, desk) {
  mkdirSync(join(desk, 'node', 'bin'), { recursive: true })
  await unpack(archive, {
    'package/bin/node': { path: join(desk, 'node', 'bin', 'node'), mode: 0o755 },
    'package/LICENSE': { path: join(desk, 'node', 'LICENSE'), mode: 0o644 },
  })
}

/** @param {string} path @param {Pin} pin */
function checkRuns(path, pin) {
  const { stdout, stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (stdout?.trim() === `v${pin.version}`) return
  const why = error ? `${codeOf(error)} ${error.message}` : (stderr ?? '').trim().slice(0, 400)
  throw new SetupError(`the Node that was brought does not run on this machine: ${why}`, [
    'it needs glibc 2.28 or later and a folder from which programs may be run',
    'install Node 24 by other means and start again',
  ])
}
