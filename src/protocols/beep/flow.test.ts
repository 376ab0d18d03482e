// Windows, turns, and what waits (RFC 3081 §3.1; RFC 3080 §2.6).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, text, utf8 } from '#base'
import type { ConnectionPairOptions } from '#net'
import type { BeepProfile, Channel, ChannelHandler, Replying } from './profile.ts'
import type { SessionOptions } from './session-options.ts'
import {
  echoHandler,
  echoUri,
  frame,
  type Hand,
  hand,
  openEcho,
  pair,
  xmlFrame,
  xmlHead,
} from './testing/pair.ts'

/** A hand with that many channels (1, 3, 5 ...) to a handler, none of whose frames were sent. */
function channels(
  count: number,
  handler: ChannelHandler,
  options: Partial<SessionOptions> = {},
  net: ConnectionPairOptions = {},
): Hand & { opened: Channel[] } {
  const opened: Channel[] = []
  const profile: BeepProfile = {
    uri: echoUri,
    start: (start) => {
      const channel = start.accept(handler)
      if (channel) opened.push(channel)
    },
  }
  const peer = hand({ profiles: [profile], ...options }, net)
  peer.say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
  let seqno = 52
  for (let i = 0; i < count; i++) {
    const body = `<start number='${2 * i + 1}'><profile uri='${echoUri}'/></start>`
    peer.say(xmlFrame(`MSG 0 ${i + 1} . ${seqno}`, body))
    seqno += xmlHead.length + body.length + 2
    // The window of channel 0 for the answers.
    peer.say(`SEQ 0 ${peer.session.channel(0)?.outbound.seqno ?? 0} 4096\r\n`)
  }
  return { ...peer, opened }
}

const quiet: ChannelHandler = { onMessage: () => {} }

/** The headers of what was said, without payloads. */
function headers(said: string): string[] {
  const found: string[] = []
  let at = 0
  while (at < said.length) {
    const end = said.indexOf('\r\n', at)
    const line = said.slice(at, end)
    found.push(line)
    at = line.startsWith('SEQ') ? end + 2 : end + 2 + Number(line.split(' ')[5]) + 5
  }
  return found
}

test('4096 octets leave at first, and as many more as a SEQ allows (RFC 3081 §3.1.1, §3.1.3)', () => {
  const { opened, say } = channels(1, quiet, { limits: { frameOctetsMax: 10_000 } })
  opened[0]?.send({ body: new Uint8Array(10_000) }, () => {})
  assert.deepEqual(headers(say()), ['MSG 1 0 * 0 4096'])
  assert.deepEqual(headers(say('SEQ 1 1000 4096\r\n')), ['MSG 1 0 * 4096 1000'])
  assert.deepEqual(headers(say('SEQ 1 5096 1\r\n')), ['MSG 1 0 * 5096 1'])
  assert.deepEqual(headers(say('SEQ 1 5097 0\r\n')), [])
  assert.deepEqual(headers(say('SEQ 1 5097 65536\r\n')), ['MSG 1 0 . 5097 4905'])
})

test('a window that is moved back is borne: nothing leaves until it is open again (RFC 1122 §4.2.2.16)', () => {
  const { opened, say, ended } = channels(1, quiet)
  opened[0]?.send({ body: new Uint8Array(6000) }, () => {})
  assert.deepEqual(headers(say()), ['MSG 1 0 * 0 4096'])
  assert.deepEqual(headers(say('SEQ 1 100 100\r\n')), [])
  assert.deepEqual(headers(say('SEQ 1 4096 4096\r\n')), ['MSG 1 0 . 4096 1906'])
  assert.equal(ended(), undefined)
})

test('large messages are cut, and channels take turns, a frame each (RFC 3081 §3.1.4)', () => {
  const limits = { frameOctetsMax: 1000 }
  // A connection that has enough after each frame.
  const { opened, say } = channels(3, quiet, { limits }, { limits: { queueBytesHigh: 1000 } })
  for (const channel of opened) channel.send({ body: new Uint8Array(2498) }, () => {})
  const said = headers(say())
  assert.deepEqual(
    said.map((line) => line.split(' ')[1]),
    ['1', '1', '3', '5', '1', '3', '5', '3', '5'],
  )
})

test('a large message does not keep another channel waiting (RFC 3081 §3.1)', () => {
  const net = { limits: { queueBytesHigh: 20_000 } }
  const both = pair({}, { limits: { queueOctetsMax: 8_000_000, frameOctetsMax: 2048 } }, net)
  const [large, small] = [openEcho(both), openEcho(both)]
  const order: string[] = []
  large.send({ body: new Uint8Array(200_000) }, ({ kind }) => order.push(`large ${kind}`))
  small.send({ body: utf8('small') }, ({ kind }) => order.push(`small ${kind}`))
  both.flush()
  assert.deepEqual(order, ['small RPY', 'large RPY'])
})

test('SEQ is sent once half of the window can be given, and before the reply (RFC 3081 §3.1.4)', () => {
  const { say } = channels(1, echoHandler, { limits: { windowOctets: 4096 } })
  const half = '\r\n'.padEnd(2048, 'x')
  assert.deepEqual(headers(say(frame('MSG 1 0 . 0', '\r\n'.padEnd(2047, 'x')))), ['RPY 1 0 . 0 2087'])
  assert.deepEqual(headers(say(frame('MSG 1 1 . 2047', half))), ['SEQ 1 4095 4096', 'RPY 1 1 * 2087 2009'])
})

