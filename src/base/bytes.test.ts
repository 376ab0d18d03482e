import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, noBytes, ownBytes, sameBytes, strictText, text, utf8 } from './bytes.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 200

test('any text of whole characters comes back from its octets, byte order marks too (RFC 3629)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (written) => {
      assert.equal(text(utf8(written)), written.toWellFormed())
      assert.equal(strictText(utf8(written)), written.toWellFormed())
    }),
    { numRuns: runs, verbose: 1 },
  )
  assert.equal(text(utf8('\ufeffa')), '\ufeffa')
  assert.equal(strictText(utf8('\ufeffa')), '\ufeffa')
})

const malformed: [string, number[]][] = [
  ['a lone continuation', [0x80]],
  ['a cut sequence', [0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['an octet that is none', [0xff]],
]

for (const [name, octets] of malformed) {
  test(`octets that are no UTF-8: ${name} (RFC 3629 §3)`, () => {
    const bytes = Uint8Array.from([0x61, ...octets, 0x62])
    assert.equal(strictText(bytes), undefined)
    assert.match(text(bytes), /^a\ufffd+b$/)
    assert.equal(strictText(utf8('after')), 'after', 'the next is read as if nothing had been')
  })
}

test('a lone surrogate becomes a replacement character', () => {
  assert.equal(text(utf8('a\ud800b')), 'a\ufffdb')
})

test('parts put together are the whole, and equal only to themselves', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 })
  fc.assert(
    fc.property(parts, (given) => {
      const whole = concat(given)
      assert.deepEqual(
        [...whole],
        given.flatMap((part) => [...part]),
      )
      assert.ok(sameBytes(whole, Buffer.from(whole)))
      if (whole.length === 0) return
      const other = whole.slice()
      other[other.length - 1] = (other[other.length - 1] as number) ^ 1
      assert.ok(!sameBytes(whole, other))
      assert.ok(!sameBytes(whole, whole.subarray(1)))
    }),
    { numRuns: runs, verbose: 1 },
  )
  assert.equal(concat([]).length, 0)
})

test('own octets pin no larger buffer and do not change with it', () => {
  const read = Buffer.alloc(65_536, 'x')
  const own = ownBytes(read.subarray(100, 105))
  read.fill('!')
  assert.equal(text(own), 'xxxxx')
  assert.equal(own.buffer.byteLength, 5)
  assert.equal(ownBytes(Buffer.from('pooled')).buffer.byteLength, 6)
  assert.equal(ownBytes(noBytes).length, 0)
})
