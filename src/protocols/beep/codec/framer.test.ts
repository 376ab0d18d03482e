// Frames as octets: the header's grammar, the payload, the trailer (RFC 3080 §2.2.1; RFC 3081 §3.1.3), wherever the stream is cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, concat } from '#base'
import { headerBytes, seqBytes, trailerBytes } from './frame-writer.ts'
import { Framer } from './framer.ts'

/** What a framer gives for these chunks; payloads as text. */
function read(chunks: readonly Bytes[]): unknown[] {
  const framer = new Framer()
  const found: unknown[] = []
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    framer.push(lent)
    for (let next = framer.next(); next !== undefined; next = framer.next()) {
      if (next.kind !== 'data') found.push({ ...next })
      else {
        const { keyword, channel, msgno, more, seqno, size, ansno, payload } = next
        found.push({
          keyword,
          channel,
          msgno,
          more,
          seqno,
          size,
          ansno,
          payload: Buffer.from(payload).toString('latin1'),
        })
      }
      if (next.kind === 'fault') return found
    }
    // A loan ends: whoever kept it without a copy is found out.
    lent.fill(0xa5)
  }
  return found
}

const bytes = (text: string): Bytes => Buffer.from(text, 'latin1')

/** [rule, line, what is read: a part of it] */
const good: [string, string, object][] = [
  [
    'MSG',
    'MSG 0 1 . 52 5\r\nhelloEND\r\n',
    { keyword: 'MSG', channel: 0, msgno: 1, more: false, seqno: 52, payload: 'hello' },
  ],
  ['RPY, more to come', 'RPY 0 1 * 287 2\r\nhiEND\r\n', { keyword: 'RPY', more: true, seqno: 287, size: 2 }],
  ['an empty payload', 'RPY 0 1 . 307 0\r\nEND\r\n', { size: 0, payload: '' }],
  ['ERR', 'ERR 0 0 . 0 1\r\nxEND\r\n', { keyword: 'ERR' }],
  ['ANS has a number more', 'ANS 1 0 * 20 1 7\r\nxEND\r\n', { keyword: 'ANS', ansno: 7 }],
  ['ANS to 4294967295 (§2.2.1.1)', 'ANS 1 0 . 0 0 4294967295\r\nEND\r\n', { ansno: 4294967295 }],
  [
    'zeros before a number (decision 0110)',
    'ANS 01 0000000007 . 00 02 00\r\nhiEND\r\n',
    { channel: 1, msgno: 7, seqno: 0, payload: 'hi', ansno: 0 },
  ],
  ['NUL', 'NUL 1 0 . 60 0\r\nEND\r\n', { keyword: 'NUL' }],
  [
    'the largest numbers',
    'MSG 2147483647 2147483647 . 4294967295 0\r\nEND\r\n',
    { channel: 2147483647, seqno: 4294967295 },
  ],
  [
    'SEQ',
    'SEQ 0 4294967295 2147483647\r\n',
    { kind: 'SEQ', channel: 0, ackno: 4294967295, window: 2147483647 },
  ],
  ['END within the payload', 'MSG 0 0 . 0 10\r\nEND\r\nEND\r\nEND\r\n', { payload: 'END\r\nEND\r\n' }],
]
for (const [rule, line, wanted] of good) {
  test(`well formed: ${rule}`, () => {
    for (let cut = 0; cut <= line.length; cut++) {
      const found = read([bytes(line.slice(0, cut)), bytes(line.slice(cut))])
      assert.equal(found.length, 1)
      assert.deepEqual({ ...(found[0] as object), ...wanted }, found[0])
    }
    assert.equal(read([...line].map(bytes)).length, 1)
  })
}

