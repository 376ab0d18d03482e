// Two sessions, and a session against a peer by hand: what RFC 3080 §2 says of messages, channels and their ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import type { Reply } from './profile.ts'
import { openEcho, pair } from './testing/pair.ts'

const said = (reply: Reply): string =>
  'entity' in reply ? `${reply.kind} ${text(reply.entity.body)}` : reply.kind

test('both sides greet at once, and a channel carries MSG and RPY (RFC 3080 §2.1.1, §2.4)', () => {
  const both = pair()
  assert.deepEqual(both.initiator.session.peer?.profiles, ['http://example.com/beep/echo'])
  assert.deepEqual(both.listener.session.peer?.profiles, [])
  const channel = openEcho(both)
  assert.equal(channel.number, 1)
  const replies: string[] = []
  for (const word of ['one', 'two', 'three'])
    channel.send({ body: utf8(word) }, (reply) => replies.push(said(reply)))
  both.flush()
  assert.deepEqual(replies, ['RPY one', 'RPY two', 'RPY three'])
})

test('a message larger than any window arrives whole (RFC 3081 §3.1.2)', () => {
  const both = pair()
  const channel = openEcho(both)
  const body = new Uint8Array(200_000).map((_, i) => i % 251)
  const replies: Uint8Array[] = []
  channel.send({ body }, (reply) => {
    assert.ok(reply.kind === 'RPY')
    replies.push(reply.entity.body.slice())
  })
  both.flush()
  assert.deepEqual(replies, [body])
  assert.equal(both.listener.session.channel(1)?.isQuiet, true)
})

test('a channel is closed by agreement, and its number may be used again (RFC 3080 §2.3.1.3)', () => {
  const both = pair()
  const channel = openEcho(both)
  const outcomes: string[] = []
  channel.close(200, '', ({ kind }) => outcomes.push(kind))
  both.flush()
  assert.deepEqual(outcomes, ['closed'])
  assert.equal(channel.state, 'closed')
  assert.equal(both.listener.session.channels.length, 0)
})

test('a session is released by agreement (RFC 3080 §2.4)', () => {
  const both = pair()
  openEcho(both)
  const outcomes: string[] = []
  both.initiator.session.release(({ kind }) => outcomes.push(kind))
  both.flush()
  assert.deepEqual(outcomes, ['closed'])
  assert.equal(both.initiator.ended()?.why, 'released')
  assert.equal(both.listener.ended()?.why, 'released')
})
