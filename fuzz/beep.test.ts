// BEEP against bad input: frames against a second reader that is written otherwise, whole sessions that get damaged conversations in any
// pieces, and the messages of channel 0 and of tuning.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isBeepError, readBeepXml } from '../src/protocols/beep/codec/beep-xml.ts'
import { Entity, readEntity } from '../src/protocols/beep/codec/entity.ts'
import { Framer } from '../src/protocols/beep/codec/framer.ts'
import { readReply, readRequest } from '../src/protocols/beep/codec/management.ts'
import { readTuning, tuningOf } from '../src/protocols/beep/codec/tuning.ts'
import { readExamples } from '../src/protocols/beep/testing/examples.ts'
import { echoUri, frame, hand, xmlFrame, xmlHead } from '../src/protocols/beep/testing/pair.ts'
import { changes, damaged, everyCut, runs, timed } from './damage.ts'

const examples = readExamples()
const frames = examples.flatMap(({ steps }) =>
  steps.flatMap(({ octets }) => (octets === undefined ? [] : [octets])),
)
const bodies = examples.flatMap(({ steps }) => steps.map(({ payload }) => Buffer.from(payload, 'latin1')))

/** A second reader, slow and plain: the whole stream, by the grammar of RFC 3080 §2.2.1 as a regular expression. */
function reference(stream: string): string[] {
  const number = '(0|[1-9][0-9]{0,9})'
  const data = new RegExp(
    `^(?:(MSG|RPY|ERR|NUL) ${number} ${number} ([.*]) ${number} ${number}|(ANS) ${number} ${number} ([.*]) ${number} ${number} ${number})\r\n`,
  )
  const seq = new RegExp(`^SEQ ${number} ${number} ${number}\r\n`)
  const read: string[] = []
  for (let rest = stream; ; ) {
    const mapped = seq.exec(rest)
    if (mapped !== null) {
      if (Number(mapped[1]) > 0x7fffffff || Number(mapped[2]) > 0xffffffff || Number(mapped[3]) > 0x7fffffff)
        return read
      read.push(mapped[0])
      rest = rest.slice(mapped[0].length)
      continue
    }
    const match = data.exec(rest)
    if (match === null) return read
    const [line, , ...words] = match
    const [channel, msgno, more, seqno, size, ansno] = match[1] === undefined ? words.slice(6) : words
    const over = [channel, msgno, size].some((value) => Number(value) > 0x7fffffff)
    if (over || [seqno, ansno ?? 0].some((value) => Number(value) > 0xffffffff)) return read
    if (match[1] === 'NUL' && (more === '*' || Number(size) > 0)) return read
    const payload = rest.slice(line.length, line.length + Number(size))
    if (payload.length < Number(size) || !rest.startsWith('END\r\n', line.length + Number(size))) return read
    read.push(line + payload)
    rest = rest.slice(line.length + Number(size) + 5)
  }
}

function ours(stream: Buffer, cut: number): string[] {
  // As a session does it: what no window would allow is refused by its header.
  const framer = new Framer(({ size }) => (size > 1_000_000 ? 'beyond-window' : undefined))
  const read: string[] = []
  for (let at = 0; at < stream.length; at += cut) {
    framer.push(Uint8Array.from(stream.subarray(at, at + cut)))
    for (let next = framer.next(); next !== undefined; next = framer.next()) {
      if (next.kind === 'fault') {
        assert.ok(next.offset >= 0 && next.offset < stream.length)
        return read
      }
      if (next.kind === 'SEQ') read.push(`SEQ ${next.channel} ${next.ackno} ${next.window}\r\n`)
      else {
        const { keyword, channel, msgno, more, seqno, size, ansno, payload } = next
        const answer = keyword === 'ANS' ? ` ${ansno}` : ''
        const header = `${keyword} ${channel} ${msgno} ${more ? '*' : '.'} ${seqno} ${size}${answer}`
        read.push(`${header}\r\n${Buffer.from(payload).toString('latin1')}`)
      }
    }
  }
  return read
}

