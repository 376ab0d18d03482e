// When a frame is poorly formed by what was before it: a row a rule of RFC 3080 §2.2.1.1 to §2.2.1.3 and RFC 3081 §3.1.3. "The session
// is terminated without generating a response", so each row ends in silence and a closed connection.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { BeepProfile, Channel, Replying } from './profile.ts'
import { echoUri, frame, type Hand, hand, xmlFrame, xmlHead } from './testing/pair.ts'

const startBody = `<start number='1'><profile uri='${echoUri}'/></start>`
/** The sequence number on channel 0 behind the greeting and the start. */
const zero = 52 + xmlHead.length + startBody.length + 2

/** A channel on which the session answers when told to. */
function stage(): { peer: Hand; channel: () => Channel; replying: Replying[]; heard: string[] } {
  const replying: Replying[] = []
  const heard: string[] = []
  let opened: Channel | undefined
  const profile: BeepProfile = {
    uri: echoUri,
    start: (start) => {
      opened = start.accept({
        onMessage: (entity, reply) => {
          heard.push(Buffer.from(entity.body).toString())
          replying.push(reply)
        },
      })
    },
  }
  const peer = hand({ profiles: [profile], limits: { answersMax: 2, windowOctets: 4096 } })
  peer.say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
  const said = peer.say(xmlFrame('MSG 0 1 . 52', startBody))
  assert.match(said, /^RPY 0 1 /)
  return { peer, channel: () => opened as Channel, replying, heard }
}

type Stage = ReturnType<typeof stage>

/** Sends `count` MSGs of ours, 0 and up. */
const asking =
  (count = 1) =>
  ({ channel, peer, heard }: Stage): void => {
    for (let i = 0; i < count; i++)
      channel().send({ body: utf8('ask') }, (reply) =>
        heard.push('entity' in reply ? `${reply.kind} ${Buffer.from(reply.entity.body)}` : reply.kind),
      )
    peer.say()
  }

/** A MSG of ours of which 4096 octets have left, and not all. */
const askingMuch = ({ channel, peer, heard }: Stage): void => {
  channel().send({ body: new Uint8Array(10_000) }, ({ kind }) => heard.push(kind))
  peer.say()
}

const nothing = (): void => {}

