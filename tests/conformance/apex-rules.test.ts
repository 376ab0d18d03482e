// docs/specs/apex-rules.md: the place and the tests that it names for each rule of RFC 3340 to 3343.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaited, faultsOf, rowsOf } from './requirement-tables.ts'

const rows = rowsOf('docs/specs/apex-rules.md')

test('every place and every test that is named is there', () => {
  assert.deepEqual(
    rows.flatMap((row) => faultsOf(row).map((fault) => `${row.item}: ${fault}`)),
    [],
  )
})

test('no rule waits for its test, and none is there twice', () => {
  assert.ok(rows.length > 60, String(rows.length))
  assert.deepEqual(awaited(rows), [])
  const places = rows.map(({ item, asked }) => `${item} ${asked}`)
  assert.equal(new Set(places).size, places.length)
})
