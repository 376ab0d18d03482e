// SIP over real sockets on the loopback.

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { connectionPair, flushConnections } from '#net'
import { encodeResponse } from './codec/encode.ts'
import { parseMessage } from './codec/message.ts'
import { topVia } from './codec/via.ts'
import type { SipSettings } from './settings.ts'
import { fieldOf, Phone } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const anywhere = [{ host: '127.0.0.1', port: 0 }]
const noTls = { secureContext: () => assert.fail('no TLS here') } as never

async function listening(
  more: Partial<SipSettings> = {},
): Promise<{ domain: SipDomain; port: number; close: () => Promise<void> }> {
  const domain = await SipDomain.make({ settings: { udp: anywhere, tcp: anywhere, ...more } })
  await domain.context.transport.open(noTls)
  const port = (name: string): number =>
    domain.context.transport.listeners.find((one) => one.name === name)?.port ?? 0
  return { domain, port: port('UDP'), close: () => domain.context.transport.close() }
}

async function udpPhone(
  user: string,
  server: number,
  place = '127.0.0.1',
): Promise<{ phone: Phone; socket: Socket }> {
  const isIpv6 = place.includes(':')
  const socket = createSocket(isIpv6 ? 'udp6' : 'udp4')
  socket.bind(0, isIpv6 ? '::1' : '127.0.0.1')
  await once(socket, 'listening')
  const { address, port } = socket.address()
  const phone = new Phone(user, { address: isIpv6 ? `[${address}]` : address, port }, 'UDP', (octets) =>
    socket.send(octets, server, place),
  )
  socket.on('message', (octets) => phone.receive(octets))
  return { phone, socket }
}

test('a phone registers and writes to another over UDP', async () => {
  const { port, close } = await listening()
  const alice = await udpPhone('alice', port)
  const bob = await udpPhone('bob', port)
  try {
    assert.equal((await bob.phone.register()).status, 200)
    assert.equal((await alice.phone.message('sip:bob@example.com', 'over the wire')).status, 200)
    assert.equal((await bob.phone.next('MESSAGE')).method, 'MESSAGE')
  } finally {
    alice.socket.close()
    bob.socket.close()
    await close()
  }
})

test('a MESSAGE too large for a datagram is sent by TCP to where the phone registered by UDP (RFC 3261 §18.1.1)', async () => {
  const { port, close } = await listening()
  const alice = await udpPhone('alice', port)
  const bob = await udpPhone('bob', port)
  const server = createServer()
  server.listen(bob.phone.endpoint.port, '127.0.0.1')
  await once(server, 'listening')
  const came = byConnection(server)
  try {
    await bob.phone.register()
    const response = await alice.phone.message('sip:bob@example.com', 'long '.repeat(500))
    assert.equal(response.status, 200)
    assert.match(await came, /^MESSAGE [\s\S]*Via: SIP\/2\.0\/TCP /)
    assert.deepEqual(bob.phone.requests, [])
  } finally {
    alice.socket.close()
    bob.socket.close()
    server.close()
    await close()
  }
})

/** Answers the first message of the first connection with 200, and tells what it was. */
function byConnection(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.once('connection', (socket: TcpSocket) => {
      let text = ''
      socket.on('error', () => undefined)
      socket.on('data', (octets: Buffer) => {
        text += octets.toString('latin1')
        const message = parseMessage(Buffer.from(text, 'latin1'))
        if (message.kind !== 'request' || message.fault !== undefined) return
        const stamp = { received: undefined, rport: undefined }
        socket.write(encodeResponse(message, topVia(message), stamp, { status: 200, toTag: 'tcp' }))
        resolve(text)
      })
    })
  })
}

test('where the phone takes no connection, the large MESSAGE goes by UDP after all (RFC 3261 §18.1.1)', async () => {
  const { port, close } = await listening()
  const alice = await udpPhone('alice', port)
  const bob = await udpPhone('bob', port)
  try {
    await bob.phone.register()
    const sent = alice.phone.message('sip:bob@example.com', 'long '.repeat(500))
    while (bob.phone.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    assert.equal((await sent).status, 200)
  } finally {
    alice.socket.close()
    bob.socket.close()
    await close()
  }
})

test('a ping over TCP gets its pong, and garbage ends the connection (RFC 5626 §3.5.1, RFC 4475 §3.1.2.3)', async () => {
  const { domain, close } = await listening()
  const port = domain.context.transport.listeners.find(({ name }) => name === 'TCP')?.port ?? 0
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('\r\n\r\n')
    const [pong] = (await once(socket, 'data')) as [Buffer]
    assert.equal(pong.toString(), '\r\n')
    socket.write('OPTIONS sip:example.com SIP/2.0\r\nContent-Length: five\r\n\r\n')
    await once(socket, 'end')
  } finally {
    socket.destroy()
    await close()
  }
})

test('a listener that cannot be opened is said, and the others are closed', async () => {
  const first = await listening()
  const port = first.domain.context.transport.listeners.find(({ name }) => name === 'TCP')?.port ?? 0
  try {
    const second = await SipDomain.make({ settings: { udp: anywhere, tcp: [{ host: '127.0.0.1', port }] } })
    await assert.rejects(second.context.transport.open(noTls), /cannot listen/)
  } finally {
    await first.close()
  }
})

