// The machine: disk, clock, open files.
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Finding, good, notice, trouble } from './finding.ts'

const mebibyte = 1024 * 1024
const freeTroubleMebibytes = 100
const freeNoticeMebibytes = 1024
const openFilesNotice = 4096

/** The data directory: writable, private, with room left. */
export function findDisk(data: string): Finding[] {
  const about = 'data directory'
  const there = existingAbove(data)
  try {
    accessSync(there, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return [
      trouble(
        about,
        `this user may not write in ${there}`,
        `run as the user that owns it, or: chown USER ${there}`,
      ),
    ]
  }
  const findings = [
    there === data ? ofDirectory(data, about) : good(about, `${data} will be made at the first start`),
  ]
  const { bavail, bsize } = statfsSync(there)
  findings.push(ofRoom(Math.floor((bavail * bsize) / mebibyte), there))
  return findings
}

function ofDirectory(data: string, about: string): Finding {
  const status = statSync(data)
  if (!status.isDirectory()) return trouble(about, `${data} is a file`, 'name a directory in data')
  if ((status.mode & 0o077) !== 0) {
    return notice(about, `other users of this machine may look into ${data}`, `chmod 700 ${data}`)
  }
  return good(about, data)
}

/** @param free mebibytes */
export function ofRoom(free: number, where: string): Finding {
  const what = `${free >= 10_240 ? `${Math.floor(free / 1024)} GiB` : `${free} MiB`} free at ${where}`
  const remedy = 'make room: when the disk is full, no message can be stored and senders are told so'
  if (free < freeTroubleMebibytes) return trouble('disk', what, remedy)
  return free < freeNoticeMebibytes ? notice('disk', what, remedy) : good('disk', what)
}

function existingAbove(path: string): string {
  let at = path
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

/** Times stamp messages and bound certificates: a wrong clock breaks both. @param now milliseconds since the epoch */
export function findClock(
  data: string,
  now: number,
  isSynchronized: boolean | undefined = systemSaysSynchronized(),
): Finding {
  const shown = new Date(now).toISOString()
  const newest = newestFile(data)
  const remedy = 'set the clock, and let it be kept right: timedatectl set-ntp true'
  if (newest !== undefined && newest > now + 60_000) {
    return trouble('clock', `it is ${shown}, earlier than the server's own files`, remedy)
  }
  if (isSynchronized === false) return notice('clock', `it is ${shown}; nothing keeps it right`, remedy)
  return good('clock', `${shown}${isSynchronized === true ? ', kept right by the system' : ''}`)
}

function newestFile(directory: string): number | undefined {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return undefined
  const times = readdirSync(directory).map(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  )
  return times.length === 0 ? undefined : Math.max(...times)
}

/** Undefined where the system cannot be asked (in a container, say). */
function systemSaysSynchronized(): boolean | undefined {
  try {
    const answer = execFileSync('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 2000,
    })
    return answer.trim() === 'yes'
  } catch {
    return undefined // no systemd here: nothing can be said
  }
}

/** Every connection is an open file. */
export function findOpenFiles(limits: string | undefined = readLimits()): Finding[] {
  const soft = limits === undefined ? null : /^Max open files\s+(\d+|unlimited)/m.exec(limits)
  if (soft === null) return []
  if (soft[1] === 'unlimited' || Number(soft[1]) >= openFilesNotice)
    return [good('open files', `${soft[1]} allowed`)]
  const remedy = `for more than ${Math.floor(Number(soft[1]) / 2)} connections: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit`
  return [notice('open files', `${soft[1]} allowed`, remedy)]
}

function readLimits(): string | undefined {
  return existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : undefined
}
