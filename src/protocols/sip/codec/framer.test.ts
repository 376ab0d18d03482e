import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamFramer } from './framer.ts'

const message = (body: string, length: string | number = body.length, name = 'Content-Length'): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n${name}: ${length}\r\nX: y\r\n\r\n${body}`

class Seen {
  messages: string[] = []
  pings = 0
  message(octets: Uint8Array): void {
    this.messages.push(Buffer.from(octets).toString('latin1'))
  }
  ping(): void {
    this.pings++
  }
}

function feed(framer: StreamFramer, chunks: readonly string[]): { seen: Seen; fault: string | undefined } {
  const seen = new Seen()
  let fault: string | undefined
  for (const chunk of chunks) fault = framer.push(Buffer.from(chunk, 'latin1'), seen)
  return { seen, fault }
}

test('messages are found wherever the stream is cut (RFC 3261 §18.3)', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ maxLength: 40 }).map((body) => Buffer.from(body).toString('latin1')),
        { minLength: 1, maxLength: 4 },
      ),
      fc.array(fc.nat(), { maxLength: 8 }),
      (bodies, cuts) => {
        const whole = bodies
          .map((body, i) => message(body, body.length, i % 2 === 0 ? 'l' : 'CONTENT-length '))
          .join('')
        const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, i) => whole.slice(at[i], end))
        const framer = new StreamFramer()
        const { seen, fault } = feed(framer, chunks)
        assert.equal(fault, undefined)
        assert.equal(seen.messages.join(''), whole)
        assert.equal(seen.messages.length, bodies.length)
        assert.equal(framer.held, 0)
      },
    ),
    { numRuns: process.env['VERONA_SOAK'] ? 10_000 : 200 },
  )
})

test('a message that comes octet by octet is found', () => {
  const whole = `\r\n${message('hello')}${message('world')}`
  const { seen } = feed(new StreamFramer(), [...whole])
  assert.deepEqual(seen.messages, [message('hello'), message('world')])
  assert.equal(seen.pings, 0)
})

test('CRLF before a start line is ignored (RFC 3261 §7.5)', () =>
  assert.deepEqual(
    feed(new StreamFramer(), [`\r\n${message('x')}\r\n${message('y')}`]).seen.messages.length,
    2,
  ))

test('a double CRLF is a ping, in one piece or in two (RFC 5626 §3.5.1)', () => {
  assert.equal(feed(new StreamFramer(), ['\r\n\r\n']).seen.pings, 1)
  assert.equal(feed(new StreamFramer(), ['\r\n', '\r', '\n', message(''), '\r\n\r\n']).seen.pings, 2)
})

const faults: readonly [why: string, chunk: string, fault: string][] = [
  ['without Content-Length (RFC 3261 §20.14)', message('', 0, 'Content-Lengthy'), 'no-content-length'],
  ['with a negative one (RFC 4475 §3.1.2.3)', message('', -999), 'bad-content-length'],
  ['with a word for a number (RFC 4475 §3.1.2.3)', message('', 'five'), 'bad-content-length'],
  ['with two of them (RFC 4475 §3.3.9)', message('', '1\r\nl: 1'), 'bad-content-length'],
  ['with one beyond any message', message('', '99999999999999999999'), 'body-too-large'],
  ['over the limit of a message', message('', 65_536), 'body-too-large'],
  ['whose head has no end', `X: ${'y'.repeat(40_000)}`, 'head-too-large'],
]
for (const [why, chunk, fault] of faults)
  test(`a message ${why} ends the stream`, () => {
    const framer = new StreamFramer()
    assert.equal(feed(framer, [chunk]).fault, fault)
    assert.equal(framer.held, 0)
    const after = feed(framer, [message('later')])
    assert.deepEqual([after.fault, after.seen.messages], [fault, []])
  })

test('a folded Content-Length is read', () =>
  assert.equal(feed(new StreamFramer(), [message('abc', '\r\n 3')]).seen.messages.length, 1))
