// docs/mappings/apex.md: what is lost, each with a test that shows it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaited, faultsOf, rowsOf } from '../conformance/requirement-tables.ts'

test('APEX: each loss names a place and tests that are there', () => {
  const rows = rowsOf('docs/mappings/apex.md')
  assert.deepEqual(
    rows.flatMap((row) => faultsOf(row).map((fault) => `${row.item}: ${fault}`)),
    [],
  )
  assert.deepEqual(awaited(rows), [])
  for (const way of ['from', 'to', 'between', 'access'])
    assert.ok(
      rows.some(({ item }) => item.startsWith(`${way}-`)),
      way,
    )
})
