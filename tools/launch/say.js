// What the launcher tells: progress on standard error (standard output belongs to the program that is started), and
// the one kind of error that is an answer to the user and not a fault of ours.

import { writeSync } from 'node:fs'

/** A set-up that cannot go on, said so that the user can mend it: what happened, then what to do. */
export class SetupError extends Error {
  /** @param {string} what @param {string[]} [advice] */
  constructor(what, advice = []) {
    super([what, ...advice].join('\n  '))
    this.name = 'SetupError'
  }
}

/** The user, or who supervises us, stopped the set-up by a signal. */
export class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`stopped by ${signal}`)
    this.name = 'Interrupted'
    this.signal = signal
  }
}

/** One line of progress. Written with the system call, so that nothing is lost when the process becomes another program. */
export function say(/** @type {string} */ line) {
  try {
    writeSync(2, `verona: ${line}\n`)
  } catch (/** @type {any} */ error) {
    if (error.code !== 'EPIPE' && error.code !== 'EAGAIN') throw error // nobody listens: not a reason to fail
  }
}

/** The code of a system error (ENOSPC, EROFS, ...), or ''. @param {unknown} error */
export function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Turns the system's errors about disks and rights into an answer; gives back any other error unchanged. */
export function explained(/** @type {unknown} */ error, /** @type {string} */ where) {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SetupError(`no space left on the disk that holds ${where}`, [
        'the set-up needs about 600 MB, once',
      ])
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new SetupError(`${where} cannot be written (${codeOf(error)})`, [
        'run it as the user who owns the folder, or make the folder writable',
      ])
    default:
      return error
  }
}