test('a channel whose handler can not follow is paused: its window closes, and others go on', () => {
  const heard: string[] = []
  const { opened, say } = channels(
    2,
    { onMessage: (entity) => heard.push(text(entity.body)) },
    { limits: { windowOctets: 4096 } },
  )
  opened[0]?.pause()
  const full = '\r\n'.padEnd(4096, 'x')
  assert.equal(say(frame('MSG 1 0 . 0', full)), '')
  assert.deepEqual(headers(say(frame('MSG 3 0 . 0', full))), ['SEQ 3 4096 4096'])
  opened[0]?.resume()
  assert.equal(say(), 'SEQ 1 4096 4096\r\n')
  assert.equal(heard.length, 2)
})

test('replies leave in the order of their MSGs, whenever they are given (RFC 3080 §2.6.1)', () => {
  const asked: Replying[] = []
  const { say } = channels(1, { onMessage: (_, replying) => asked.push(replying) })
  say(frame('MSG 1 7 . 0', '\r\n') + frame('MSG 1 8 . 2', '\r\n') + frame('MSG 1 9 . 4', '\r\n'))
  asked[2]?.positive({ body: utf8('third') })
  asked[1]?.answer({ body: utf8('second') })
  assert.equal(say(), '')
  asked[0]?.negative({ body: utf8('first') })
  assert.deepEqual(headers(say()), ['ERR 1 7 . 0 7', 'ANS 1 8 . 7 8 0'])
  asked[1]?.answer({ body: utf8('more') })
  asked[1]?.end()
  assert.deepEqual(headers(say()), ['ANS 1 8 . 15 6 1', 'NUL 1 8 . 21 0', 'RPY 1 9 . 21 7'])
})

test('a reply is given once', () => {
  const asked: Replying[] = []
  const { say } = channels(1, { onMessage: (_, replying) => asked.push(replying) })
  say(frame('MSG 1 7 . 0', '\r\n'))
  asked[0]?.answer({ body: utf8('x') })
  assert.throws(() => asked[0]?.positive({ body: utf8('x') }))
  asked[0]?.end()
  assert.throws(() => asked[0]?.end())
  assert.equal(asked[0]?.open, false)
})

test('who writes faster than the peer reads is told so, then refused, then told to go on', () => {
  let drained = 0
  const { opened, say } = channels(
    1,
    { ...quiet, onDrain: () => drained++ },
    { limits: { queueOctetsMax: 10_000 } },
  )
  const [channel] = opened as [Channel]
  const results = [3000, 3000, 5000, 3000, 9000].map((octets) =>
    channel.send({ body: new Uint8Array(octets) }, () => {}),
  )
  assert.deepEqual(results, ['taken', 'taken', 'slow-down', 'slow-down', 'refused'])
  assert.equal(drained, 0)
  say()
  say('SEQ 1 4096 100000\r\n')
  assert.equal(drained, 1)
  assert.equal(channel.queuedBytes, 0)
  assert.equal(
    channel.send({ body: utf8('x') }, () => {}),
    'taken',
  )
})

test('a message that is more than may ever wait is refused, and ends no session (limit queueOctetsMax)', () => {
  const all = pair({}, { limits: { queueOctetsMax: 10_000 } })
  const channel = openEcho(all)
  const body = (octets: number): { body: Uint8Array } => ({ body: new Uint8Array(octets) })
  assert.equal(
    channel.send(body(30_000), () => assert.fail('not taken')),
    'refused',
  )
  const replies: string[] = []
  assert.notEqual(
    channel.send(body(15_000), ({ kind }) => replies.push(kind)),
    'refused',
  )
  all.flush()
  assert.deepEqual([replies, all.initiator.ended()], [['RPY'], undefined])
})

test('octets that are given may be a loan: what waits was copied', () => {
  const { opened, say } = channels(1, quiet, { limits: { frameOctetsMax: 100_000 } })
  const body = new Uint8Array(5000).fill(0x61)
  opened[0]?.send({ body }, () => {})
  body.fill(0xa5)
  const said = say() + say('SEQ 1 4096 4096\r\n')
  assert.equal(said.split('a').length - 1, 5000)
  assert.ok(!said.includes('\xa5'))
})

test('whatever sizes and windows, what is sent arrives, in order (RFC 3081 §3.1)', () => {
  const sizes = fc.array(fc.nat(9000), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 64, max: 5000 }),
      fc.integer({ min: 4096, max: 20_000 }),
      (octets, frameOctetsMax, windowOctets) => {
        const limits = { frameOctetsMax, windowOctets }
        const both = pair({ limits }, { limits })
        const open = [openEcho(both), openEcho(both)]
        const wanted: string[] = []
        const got: string[] = []
        for (const [i, size] of octets.entries()) {
          const body: Bytes = new Uint8Array(size).fill(i)
          wanted.push(`${i % 2} ${size} ${i}`)
          open[i % 2]?.send({ body }, (reply) => {
            assert.ok(reply.kind === 'RPY' && reply.entity.body.every((octet) => octet === i))
            got.push(`${i % 2} ${reply.entity.body.length} ${i}`)
          })
        }
        both.flush()
        for (const which of ['0', '1']) {
          const of = (list: string[]): string[] => list.filter((one) => one.startsWith(which))
          assert.deepEqual(of(got), of(wanted))
        }
      },
    ),
    { numRuns: process.env['VERONA_SOAK'] === undefined ? 60 : 2000 },
  )
})
