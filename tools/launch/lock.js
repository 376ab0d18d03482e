// One set-up at a time: a lock file that is made complete in one step (link), is touched while its holder lives, and
// is taken over when its holder is gone.

import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { codeOf, explained, say } from './say.js'

/** How often the holder touches its lock, and after how long untouched it counts as left behind (process ids are reused). */
const beatSeconds = 2
const silentSecondsMax = 60

/**
 * Runs `work` while holding the lock at `path`; waits for another holder, and says so once.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function whileLocked(path, work) {
  await acquire(path)
  const beat = setInterval(() => utimesSync(path, new Date(), new Date()), beatSeconds * 1000)
  const leave = () => release(path)
  process.once('exit', leave)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    process.removeListener('exit', leave)
    release(path)
  }
}

/** @param {string} path */
async function acquire(path) {
  const own = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(own, identity())
  } catch (error) {
    throw explained(error, dirname(path))
  }
  try {
    for (let told = false; !links(own, path); ) {
      const holder = holderOf(path)
      if (holder === undefined) continue
      if (isGone(holder)) {
        takeAway(path, holder.text)
        continue
      }
      if (!told) say(`another start is setting up (process ${holder.pid}); waiting for it`)
      told = true
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } finally {
    rmSync(own, { force: true })
  }
}

function identity() {
  return `${process.pid} ${hostname()}`
}

/** @param {string} own @param {string} path */
function links(own, path) {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** @param {string} path */
function holderOf(path) {
  try {
    const text = readFileSync(path, 'utf8')
    const [pid = '', host = ''] = text.split(' ')
    return { text, pid: Number(pid), host, touched: statSync(path).mtimeMs }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined // released meanwhile
    throw error
  }
}

/** @param {{ pid: number, host: string, touched: number }} holder */
function isGone(holder) {
  if (Date.now() - holder.touched > silentSecondsMax * 1000) return true
  if (holder.host !== hostname()) return false
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
}

/**
 * Removes a lock that was left behind. Of several who try, one moves it away; who finds that it moved a newer lock puts
 * that back.
 * @param {string} path
 * @param {string} stale
 */
function takeAway(path, stale) {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readFileSync(aside, 'utf8') !== stale) links(aside, path)
  rmSync(aside, { force: true })
}

/** @param {string} path */
function release(path) {
  if (holderOf(path)?.text === identity()) rmSync(path, { force: true })
}
