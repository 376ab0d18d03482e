// Starts what a benchmark measures: the whole server with its users, or a relay, each in a process of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadResult } from './load.ts'

export const root = new URL('../..', import.meta.url).pathname

/** Server and generator each on a core of their own, where the system lets us say so. */
const pinned = ((): ((core: number, command: string[]) => string[]) => {
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'])
    return (core, command) => ['taskset', '-c', String(core), ...command]
  } catch {
    return (_core, command) => command
  }
})()

/** As the launcher starts it: the young generation stays small (decision 0080). */
export const node = [
  process.execPath,
  '--max-semi-space-size=4',
  '--conditions=verona-source',
  '--disable-warning=ExperimentalWarning',
]

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

export interface Started {
  readonly process: ChildProcess
  readonly pid: number
}

/** Starts a program and waits for the word that says it is up. */
export function start(command: string[], word: string): Promise<Started> {
  const [file, ...rest] = pinned(0, command) as [string, ...string[]]
  const child = spawn(file, rest, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      // taskset execs, so the child's pid is the program's.
      if (said.includes(word)) resolve({ process: child, pid: child.pid as number })
    })
    child.on('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}: ${said}`)))
  })
}

export function load(file: string, args: readonly string[]): Promise<LoadResult> {
  const [program, ...rest] = pinned(1, [...node, join(root, 'bench/load', file), ...args]) as [
    string,
    ...string[],
  ]
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.on('exit', (code) => {
      if (code === 0) resolve(JSON.parse(said) as LoadResult)
      else reject(new Error(`${file} ended with ${code}`))
    })
  })
}

export async function stop({ process: child }: Started): Promise<void> {
  child.removeAllListeners('exit')
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

export interface Ports {
  readonly xmpp: number
  readonly sip: number
  readonly impp: number
  readonly prim: number
  readonly apex: number
}

export interface ServerOptions {
  /** How many: `u1`, `u2`, ..., password `pw`. */
  readonly users: number
  readonly history: boolean
  /** Whether a watcher needs the word of the one watched; true when absent. */
  readonly confirm?: boolean
}

export async function withServer<T>(
  { users, history, confirm = true }: ServerOptions,
  use: (server: Started, ports: Ports) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
  const ports = {
    xmpp: await freePort(),
    sip: await freePort(),
    impp: await freePort(),
    prim: await freePort(),
    apex: await freePort(),
  }
  const file = join(directory, 'verona.toml')
  writeFileSync(
    file,
    `data = "./data"
domains = ["localhost"]
[history]
enabled = ${history}
[presence]
confirm_same_domain = ${confirm}
[auth]
scram_iterations = 4096
[xmpp]
client = "127.0.0.1:${ports.xmpp}"
plain_without_tls = true
[sip]
udp = "127.0.0.1:${ports.sip}"
notify_seconds_min = 0
[impp]
client = "127.0.0.1:${ports.impp}"
plain_without_tls = true
pending_max = 1000
[prim]
im = "127.0.0.1:${ports.prim}"
plain_without_tls = true
pending_max = 1000
[apex]
edge = "127.0.0.1:${ports.apex}"
plain_without_tls = true
`,
  )
  const lines = Array.from({ length: users }, (_, at) => `u${at + 1}@localhost,pw`)
  writeFileSync(join(directory, 'users.csv'), `address,password\n${lines.join('\n')}\n`)
  const main = join(root, 'src/cli/main.ts')
  execFileSync(
    process.execPath,
    [...node.slice(1), main, 'user', 'import', join(directory, 'users.csv'), '--config', file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const server = await start([...node, main, 'serve', '--config', file], 'ready')
  try {
    return await use(server, ports)
  } finally {
    await stop(server)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Starts a program that holds connections until it is killed; resolves when all are in. */
export async function holder(file: string, args: readonly string[]): Promise<ChildProcess> {
  const [program, ...rest] = pinned(1, [...node, file, ...args]) as [string, ...string[]]
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}`)))
  })
  return child
}
