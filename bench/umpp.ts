// Messages between two domains by UMPP beside plain XMPP, between the same two servers in one run: messages a second and the CPU of both servers for each; and sessions
// that are set up a second, beside the first messages to as many people by XMPP. `npm run bench -- umpp [--window 1,10] [--seconds 5] [--people 60]`
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../tests/interop/ports.ts'
import { certificatesOf } from '../tests/transcripts/certificates.ts'
import type { LoadResult } from './load/load.ts'
import { load, node, root, type Started, start, stop } from './load/measured.ts'

const words = process.argv.slice(2)

function given(name: string, otherwise: string): string {
  const at = words.indexOf(`--${name}`)
  return at < 0 ? otherwise : (words[at + 1] ?? otherwise)
}

const windows = given('window', '1,10').split(',')
const seconds = given('seconds', '5')
const pairs = 100
/** Of each domain, who all write to all. */
const people = given('people', '60')
const domains = ['verona.example', 'mantua.example'] as const
const protocols = ['xmpp', 'umpp'] as const

interface Ports {
  readonly client: number
  readonly xmpp: number
  readonly sip: number
}

/** Both servers, which go to each other by one of the two protocols; then what is measured of them. */
async function withBoth<T>(
  protocol: (typeof protocols)[number],
  measure: (ends: readonly string[]) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
  const trust = join(directory, 'trust.pem')
  const authorities = await Promise.all(
    domains.map(async (domain) => readFileSync(join(await certificatesOf(domain), 'ca.crt'))),
  )
  writeFileSync(trust, Buffer.concat(authorities))
  const ports: Ports[] = []
  for (const _ of domains)
    ports.push({ client: await freePort(), xmpp: await freePort(), sip: await freePort() })
  const [here, there] = ports as [Ports, Ports]
  const begun: Started[] = []
  try {
    begun.push(await server(join(directory, 'a'), domains[0], here, domains[1], there, protocol, trust))
    begun.push(await server(join(directory, 'b'), domains[1], there, domains[0], here, protocol, trust))
    const [a, b] = begun as [Started, Started]
    return await measure([
      ...['--pid', `${a.pid}`, '--port', `${here.client}`, '--domain', domains[0]],
      ...['--other-pid', `${b.pid}`, '--other-port', `${there.client}`, '--other-domain', domains[1]],
    ])
  } finally {
    for (const one of begun) await stop(one)
    rmSync(directory, { recursive: true, force: true })
  }
}

async function server(
  directory: string,
  domain: string,
  own: Ports,
  other: string,
  theirs: Ports,
  protocol: string,
  trust: string,
): Promise<Started> {
  mkdirSync(directory)
  const certificates = await certificatesOf(domain)
  const file = join(directory, 'verona.toml')
  writeFileSync(
    file,
    `data = "./data"
[[domain]]
name = "${domain}"
certificate = ${JSON.stringify(join(certificates, 'server.crt'))}
key = ${JSON.stringify(join(certificates, 'server.key'))}
[history]
enabled = false
[auth]
scram_iterations = 4096
[peers]
trust = ${JSON.stringify(trust)}
[xmpp]
client = "127.0.0.1:${own.client}"
server = "127.0.0.1:${own.xmpp}"
server_stanzas_per_second_max = 1000000
plain_without_tls = true
[sip]
tls = "127.0.0.1:${own.sip}"
other_domains = true
[umpp]
on = true
host = "127.0.0.1"
private_peers = ["${other}"]
[[peer]]
domain = "${other}"
protocol = "${protocol}"
servers = ["xmpp://127.0.0.1:${theirs.xmpp}", "umpp://127.0.0.1:${theirs.sip}"]
`,
  )
  const users = Array.from({ length: 2 * pairs }, (_, at) => `u${at + 1}@${domain},pw\n`)
  const list = join(directory, 'users.csv')
  writeFileSync(list, `address,password\n${users.join('')}`)
  const main = join(root, 'src/cli/main.ts')
  execFileSync(process.execPath, [...node.slice(1), main, 'user', 'import', list, '--config', file], {
    stdio: 'ignore',
  })
  return start([...node, main, 'serve', '--config', file], 'ready')
}

function row(name: string, what: string, result: LoadResult, plain: number): void {
  const {
    messagesPerSecond,
    cpuMicrosecondsPerMessage: a,
    otherCpuMicrosecondsPerMessage: b,
    errors,
  } = result
  console.log(
    [
      name.padEnd(6),
      what.padStart(14),
      Math.round(messagesPerSecond).toString().padStart(8),
      (a + b).toFixed(1).padStart(12),
      a.toFixed(1).padStart(10),
      b.toFixed(1).padStart(12),
      ((a + b) / plain).toFixed(2).padStart(8),
      String(errors).padStart(8),
    ].join(' '),
  )
}

const cpuOf = (result: LoadResult): number =>
  result.cpuMicrosecondsPerMessage + result.otherCpuMicrosecondsPerMessage

console.log(
  `${pairs} pairs, ${seconds} s a row; then ${people} people of each domain, who all write to all once`,
)
console.log('by        in flight    msg/s   CPU us/msg     sender     receiver   x XMPP   errors')
for (const window of [...windows, undefined]) {
  let plain: number | undefined
  for (const protocol of protocols) {
    const result = await withBoth(protocol, (ends) =>
      window === undefined
        ? load('set-up-load.ts', [...ends, '--pairs', people, '--window', '4'])
        : load('xmpp-load.ts', [...ends, '--pairs', `${pairs}`, '--window', window, '--seconds', seconds]),
    )
    plain ??= cpuOf(result)
    row(protocol, window ?? 'first messages', result, plain)
  }
}
