// Messages from a domain to another over their servers' own stream (TLS, acknowledged), and the CPU of both servers, beside a chain of
// two bare relays of the same octets in the same run. `npm run bench -- servers [--peer prosody] [--window 1,10] [--seconds 5]`
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network } from '../tests/interop/network.ts'
import { peer } from '../tests/interop/peers.ts'
import { password } from '../tests/interop/server.ts'
import { Prosody } from '../tests/interop/xmpp-server.ts'
import type { LoadResult } from './load/load.ts'
import { freePort, load, node, root, type Started, start, stop } from './load/measured.ts'

const pairs = 100
const words = process.argv.slice(2)

function given(name: string, otherwise: string): string {
  const at = words.indexOf(`--${name}`)
  return at < 0 ? otherwise : (words[at + 1] ?? otherwise)
}

const windows = given('window', '1,10').split(',')
const seconds = given('seconds', '5')
const domains = ['verona.example', 'mantua.example'] as const

/** One of the two: its process, and where clients connect. */
interface End {
  readonly pid: number
  readonly port: number
}

function measure(
  [a, b]: readonly [End, End],
  window: string,
  more: readonly string[] = [],
): Promise<LoadResult> {
  const ends = [
    '--pid',
    `${a.pid}`,
    '--port',
    `${a.port}`,
    '--other-pid',
    `${b.pid}`,
    '--other-port',
    `${b.port}`,
  ]
  const names = ['--domain', domains[0], '--other-domain', domains[1]]
  const much = ['--pairs', `${pairs}`, '--window', window, '--seconds', seconds]
  return load('xmpp-load.ts', [...ends, ...names, ...much, ...more])
}

async function relays(window: string): Promise<LoadResult> {
  const [port, next] = [await freePort(), await freePort()]
  const file = join(root, 'bench/bare-relay.ts')
  const second = await start([...node, file, `${next}`], 'ready')
  const first = await start([...node, file, `${port}`, `${next}`], 'ready')
  try {
    const ends = [
      { pid: first.pid, port },
      { pid: second.pid, port: next },
    ] as const
    return await measure(ends, window, ['--relay'])
  } finally {
    await stop(first)
    await stop(second)
  }
}

async function verona(window: string): Promise<LoadResult> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
  const ports = domains.map(() => [freePort(), freePort()])
  const [[clientA, serverA], [clientB, serverB]] = (await Promise.all(
    ports.map((both) => Promise.all(both)),
  )) as [[number, number], [number, number]]
  const begun: Started[] = []
  try {
    begun.push(await veronaOf(join(directory, 'a'), domains[0], clientA, serverA, domains[1], serverB))
    begun.push(await veronaOf(join(directory, 'b'), domains[1], clientB, serverB, domains[0], serverA))
    const [a, b] = begun as [Started, Started]
    return await measure(
      [
        { pid: a.pid, port: clientA },
        { pid: b.pid, port: clientB },
      ],
      window,
    )
  } finally {
    for (const one of begun) await stop(one)
    rmSync(directory, { recursive: true, force: true })
  }
}

function veronaOf(
  directory: string,
  domain: string,
  clientPort: number,
  serverPort: number,
  other: string,
  otherPort: number,
): Promise<Started> {
  execFileSync('mkdir', ['-p', directory])
  const file = join(directory, 'verona.toml')
  writeFileSync(
    file,
    `data = "./data"
domains = ["${domain}"]
[history]
enabled = false
[auth]
scram_iterations = 4096
[peers]
tls = "encrypted"
[xmpp]
client = "127.0.0.1:${clientPort}"
server = "127.0.0.1:${serverPort}"
server_stanzas_per_second_max = 1000000
plain_without_tls = true
[[peer]]
domain = "${other}"
protocol = "xmpp"
servers = ["127.0.0.1:${otherPort}"]
`,
  )
  const users = Array.from({ length: 2 * pairs }, (_, at) => `u${at + 1}@${domain},pw\n`)
  const list = join(directory, 'users.csv')
  writeFileSync(list, `address,password\n${users.join('')}`)
  const main = join(root, 'src/cli/main.ts')
  execFileSync(process.execPath, [...node.slice(1), main, 'user', 'import', list, '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return start([...node, main, 'serve', '--config', file], 'ready')
}

async function prosody(window: string): Promise<LoadResult> {
  const network = await Network.open(domains)
  const users = Array.from({ length: 2 * pairs }, (_, at) => `u${at + 1}`)
  const both = domains.map((domain) => new Prosody(peer('prosody').path, network, domain, users))
  try {
    const ends: End[] = []
    for (const one of both) {
      await one.start({ measured: true })
      const pid = one.programs.at(-1)?.pid as number
      pin(pid)
      ends.push({ pid, port: one.port })
    }
    return await measure(ends as [End, End], window, ['--password', password])
  } finally {
    for (const one of both) await one.remove()
    await network.close()
  }
}

/** On the core of the servers, where the system lets us say so. */
function pin(pid: number): void {
  try {
    execFileSync('taskset', ['-pc', '0', `${pid}`], { stdio: 'ignore' })
  } catch {
    console.log('not pinned: no taskset here')
  }
}

const cases: [string, (window: string) => Promise<LoadResult>][] = [
  ['relays', relays],
  ['verona', verona],
]
if (given('peer', '') === 'prosody') {
  const { skip } = peer('prosody')
  if (skip === false) cases.push(['prosody', prosody])
  else console.log(skip)
}

console.log(`${pairs} pairs, both servers on one core and the generator on another, ${seconds} s a row`)
console.log('case       window    msg/s   CPU us/msg     sender     receiver   x relays   errors')
for (const window of windows) {
  let relay: number | undefined
  for (const [name, run] of cases) {
    const result = await run(window)
    const ofB = result.otherCpuMicrosecondsPerMessage
    const both = result.cpuMicrosecondsPerMessage + ofB
    relay ??= both
    console.log(
      [
        name.padEnd(10),
        window.padStart(6),
        Math.round(result.messagesPerSecond).toString().padStart(8),
        both.toFixed(2).padStart(12),
        result.cpuMicrosecondsPerMessage.toFixed(2).padStart(10),
        ofB.toFixed(2).padStart(12),
        (both / relay).toFixed(1).padStart(10),
        String(result.errors).padStart(8),
      ].join(' '),
    )
  }
}
