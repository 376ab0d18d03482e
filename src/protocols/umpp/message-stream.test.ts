// The message stream in descriptions: the offer and answer of UMPP §4.1, what is refused, and who opens the connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import { parseJid } from '#protocols/xmpp'
import { parseSdp, type SessionDescription, writeSdp } from '#wire/sdp'
import {
  answerOf,
  answerTo,
  type Direction,
  type OwnEnd,
  offerOf,
  openerOf,
  streamIn,
} from './message-stream.ts'

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`

function read(written: string): SessionDescription {
  const description = parseSdp(utf8(written))
  if ('fault' in description) assert.fail(description.why)
  return description
}

function own(jid: string, host: string, port: number): OwnEnd {
  const parsed = parseJid(jid)
  assert.ok(parsed !== undefined)
  return { jid: parsed, place: { host, port }, sessionId: '289087', version: '289087' }
}

/** As UMPP §4.1 prints it, `c=` and the second `t=` before their `m=` (G1). */
const printedOffer = lines(
  'v=0',
  'o=romeo 289087 289087 IN IP4 orchard.montague.example.net',
  's=-',
  'c=IN IP4 orchard.montague.example.net',
  't=0 0',
  'm=audio 39923 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'c=IN IP4 xmpp.montague.example.net',
  't=0 0',
  'm=message 5222 xmpp/tcp chat',
  'a=direction:both',
  'a=jid:romeo@montague.example.net/orchard',
  'a=thread:283461923759234',
)

const printedAnswer = lines(
  'v=0',
  'o=juliet 289087 289087 IN IP4 balcony.thecappulets.example.com',
  's=-',
  'c=IN IP4 balcony.thecappulets.example.com',
  't=0 0',
  'm=audio 0 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'c=IN IP4 impish.thecapulets.example.com',
  't=0 0',
  'm=message 5222 xmpp/tcp chat',
  'a=direction:passive',
  'a=jid:juliet@thecappulets.example.com/balcony',
)

test('the printed offer is read: place, direction, full JID and thread (UMPP §4.1, U40 to U52, G1, G2)', () => {
  const reading = streamIn(read(printedOffer))
  assert.ok(reading.kind === 'stream')
  assert.equal(reading.at, 1)
  const { place, direction, jid, thread } = reading.stream
  assert.deepEqual(place, { host: 'xmpp.montague.example.net', port: 5222 })
  assert.deepEqual(
    [direction, jid.address.user, jid.resource, thread],
    ['both', 'romeo', 'orchard', '283461923759234'],
  )
})

test('the printed answer is read: the messages go on without the audio (UMPP §4.1, U59 to U71)', () => {
  const reading = streamIn(read(printedAnswer))
  assert.ok(reading.kind === 'stream')
  assert.deepEqual(reading.stream.place, { host: 'impish.thecapulets.example.com', port: 5222 })
  assert.deepEqual([reading.stream.direction, reading.stream.thread], ['passive', undefined])
})

test('our offer has every line of UMPP §4.1 in the order of RFC 8866', () => {
  const offer = offerOf(
    own('romeo@montague.example.net/orchard', 'xmpp.montague.example.net', 5269),
    '283461923759234',
  )
  assert.equal(
    text(writeSdp(offer)),
    lines(
      'v=0',
      'o=romeo 289087 289087 IN IP4 xmpp.montague.example.net',
      's=-',
      'c=IN IP4 xmpp.montague.example.net',
      't=0 0',
      'm=message 5269 xmpp/tcp chat',
      'c=IN IP4 xmpp.montague.example.net',
      'a=direction:both',
      'a=jid:romeo@montague.example.net/orchard',
      'a=thread:283461923759234',
    ),
  )
})

test('our answer to the printed offer refuses the audio with port 0 and takes the messages, without a thread (U64 to U71)', () => {
  const answer = answerOf(
    read(printedOffer),
    1,
    own('juliet@thecappulets.example.com/balcony', '2001:db8::1', 5269),
    'passive',
  )
  assert.equal(
    text(writeSdp(answer)),
    lines(
      'v=0',
      'o=juliet 289087 289087 IN IP6 2001:db8::1',
      's=-',
      'c=IN IP6 2001:db8::1',
      't=0 0',
      'm=audio 0 RTP/AVP 0',
      'a=rtpmap:0 PCMU/8000',
      'm=message 5269 xmpp/tcp chat',
      'c=IN IP6 2001:db8::1',
      'a=direction:passive',
      'a=jid:juliet@thecappulets.example.com/balcony',
    ),
  )
})

test('an answer without messages has port 0 for each medium of the offer (RFC 3264 §6)', () => {
  const answer = answerOf(read(printedOffer), -1, own('juliet@thecappulets.example.com/b', 'h', 1), undefined)
  assert.deepEqual(
    answer.media.map(({ media, port }) => [media, port]),
    [
      ['audio', 0],
      ['message', 0],
    ],
  )
})

const start = ['v=0', 'o=- 1 1 IN IP4 h', 's=-', 'c=IN IP4 h', 't=0 0']
const jid = 'a=jid:romeo@montague.example/orchard'
const readings: [string, string[], string][] = [
  ['no medium', [], 'none'],
  ['audio alone', ['m=audio 1 RTP/AVP 0'], 'none'],
  ['messages by another transport (MSRP)', ['m=message 1 TCP/MSRP *', jid], 'none'],
  ['groupchat, for which there are no rooms (U9)', ['m=message 1 xmpp/tcp groupchat', jid], 'other-kind'],
  ['port 0', ['m=message 0 xmpp/tcp chat', jid], 'rejected'],
  ['no JID', ['m=message 1 xmpp/tcp chat'], 'malformed'],
  ['a bare JID (U22)', ['m=message 1 xmpp/tcp chat', 'a=jid:romeo@montague.example'], 'malformed'],
  ['a JID of nobody', ['m=message 1 xmpp/tcp chat', 'a=jid:montague.example/x'], 'malformed'],
  ['holdconn (RFC 4145 §4)', ['m=message 1 xmpp/tcp chat', jid, 'a=setup:holdconn'], 'malformed'],
  [
    'the second of two, the first being refused',
    ['m=message 0 xmpp/tcp chat', 'm=message 1 xmpp/tcp chat', jid],
    'stream',
  ],
  [
    'setup in the place of direction (RFC 4145 §4)',
    ['m=message 1 xmpp/tcp chat', jid, 'a=setup:actpass'],
    'stream',
  ],
  ['chat among several formats', ['m=message 1 xmpp/tcp groupchat chat', jid], 'stream'],
]
for (const [what, media, kind] of readings)
  test(`${what}: ${kind}`, () => assert.equal(streamIn(read(lines(...start, ...media))).kind, kind))

const openers: [Direction, Direction, ReturnType<typeof openerOf>][] = [
  ['both', 'passive', 'offerer'],
  ['both', 'active', 'answerer'],
  ['both', 'both', 'offerer'],
  ['active', 'passive', 'offerer'],
  ['active', 'both', 'offerer'],
  ['active', 'active', 'offerer'],
  ['passive', 'active', 'answerer'],
  ['passive', 'both', 'answerer'],
  ['passive', 'passive', undefined],
]
for (const [offered, answered, opener] of openers)
  test(`${offered}, answered ${answered}: the stream is opened by ${opener ?? 'nobody'} (G13, RFC 4145 §4.1)`, () =>
    assert.equal(openerOf(offered, answered), opener))

test('what we answer always has somebody who opens', () => {
  for (const offered of ['active', 'passive', 'both'] as const)
    assert.notEqual(openerOf(offered, answerTo[offered]), undefined)
})
