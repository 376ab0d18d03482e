// What a peer may try with windows, messages and channels: each ends within a bound, and nobody else is hurt.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, utf8 } from '#base'
import type { BeepProfile, Channel, ChannelHandler } from './profile.ts'
import type { SessionOptions } from './session-options.ts'
import {
  echoHandler,
  echoProfile,
  echoUri,
  frame,
  type Hand,
  hand,
  xmlFrame,
  xmlHead,
} from './testing/pair.ts'

/** A peer by hand that counts its octets and opens channels. */
class Hostile {
  readonly peer: Hand
  readonly opened: Channel[] = []
  readonly sent = new Map<number, number>()
  #msgno = 0

  constructor(handler: ChannelHandler, options: Partial<SessionOptions> = {}) {
    const profile: BeepProfile = {
      uri: echoUri,
      start: (start) => {
        const channel = start.accept(handler)
        if (channel) this.opened.push(channel)
      },
    }
    this.peer = hand({ profiles: [profile], ...options })
    this.say('RPY 0 0 .', `${xmlHead}<greeting />\r\n`)
  }

  /** One frame; `head` without sequence number and size. */
  say(head: string, payload = ''): string {
    const channel = Number(head.split(' ')[1])
    const seqno = this.sent.get(channel) ?? 0
    this.sent.set(channel, (seqno + payload.length) % 2 ** 32)
    return this.peer.say(frame(`${head} ${seqno}`, payload))
  }

  start(number: number): string {
    const body = `<start number='${number}'><profile uri='${echoUri}'/></start>\r\n`
    const said = this.say(`MSG 0 ${++this.#msgno} .`, xmlHead + body)
    // Takes what was said on channel 0.
    return said + this.peer.say(`SEQ 0 ${this.peer.session.channel(0)?.outbound.seqno ?? 0} 4096\r\n`)
  }
}

const quiet: ChannelHandler = { onMessage: () => {} }

test('octets beyond the window end the session before they are read (RFC 3081 §3.1.2)', () => {
  const on = new Hostile(quiet, { limits: { windowOctets: 4096 } })
  on.start(1)
  on.opened[0]?.pause()
  on.say('MSG 1 0 .', '\r\n'.padEnd(4096, 'x'))
  assert.equal(on.peer.ended(), undefined)
  on.peer.say('MSG 1 1 . 4096 1\r\n')
  assert.deepEqual(on.peer.ended(), { why: 'malformed', detail: 'beyond-window' })
})

test('a storm of SEQ frames that acknowledge nothing ends the session (limit idleSeqMax)', () => {
  const on = new Hostile(quiet, { limits: { idleSeqMax: 100 } })
  on.start(1)
  on.peer.say('SEQ 1 0 4096\r\n'.repeat(100))
  assert.equal(on.peer.ended(), undefined)
  on.peer.say('SEQ 1 0 8192\r\n')
  assert.deepEqual(on.peer.ended(), { why: 'malformed', detail: 'too-many-seq' })
})

test('a message that never ends is answered when it is too large, and held no more (§2.6.3, limit messageOctetsMax)', () => {
  const heard: string[] = []
  const on = new Hostile(
    { onMessage: (entity) => heard.push(Buffer.from(entity.body).toString()) },
    { limits: { messageOctetsMax: 8192, windowOctets: 4096 } },
  )
  on.start(1)
  let said = ''
  for (let i = 0; i < 3; i++) said += on.say('MSG 1 0 *', 'x'.repeat(4096))
  assert.match(said, /ERR 1 0 \. 0 \d+\r\n.*<error code='554'>the message is too large<\/error>/s)
  for (let i = 0; i < 200; i++) {
    on.say('MSG 1 0 *', 'x'.repeat(4096))
    assert.equal(on.peer.session.channel(1)?.inbound.heldOctets, 0)
  }
  // As one that keeps to §2.6.3 does, it ends it, and goes on.
  on.say('MSG 1 0 .')
  on.say('MSG 1 1 .', '\r\nnext')
  assert.equal(on.peer.ended(), undefined)
  assert.deepEqual(heard, ['next'])
})

