// Hands over to the program. Where the running Node can, this process becomes the program, so that signals, exit code and
// terminal are the program's own; an older Node stays as a parent that passes both on.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { SetupError } from './say.js'

/** Two interrupts within this time are one: a terminal sends it to npm and to us, and npm sends it on. */
const sameInterruptMs = 500

/** @type {NodeJS.Signals[]} */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT']

/**
 * Runs `program`. Never returns where the process can become it.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<never>}
 */
export async function become(program, args, env) {
  const execve = /** @type {{ execve?: (file: string, args: string[], env: NodeJS.ProcessEnv) => never }} */ (
    process
  ).execve
  if (execve && process.platform !== 'win32') execve(program, [program, ...args], env)
  return parentOf(program, args, env)
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<never>}
 */
async function parentOf(program, args, env) {
  const child = spawn(program, args, { stdio: 'inherit', env })
  let interruptedAt = Number.NEGATIVE_INFINITY
  for (const signal of forwarded) {
    process.on(signal, () => {
      const now = performance.now()
      if (signal === 'SIGINT' && now - interruptedAt < sameInterruptMs) return
      if (signal === 'SIGINT') interruptedAt = now
      child.kill(signal)
    })
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetupError(`cannot run ${program}: ${error.message}`)))
    child.on('exit', (code, signal) => resolve([code, signal]))
  })
  return endAs(code, signal)
}

/** Ends this process the way the child ended. @param {number | null} code @param {NodeJS.Signals | null} signal @returns {never} */
export function endAs(code, signal) {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  process.exit(128 + constants.signals[signal]) // a signal that does not end a process
}
