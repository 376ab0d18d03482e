import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { type Connection, ListenError, listenTcp, parseListenAddress, RateLimit, sourceOf } from './index.ts'
import { listenAddressText } from './listen-address.ts'

test('the addresses of settings are read', () => {
  const rows: [string, { host: string | undefined; port: number } | RegExp][] = [
    ['127.0.0.1:5222', { host: '127.0.0.1', port: 5222 }],
    ['[::1]:5222', { host: '::1', port: 5222 }],
    [':5222', { host: undefined, port: 5222 }],
    ['*:5222', { host: undefined, port: 5222 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['5222', /host:port/],
    ['::1:5222', /host:port/],
    ['127.0.0.1:99999', /between 0 and 65535/],
    ['127.0.0.1:', /host:port/],
    ['a b:1', /host:port/],
  ]
  for (const [text, wanted] of rows) {
    const read = parseListenAddress(text)
    if (wanted instanceof RegExp) assert.match(String(read), wanted, text)
    else assert.deepEqual(read, wanted, text)
  }
  assert.equal(listenAddressText({ host: '::1', port: 1 }), '[::1]:1')
  assert.equal(listenAddressText({ host: undefined, port: 1 }), '*:1')
})

test('a limit counts an IPv4 address alone and an IPv6 address by its /64', () => {
  assert.equal(sourceOf('192.0.2.7'), '192.0.2.7')
  assert.equal(sourceOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(sourceOf('2001:db8::6'), '2001:db8:0:0::/64')
  assert.equal(sourceOf('::1'), '0:0:0:0::/64')
  assert.equal(sourceOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
})

test('a taken port is refused with the listener, the address and what to do', async () => {
  const first = await listenTcp({ name: 'first', host: '127.0.0.1', port: 0, onConnection: () => {} })
  const second = listenTcp({
    name: 'xmpp client',
    host: '127.0.0.1',
    port: first.port,
    onConnection: () => {},
  })
  await assert.rejects(second, (error: Error) => {
    assert.ok(error instanceof ListenError)
    assert.equal(error.code, 'EADDRINUSE')
    assert.match(
      error.message,
      new RegExp(`^xmpp client cannot listen on 127.0.0.1:${first.port}: another program`),
    )
    return true
  })
  await first.close()
})

test('an address that this machine does not have is refused with advice', async () => {
  const listening = listenTcp({ name: 'sip tcp', host: '192.0.2.1', port: 0, onConnection: () => {} })
  await assert.rejects(listening, /sip tcp cannot listen on 192\.0\.2\.1:0: this machine has no such address/)
})

test('connections past the limit of an address are closed at once, and others’ closing makes room', async () => {
  const open: Connection[] = []
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    limits: { connectionsPerAddressMax: 2 },
    onConnection: (connection) => {
      open.push(connection)
      connection.start({ onData: () => {}, onClose: () => {} })
      connection.writeAscii('welcome')
    },
  })
  const dial = () => connect({ port: listener.port, host: '127.0.0.1' }).on('error', () => {})
  const first = dial()
  await once(first, 'data')
  const second = dial()
  await once(second, 'data')
  const third = dial().resume()
  await once(third, 'close')
  assert.equal(listener.connections, 2)
  first.end()
  await once(first, 'close')
  const fourth = dial()
  await once(fourth, 'data')
  assert.equal(open.length, 3)
  const closing = listener.close()
  second.resume()
  fourth.resume()
  await closing
  assert.equal(listener.connections, 0)
})

test('a rate limit lets a burst through, then so many a second, each source for itself', () => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ perSecond: 2, burst: 3, clock })
  const taken = (source: string, times: number) => Array.from({ length: times }, () => limit.take(source))
  assert.deepEqual(taken('a', 4), [true, true, true, false])
  assert.deepEqual(taken('b', 1), [true])
  assert.deepEqual(
    ['a', 'b', 'c'].map((source) => limit.left(source)),
    [0, 2, 3],
  )
  clock.advance(500)
  assert.deepEqual(
    ['a', 'b', 'c'].map((source) => limit.left(source)),
    [1, 3, 3],
  )
  assert.deepEqual(taken('a', 2), [true, false])
  clock.advance(60_000)
  assert.deepEqual(taken('a', 4), [true, true, true, false])
})

test('a rate limit remembers no more sources than its limit', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 2, clock: new VirtualClock(), sourcesMax: 100 })
  for (let i = 0; i < 1000; i++) limit.take(`source ${i}`)
  assert.ok(limit.sources <= 100)
})

test('two listeners share a port with reusePort, and connections reach either', async () => {
  const accepted: string[] = []
  const share = (name: string, port: number) =>
    listenTcp({
      name,
      host: '127.0.0.1',
      port,
      reusePort: true,
      onConnection: (connection) => {
        accepted.push(name)
        connection.start({ onData: () => {}, onClose: () => {} })
        connection.writeAscii('welcome')
      },
    })
  const one = await share('one', 0)
  const two = await share('two', one.port)
  const clients = Array.from({ length: 40 }, () => connect({ port: one.port, host: '127.0.0.1' }))
  await Promise.all(clients.map((client) => once(client, 'data')))
  assert.equal(accepted.length, 40)
  assert.deepEqual([...new Set(accepted)].sort(), ['one', 'two'])
  for (const client of clients) client.destroy()
  await Promise.all([one.close(), two.close()])
})
