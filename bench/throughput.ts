// Messages a second and CPU a message through the whole server, beside a bare relay of the same octets in the same run. The load
// comes from another process. `npm run bench -- throughput [--history] [--window 1,10] [--cases xmpp,sip,...] [--seconds 5]`
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadResult } from './load/load.ts'

const pairs = 100
const root = new URL('..', import.meta.url).pathname
const words = process.argv.slice(2)

function given(name: string, otherwise: string): string {
  const at = words.indexOf(`--${name}`)
  return at < 0 ? otherwise : (words[at + 1] ?? otherwise)
}

const history = words.includes('--history')
const windows = given('window', '1,10').split(',')
const seconds = given('seconds', '5')
const cases = given('cases', 'relay,xmpp,sip,impp,xmpp-sip').split(',')

/** Server and generator each on a core of their own, where the system lets us say so. */
const pinned = ((): ((core: number, command: string[]) => string[]) => {
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'])
    return (core, command) => ['taskset', '-c', String(core), ...command]
  } catch {
    return (_core, command) => command
  }
})()

const node = [process.execPath, '--conditions=verona-source', '--disable-warning=ExperimentalWarning']

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

interface Started {
  readonly process: ChildProcess
  readonly pid: number
}

/** Starts a program and waits for the word that says it is up. */
function start(command: string[], word: string): Promise<Started> {
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

function load(file: string, args: readonly string[]): Promise<LoadResult> {
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

async function stop({ process: child }: Started): Promise<void> {
  child.removeAllListeners('exit')
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

interface Ports {
  readonly xmpp: number
  readonly sip: number
  readonly impp: number
}

async function withServer<T>(use: (server: Started, ports: Ports) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
  const ports = { xmpp: await freePort(), sip: await freePort(), impp: await freePort() }
  const file = join(directory, 'verona.toml')
  writeFileSync(
    file,
    `data = "./data"
domains = ["localhost"]
[history]
enabled = ${history}
[auth]
scram_iterations = 4096
[xmpp]
client = "127.0.0.1:${ports.xmpp}"
plain_without_tls = true
[sip]
udp = "127.0.0.1:${ports.sip}"
[impp]
client = "127.0.0.1:${ports.impp}"
plain_without_tls = true
pending_max = 1000
`,
  )
  const users = Array.from({ length: 2 * pairs }, (_, at) => `u${at + 1}@localhost,pw`)
  writeFileSync(join(directory, 'users.csv'), `address,password\n${users.join('\n')}\n`)
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

function loadWords(pid: number, port: number, window: string, more: string[] = []): string[] {
  return [
    '--pid',
    String(pid),
    '--port',
    String(port),
    '--pairs',
    String(pairs),
    '--window',
    window,
    '--seconds',
    seconds,
    ...more,
  ]
}

async function measure(name: string, window: string): Promise<LoadResult> {
  if (name === 'relay') {
    const port = await freePort()
    const relay = await start([...node, join(root, 'bench/bare-relay.ts'), String(port)], 'ready')
    try {
      return await load('xmpp-load.ts', loadWords(relay.pid, port, window, ['--relay']))
    } finally {
      await stop(relay)
    }
  }
  return withServer(({ pid }, ports) => {
    if (name === 'xmpp') return load('xmpp-load.ts', loadWords(pid, ports.xmpp, window))
    if (name === 'sip') return load('sip-load.ts', loadWords(pid, ports.sip, window))
    if (name === 'impp') return load('impp-load.ts', loadWords(pid, ports.impp, window))
    const crossed = ['--sender', 'xmpp', '--other-port', String(ports.xmpp)]
    return load('sip-load.ts', loadWords(pid, ports.sip, window, crossed))
  })
}

console.log(
  `history ${history ? 'on' : 'off'}, ${pairs} pairs, server and generator on a core each, ${seconds} s a row`,
)
console.log('case       window    msg/s   CPU us/msg   x relay   generator CPU %   errors')
for (const window of windows) {
  let relay: number | undefined
  for (const name of cases) {
    const result = await measure(name, window)
    const cpu = result.cpuMicrosecondsPerMessage
    if (name === 'relay') relay = cpu
    const ratio = relay === undefined ? '-' : (cpu / relay).toFixed(1)
    console.log(
      [
        name.padEnd(10),
        window.padStart(6),
        Math.round(result.messagesPerSecond).toString().padStart(8),
        cpu.toFixed(2).padStart(12),
        ratio.padStart(9),
        result.generatorCpuPercent.toFixed(0).padStart(17),
        String(result.errors).padStart(8),
      ].join(' '),
    )
  }
}
