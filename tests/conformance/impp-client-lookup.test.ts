// How a client finds the servers of its domain (IMPP §4, D8; docs/specs/impp-1.0.md §2): by questions to a name server over UDP, and by
// connections that are refused or made.

import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { type Connection, listenTcp, systemResolver, type TcpListener } from '#net'
import { ConnectionLost, nodeDial } from '#protocols/impp/client-node'
import { NameServer, type Service } from '../transcripts/name-server.ts'

const domain = 'verona.example'
const record = `_impp._tcp.${domain}`
const dns = new NameServer()
const resolver = systemResolver({ servers: [await dns.start()], secondsMax: 2 })
const dial = nodeDial({ resolver })

/** A server that says its name to who connects. */
async function server(name: string): Promise<TcpListener> {
  return listenTcp({
    name,
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection: Connection) => {
      connection.start({ onData: () => {}, onClose: () => {} })
      connection.writeAscii(name)
    },
  })
}

/** A port that nobody listens at. */
async function closedPort(): Promise<number> {
  const listener = await server('nobody')
  await listener.close()
  return listener.port
}

const [first, second, third] = await Promise.all(['first', 'second', 'third'].map(server))
const at = (listener: TcpListener | undefined, priority: number, weight = 0): Service => ({
  host: '127.0.0.1',
  port: (listener as TcpListener).port,
  priority,
  weight,
})
after(async () => {
  await Promise.all([dns.stop(), ...[first, second, third].map((listener) => listener?.close())])
})
beforeEach(() => {
  dns.services.clear()
  dns.addresses.clear()
  dns.answers = true
})

/** The name of the server that the domain's client gets. */
async function reached(): Promise<string> {
  const { signal } = new AbortController()
  const transport = await dial({ domain, location: undefined, signal })
  const name = await new Promise<string>((resolve) =>
    transport.start({ onData: (octets) => resolve(Buffer.from(octets).toString()), onClose: resolve }),
  )
  transport.close()
  return name
}

test('the server of the lowest priority is the one, wherever its record stands', async () => {
  dns.services.set(record, [at(third, 30), at(first, 10), at(second, 20)])
  assert.equal(await reached(), 'first')
})

test('where that one is down the next is tried, to the last', async () => {
  const down = { host: '127.0.0.1', port: await closedPort() }
  dns.services.set(record, [at(third, 30), { ...down, priority: 10 }, at(second, 20)])
  assert.equal(await reached(), 'second')
  dns.services.set(record, [at(third, 30), { ...down, priority: 10 }, { ...down, priority: 20 }])
  assert.equal(await reached(), 'third')
  dns.services.set(record, [{ ...down, priority: 10 }])
  await assert.rejects(
    reached(),
    (error) => error instanceof ConnectionLost && /nobody answers/.test(error.message),
  )
})

test('of one priority the one with the weight is nearly always first, and the other takes its place', async () => {
  dns.services.set(record, [at(second, 10, 0), at(first, 10, 65_535)])
  assert.equal(await reached(), 'first')
  dns.services.set(record, [
    at(second, 10, 0),
    { host: '127.0.0.1', port: await closedPort(), priority: 10, weight: 65_535 },
  ])
  assert.equal(await reached(), 'second')
})

test('a domain that says it has no such service is not tried, and a name server that is silent is told of', async () => {
  dns.services.set(record, [{ host: '', port: 0 }])
  await assert.rejects(
    reached(),
    (error) => error instanceof ConnectionLost && /offers no IMPP/.test(error.message),
  )
  dns.answers = false
  await assert.rejects(
    reached(),
    (error) => error instanceof ConnectionLost && /DNS gave no answer/.test(error.message),
  )
})