test('a message that does not end, and a silence, close their connection (LIMIT)', async () => {
  const domain = await SipDomain.make({ settings: { partialSecondsMax: 30, idleSecondsMax: 60 } })
  const clock = domain.clock
  assert(clock instanceof VirtualClock)
  domain.context.transport.watchConnections()
  const closed: string[] = []
  const open = (name: string, text: string): void => {
    const [ours, theirs] = connectionPair({
      clock,
      remote: { address: '192.0.2.1', port: 2000 + text.length },
    })
    domain.context.transport.connected(ours, 'TCP')
    theirs.start({ onData: () => undefined, onClose: () => void closed.push(name) })
    theirs.writeAscii(text)
    flushConnections()
  }
  open('partial', 'OPTIONS sip:example.com SIP/2.0\r\n')
  open('silent', '\r\n')
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) {
      flushConnections()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  clock.advance(41_000)
  await settle()
  assert.deepEqual(closed, ['partial'])
  clock.advance(40_000)
  await settle()
  assert.deepEqual(closed, ['partial', 'silent'])
})

test('a STUN Binding request on the UDP port is answered, as a keep-alive (RFC 5626 §3.5.2)', async () => {
  const { port, close } = await listening()
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  try {
    socket.send(Buffer.from('000100002112a442000102030405060708090a0b', 'hex'), port, '127.0.0.1')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    assert.equal(answer.subarray(0, 8).toString('hex'), '0101000c2112a442')
    assert.equal(answer.readUInt16BE(26) ^ 0x2112, socket.address().port)
  } finally {
    socket.close()
    await close()
  }
})

test('of a source past its rate the rest is not answered, nor 503: a source over UDP is a claim (decision 0089); others are', async () => {
  const { port, close } = await listening({ datagramsPerSourceMax: 2 })
  const bob = await udpPhone('bob', port)
  const other = createSocket('udp4')
  other.bind(0, '127.0.0.2')
  await once(other, 'listening')
  try {
    for (let n = 0; n < 30; n++)
      bob.phone.raw(bob.phone.write('OPTIONS', { uri: 'sip:example.com', callId: `o${n}`, cseq: 1 }))
    const asked = bob.phone.write('OPTIONS', { uri: 'sip:example.com', callId: 'last', cseq: 1 })
    other.send(asked, port, '127.0.0.1')
    const [answer] = (await once(other, 'message')) as [Buffer]
    assert.match(answer.toString('latin1'), /^SIP\/2\.0 (200|401|407) /)
    // Ten at once, two a second over five.
    for (let n = 0; n < 10; n++) await bob.phone.final(`o${n}`, 1)
    assert.deepEqual(bob.phone.responses, [])
  } finally {
    bob.socket.close()
    other.close()
    await close()
  }
})

test('a connection on which nobody logs in is closed soon, keep-alives or not; one with a phone stays', async () => {
  const domain = await SipDomain.make()
  domain.context.transport.watchConnections()
  const bob = domain.phone('bob', '192.0.2.8', 5060, 'TCP')
  assert.equal((await bob.register()).status, 200)
  const stranger = domain.phone('mallory', '192.0.2.9', 5060, 'TCP')
  for (let i = 0; i < 8; i++) {
    stranger.raw('\r\n\r\n')
    bob.raw('\r\n\r\n')
    flushConnections()
    domain.clock.advance(10_000)
    await new Promise(setImmediate)
  }
  assert.equal(stranger.pongs, 7)
  assert.equal(stranger.connection?.closing, true)
  assert.equal(bob.connection?.closing, false)
})

/** [what, addresses, where phones come to] */
const families: readonly [string, readonly string[], readonly string[]][] = [
  ['IPv4 and IPv6, a listener each', ['127.0.0.1', '::1'], ['127.0.0.1', '::1']],
  ['two of IPv4', ['127.0.0.1', '127.0.0.2'], ['127.0.0.2', '127.0.0.1']],
  ['every address', ['*'], ['::1', '127.0.0.1']],
]
for (const [what, hosts, places] of families)
  test(`phones register over UDP and TCP at ${what}, and reach each other (RFC 5118 §4)`, async () => {
    const all = hosts.map((host) => ({ host: host === '*' ? undefined : host, port: 0 }))
    const domain = await SipDomain.make({ settings: { udp: all, tcp: all } })
    const { transport } = domain.context
    await transport.open(noTls)
    const portOf = (name: string, place: string): number =>
      transport.listeners.find((one) => one.name === name && [place, undefined].includes(one.host))?.port ?? 0
    const [near = '', far = ''] = places
    const alice = await udpPhone('alice', portOf('UDP', near), near)
    const bob = await udpPhone('bob', portOf('UDP', far), far)
    const carol = connect(portOf('TCP', near), near)
    await once(carol, 'connect')
    try {
      const registered = await alice.phone.register()
      assert.equal(registered.status, 200)
      const source = alice.phone.endpoint.address.replace(/[[\]]/g, '')
      assert.match(fieldOf(registered, 'Via') ?? '', new RegExp(`received=${source}(;|$)`))
      assert.equal((await bob.phone.register()).status, 200)
      assert.equal((await alice.phone.message('sip:bob@example.com', 'across')).status, 200)
      const message = await bob.phone.next('MESSAGE')
      const host = far.includes(':') ? `[${far}]` : far
      if (hosts[0] !== '*')
        assert.ok(fieldOf(message, 'Via')?.startsWith(`SIP/2.0/UDP ${host}:`), fieldOf(message, 'Via'))
      carol.write(
        `OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKc\r\nMax-Forwards: 1\r\nFrom: <sip:c@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
      )
      const [answer] = (await once(carol, 'data')) as [Buffer]
      assert.match(
        answer.toString(),
        new RegExp(`^SIP/2.0 200 [^]*;received=${near.replace('0.2', '0.1')}\r\n`),
      )
    } finally {
      carol.destroy()
      alice.socket.close()
      bob.socket.close()
      await transport.close()
    }
  })
