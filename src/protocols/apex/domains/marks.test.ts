// How data is marked that may come again (docs/specs/apex.md §5, decisions 0136, 0146).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, type Head, hopsDefault, parseAddress } from '#model'
import { freshMark } from './marks.ts'

function headOf(to: string, mark?: string): Head {
  return {
    protocol: 'other',
    kind: 'message',
    from: parseAddress('fred@example.com') as Address,
    fromAgent: '',
    to: parseAddress(to) as Address,
    toAgent: '',
    id: 'm',
    hops: hopsDefault,
    size: 0,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    ...(mark !== undefined && { mark }),
  }
}

test('the number of a message with a mark is always the same, and nobody else has it', () => {
  const wilma = headOf('wilma@example.net', 'a')
  assert.equal(freshMark(wilma), freshMark({ ...wilma, id: 'another', hops: 2 }))
  const others = [headOf('wilma@example.net', 'b'), headOf('betty@example.net', 'a')]
  for (const other of others) assert.notEqual(freshMark(wilma), freshMark(other))
  assert.match(
    freshMark(wilma),
    /^<option external='urn:verona:apex:once' targetHop='this' transID='\d+' \/>$/,
  )
})

test('without one it is drawn, and the least is 1', () => {
  const drawn = new Set(Array.from({ length: 100 }, () => freshMark(headOf('wilma@example.net'))))
  assert.equal(drawn.size, 100)
  assert.ok(![...drawn, freshMark()].some((each) => each.includes("transID='0'")))
})
