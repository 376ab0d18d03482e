import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCsv } from './csv.ts'

/** [what, text, fields] (RFC 4180 §2) */
const tables: [string, string, string[][]][] = [
  [
    'lines that end with CR LF (rule 1)',
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'a last line without an end (rule 2)',
    'a,b\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['spaces are part of a field (rule 4)', ' a , b ', [[' a ', ' b ']]],
  ['quoted fields (rule 5)', '"a","b"', [['a', 'b']]],
  [
    'commas and line ends in quoted fields (rule 6)',
    '"a,1","b\r\n2"\nc,d',
    [
      ['a,1', 'b\r\n2'],
      ['c', 'd'],
    ],
  ],
  ['doubled quotation marks (rule 7)', '"a""b"', [['a"b']]],
  [
    'empty fields',
    ',\n"",',
    [
      ['', ''],
      ['', ''],
    ],
  ],
  ['empty lines are passed over', '\na\n\n\r\nb\n', [['a'], ['b']]],
  ['a byte order mark', '\ufeffa,b', [['a', 'b']]],
  ['nothing', '', []],
]
for (const [what, text, fields] of tables) {
  test(`CSV: ${what}`, () =>
    assert.deepEqual(
      readCsv(text).records.map((record) => record.fields),
      fields,
    ))
}

test('CSV: each record knows the line it begins on', () => {
  assert.deepEqual(
    readCsv('a\n"b\nc"\n\nd').records.map((record) => record.line),
    [1, 2, 5],
  )
})

test('CSV: each line that breaks the grammar is told, and the others are read', () => {
  const { records, faults } = readCsv('a\n"b"c\nd"e\n"f\ng')
  assert.deepEqual(faults, [
    { line: 2, what: 'something follows the closing quotation mark' },
    { line: 3, what: 'a quotation mark inside a field that does not begin with one' },
    { line: 4, what: 'a quotation mark is not closed' },
  ])
  assert.deepEqual(records, [
    { line: 1, fields: ['a'] },
    { line: 5, fields: ['g'] },
  ])
})

test('CSV: what is written by the rules is read back', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') })
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 4 })), (rows) => {
      const text = rows
        .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','))
        .join('\r\n')
      assert.deepEqual(
        readCsv(text).records.map((record) => record.fields),
        rows,
      )
    }),
    { numRuns: process.env.VERONA_SOAK ? 10_000 : 200 },
  )
})
