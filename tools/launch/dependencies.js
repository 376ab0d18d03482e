// The packages that package-lock.json pins: whether they stand in node_modules, and `npm ci --ignore-scripts` when not.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whileLocked } from './lock.js'
import { npmCommand, npmEnvironment, npmVersion, runNpm } from './npm.js'
import { codeOf, explained, say } from './say.js'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean, os?: string[], cpu?: string[] }} Locked */

/**
 * Installs the packages of a checkout unless they are there.
 * @param {string} root
 * @param {string} node  the Node that npm runs on, so that packages are chosen for the Node that will run them
 */
export async function installDependencies(root, node) {
  if (areInstalled(root)) return
  await whileLocked(join(root, '.cache', 'install.lock'), async () => {
    if (areInstalled(root)) return
    say('installing the packages of package-lock.json from the npm registry (npm ci --ignore-scripts; once)')
    const command = npmCommand(node)
    npmVersion(command)
    const env = npmEnvironment(command, join(root, '.cache'))
    const all = ['--include=dev', '--include=optional', '--include=peer']
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']
    await runNpm(command, ['ci', '--ignore-scripts', ...all, ...quiet], { cwd: root, env })
    try {
      writeFileSync(stampPath(root), stampText(root))
    } catch (error) {
      throw explained(error, root)
    }
    say('the packages are installed')
  })
}

/** @param {string} root */
function stampPath(root) {
  return join(root, 'node_modules', '.verona-installed')
}

/** What was installed, and for which machine: a checkout may be shared with one of another kind. @param {string} root */
function stampText(root) {
  return `${process.platform}-${process.arch}\n${readFileSync(join(root, 'package-lock.json'), 'utf8')}`
}

/** Whether node_modules holds what the lock file pins: by our stamp, else (npm was run by hand) by npm's own record. */
export function areInstalled(/** @type {string} */ root) {
  const stamp = readIfThere(stampPath(root))
  if (stamp !== undefined && stamp === stampText(root)) return true
  const record = readIfThere(join(root, 'node_modules', '.package-lock.json'))
  if (record === undefined) return false
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  return holds(JSON.parse(record).packages, JSON.parse(lock).packages)
}

/** @param {string} path */
function readIfThere(path) {
  if (!existsSync(path)) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Whether `installed` has every package that `locked` wants on this machine, in the same version.
 * @param {Record<string, Locked>} installed
 * @param {Record<string, Locked>} locked
 */
export function holds(installed, locked) {
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === '' || wanted.link) return true
    const found = installed[path]
    if (!found) return wanted.optional === true && !isForThisMachine(wanted)
    return found.version === wanted.version && found.integrity === wanted.integrity
  })
}

/** @param {Locked} wanted */
function isForThisMachine(wanted) {
  return isListed(wanted.os, process.platform) && isListed(wanted.cpu, process.arch)
}

/** The `os` and `cpu` lists of package.json: names, or names to avoid with `!`. @param {string[] | undefined} list @param {string} name */
function isListed(list, name) {
  if (!list || list.length === 0) return true
  if (list.includes(`!${name}`)) return false
  return list.includes(name) || list.every((entry) => entry.startsWith('!'))
}
