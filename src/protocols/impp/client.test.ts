import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument, PresenceTuple, Report } from '#model'
import {
  ConnectionLost,
  type ImppSession,
  type Incoming,
  type LoginOptions,
  logIn,
  Refused,
} from '#protocols/impp/client'
import { at, type Fixture, fixture, settled } from './testing/fixture.ts'
import { PairTransport } from './testing/pair-transport.ts'

function client(
  f: Fixture,
  name: string,
  options: Partial<LoginOptions> = {},
  transport = new PairTransport(f),
): Promise<ImppSession> {
  return logIn(transport, { address: `${name}@example.com`, password: 'secret', clock: f.clock, ...options })
}

const body = (said: string) => [{ language: '', text: said }]

function tuple(given: Partial<PresenceTuple>): PresenceTuple {
  return { id: 'x', notes: [], statusExtensions: [], extensions: [], ...given }
}

/** What comes, in order, each to be awaited. */
class Coming<T> {
  readonly #come: T[] = []
  #wake: () => void = () => {}

  readonly take = (one: T): void => {
    this.#come.push(one)
    this.#wake()
  }

  async next(): Promise<T> {
    while (this.#come.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#come.shift() as T
  }

  get length(): number {
    return this.#come.length
  }
}

test('logs in by SCRAM-SHA-256 under TLS where it is offered, and the password never travels', async () => {
  const f = await fixture()
  const transport = new PairTransport(f)
  const romeo = await client(f, 'romeo', { device: 'cli' }, transport)
  assert.equal(romeo.address.key, 'romeo@example.com')
  assert.equal(romeo.connectionId, 'cli')
  const sent = transport.written.join('')
  assert.match(sent, /STARTTLS/)
  assert.match(sent, /Mechanism: SCRAM-SHA-256/)
  await romeo.quit()
  assert.equal(f.environment.sessions.open.size, 0)
  await assert.rejects(romeo.fetch('juliet@example.com'), ConnectionLost)
})

test('a wrong password, a malformed address and an unknown domain are told apart', async () => {
  const f = await fixture()
  await assert.rejects(
    client(f, 'romeo', { password: 'wrong' }),
    (error) => error instanceof Refused && error.isLogin,
  )
  await assert.rejects(
    client(f, 'x', { address: '@' }),
    (error) => error instanceof Refused && error.condition === 'address-malformed',
  )
  await assert.rejects(
    client(f, 'x', { address: 'a@elsewhere.example' }),
    (error) => error instanceof Refused && error.condition === 'domain-unknown',
  )
  const { tls: _, ...environment } = f.environment
  const noTls = { ...f, environment: { ...environment, tls: undefined } }
  await assert.rejects(client(noTls, 'romeo', { tls: 'required' }), ConnectionLost)
  assert.ok(await client(noTls, 'romeo'))
  await settled()
  assert.equal(f.environment.sessions.open.size, 1, 'what failed is closed')
})

test('sends to who is there and to who is away, and takes what waited, with id, thread and subject intact', async () => {
  const f = await fixture()
  const romeo = await client(f, 'romeo')
  const away = await romeo.send({
    to: 'juliet@example.com',
    id: 'm1',
    thread: 't\\1',
    body: body('late\n🎉'),
    subject: [{ language: 'fr', text: 'Objet' }],
  })
  assert.deepEqual([away.result, away.id], ['stored', 'm1'])
  const came = new Coming<Incoming>()
  const juliet = await client(f, 'juliet', { onMessage: came.take })
  const { message, stored, sent } = await came.next()
  assert.deepEqual(
    [message.from.key, message.id, message.thread, message.body, message.subject, sent],
    ['romeo@example.com', 'm1', 't\\1', body('late\n🎉'), [{ language: 'fr', text: 'Objet' }], false],
  )
  assert.equal(stored, '2026-01-01T00:00:00.000Z')
  const there = await romeo.send({ to: 'impp://example.com/juliet', body: body('hello') })
  assert.equal(there.result, 'delivered')
  assert.deepEqual((await came.next()).message.body, body('hello'))
  await assert.rejects(
    romeo.send({ to: 'nobody@example.com', body: body('x') }),
    (error) => error instanceof Refused && error.condition === 'target-unknown',
  )
  await assert.rejects(romeo.send({ to: 'nonsense', body: body('x') }), Refused)
  await juliet.quit()
})

test('a message that the program could not take stays in the store', async () => {
  const f = await fixture()
  const romeo = await client(f, 'romeo')
  await client(f, 'juliet', {
    onMessage: () => {
      throw new Error('no room')
    },
  })
  assert.equal((await romeo.send({ to: 'juliet@example.com', body: body('keep me') })).result, 'stored')
  const came = new Coming<Incoming>()
  await client(f, 'juliet', { onMessage: came.take })
  assert.deepEqual((await came.next()).message.body, body('keep me'))
})

test('what one device sends the others see as sent', async () => {
  const f = await fixture()
  const came = new Coming<Incoming>()
  await client(f, 'romeo', { onMessage: came.take })
  const romeo = await client(f, 'romeo')
  await romeo.send({ to: 'juliet@example.com', body: body('hello') })
  const { message, sent } = await came.next()
  assert.deepEqual([sent, message.to.key], [true, 'juliet@example.com'])
})

test('many messages at once keep their order and are all answered', async () => {
  const f = await fixture()
  const came = new Coming<Incoming>()
  await client(f, 'juliet', { onMessage: came.take })
  const romeo = await client(f, 'romeo')
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, i) => romeo.send({ to: 'juliet@example.com', body: body(`${i}`) })),
  )
  assert.ok(results.every(({ result }) => result === 'delivered'))
  for (let i = 0; i < 100; i++) assert.equal((await came.next()).message.body[0]?.text, `${i}`)
})