/** [rule, what is before, frames that are well formed, the frame that is not, reason] */
const rows: [string, (on: Stage) => void, string[], string, string][] = [
  [
    'the channel number doesn’t refer to an existing channel',
    nothing,
    [],
    frame('MSG 3 0 . 0'),
    'no-such-channel',
  ],
  [
    'a MSG with the number of one that has no complete reply',
    nothing,
    [frame('MSG 1 5 . 0', '\r\na')],
    frame('MSG 1 5 . 3', '\r\nb'),
    'msgno-in-use',
  ],
  ['a reply where nothing was asked', nothing, [], frame('RPY 1 0 . 0', '\r\n'), 'no-such-message'],
  ['a reply to a number that was never sent', asking(), [], frame('RPY 1 1 . 0', '\r\n'), 'no-such-message'],
  [
    'a reply to what is completely replied to',
    asking(),
    [frame('RPY 1 0 . 0', '\r\n')],
    frame('RPY 1 0 . 2', '\r\n'),
    'no-such-message',
  ],
  ['a second greeting', nothing, [], xmlFrame(`RPY 0 0 . ${zero}`, '<greeting />'), 'no-such-message'],
  [
    'MSG frames with another keyword between',
    asking(),
    [frame('MSG 1 0 * 0', '\r\n')],
    frame('RPY 1 0 . 2', '\r\n'),
    'keyword-changed',
  ],
  ['RPY, then ERR', asking(), [frame('RPY 1 0 * 0', '\r\n')], frame('ERR 1 0 . 2', 'x'), 'keyword-changed'],
  [
    'RPY, then ANS',
    asking(),
    [frame('RPY 1 0 * 0', '\r\n')],
    frame('ANS 1 0 . 2').replace('. 2 0', '. 2 0 0'),
    'keyword-changed',
  ],
  [
    'ANS, then RPY',
    asking(),
    ['ANS 1 0 . 0 2 0\r\n\r\nEND\r\n'],
    frame('RPY 1 0 . 2', '\r\n'),
    'keyword-changed',
  ],
  ['ERR, then NUL', asking(), [frame('ERR 1 0 * 0', '\r\n')], frame('NUL 1 0 . 2'), 'keyword-changed'],
  [
    'NUL while an ANS is not complete',
    asking(),
    ['ANS 1 0 * 0 2 0\r\n\r\nEND\r\n'],
    frame('NUL 1 0 . 2'),
    'unfinished-answer',
  ],
  [
    'NUL while an earlier ANS is not complete',
    asking(),
    ['ANS 1 0 * 0 2 0\r\n\r\nEND\r\n', 'ANS 1 0 . 2 2 1\r\n\r\nEND\r\n'],
    frame('NUL 1 0 . 4'),
    'unfinished-answer',
  ],
  [
    'another message amid one that is not complete',
    nothing,
    [frame('MSG 1 0 * 0', '\r\n')],
    frame('MSG 1 1 . 2', '\r\n'),
    'interrupted',
  ],
  [
    'another reply amid one that is not complete',
    asking(2),
    [frame('RPY 1 0 * 0', '\r\n')],
    frame('RPY 1 1 . 2', '\r\n'),
    'interrupted',
  ],
  [
    'a sequence number that is too high',
    nothing,
    [frame('MSG 1 0 . 0', '\r\n')],
    frame('MSG 1 1 . 3', '\r\n'),
    'seqno',
  ],
  [
    'a sequence number that is too low',
    nothing,
    [frame('MSG 1 0 . 0', '\r\n')],
    frame('MSG 1 1 . 0', '\r\n'),
    'seqno',
  ],
  ['NUL with a payload', asking(), [], frame('NUL 1 0 . 0', 'x'), 'nul-with-payload'],
  ['NUL that is intermediate', asking(), [], frame('NUL 1 0 * 0'), 'nul-with-payload'],
  ['no trailer', nothing, [], 'MSG 1 0 . 0 2\r\n\r\nMSG 1 1 . 2 0\r\n', 'trailer'],
  ['a header that starts with nothing known', nothing, [], 'HELO\r\n', 'keyword'],
  ['a reply out of order (§2.6.1)', asking(2), [], frame('RPY 1 1 . 0', '\r\n'), 'reply-out-of-order'],
  [
    'a positive reply to what has not left whole (§2.6.3)',
    askingMuch,
    [],
    frame('RPY 1 0 . 0', '\r\n'),
    'reply-too-early',
  ],
  ['a payload beyond the window (RFC 3081 §3.1.2)', nothing, [], 'MSG 1 0 . 0 4097\r\n', 'beyond-window'],
  ['SEQ for a channel that is not there', nothing, [], 'SEQ 3 0 4096\r\n', 'no-such-channel'],
  ['SEQ for what was never sent', asking(), [], 'SEQ 1 6 4096\r\n', 'bad-acknowledgement'],
  ['SEQ that goes back', asking(), ['SEQ 1 5 4096\r\n'], 'SEQ 1 4 4096\r\n', 'bad-acknowledgement'],
  ['SEQ that goes back around zero', asking(), [], 'SEQ 1 4294967295 4096\r\n', 'bad-acknowledgement'],
  [
    'LIMIT: answers in progress',
    asking(),
    ['ANS 1 0 * 0 2 0\r\n\r\nEND\r\n', 'ANS 1 0 * 2 2 1\r\n\r\nEND\r\n'],
    'ANS 1 0 * 4 2 2\r\n\r\nEND\r\n',
    'too-many-answers',
  ],
]

for (const [rule, before, well, poor, reason] of rows) {
  test(`poorly formed: ${rule}`, () => {
    const on = stage()
    before(on)
    for (const octets of well) {
      on.peer.say(octets)
      assert.equal(on.peer.ended(), undefined, octets)
    }
    assert.equal(on.peer.say(poor), '')
    assert.deepEqual(on.peer.ended(), { why: 'malformed', detail: reason })
    assert.ok(on.peer.isCut())
  })
}

