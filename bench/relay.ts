// What carrying octets costs, without a protocol: the baseline of the other figures. Messages of 300 octets from one socket of a
// pair to the other, through a bare relay on node:net and through one on Connection; and the memory of an idle connection.
//
//   node --conditions=verona-source bench/relay.ts [--pairs 100] [--in-flight 1,10] [--seconds 3] [--rounds 3] [--idle 2000]

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { type Connection, listenTcp } from '#net'

const messageBytes = 300

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '100' },
    'in-flight': { type: 'string', default: '1,10' },
    seconds: { type: 'string', default: '3' },
    idle: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string', default: '0' },
    kind: { type: 'string', default: 'bare' },
  },
})

type Kind = 'bare' | 'connection'
interface Figures {
  cpuMicroseconds: number
  rss: number
  heap: number
}
interface Load {
  messages: number
  seconds: number
  cpuMicroseconds: number
}

const role = positionals[0] ?? 'main'
if (role === 'relay') await relay(values.kind as Kind)
else if (role === 'load') await load(Number(values.port))
else await main()

/** Runs each relay in a process of its own and prints a row for each. */
async function main(): Promise<void> {
  for (const inFlight of values['in-flight'].split(',').map(Number)) {
    const costs: Record<Kind, number> = { bare: Infinity, connection: Infinity }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const kind of ['bare', 'connection'] as const) {
        const { relayed, carried } = await measured(kind, 'load', inFlight)
        const cost = relayed.cpuMicroseconds / carried.messages
        costs[kind] = Math.min(costs[kind], cost)
        console.log(
          `${kind.padEnd(10)} ${values.pairs} pairs, ${String(inFlight).padStart(2)} in flight: ` +
            `${cost.toFixed(2)} µs of CPU a message, ${Math.round(carried.messages / carried.seconds)} a second ` +
            `(load generator at ${((carried.cpuMicroseconds / carried.seconds) * 1e-4).toFixed(0)} %)`,
        )
      }
    }
    console.log(
      `best: bare ${costs.bare.toFixed(2)}, connection ${costs.connection.toFixed(2)}, ratio ${(costs.connection / costs.bare).toFixed(2)}`,
    )
  }
  for (const kind of ['bare', 'connection'] as const) {
    const { relayed } = await measured(kind, 'idle', 0)
    const each = (bytes: number) => `${(bytes / Number(values.idle) / 1024).toFixed(1)} KiB`
    console.log(
      `${kind.padEnd(10)} idle connection: ${each(relayed.rss)} resident, ${each(relayed.heap)} of it heap`,
    )
  }
}

async function measured(
  kind: Kind,
  what: string,
  inFlight: number,
): Promise<{ relayed: Figures; carried: Load }> {
  const flags = { execArgv: [...process.execArgv, '--expose-gc'] }
  const server = fork(import.meta.filename, ['relay', '--kind', kind], flags)
  const port = String(await message<number>(server))
  const options = [
    '--port',
    port,
    '--pairs',
    values.pairs,
    '--seconds',
    values.seconds,
    '--idle',
    values.idle,
  ]
  const client = fork(import.meta.filename, ['load', ...options])
  await message(client)
  client.send({ what, inFlight })
  await message(client) // all open, and each has been spoken to
  server.send('begin')
  await message(server)
  client.send('go')
  const carried = await message<Load>(client)
  server.send('end')
  const relayed = await message<Figures>(server)
  client.kill()
  server.kill()
  return { relayed, carried }
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [value] = (await once(child, 'message')) as [T]
  return value
}

function send(value: unknown): void {
  process.send?.(value)
}

/** The relay's process: pairs connections in the order in which they come, carries octets, and tells what it used. */
async function relay(kind: Kind): Promise<void> {
  const start = figures()
  let begun = 0
  process.on('message', (what) => {
    const now = figures()
    if (what === 'begin') {
      begun = now.cpuMicroseconds
      send('begun')
      return
    }
    const { cpuMicroseconds, rss, heap } = now
    send({ cpuMicroseconds: cpuMicroseconds - begun, rss: rss - start.rss, heap: heap - start.heap })
  })
  send(kind === 'bare' ? await bareRelay() : await connectionRelay())
}

function figures(): Figures {
  const { user, system } = process.cpuUsage()
  const collect = globalThis.gc
  collect?.()
  collect?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { cpuMicroseconds: user + system, rss, heap: heapUsed }
}

async function bareRelay(): Promise<number> {
  let waiting: Socket | undefined
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    const other = waiting
    if (other === undefined) {
      waiting = socket
      return
    }
    waiting = undefined
    socket.on('data', (bytes) => other.write(bytes))
    other.on('data', (bytes) => socket.write(bytes))
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 })
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

async function connectionRelay(): Promise<number> {
  let waiting: Connection | undefined
  const carry = (from: Connection, to: Connection): void =>
    from.start({ onData: (bytes) => void to.write(bytes), onClose: () => to.destroy() })
  const listener = await listenTcp({
    name: 'relay',
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      const other = waiting
      if (other === undefined) {
        waiting = connection
        return
      }
      waiting = undefined
      carry(connection, other)
      carry(other, connection)
    },
  })
  return listener.port
}

/** The load's process. */
async function load(port: number): Promise<void> {
  send('started')
  const [{ what, inFlight }] = (await once(process, 'message')) as [{ what: string; inFlight: number }]
  const count = what === 'idle' ? Math.floor(Number(values.idle) / 2) : Number(values.pairs)
  const pairs: [Socket, Socket][] = []
  for (let i = 0; i < count; i++) pairs.push([await opened(port), await opened(port)])
  // One message each way before anything is measured.
  await Promise.all(pairs.flatMap(([a, b]) => [spoken(a, b), spoken(b, a)]))
  send('open')
  await once(process, 'message')
  if (what === 'idle') send({ messages: 1, seconds: 1, cpuMicroseconds: 0 })
  else send(await exchange(pairs, inFlight, Number(values.seconds)))
}

async function opened(port: number): Promise<Socket> {
  const socket = dial({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

function spoken(from: Socket, to: Socket): Promise<void> {
  return new Promise((resolve) => {
    let left = messageBytes
    const heard = (bytes: Buffer): void => {
      left -= bytes.length
      if (left > 0) return
      to.off('data', heard)
      resolve()
    }
    to.on('data', heard)
    from.write(Buffer.alloc(messageBytes, 'x'))
  })
}

/** Keeps `inFlight` messages under way in each pair; what arrived is sent again, in one write. */
async function exchange(pairs: [Socket, Socket][], inFlight: number, seconds: number): Promise<Load> {
  const octets = Buffer.alloc(messageBytes * inFlight, 'x')
  let bytes = 0
  let over = false
  for (const [from, to] of pairs) {
    let rest = 0
    to.on('data', (chunk) => {
      bytes += chunk.length
      rest += chunk.length
      const whole = Math.floor(rest / messageBytes)
      rest -= whole * messageBytes
      for (let i = 0; i < whole && !over; i++) from.write(octets.subarray(0, messageBytes))
    })
    from.write(octets)
  }
  const start = performance.now()
  const { user, system } = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  over = true
  const used = process.cpuUsage()
  return {
    messages: bytes / messageBytes,
    seconds: (performance.now() - start) / 1000,
    cpuMicroseconds: used.user + used.system - user - system,
  }
}
