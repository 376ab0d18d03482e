import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, utf8 } from '#base'
import {
  findBlockEnd,
  type HeaderFault,
  HeaderLines,
  type HeaderRules,
  headerBlock,
  headerLine,
  isHeaderValue,
  mimeHeaderRules,
  oneLine,
  scanHeaderLines,
  strictHeaderRules,
} from './index.ts'

const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 10_000 : 100

function scan(block: string, rules: HeaderRules = strictHeaderRules): HeaderLines | HeaderFault {
  const bytes = utf8(block)
  return scanHeaderLines(bytes, 0, bytes.length, rules)
}

function fields(block: string, rules?: HeaderRules): (readonly [string, string])[] {
  const lines = scan(block, rules)
  assert.ok(lines instanceof HeaderLines, JSON.stringify(lines))
  return [...lines]
}

test('a block is its fields in order, up to the blank line', () => {
  assert.deepEqual(fields('From: impp://mit.edu/ghudson\r\nConnection-ID: 6\r\n\r\nbody: not\r\n\r\n'), [
    ['From', 'impp://mit.edu/ghudson'],
    ['Connection-ID', '6'],
  ])
  assert.deepEqual(fields('\r\n'), [])
})

test('names compare without regard to letter case (RFC 822 §3.4.7)', () => {
  const lines = scan('content-TYPE: a/b\r\nX: 1\r\nx: 2\r\n\r\n')
  assert.ok(lines instanceof HeaderLines)
  assert.equal(lines.get('content-type'), 'a/b')
  assert.equal(lines.count('x'), 2)
  assert.equal(lines.find('x', lines.find('x') + 1), 2)
  assert.equal(lines.get('y'), undefined)
})

test('a folded line is joined, its white space kept (RFC 5322 §2.2.3)', () => {
  assert.deepEqual(fields('A: one\r\n two\r\n\tthree \r\nB: x\r\n\r\n', mimeHeaderRules), [
    ['A', 'one two\tthree'],
    ['B', 'x'],
  ])
})

const refusals: [string, string, HeaderRules, HeaderFault['fault']][] = [
  ['a continuation where folding is not allowed', 'A: b\r\n c\r\n\r\n', strictHeaderRules, 'bad-folding'],
  ['a continuation of nothing', ' c\r\n\r\n', mimeHeaderRules, 'bad-folding'],
  ['a lone LF', 'A: b\n\n', strictHeaderRules, 'bad-line-end'],
  ['a CR inside a value', 'A: b\rC: d\r\n\r\n', mimeHeaderRules, 'bad-character'],
  ['a NUL', 'A: b\0\r\n\r\n', mimeHeaderRules, 'bad-character'],
  ['no colon', 'Abc\r\n\r\n', strictHeaderRules, 'no-colon'],
  ['a space before the colon', 'A : b\r\n\r\n', strictHeaderRules, 'bad-name'],
  ['an empty name', ': b\r\n\r\n', strictHeaderRules, 'bad-name'],
  ['a name beyond US-ASCII', 'Ä: b\r\n\r\n', strictHeaderRules, 'bad-name'],
  ['no blank line', 'A: b\r\n', strictHeaderRules, 'unfinished'],
  ['too many fields', `${'A: b\r\n'.repeat(65)}\r\n`, strictHeaderRules, 'too-many-fields'],
  ['too long a line', `A: ${'b'.repeat(9000)}\r\n\r\n`, strictHeaderRules, 'line-too-long'],
  ['too long a block', `A: ${'b'.repeat(40_000)}\r\n\r\n`, strictHeaderRules, 'block-too-long'],
]
for (const [what, block, rules, condition] of refusals) {
  test(`${what} is ${condition}`, () => {
    assert.equal((scan(block, rules) as HeaderFault).fault, condition)
  })
}

test('octets that are not UTF-8 are refused where UTF-8 is the rule, and kept where it is not', () => {
  const bytes = concat([utf8('A: '), Uint8Array.of(0xc3, 0x28), utf8('\r\n\r\n')])
  assert.deepEqual(scanHeaderLines(bytes, 0, bytes.length, strictHeaderRules), {
    fault: 'not-utf8',
    offset: 0,
  })
  const lines = scanHeaderLines(bytes, 0, bytes.length, mimeHeaderRules)
  assert.ok(lines instanceof HeaderLines)
  assert.deepEqual([...lines.valueBytes(0)], [0xc3, 0x28])
})

test('the end of a block is found wherever the stream is cut', () => {
  const bytes = utf8('A: b\r\nC: d\r\n\r\nrest\r\n\r\n')
  const whole = findBlockEnd(bytes, 0, 0, bytes.length)
  assert.equal(whole, 14)
  for (let cut = 0; cut < whole; cut++) {
    assert.equal(findBlockEnd(bytes, 0, 0, cut), -1)
    assert.equal(findBlockEnd(bytes, 0, cut, bytes.length), whole)
  }
  assert.equal(findBlockEnd(utf8('xx\r\n'), 2, 2, 4), 4)
})

test('a value with a line end in it is never written', () => {
  assert.throws(() => headerLine('A', 'b\r\nEvil: yes'), RangeError)
  assert.throws(() => headerLine('A', 'b\nEvil: yes'), RangeError)
  assert.throws(() => headerLine('A: x\r\nB', 'b'), RangeError)
  assert.equal(oneLine(' a\r\n  b\0c '), 'a b c')
})

test('what is written is read back (property)', () => {
  const name = fc.stringMatching(/^[!-9;-~]{1,20}$/)
  const value = fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter((v) => isHeaderValue(v) && v.isWellFormed())
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (pairs) => {
      assert.deepEqual(fields(headerBlock(pairs)), pairs)
    }),
    { numRuns },
  )
})

test('any octets give fields or a fault within bounds, never an exception (property)', () => {
  const octets = fc.array(fc.constantFrom(10, 13, 13, 10, 32, 9, 58, 65, 66, 0, 0xc3, 0xa4, 0xff), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(octets, fc.boolean(), (raw, strict) => {
      const bytes = Uint8Array.from(raw)
      const result = scanHeaderLines(bytes, 0, bytes.length, strict ? strictHeaderRules : mimeHeaderRules)
      if (result instanceof HeaderLines) {
        assert.equal(result.end, findBlockEnd(bytes, 0, 0, bytes.length))
        for (const [n, v] of result) assert.ok(n.length > 0 && !v.includes('\n'))
      } else assert.ok(result.offset >= 0 && result.offset <= bytes.length)
    }),
    { numRuns: numRuns * 10 },
  )
})