test('a reply that is too large closes its channel, not the session (§2.2.2.1)', () => {
  const on = new Hostile(quiet, { limits: { messageOctetsMax: 8192, windowOctets: 4096 } })
  on.start(1)
  const replies: string[] = []
  on.opened[0]?.send({ body: utf8('x') }, (reply) =>
    replies.push(reply.kind === 'lost' ? reply.why : reply.kind),
  )
  let said = on.peer.say()
  for (let i = 0; i < 3; i++) said += on.say('RPY 1 0 *', 'x'.repeat(4096))
  said += on.say('RPY 1 0 .')
  assert.deepEqual(replies, ['too-large'])
  assert.match(said, /<close number='1' code='554'>/)
  assert.equal(on.peer.ended(), undefined)
})

test('many messages of one octet each cost no more memory than their octets', () => {
  const on = new Hostile(quiet, { limits: { messageOctetsMax: 262_144 } })
  on.start(1)
  for (let i = 0; i < 20; i++) {
    const seqno = on.sent.get(1) ?? 0
    let frames = ''
    for (let k = 0; k < 500; k++) frames += `MSG 1 0 * ${seqno + k} 1\r\nxEND\r\n`
    on.sent.set(1, seqno + 500)
    on.peer.say(frames)
  }
  assert.equal(on.peer.ended(), undefined)
  assert.equal(on.peer.session.channel(1)?.inbound.heldOctets, 10_000)
})

test('MSGs that wait for their replies close the window, and empty ones end the session (limit exchangesMax)', () => {
  const on = new Hostile(quiet, { limits: { exchangesMax: 10, windowOctets: 4096 } })
  on.start(1)
  let said = ''
  for (let i = 0; i < 2048; i++) said += on.say(`MSG 1 ${i} .`, '\r\n')
  assert.ok(!said.includes('SEQ'), 'no more is let in')
  assert.equal(on.peer.ended(), undefined)
  // Those without any octet need no window. They are no entities, so they are answered: behind those that wait.
  for (let i = 2048; i < 4200 && on.peer.ended() === undefined; i++) on.say(`MSG 1 ${i} .`)
  assert.deepEqual(on.peer.ended(), { why: 'limit', detail: 'too-many-messages' })
})

test('thousands of channels: the one past the limit is declined, numbers that were freed may come again (RFC 3081 §3.1.1)', () => {
  const on = new Hostile(echoHandler, { limits: { channelsMax: 300 } })
  for (let i = 0; i < 300; i++) assert.match(on.start(2 * i + 1), /RPY 0 /, `channel ${i}`)
  assert.match(on.start(601), /ERR 0 301 .*<error code='450'>/s)
  assert.equal(on.peer.session.channels.length, 300)
  assert.match(on.say('MSG 0 9000 .', `${xmlHead}<close number='1' code='200'/>\r\n`), /<ok \/>/)
  assert.match(on.start(601), /RPY 0 /)
})

test('large messages on many channels wait for each other, and all come through (limit assemblyOctetsMax)', () => {
  const sizes: number[] = []
  const limits = { messageOctetsMax: 16_384, assemblyOctetsMax: 32_768, windowOctets: 4096 }
  const on = new Hostile({ onMessage: (entity) => sizes.push(entity.body.length) }, { limits })
  const numbers = Array.from({ length: 10 }, (_, i) => 2 * i + 1)
  for (const number of numbers) on.start(number)
  const left = new Map(numbers.map((number) => [number, 12_000]))
  let rounds = 0
  for (; [...left.values()].some((octets) => octets > 0); rounds++) {
    assert.ok(rounds < 100, JSON.stringify([...left]))
    for (const number of numbers) {
      const channel = on.peer.session.channel(number)
      const octets = Math.min(left.get(number) ?? 0, channel?.inbound.window ?? 0)
      if (octets === 0) continue
      const rest = (left.get(number) ?? 0) - octets
      left.set(number, rest)
      const first = on.sent.get(number) === undefined
      on.say(`MSG ${number} 0 ${rest > 0 ? '*' : '.'}`, (first ? '\r\n' : '').padEnd(octets, 'x'))
    }
    const held = on.peer.session.channels.reduce((sum, channel) => sum + channel.inbound.heldOctets, 0)
    assert.ok(
      held <= limits.assemblyOctetsMax + numbers.length * 2 * limits.windowOctets,
      `${held} octets held`,
    )
  }
  assert.deepEqual(
    sizes,
    numbers.map(() => 11_998),
  )
})