test('frames, damaged: two readers read the same, wherever the stream is cut', () => {
  const stream = fc.array(
    fc.constantFrom(
      ...frames,
      Buffer.from('SEQ 1 5 4096\r\n'),
      Buffer.from('ANS 1 0 * 20 3 1\r\nabcEND\r\n'),
    ),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  fc.assert(
    fc.property(stream, changes, fc.integer({ min: 1, max: 700 }), (list, damage, cut) => {
      const whole = damaged(Buffer.concat(list), damage).subarray(0, 20_000)
      assert.deepEqual(ours(whole, cut), reference(whole.toString('latin1')))
    }),
    runs,
  )
})

test('every cut of every frame of the examples', () => {
  for (const octets of frames) everyCut(octets, (cut) => ours(cut, 97))
})

/** A conversation: a greeting, channels, messages in one frame and in several, a close. */
const start = (number: number): string => `<start number='${number}'><profile uri='${echoUri}'/></start>`
let zero = 0
const onZero = (header: string, body: string): string => {
  const octets = xmlFrame(`${header} ${zero}`, body)
  zero += xmlHead.length + body.length + 2
  return octets
}
const conversation = Buffer.from(
  [
    onZero('RPY 0 0 .', '<greeting />'),
    onZero('MSG 0 1 .', start(1)),
    onZero('MSG 0 2 .', start(3)),
    frame('MSG 1 0 . 0', '\r\none'),
    frame('MSG 1 1 * 5', '\r\ntwo'),
    'SEQ 3 0 8192\r\n',
    frame('MSG 3 0 . 0', 'Content-Type: text/plain\r\n\r\nthree'),
    frame('MSG 1 1 . 10', ' and more'),
    'SEQ 1 5 8192\r\n',
    onZero('MSG 0 3 .', "<close number='3' code='200'/>"),
    frame('MSG 1 2 . 19', '\r\nlast'),
  ].join(''),
  'latin1',
)

/** What a session says and how it ends, when it gets the octets in pieces of that size. */
function played(octets: Buffer, cut: number): { said: string; why: string | undefined } {
  const peer = hand({ limits: { windowOctets: 4096, messageOctetsMax: 8192 } })
  let said = ''
  for (let at = 0; at < octets.length && !peer.isCut(); at += cut)
    said += peer.say(octets.subarray(at, at + cut))
  for (const channel of peer.session.channels) assert.ok(channel.inbound.heldOctets <= 8192)
  assert.ok(said.length < octets.length * 20 + 100_000)
  return { said, why: peer.ended()?.detail }
}

test('the conversation itself is understood', () => {
  const { said, why } = played(conversation, conversation.length)
  assert.equal(why, undefined)
  assert.equal(said.match(/^RPY [13] /gm)?.length, 4)
})

test('conversations, damaged: a session answers or ends, and the same however the octets come', () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 200 }), (damage, cut) => {
      const octets = damaged(conversation, damage).subarray(0, 20_000)
      let whole: ReturnType<typeof played> | undefined
      timed(() => {
        whole = played(octets, octets.length)
      }, octets)
      assert.deepEqual(played(octets, cut), whole)
    }),
    { ...runs, numRuns: Math.ceil(runs.numRuns / 4) },
  )
})

test('messages of channel 0 and of tuning, damaged: each is read or refused', () => {
  const take = (payload: Buffer): void => {
    const entity = readEntity(payload)
    if (!(entity instanceof Entity)) return
    entity.content()
    readTuning(entity.body)
    const element = readBeepXml(entity)
    if (isBeepError(element)) return
    for (const read of [readRequest(element), readReply(element), tuningOf(element)])
      assert.ok(typeof read === 'string' ? read !== '' : 'kind' in read || 'code' in read)
  }
  for (const payload of bodies) everyCut(payload, take)
  fc.assert(
    fc.property(fc.constantFrom(...bodies), changes, (payload, damage) =>
      timed(take, damaged(payload, damage)),
    ),
    runs,
  )
})
