import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { utf8, VirtualClock } from '#base'
import { closeCode, echo, frame, handshake, raw, stand } from './testing/web-stand.ts'

/** [what, frames, close code] RFC 6455 */
const hostile: [string, Buffer[], number][] = [
  ['a message past the limit', [frame(1, 'x'.repeat(1001))], 1009],
  ['a frame that says it is huge', [frame(1, '', { length: 2 ** 40 })], 1009],
  ['a frame longer than 2^53', [Buffer.from('81ffffffffffffffffff00000000', 'hex')], 1009],
  ['fragments that add up past the limit', Array(11).fill(frame(1, 'x'.repeat(100), { fin: false })), 1002],
  [
    'continuations that add up past the limit',
    [frame(1, '', { fin: false }), ...Array(11).fill(frame(0, 'x'.repeat(100), { fin: false }))],
    1009,
  ],
  [
    'a flood of empty fragments',
    [frame(1, '', { fin: false }), ...Array(2000).fill(frame(0, '', { fin: false }))],
    1008,
  ],
  ['text that is not UTF-8 (§8.1)', [frame(1, Buffer.from([0xc3, 0x28]))], 1007],
  ['a surrogate in text', [frame(1, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
  ['no mask (§5.1)', [frame(1, 'x', { mask: false })], 1002],
  ['an opcode that is reserved', [frame(3, 'x')], 1002],
  ['a reserved bit', [Buffer.from([0xc1, 0x80, 0, 0, 0, 0])], 1002],
  ['a continuation of nothing', [frame(0, 'x')], 1002],
  ['a ping in fragments', [frame(9, 'x', { fin: false })], 1002],
  ['a ping of 126 octets', [frame(9, 'x'.repeat(126))], 1002],
]
for (const [what, frames, code] of hostile) {
  test(`${what} ends the connection with ${code}`, async (t) => {
    const { listener, accepted } = await stand(t)
    const { socket } = await raw(listener.port)
    const over = echo(await accepted())
    socket.write(Buffer.concat(frames))
    assert.equal(await closeCode(socket), code)
    socket.destroy()
    assert.equal((await over).why, [1008, 1009].includes(code) ? 'limit' : 'reset')
  })
}

test('who never closes after our goodbye is cut when the time is over', async (t) => {
  const clock = new VirtualClock()
  const { listener, accepted } = await stand(t, {}, { clock })
  const { socket } = await raw(listener.port)
  const connection = await accepted()
  const over = echo(connection)
  connection.close()
  assert.equal(await closeCode(socket), 1000)
  clock.advance(5000)
  assert.deepEqual(await over, { why: 'us' })
})

test('who never reads loses the connection, by what is written to it', async (t) => {
  const { listener, accepted } = await stand(t, {}, { connectionLimits: { queueBytesMax: 500_000 } })
  const first = await raw(listener.port)
  first.socket.pause()
  const connection = await accepted()
  const over = echo(connection)
  const octets = utf8('x'.repeat(10_000))
  let slowed = false
  const write = (): void => {
    if (connection.closing) return
    for (let i = 0; i < 20; i++) {
      if (!connection.write(octets)) slowed = true
      connection.endMessage()
    }
    setImmediate(write)
  }
  write()
  assert.equal((await over).why, 'slow-reader')
  assert.ok(slowed)
})

test('who asks for pongs and never reads them loses the connection', async (t) => {
  const { listener, accepted } = await stand(t)
  const { socket } = await raw(listener.port)
  socket.pause()
  const over = echo(await accepted())
  const flood = Buffer.concat(Array(2000).fill(frame(9, 'x'.repeat(125))))
  const write = (): void => {
    if (!socket.destroyed) socket.write(flood, () => setImmediate(write))
  }
  write()
  assert.equal((await over).why, 'slow-reader')
  socket.destroy()
})

test('the HTTP listener lets in so many of one address, and no more', async (t) => {
  const { listener } = await stand(t, {}, {}, { limits: { connectionsPerAddressMax: 2 } })
  const sockets = [1, 2].map(() => connect({ port: listener.port, host: '127.0.0.1' }))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  // Half a handshake counts too.
  sockets[0]?.write(handshake().slice(0, 60))
  const third = connect({ port: listener.port, host: '127.0.0.1' })
  await once(third, 'close')
  for (const socket of sockets) socket.destroy()
})

test('a handshake that never comes to its end is answered with 408 when its time is over', async (t) => {
  const { listener } = await stand(t, {}, {}, { limits: { requestSecondsMax: 0.05, lookSeconds: 0.05 } })
  const socket = connect({ port: listener.port, host: '127.0.0.1' })
  socket.write(handshake().slice(0, 60))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 408 /)
  socket.destroy()
})