test('a peer that never opens its window is left after a while, and what waits for it is bounded (limit stallSecondsMax)', () => {
  const lost: string[] = []
  const on = new Hostile(quiet, { limits: { stallSecondsMax: 60, queueOctetsMax: 20_000 } })
  on.start(1)
  const [channel] = on.opened as [Channel]
  let refused = 0
  for (let i = 0; i < 100; i++)
    if (channel.send({ body: new Uint8Array(1000) }, ({ kind }) => lost.push(kind)) === 'refused') refused++
  assert.ok(refused > 70)
  assert.ok(channel.queuedBytes <= 20_000)
  on.peer.say()
  on.peer.clock.advance(125_000)
  assert.equal(on.peer.ended()?.why, 'slow-reader')
  assert.equal(lost.length, 100 - refused)
})

test('a peer that takes a little again and again is not left', () => {
  const on = new Hostile(quiet, { limits: { stallSecondsMax: 60 } })
  on.start(1)
  on.opened[0]?.send({ body: new Uint8Array(20_000) }, () => {})
  on.peer.say()
  for (let i = 1; i < 10; i++) {
    on.peer.clock.advance(50_000)
    on.peer.say(`SEQ 1 ${4096 + (i - 1) * 100} 100\r\n`)
  }
  assert.equal(on.peer.ended(), undefined)
})

test('a peer that asks and does not read the answers is left (limit queueOctetsMax)', () => {
  const body: Bytes = new Uint8Array(4000)
  const handler: ChannelHandler = { onMessage: (_, replying) => replying.positive({ body }) }
  const on = new Hostile(handler, { limits: { queueOctetsMax: 20_000, exchangesMax: 1000 } })
  on.start(1)
  for (let i = 0; i < 20 && on.peer.ended() === undefined; i++) on.say(`MSG 1 ${i} .`, '\r\n')
  assert.deepEqual(on.peer.ended(), { why: 'slow-reader', detail: 'unread' })
})

test('a connection that says nothing, or never gets to use, is left (limits greetingSecondsMax, tuningSecondsMax)', () => {
  const silent = hand()
  silent.clock.advance(31_000)
  assert.deepEqual(silent.ended(), { why: 'silent', detail: 'no greeting in time' })
  const idle = new Hostile(quiet)
  idle.peer.clock.advance(61_000)
  assert.deepEqual(idle.peer.ended(), { why: 'silent', detail: 'not in use in time' })
  const used = new Hostile(quiet)
  used.start(1)
  used.peer.clock.advance(600_000)
  assert.equal(used.peer.ended(), undefined)
})

test('an entity that is poorly formed gets a negative reply, in the words of the profile where it has some (§2.2.2.1)', () => {
  const on = new Hostile(quiet)
  on.start(1)
  assert.match(on.say('MSG 1 0 .', 'no headers'), /ERR 1 0 .*<error code='500'>/s)
  const own = new Hostile({ ...quiet, negative: (why) => ({ body: utf8(`our ${why}`) }) })
  own.start(1)
  assert.match(own.say('MSG 1 0 .', ''), /ERR 1 0 \. 0 15\r\n\r\nour malformedEND/)
})

test('a reply whose entity is poorly formed closes the channel; on channel 0 it ends the session (§2.2.2.1)', () => {
  const on = new Hostile(quiet)
  on.start(1)
  const replies: string[] = []
  on.opened[0]?.send({ body: utf8('x') }, (reply) =>
    replies.push(reply.kind === 'lost' ? reply.why : reply.kind),
  )
  const said = on.peer.say() + on.say('RPY 1 0 .', 'no headers')
  assert.deepEqual(replies, ['malformed'])
  assert.match(said, /<close number='1' code='500'>/)
  on.say('RPY 0 1 .', 'no headers')
  assert.deepEqual(on.peer.ended(), { why: 'malformed', detail: 'a reply on channel 0 is malformed' })
})

test('the ends of a session leave no timer behind', () => {
  const peer = hand({ profiles: [echoProfile] })
  peer.say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
  assert.ok(peer.clock.pending > 0)
  peer.connection.close()
  peer.say()
  assert.equal(peer.ended()?.why, 'peer')
  assert.equal(peer.clock.pending, 0)
})
