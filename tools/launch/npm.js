// The one place that runs npm. The user's own settings (registry, proxy, certificates, credentials) hold, because it is the
// user's own npm that fetches; only the cache moves, and only where the usual one cannot be written.

import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { Interrupted, SetupError } from './say.js'

/** npm 7 is the first that reads a lock file of version 3. */
const oldestMajor = 7

/** The program and first arguments that run npm by the Node at `node`. @param {string} node @returns {string[]} */
export function npmCommand(node) {
  const given = process.env['npm_execpath']
  if (given && basename(given) === 'npm-cli.js' && existsSync(given)) return [node, given]
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), dirname(process.execPath)]
  const found = folders.map((folder) => join(folder || '.', 'npm')).find(isExecutable)
  if (!found) {
    throw new SetupError('npm was not found, and the first set-up needs it once', [
      'install npm (it comes with Node; on Debian and its like: apt-get install npm)',
    ])
  }
  const real = realpathSync(found)
  return real.endsWith('.js') ? [node, real] : [found]
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The version of npm. Throws a SetupError when it is too old or does not run. @param {string[]} command */
export function npmVersion(command) {
  const [program = '', ...first] = command
  const { stdout, stderr, status } = spawnSync(program, [...first, '--version'], { encoding: 'utf8' })
  const version = (stdout ?? '').trim()
  if (status !== 0 || !/^\d+\./.test(version)) {
    throw new SetupError(`npm does not run (${command.join(' ')} --version)`, [
      (stderr ?? '').trim().slice(0, 400),
    ])
  }
  if (Number.parseInt(version, 10) < oldestMajor) {
    throw new SetupError(`npm ${version} is too old to read package-lock.json`, [
      `npm ${oldestMajor} or later is needed: npm install -g npm, or a newer Node`,
    ])
  }
  return version
}

/** Environment for npm: the cache goes below `spare` where the usual one cannot be written (a read-only HOME, another owner). */
export function npmEnvironment(/** @type {string[]} */ command, /** @type {string} */ spare) {
  const [program = '', ...first] = command
  const { stdout } = spawnSync(program, [...first, 'config', 'get', 'cache'], { encoding: 'utf8' })
  const cache = (stdout ?? '').trim()
  return mayWrite(cache) ? process.env : { ...process.env, npm_config_cache: join(spare, 'npm') }
}

/** Whether a folder, or the nearest one above it that exists, may be written. @param {string} folder */
export function mayWrite(folder) {
  if (!folder) return false
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  try {
    accessSync(at, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Runs npm and gives its standard output. What it says on standard error is passed on and, when it fails, explained.
 * @param {string[]} command
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<string>}
 */
export async function runNpm(command, args, { cwd, env }) {
  const [program = '', ...first] = command
  const child = spawn(program, [...first, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let complaint = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => {
    complaint = (complaint + chunk).slice(-20_000)
    process.stderr.write(chunk)
  })
  /** @type {NodeJS.Signals | undefined} */
  let stopped
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    stopped = signal
    child.kill(signal)
  }
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve([code, signal]))
  })
  process.removeListener('SIGINT', forward).removeListener('SIGTERM', forward)
  if (stopped) throw new Interrupted(stopped)
  if (code === 0) return output
  throw new SetupError(`npm ${args[0]} failed${signal ? ` (${signal})` : ''}`, reasons(complaint + output))
}

/** What npm's complaint means and what to do about it. @param {string} complaint @returns {string[]} */
export function reasons(complaint) {
  const known = complaintTable.find(([pattern]) => pattern.test(complaint))
  return known ? [known[1]] : ['what npm said stands above']
}

/** @type {[RegExp, string][]} */
const complaintTable = [
  [/ENOSPC|EDQUOT/, 'no space left on the disk: the set-up needs about 600 MB, once'],
  [/EINTEGRITY/, 'what the registry sent is not what package-lock.json pins; nothing of it was used'],
  [
    /E401|E403|ENEEDAUTH/,
    'the registry of your npm configuration refuses you: see `npm config get registry` and your .npmrc',
  ],
  [
    /E404|ETARGET|ENOVERSIONS/,
    'the registry of your npm configuration does not have it: see `npm config get registry`',
  ],
  [/EROFS|EACCES|EPERM/, 'a folder cannot be written: run it as the user who owns the checkout'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|CERT_|SELF_SIGNED|UNABLE_TO/,
    'the registry of your npm configuration cannot be reached: the first set-up needs it once (`npm ping` tells more); later starts do not',
  ],
]