test('watches, is told of changes, renews before the lease ends, and stops', async () => {
  const f = await fixture({ subscriptionSecondsDefault: 100, connectionSeconds: 80_000 })
  const juliet = await client(f, 'juliet', { device: 'desk' })
  const romeo = await client(f, 'romeo')
  const seen = new Coming<PresenceDocument>()
  const watch = await romeo.watch('juliet@example.com', { onPresence: seen.take })
  assert.deepEqual((await seen.next()).tuples, [])
  assert.equal(
    await juliet.publish(
      { tuples: [tuple({ basic: 'open', show: 'away', notes: body('tea') })] },
      'connection',
    ),
    'connection',
  )
  assert.deepEqual((await seen.next()).tuples, [
    tuple({ id: 'desk', basic: 'open', show: 'away', notes: body('tea') }),
  ])
  for (let i = 0; i < 5; i++) {
    f.clock.advance(75_000)
    await settled()
  }
  assert.equal(await juliet.publish({ tuples: [tuple({ basic: 'closed' })] }, 300), 300)
  assert.equal((await seen.next()).tuples[0]?.basic, 'closed')
  assert.equal((await romeo.fetch('juliet@example.com')).tuples[0]?.basic, 'closed')
  assert.equal(await juliet.publish(undefined, 300), 0)
  assert.deepEqual((await seen.next()).tuples, [])
  await watch.stop()
  await juliet.publish({ tuples: [tuple({ basic: 'open' })] }, Number.POSITIVE_INFINITY)
  await settled()
  assert.equal(seen.length, 0)
  assert.equal((await romeo.fetch('juliet@example.com')).tuples[0]?.basic, 'open')
})

test('a pending watch is told so; a refusal ends it', async () => {
  const f = await fixture()
  const rule = (action: 'confirm' | 'block'): Promise<void> =>
    new Promise((resolve) =>
      f.service.contacts.setRule(
        at('juliet@example.com'),
        { subject: 'romeo@example.com', action, visibility: 'full' },
        () => resolve(),
      ),
    )
  await rule('confirm')
  const romeo = await client(f, 'romeo')
  const said: string[] = []
  const ended = new Coming<string>()
  await romeo.watch('juliet@example.com', {
    onPresence: () => said.push('presence'),
    onPending: () => said.push('pending'),
    onEnded: ended.take,
  })
  assert.deepEqual(said, ['pending'])
  await rule('block')
  assert.equal(typeof (await ended.next()), 'string')
  await assert.rejects(romeo.watch('juliet@example.com', { onPresence: () => {} }), Refused)
})

test('keeps its connection by PING while nothing is said, and learns why it ends', async () => {
  const f = await fixture()
  const romeo = await client(f, 'romeo')
  for (let i = 0; i < 10; i++) {
    f.clock.advance(60_000)
    await settled()
  }
  await romeo.fetch('juliet@example.com')
  await f.service.accounts.remove(at('romeo@example.com'))
  assert.equal(await romeo.closed, 'This is not permitted.')
})

test('a report of what became of a message is told', async () => {
  const f = await fixture()
  const reports = new Coming<Report>()
  await client(f, 'romeo', { onMessage: () => {}, onReport: reports.take })
  const about = { from: at('romeo@example.com'), fromAgent: '', to: at('juliet@example.com') }
  f.service.messages.report({ about: 'm 1', event: 'failed', condition: 'mailbox-full' }, about as never)
  assert.deepEqual(await reports.next(), { about: 'm 1', event: 'failed', condition: 'mailbox-full' })
})