/** [rule, octets, reason, offset of the octet that is wrong] */
const bad: [string, string, string, number][] = [
  ['a header that does not start with a keyword', 'FOO 0 1 . 0 0\r\nEND\r\n', 'keyword', 2],
  ['a keyword in lower case', 'msg 0 1 . 0 0\r\nEND\r\n', 'keyword', 2],
  ['an empty line', '\r\nMSG 0 1 . 0 0\r\n', 'keyword', 2],
  ['a longer keyword', 'MSGS 0 1 . 0 0\r\nEND\r\n', 'syntax', 3],
  ['two spaces', 'MSG  0 1 . 0 0\r\nEND\r\n', 'syntax', 4],
  ['a tab', 'MSG\t0 1 . 0 0\r\nEND\r\n', 'syntax', 3],
  ['a trailing space', 'MSG 0 1 . 0 0 \r\nEND\r\n', 'syntax', 13],
  ['a sign', 'MSG -1 1 . 0 0\r\nEND\r\n', 'syntax', 4],
  ['a plus', 'MSG +1 1 . 0 0\r\nEND\r\n', 'syntax', 4],
  ['a number in hexadecimal', 'MSG 0x1 1 . 0 0\r\nEND\r\n', 'syntax', 5],
  [
    'more digits than any number needs (decision 0110)',
    `MSG ${'0'.repeat(11)} 1 . 0 0\r\nEND\r\n`,
    'syntax',
    14,
  ],
  ['a channel beyond its range', 'MSG 2147483648 1 . 0 0\r\nEND\r\n', 'range', 13],
  ['a message number beyond its range', 'MSG 0 2147483648 . 0 0\r\nEND\r\n', 'range', 15],
  ['a sequence number beyond its range', 'MSG 0 1 . 4294967296 0\r\nEND\r\n', 'range', 19],
  ['a size beyond its range', 'MSG 0 1 . 0 2147483648\r\nEND\r\n', 'range', 21],
  ['an answer number beyond its range', 'ANS 0 1 . 0 0 4294967296\r\nEND\r\n', 'range', 23],
  ['a number that never ends', `MSG ${'9'.repeat(100)}`, 'range', 13],
  ['another continuation indicator', 'MSG 0 1 ! 0 0\r\nEND\r\n', 'syntax', 8],
  ['two of them', 'MSG 0 1 .. 0 0\r\nEND\r\n', 'syntax', 9],
  ['a parameter too few', 'MSG 0 1 . 0\r\nEND\r\n', 'syntax', 11],
  ['a parameter too many', 'MSG 0 1 . 0 0 0\r\nEND\r\n', 'syntax', 13],
  ['ANS without its number', 'ANS 0 1 . 0 0\r\nEND\r\n', 'syntax', 13],
  ['a line feed alone', 'MSG 0 1 . 0 0\nEND\r\n', 'syntax', 13],
  ['a carriage return alone', 'MSG 0 1 . 0 0\rEND\r\n', 'syntax', 14],
  ['a payload that is longer', 'MSG 0 1 . 0 4\r\nhelloEND\r\n', 'trailer', 19],
  ['a payload that is shorter', 'MSG 0 1 . 0 6\r\nhelloEND\r\n', 'trailer', 21],
  ['no trailer', 'MSG 0 1 . 0 5\r\nhelloMSG 0 2 . 5 0\r\n', 'trailer', 20],
  ['a trailer with a line feed alone', 'MSG 0 1 . 0 0\r\nEND\nMSG', 'trailer', 18],
  ['a trailer in lower case', 'MSG 0 1 . 0 0\r\nend\r\n', 'trailer', 15],
  ['NUL with a payload', 'NUL 0 1 . 0 1\r\nxEND\r\n', 'nul-with-payload', 15],
  ['NUL that is intermediate', 'NUL 0 1 * 0 0\r\nEND\r\n', 'nul-with-payload', 15],
  ['SEQ with an acknowledgement beyond its range', 'SEQ 0 4294967296 1\r\n', 'range', 15],
  ['SEQ with a window beyond its range', 'SEQ 0 0 2147483648\r\n', 'range', 17],
  ['SEQ with a parameter too few', 'SEQ 0 0\r\n', 'syntax', 7],
  ['SEQ with a parameter too many', 'SEQ 0 0 1 1\r\n', 'syntax', 9],
]
for (const [rule, octets, reason, offset] of bad) {
  test(`poorly formed: ${rule}`, () => {
    for (let cut = 0; cut <= octets.length; cut++) {
      const found = read([bytes(octets.slice(0, cut)), bytes(octets.slice(cut))])
      assert.deepEqual(found, [{ kind: 'fault', reason, offset }], `cut at ${cut}`)
    }
  })
}

test('a fault is final: nothing behind it is read', () => {
  const framer = new Framer()
  framer.push(bytes('FOO'))
  const fault = framer.next()
  framer.push(bytes('MSG 0 1 . 0 0\r\nEND\r\n'))
  assert.equal(framer.next(), fault)
})

test('a payload that came whole is handed on where it lies; one that was cut is copied once', () => {
  const framer = new Framer()
  const chunk = bytes('MSG 0 1 . 0 5\r\nhelloEND\r\n')
  framer.push(chunk)
  const whole = framer.next()
  assert.ok(whole?.kind === 'data')
  assert.equal(whole.payload.buffer, chunk.buffer)
  assert.equal(framer.isBetween, true)
})

test('what is refused by its header costs no memory for its payload', () => {
  const framer = new Framer(({ size }) => (size > 4096 ? 'beyond-window' : undefined))
  framer.push(bytes('MSG 0 1 . 0 2147483647\r\n'))
  assert.deepEqual(framer.next(), { kind: 'fault', reason: 'beyond-window', offset: 24 })
})

const header = fc.record({
  keyword: fc.constantFrom('MSG' as const, 'RPY' as const, 'ERR' as const, 'ANS' as const),
  channel: fc.nat(0x7fffffff),
  msgno: fc.nat(0x7fffffff),
  more: fc.boolean(),
  seqno: fc.nat(0xffffffff),
  payload: fc.uint8Array({ maxLength: 300 }),
  ansno: fc.nat(0x7fffffff),
})

test('what is written is read, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(header, { maxLength: 6 }),
      fc.array(fc.nat(40), { maxLength: 200 }),
      (frames, cuts) => {
        const stream = concat(
          frames.flatMap(({ keyword, channel, msgno, more, seqno, payload, ansno }) => [
            Uint8Array.from(seqBytes(channel, seqno, payload.length)),
            Uint8Array.from(headerBytes(keyword, channel, msgno, more, seqno, payload.length, ansno)),
            payload,
            trailerBytes,
          ]),
        )
        const chunks: Bytes[] = []
        let at = 0
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut))
          at = Math.min(stream.length, at + cut)
        }
        chunks.push(stream.subarray(at))
        const wanted = frames.flatMap(({ payload, ansno, ...rest }) => [
          { kind: 'SEQ', channel: rest.channel, ackno: rest.seqno, window: payload.length },
          {
            ...rest,
            size: payload.length,
            ansno: rest.keyword === 'ANS' ? ansno : 0,
            payload: Buffer.from(payload).toString('latin1'),
          },
        ])
        const sorted = read(chunks).map((one) => Object.fromEntries(Object.entries(one as object).sort()))
        assert.deepEqual(
          sorted,
          wanted.map((one) => Object.fromEntries(Object.entries(one).sort())),
        )
      },
    ),
  )
})
