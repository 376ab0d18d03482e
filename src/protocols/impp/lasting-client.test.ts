// The library over connections that come and go, against a server in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ClientState,
  ConnectionLost,
  connectBy,
  type Dial,
  Refused,
  SubscriptionEnded,
} from '#protocols/impp/client'
import { at, fixture, settled } from './testing/fixture.ts'
import { as, basicOf, Net, pass, taken, textOf } from './testing/lasting.ts'

test('messages are iterated in order, answered in their thread, and the iteration ends with close()', async () => {
  const f = await fixture()
  const romeo = await as(f, 'romeo')
  const juliet = await as(f, 'juliet')
  const answers = romeo.messages()
  const serving = (async () => {
    for await (const incoming of juliet.messages()) await juliet.reply(incoming, `re: ${textOf(incoming)}`)
    return 'ended'
  })()
  for (const text of ['one', 'two']) {
    const { result } = await romeo.send('juliet@example.com', {
      thread: 't1',
      body: [{ language: '', text }],
    })
    assert.equal(result, 'delivered')
    const answer = await taken(answers)
    assert.deepEqual([textOf(answer), answer.message.thread], [`re: ${text}`, 't1'])
  }
  await juliet.close()
  assert.equal(await serving, 'ended')
  await romeo.close()
  assert.equal((await answers.next()).done, true)
  assert.equal(await romeo.closed, 'we left')
  await assert.rejects(romeo.send('juliet@example.com', 'x'), ConnectionLost)
})

test('an aborted signal ends an iteration in order, and a call with its reason', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', {}, net)
  const stop = new AbortController()
  const messages = romeo.messages({ signal: stop.signal })
  const watching = romeo.watch('juliet@example.com', { signal: stop.signal })
  await taken(watching)
  const [nextMessage, nextSighting] = [messages.next(), watching.next()]
  net.isDown = true
  net.break()
  await settled()
  const waiting = romeo.send('juliet@example.com', 'x', { signal: stop.signal })
  stop.abort(new Error('enough'))
  assert.deepEqual([(await nextMessage).done, (await nextSighting).done], [true, true])
  await assert.rejects(waiting, /enough/)
  await assert.rejects(romeo.fetch('juliet@example.com', { signal: stop.signal }), /enough/)
})

test('a message that nobody took stays on the server and comes to the next login, once', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', {}, net)
  const sending = romeo.send('juliet@example.com', 'keep me')
  await settled()
  net.break()
  assert.equal((await sending).result, 'stored')
  await pass(f, 5, net)
  const messages = juliet.messages()
  assert.equal(textOf(await taken(messages)), 'keep me')
  await settled()
  // It came twice, by two connections, and both are acknowledged now.
  await juliet.close()
  assert.equal((await messages.next()).done, true)
  const again = await as(f, 'juliet')
  const later = romeo.send('juliet@example.com', 'later')
  assert.equal(textOf(await taken(again.messages())), 'later')
  assert.equal((await later).result, 'delivered')
})

test('a lost connection is made again with back-off, and the program is told', async () => {
  const f = await fixture()
  const net = new Net(f)
  const states: ClientState[] = []
  const romeo = await as(f, 'romeo', { onState: (state) => states.push(state) }, net)
  net.isDown = true
  net.break()
  await pass(f, 120, net)
  const waits = states.flatMap((state) => (state.kind === 'reconnecting' ? [state.seconds] : []))
  assert.ok(waits.length >= 5 && waits.length <= 9, `${waits}`)
  assert.ok(
    waits.every((seconds, i) => seconds >= 2 ** i / 2 || seconds >= 30),
    `${waits}`,
  )
  assert.ok(
    waits.every((seconds, i) => seconds <= Math.min(60, 2 ** i)),
    `${waits}`,
  )
  const fetched = romeo.fetch('juliet@example.com')
  net.isDown = false
  await pass(f, 60, net)
  assert.deepEqual((await fetched).tuples, [])
  assert.equal(states.at(-1)?.kind, 'connected')
})

test('what was sent when the connection broke is sent again with the same id, and taken once', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', {}, net)
  const juliet = await as(f, 'juliet')
  const sending = romeo.send('juliet@example.com', 'once')
  // It has arrived, and its answer is lost on the way.
  await settled()
  net.break()
  const messages = juliet.messages()
  assert.equal(textOf(await taken(messages)), 'once')
  await pass(f, 5, net)
  const { result } = await sending
  assert.match(result, /^(?:delivered|stored)$/)
  const after = romeo.send('juliet@example.com', 'after')
  assert.equal(textOf(await taken(messages)), 'after')
  await after
})

test('after a reconnection everybody is watched again, and what was said is said again', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', {}, net)
  const juliet = await as(f, 'juliet', { inbox: 'closed' })
  await romeo.publish({ show: 'away', note: 'tea' })
  const sightings = romeo.watch('juliet@example.com')
  assert.equal(basicOf(await taken(sightings)), undefined)
  const back = juliet.watch('romeo@example.com')
  assert.equal((await taken(back)).presence.tuples[0]?.show, 'away')
  net.break()
  await settled()
  assert.deepEqual((await taken(back)).presence.tuples, [])
  await juliet.publish({ basic: 'closed' })
  await pass(f, 5, net)
  assert.equal(basicOf(await taken(sightings)), 'closed')
  assert.equal((await taken(back)).presence.tuples[0]?.notes[0]?.text, 'tea')
  await juliet.publish(undefined)
  assert.equal(basicOf(await taken(sightings)), undefined)
})

