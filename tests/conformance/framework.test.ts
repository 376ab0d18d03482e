// docs/specs/framework.md: every demand of the framework and of its companion is there, and the place and the tests that it names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaited, faultsOf, rowsOf } from './requirement-tables.ts'

const rows = rowsOf('docs/specs/framework.md')

function numbered(letter: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, at) => `${letter}${first + at}`)
}

test('F1 to F53 and C1 to C13 are all there, once, in their order', () => {
  const items = rows.map(({ item }) => item)
  assert.deepEqual(items, [...numbered('F', 1, 53), ...numbered('C', 1, 13)])
})

test('every place and every test that is named is there', () => {
  assert.deepEqual(
    rows.flatMap((row) => faultsOf(row).map((fault) => `${row.item}: ${fault}`)),
    [],
  )
})

// A row that has none comes into this list, and none comes into it unseen.
test('no demand waits for its test', () => {
  assert.deepEqual(awaited(rows), [])
})

test('a row that names what is not there is found', () => {
  const row = {
    item: 'X',
    asked: '',
    done: '',
    where: '`src/core`',
    proof: 'core/people/access: access: ${name}',
  }
  assert.deepEqual(faultsOf(row), [])
  for (const wrong of [
    { where: '`src/nowhere`' },
    { where: 'src/core' },
    { where: '`docs/specs/prim.md §99`' },
    { proof: 'core/people/access: no such rule' },
    { proof: 'core/nowhere: access' },
    { proof: 'transcripts: nowhere/at-all' },
    { proof: 'core/people/access: access: ${name}; core/people/access: no such rule' },
    { proof: 'not yet: soon' },
  ]) {
    assert.equal(faultsOf({ ...row, ...wrong }).length, 1, JSON.stringify(wrong))
  }
})
