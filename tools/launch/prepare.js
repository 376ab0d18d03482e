// From any Node from 18 on to the right one with its packages: what every verb and `bin/verona` do first.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installDependencies } from './dependencies.js'
import { rightNode } from './node.js'
import { become, endAs } from './run.js'
import { Interrupted, SetupError } from './say.js'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A checkout runs from source; an installed package has no sources, and npm has installed what it needs. */
export const isCheckout = existsSync(join(root, 'src'))

/** Brings what is missing and gives the path of the Node to run. @returns {Promise<string>} */
export async function prepare() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const node = await rightNode(root, engines.node)
  if (isCheckout) await installDependencies(root, node)
  return node
}

/**
 * Runs a script of the checkout, or of the package, under the right Node.
 * @param {string} script  absolute
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [more]
 * @param {string[]} [nodeFlags]
 */
export async function runScript(script, args, more = {}, nodeFlags = []) {
  const node = await prepare()
  const flags = [...nodeFlags, '--disable-warning=ExperimentalWarning']
  if (isCheckout) flags.unshift('--conditions=verona-source')
  const cache = process.env['NODE_COMPILE_CACHE'] ?? join(root, '.cache', 'compile')
  await become(node, [...flags, script, ...args], { ...process.env, NODE_COMPILE_CACHE: cache, ...more })
}

/**
 * The command line, `verona COMMAND ...`. A server's young generation would grow to what a storm of logins asked, and stay: with 4
 * MiB a half an idle connection costs less than half, and no message more (decision 0080).
 * @param {string[]} args
 */
export function runVerona(args) {
  const main = join(root, ...(isCheckout ? ['src', 'cli', 'main.ts'] : ['dist', 'cli', 'main.js']))
  return runScript(main, args, {}, ['--max-semi-space-size=4'])
}

/** Runs `work`; an answer to the user is printed as such, anything else with where it happened. @param {() => Promise<void>} work */
export async function orExplain(work) {
  try {
    await work()
  } catch (error) {
    if (error instanceof Interrupted) endAs(null, error.signal)
    console.error(error instanceof SetupError ? `verona: ${error.message}` : error)
    process.exit(1)
  }
}