test('a MSG before the greeting ends the session (§2.3.1.1)', () => {
  const peer = hand()
  peer.say(xmlFrame('MSG 0 1 . 0', "<close code='200'/>"))
  assert.equal(peer.ended()?.detail, 'before-greeting')
})

/** [rule, what is before, frames, what the session hears] */
const fine: [string, (on: Stage) => void, string[], string[]][] = [
  [
    'a message in several frames, an empty one among them',
    nothing,
    [frame('MSG 1 0 * 0', '\r\nab'), frame('MSG 1 0 * 4'), frame('MSG 1 0 . 4', 'cd')],
    ['abcd'],
  ],
  [
    'frames of other channels between',
    nothing,
    [
      frame('MSG 1 0 * 0', '\r\nab'),
      xmlFrame(`MSG 0 2 . ${zero}`, "<close number='9' code='200'/>"),
      frame('MSG 1 0 . 4', 'cd'),
    ],
    ['abcd'],
  ],
  [
    'the same number in both directions (§2.7)',
    asking(),
    [frame('MSG 1 0 . 0', '\r\na'), frame('RPY 1 0 . 3', '\r\nb')],
    ['a', 'RPY b'],
  ],
  ['NUL without any ANS (§2.1.1)', asking(), [frame('NUL 1 0 . 0')], ['NUL']],
  [
    'ANS messages interleaved (§2.2.1.1)',
    asking(),
    [
      'ANS 1 0 * 0 4 0\r\n\r\na1END\r\n',
      'ANS 1 0 * 4 4 1\r\n\r\nb1END\r\n',
      'ANS 1 0 . 8 2 0\r\na2END\r\n',
      'ANS 1 0 . 10 2 1\r\nb2END\r\n',
      'ANS 1 0 . 12 3 0\r\n\r\ncEND\r\n',
      frame('NUL 1 0 . 15'),
    ],
    ['ANS a1a2', 'ANS b1b2', 'ANS c', 'NUL'],
  ],
  [
    'replies in the order of the MSGs',
    asking(2),
    [frame('RPY 1 0 . 0', '\r\na'), frame('ERR 1 1 . 3', '\r\nb')],
    ['RPY a', 'ERR b'],
  ],
]
for (const [rule, before, frames, heard] of fine) {
  test(`well formed: ${rule}`, () => {
    const on = stage()
    before(on)
    for (const octets of frames) on.peer.say(octets)
    assert.equal(on.peer.ended(), undefined, JSON.stringify(on.peer.ended()))
    assert.deepEqual(on.heard, heard)
  })
}

test('a number may be used again once the reply has left (§2.2.1.1)', () => {
  const on = stage()
  on.peer.say(frame('MSG 1 5 . 0', '\r\na'))
  on.replying[0]?.positive({ body: utf8('x') })
  on.peer.say(frame('MSG 1 5 . 3', '\r\nb'))
  assert.deepEqual(on.heard, ['a', 'b'])
})

test('a negative reply may come before the MSG is complete: an empty last frame follows it (§2.6.3)', () => {
  const on = stage()
  askingMuch(on)
  const said = on.peer.say(frame('ERR 1 0 . 0', '\r\nno'))
  assert.equal(said, 'MSG 1 0 . 4096 0\r\nEND\r\n')
  assert.deepEqual(on.heard, ['ERR'])
})

test('sequence numbers go on beyond 2^32 (§2.2.1.2)', () => {
  const on = stage()
  const channel = on.peer.session.channel(1)
  assert.ok(channel)
  channel.inbound.expected = 4294967294
  channel.inbound.edge = 4094
  on.peer.say(frame('MSG 1 0 . 4294967294', '\r\nabc'))
  on.peer.say(frame('MSG 1 1 . 3', '\r\nd'))
  assert.deepEqual(on.heard, ['abc', 'd'])
  channel.outbound.seqno = 4294967295
  channel.outbound.acknowledge(4294967295, 4096, 1)
  asking()(on)
  assert.equal(on.peer.say('SEQ 1 4 4096\r\n'), '')
  assert.equal(on.peer.ended(), undefined)
  assert.equal(channel.outbound.seqno, 4)
})
