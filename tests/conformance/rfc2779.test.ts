// docs/specs/rfc2779.md: each of the 93 requirements is there, and the place and the tests that it names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaited, faultsOf, rowsOf } from './requirement-tables.ts'

const rows = rowsOf('docs/specs/rfc2779.md')

/** How many requirements each section of RFC 2779 has. */
const sections: readonly (readonly [section: string, count: number])[] = [
  ['2.1', 5],
  ['2.2', 6],
  ['2.3', 7],
  ['2.4', 4],
  ['2.5', 4],
  ['3.1', 6],
  ['3.2', 5],
  ['3.3', 3],
  ['3.4', 1],
  ['4.1', 10],
  ['4.2', 1],
  ['4.3', 1],
  ['4.4', 3],
  ['5.1', 18],
  ['5.2', 6],
  ['5.3', 3],
  ['5.4', 10],
]

test('the 93 requirements are all there, once, in their order', () => {
  const all = sections.flatMap(([section, count]) =>
    Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
  )
  assert.equal(all.length, 93)
  assert.deepEqual(
    rows.map(({ item }) => item),
    all,
  )
})

test('every place and every test that is named is there', () => {
  assert.deepEqual(
    rows.flatMap((row) => faultsOf(row).map((fault) => `${row.item}: ${fault}`)),
    [],
  )
})

// A row leaves this list when it gets a test, and none comes into it unseen.
test('these and no others have no test', () => {
  assert.deepEqual(awaited(rows), [])
  const without = rows.filter(({ proof }) => proof.startsWith('-: ')).map(({ item }) => item)
  const outside = ['2.4.4', '3.1.5', '3.4.1', '4.1.7', '4.3.1']
  assert.deepEqual(without, [...outside, '5.4.5'])
})
