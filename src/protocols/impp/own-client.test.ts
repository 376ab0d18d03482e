// A person's own lists and history, by the library.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectBy, Refused, SubscriptionEnded } from '#protocols/impp/client'
import { fixture } from './testing/fixture.ts'
import { allOf, as, Net, pass, taken } from './testing/lasting.ts'
import { PairTransport } from './testing/pair-transport.ts'

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

test('contacts and watchers are followed, over a reconnection too (§11.3, §11.4)', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { inbox: 'closed' }, net)
  await juliet.access.put({ subject: '*', action: 'confirm' })
  const stop = new AbortController()
  const contacts = juliet.contacts.follow({ signal: stop.signal })
  const watchers = juliet.followWatchers({ signal: stop.signal })
  assert.deepEqual(await taken(contacts), [])
  assert.deepEqual(await taken(watchers), [])
  const sightings = romeo.watch('juliet@example.com')
  await taken(sightings)
  assert.deepEqual(
    (await taken(contacts)).map(({ address, states }) => [address, states]),
    [['romeo@example.com', ['asks']]],
  )
  assert.deepEqual(
    (await taken(watchers)).map(({ address, status }) => [address, status]),
    [['romeo@example.com', 'pending']],
  )
  await juliet.contacts.put('tybalt@example.com', { name: 'Tybalt' })
  assert.deepEqual(
    (await taken(contacts)).map(({ address, name }) => [address, name]).filter(([, name]) => name !== ''),
    [['tybalt@example.com', 'Tybalt']],
  )
  net.break()
  await pass(f, 5, net)
  assert.ok((await taken(contacts)).some(({ name }) => name === 'Tybalt'))
  await juliet.contacts.remove('tybalt@example.com')
  await taken(contacts)
  await juliet.contacts.allow('romeo@example.com')
  assert.deepEqual((await taken(contacts))[0]?.states, ['is-seen'])
  const second = juliet.contacts.follow()
  assert.equal((await taken(second)).length, 1)
  await juliet.contacts.remove('romeo@example.com')
  assert.deepEqual(await taken(contacts), [])
  stop.abort()
  assert.equal((await contacts.next()).done, true)
  await juliet.close()
  for (let end = await second.next(); end.done !== true; ) end = await second.next()
})

test('a server that sends us elsewhere is obeyed, so often and no more (IMPP §18.8, E9)', async () => {
  const f = await fixture()
  const sent = await fixture({ redirect: 'im2.example.com:7410' })
  const places: (string | undefined)[] = []
  const options = { address: 'romeo@example.com', password: 'secret', clock: f.clock }
  const romeo = await connectBy(async ({ location }) => {
    places.push(location)
    return new PairTransport(location === undefined ? sent : f)
  }, options)
  assert.deepEqual(places, [undefined, 'im2.example.com:7410'])
  await romeo.close()
  places.length = 0
  const lost = connectBy(async ({ location }) => {
    places.push(location)
    return new PairTransport(sent)
  }, options)
  await assert.rejects(lost, (error) => error instanceof Refused && error.reason === 'redirect-to-server')
  assert.equal(places.length, 6)
})