test('two who watch one person share the subscription, and the last who leaves ends it', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', {}, net)
  const count = (method: string): number =>
    (net.transports[0]?.written ?? []).filter((unit) => unit.startsWith(`${method} `)).length
  const one = romeo.watch('juliet@example.com')
  const two = romeo.watch('impp://example.com/juliet')
  await Promise.all([taken(one), taken(two)])
  assert.equal(count('SUBSCRIBE'), 1)
  await one.return()
  await settled()
  assert.equal(count('UNSUBSCRIBE'), 0)
  await two.return()
  await settled()
  assert.equal(count('UNSUBSCRIBE'), 1)
})

test('a slow watcher gets the latest alone', async () => {
  const f = await fixture()
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { inbox: 'closed' })
  const sightings = romeo.watch('juliet@example.com')
  await taken(sightings)
  for (const note of ['1', '2', '3']) await juliet.publish({ note })
  await settled()
  assert.equal((await taken(sightings)).presence.tuples[0]?.notes[0]?.text, '3')
})

test('a refused watch throws Refused, a withdrawn one SubscriptionEnded', async () => {
  const f = await fixture()
  const rule = (action: 'allow' | 'block'): Promise<void> =>
    new Promise((resolve) =>
      f.service.contacts.setRule(
        at('juliet@example.com'),
        { subject: 'romeo@example.com', action, visibility: 'full' },
        () => resolve(),
      ),
    )
  const romeo = await as(f, 'romeo')
  const sightings = romeo.watch('juliet@example.com')
  await taken(sightings)
  await rule('block')
  await assert.rejects(sightings.next(), SubscriptionEnded)
  await assert.rejects(
    romeo.watch('juliet@example.com').next(),
    (error) => error instanceof Refused && error.condition === 'permission-denied',
  )
  assert.throws(() => romeo.watch('no address'), Refused)
})

test('a lease of seconds is renewed where it is asked for, and runs out where not', async () => {
  const f = await fixture({ connectionSeconds: 80_000 })
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { inbox: 'closed' })
  assert.equal(await juliet.publish({ note: 'here' }, { lease: 100, renew: true }), 100)
  await pass(f, 350)
  assert.equal((await romeo.fetch('juliet@example.com')).tuples.length, 1)
  assert.equal(await juliet.publish({ note: 'here' }, { lease: 100 }), 100)
  await pass(f, 150)
  assert.equal((await romeo.fetch('juliet@example.com')).tuples.length, 0)
  assert.equal(await juliet.publish({ basic: 'closed' }, { lease: 'permanent' }), Number.POSITIVE_INFINITY)
})

test('a login that is refused for good ends the client, and those who iterate learn it', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', {}, net)
  const messages = romeo.messages().next()
  await f.service.accounts.remove(at('romeo@example.com'))
  await Promise.all([
    assert.rejects(messages, (error) => error instanceof Refused && error.isLogin),
    (async () => {
      for (let i = 0; i < 20; i++) await pass(f, 1, net)
    })(),
  ])
  assert.match(await romeo.closed, /./)
})

test('without reconnection the end of the connection is the end of the client', async () => {
  const f = await fixture()
  const net = new Net(f)
  const romeo = await as(f, 'romeo', { reconnect: false }, net)
  const messages = romeo.messages().next()
  net.break()
  await assert.rejects(messages, ConnectionLost)
  await assert.rejects(romeo.fetch('juliet@example.com'), ConnectionLost)
  assert.equal(net.transports.length, 1)
})

test('the first login rejects as it failed, and can be given up', async () => {
  const f = await fixture()
  const net = new Net(f)
  await assert.rejects(
    as(f, 'romeo', { password: 'wrong' }, net),
    (error) => error instanceof Refused && error.isLogin,
  )
  await assert.rejects(as(f, 'x', { address: 'nonsense' }, net), Refused)
  net.isDown = true
  await assert.rejects(as(f, 'romeo', {}, net), ConnectionLost)
  const stop = new AbortController()
  const dial: Dial = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  const options = { address: 'romeo@example.com', password: 'x', signal: stop.signal, clock: f.clock }
  const connecting = connectBy(dial, options)
  stop.abort(new Error('enough'))
  await assert.rejects(connecting, /enough/)
})

test('a message larger than the server takes is refused before it is sent', async () => {
  const f = await fixture()
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  assert.equal(romeo.requestOctetsMax, 20_000)
  await assert.rejects(
    romeo.send('juliet@example.com', 'x'.repeat(20_000)),
    (error) => error instanceof Refused && error.condition === 'message-too-large',
  )
  await romeo.send('juliet@example.com', 'x'.repeat(19_000))
})

test('a handler in the place of messages() acknowledges when its promise resolves', async () => {
  const f = await fixture()
  const handled = Promise.withResolvers<void>()
  const romeo = await as(f, 'romeo', { inbox: 'closed' })
  const juliet = await as(f, 'juliet', { onMessage: () => handled.promise })
  let result: string | undefined
  const sending = romeo.send('juliet@example.com', 'x').then((sent) => {
    result = sent.result
  })
  await settled()
  assert.equal(result, undefined)
  handled.resolve()
  await sending
  assert.equal(result, 'delivered')
  await juliet.close()
})
