// A person's own lists and history, by the library.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refused, SubscriptionEnded } from '#protocols/impp/client'
import { fixture } from './testing/fixture.ts'
import { allOf, as, taken } from './testing/lasting.ts'

test('access rules, contacts and watchers are one’s own, and obeyed (§11.2 to §11.4)', async () => {
  const f = await fixture()
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { inbox: 'closed' })
  await juliet.access.put(
    { subject: 'romeo@example.com', action: 'confirm' },
    { subject: 'example.net', action: 'block' },
  )
  assert.deepEqual(await juliet.access.list(), [
    { subject: 'example.net', action: 'block', visibility: 'full' },
    { subject: 'romeo@example.com', action: 'confirm', visibility: 'full' },
  ])
  await juliet.access.remove('example.net')
  assert.equal((await juliet.access.list()).length, 1)
  const sightings = romeo.watch('juliet@example.com')
  assert.equal((await taken(sightings)).state, 'pending')
  assert.deepEqual(
    (await juliet.watchers()).map(({ address, status }) => [address, status]),
    [['romeo@example.com', 'pending']],
  )
  await juliet.contacts.allow('romeo@example.com')
  assert.equal((await taken(sightings)).state, 'active')
  await juliet.contacts.put('romeo@example.com', { name: 'Romeo', groups: ['Friends'] })
  assert.deepEqual(await juliet.contacts.list(), [
    { address: 'romeo@example.com', name: 'Romeo', groups: ['Friends'], states: ['is-seen'] },
  ])
  await juliet.contacts.deny('romeo@example.com')
  await assert.rejects(sightings.next(), SubscriptionEnded)
  await juliet.contacts.remove('romeo@example.com')
  assert.throws(() => juliet.watch(''), Refused)
  await assert.rejects(juliet.contacts.allow('no address'), Refused)
})

test('the history is iterated over page by page, forwards and backwards (§11.5)', async () => {
  const f = await fixture()
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { inbox: 'closed' })
  const said = Array.from({ length: 230 }, (_, i) => `${i}`)
  for (const text of said.slice(0, 90)) await romeo.send('juliet@example.com', text)
  f.clock.advance(1000)
  const since = new Date(f.clock.now())
  for (const text of said.slice(90)) await juliet.send('romeo@example.com', text).catch(() => {})
  const all = await allOf(juliet.history())
  assert.ok(all.length > 150, `${all.length}`)
  const textsOf = (list: typeof all) => list.map(({ message }) => message.body[0]?.text)
  assert.deepEqual(textsOf(all), said.slice(0, all.length))
  assert.deepEqual([all[0]?.direction, all.at(-1)?.direction], ['received', 'sent'])
  assert.deepEqual(textsOf(await allOf(juliet.history({ last: 120 }))), textsOf(all).slice(-120))
  const later = await allOf(juliet.history({ since, with: 'romeo@example.com' }))
  assert.deepEqual(textsOf(later), said.slice(90, all.length))
  const after = await allOf(juliet.history({ after: all[9]?.id as string }))
  assert.deepEqual(textsOf(after)[0], '10')
  assert.deepEqual(await allOf(juliet.history({ with: 'nobody@example.com' })), [])
})
