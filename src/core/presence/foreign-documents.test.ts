import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument, PresenceTuple } from '#model'
import { at } from '../testing/envelopes.ts'
import { tuplesOf } from './foreign-documents.ts'

const tuple = (id: string): PresenceTuple => ({ id, notes: [], statusExtensions: [], extensions: [] })
const juliet = at('juliet@verona.example')
const document = (tuples: readonly PresenceTuple[], note = ''): PresenceDocument => ({
  entity: 'pres:somebody@else.example',
  tuples,
  notes: note === '' ? [] : [{ language: '', text: note }],
  extensions: [],
})

test('a foreign document is told tuple by tuple, what is of none with the first, in the name of the presentity', () => {
  const [desk, phone] = tuplesOf(document([tuple('desk'), tuple('phone')], 'hello'), juliet)
  assert.deepEqual(desk, {
    tuple: 'desk',
    document: { ...document([tuple('desk')], 'hello'), entity: 'pres:juliet@verona.example' },
  })
  assert.deepEqual(phone, {
    tuple: 'phone',
    document: { ...document([tuple('phone')]), entity: 'pres:juliet@verona.example' },
  })
})

test('a document that says something of no tuple is one; that says nothing is none', () => {
  assert.deepEqual(
    tuplesOf(document([], 'hello'), juliet).map((each) => [each.tuple, each.document.notes.length]),
    [['presence', 1]],
  )
  assert.deepEqual(tuplesOf(document([]), juliet), [])
})

test('an id that is no resourcepart is another, the same each time (RFC 7622 §3.4)', () => {
  const long = 'x'.repeat(256)
  const [one] = tuplesOf(document([tuple(long)]), juliet)
  assert.deepEqual(tuplesOf(document([tuple(long)]), juliet), [one])
  assert.equal(one?.tuple.length, 43)
  assert.equal(one?.document.tuples[0]?.id, one?.tuple)
  assert.equal(tuplesOf(document([tuple('x'.repeat(255))]), juliet)[0]?.tuple.length, 255)
})
