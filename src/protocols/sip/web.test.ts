// SIP over web sockets, RFC 7118, with the web socket of Node as the browser's.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type HttpListener, listenHttp, WebSockets } from '#net'
import { fieldOf, Phone, textOf } from './testing/phone.ts'
import { at as address, SipDomain } from './testing/sip-domain.ts'
import { offerWebSockets } from './web.ts'

interface Stand {
  readonly domain: SipDomain
  readonly listener: HttpListener
}

async function stand(t: TestContext): Promise<Stand> {
  const domain = await SipDomain.make()
  const web = new WebSockets({ name: 'web' })
  const withdraw = offerWebSockets(web, domain.context.transport)
  const onRequest = () => ({ status: 404, body: '' })
  const listener = await listenHttp({ name: 'http', at: { host: '127.0.0.1', port: 0 }, web, onRequest })
  t.after(async () => {
    withdraw()
    await web.close()
    await listener.close()
  })
  return { domain, listener }
}

interface Browser {
  readonly phone: Phone
  readonly socket: WebSocket
  /** What came, as it came. */
  readonly frames: (string | ArrayBuffer)[]
}

async function browser(user: string, { listener }: Stand, binary = false): Promise<Browser> {
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/sip`, 'sip')
  socket.binaryType = 'arraybuffer'
  const frames: (string | ArrayBuffer)[] = []
  // RFC 7118 §5: the name of a browser is one that nobody can look up.
  const phone = new Phone(user, { address: 'df7jal23ls0d.invalid', port: 5060 }, 'WS', (octets) =>
    socket.send(binary ? octets : octets.toString()),
  )
  socket.addEventListener('message', ({ data }) => {
    frames.push(data as string | ArrayBuffer)
    if (data !== '\r\n') phone.receive(Buffer.from(data as string))
  })
  await once(socket, 'open')
  assert.equal(socket.protocol, 'sip')
  return { phone, socket, frames }
}

test('a browser registers and is written to; each message is a web socket message (RFC 7118 §5)', async (t) => {
  const at = await stand(t)
  const alice = await browser('alice', at)
  const bob = await browser('bob', at)
  assert.equal((await alice.phone.register()).status, 200)
  assert.equal((await bob.phone.message('sip:alice@example.com', 'grüße')).status, 200)
  const got = await alice.phone.next('MESSAGE')
  assert.match(fieldOf(got, 'Via') ?? '', /^SIP\/2\.0\/WS 127\.0\.0\.1:\d+;/)
  assert.equal(textOf(got), 'grüße')
  assert.ok(alice.frames.every((frame) => typeof frame === 'string'))
})

test('binary frames are taken too, and Content-Length may be left out (RFC 7118 §4.2, §5)', async (t) => {
  const at = await stand(t)
  const alice = await browser('alice', at, true)
  assert.equal((await alice.phone.register()).status, 200)
  const bob = at.domain.phone('bob', '192.0.2.8', 5060, 'TCP')
  assert.equal((await bob.register()).status, 200)
  const request = alice.phone
    .write('MESSAGE', {
      uri: 'sip:bob@example.com',
      callId: 'no-length',
      cseq: 1,
      headers: ['Content-Type: text/plain', ...alice.phone.credentials('MESSAGE', 'sip:bob@example.com')],
      body: 'hello',
    })
    .replace(/Content-Length: 5\r\n/, '')
  alice.phone.raw(request)
  assert.equal((await alice.phone.final('no-length', 1)).status, 200)
  const got = await bob.next('MESSAGE')
  assert.equal(fieldOf(got, 'Content-Length'), '5')
  assert.equal(textOf(got), 'hello')
})

test('a double CRLF is answered with one CRLF (RFC 7118 §6, RFC 5626 §3.5.1)', async (t) => {
  const alice = await browser('alice', await stand(t))
  alice.socket.send('\r\n\r\n')
  await once(alice.socket, 'message')
  assert.deepEqual(alice.frames, ['\r\n'])
})

test('a phone in a browser is gone when its web socket is', async (t) => {
  const at = await stand(t)
  const alice = await browser('alice', at)
  assert.equal((await alice.phone.register()).status, 200)
  const account = at.domain.service.directory.resident(address('alice@example.com'))
  const count = (): number => account?.inbox.agents.length ?? -1
  assert.equal(count(), 1)
  alice.socket.close()
  await once(alice.socket, 'close')
  for (let i = 0; i < 1000 && count() !== 0; i++) await new Promise(setImmediate)
  assert.equal(count(), 0)
})
