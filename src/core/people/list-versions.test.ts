import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '#model'
import { at } from '../testing/envelopes.ts'
import { type Contact, noAuthorization } from './contact.ts'
import { ListVersions, listChangesMax } from './list-versions.ts'

function contact(address: Address, more: Partial<Contact> = {}): Contact {
  return { address, authorization: noAuthorization, listed: true, name: '', groups: [], ...more }
}

function listOf(...contacts: readonly Contact[]): Map<string, Contact> {
  return new Map(contacts.map((one) => [one.address.key, one]))
}

const [a, b, c] = ['a', 'b', 'c'].map((name) => at(`${name}@localhost`)) as [Address, Address, Address]

test('a version says what is on the list, in whatever order it came there, and is the same after a restart', () => {
  const grown = new ListVersions()
  grown.current(listOf())
  grown.changed(undefined, contact(a))
  grown.changed(undefined, contact(b, { name: 'B' }))
  const list = listOf(contact(b, { name: 'B' }), contact(a))
  assert.equal(grown.current(list), new ListVersions().current(list))
  assert.notEqual(grown.current(list), new ListVersions().current(listOf(contact(a), contact(b))))
})

test('each of name, groups, authorization, pre-approval and waiting for an answer makes another version; a wish that waits does not (RFC 6121 §2.6.3)', () => {
  const versions = [
    contact(a),
    contact(a, { name: 'x' }),
    contact(a, { groups: ['x'] }),
    contact(a, { authorization: { ...noAuthorization, to: true } }),
    contact(a, { authorization: { ...noAuthorization, from: true } }),
    contact(a, { authorization: { ...noAuthorization, pendingOut: true } }),
    contact(a, { authorization: { ...noAuthorization, preApproved: true } }),
  ].map((one) => new ListVersions().current(listOf(one)))
  assert.equal(new Set(versions).size, versions.length)
  const waits = contact(a, { authorization: { ...noAuthorization, pendingIn: true } })
  assert.equal(new ListVersions().current(listOf(waits)), versions[0])
  assert.equal(
    new ListVersions().current(listOf(contact(a), contact(b, { listed: false }))),
    versions[0],
    'who only asked is not on it',
  )
})

test('what changed since a version is told once an address, where it changed last, in order', () => {
  const versions = new ListVersions()
  const empty = versions.current(listOf())
  versions.changed(undefined, contact(a))
  const withA = versions.current(listOf())
  versions.changed(undefined, contact(b))
  versions.changed(undefined, contact(c))
  versions.changed(contact(b), undefined)
  const now = versions.current(listOf())
  const told = (since: string) => versions.since(since)?.map(({ address }) => address.user)
  assert.deepEqual(told(empty), ['a', 'c', 'b'])
  assert.deepEqual(told(withA), ['c', 'b'])
  assert.deepEqual(told(now), [])
  assert.equal(told('another'), undefined)
  assert.equal(versions.since(empty)?.at(-1)?.version, now)
})

test('a list that returns to what it was has the version it had, and who knows that one lacks nothing', () => {
  const versions = new ListVersions()
  const before = versions.current(listOf())
  versions.changed(undefined, contact(a))
  const between = versions.current(listOf())
  versions.changed(contact(a), undefined)
  assert.equal(versions.current(listOf()), before)
  assert.deepEqual(versions.since(before), [])
  assert.deepEqual(
    versions.since(between)?.map(({ address }) => address.user),
    ['a'],
  )
})

test('past its limit the oldest changes are forgotten, and who knows a version before them gets the whole', () => {
  const versions = new ListVersions()
  const oldest = versions.current(listOf())
  for (let n = 0; n < listChangesMax; n++)
    versions.changed(
      n === 0 ? undefined : contact(a, { name: String(n - 1) }),
      contact(a, { name: String(n) }),
    )
  assert.equal(versions.since(oldest)?.length, 1)
  versions.changed(undefined, contact(b))
  assert.equal(versions.since(oldest), undefined)
})
