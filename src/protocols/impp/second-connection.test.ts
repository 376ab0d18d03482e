// The library’s second connection for what is long (IMPP §12, D42; docs/specs/impp-1.0.md §8.5).

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { ConnectionLost, type ConnectOptions, type Dial } from '#protocols/impp/client'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'
import { as, Net, pass } from './testing/lasting.ts'

afterEach(dropHands)

const juliet = 'impp://example.com/juliet'
const romeo = 'impp://example.com/romeo'
const long = 'x'.repeat(70_000)

async function scene(options: Partial<ConnectOptions> = {}) {
  const f = await fixture({ messageOctetsMax: 262_144, pendingMax: 16 })
  const net = new Net(f)
  const here = await as(f, 'romeo', { inbox: 'closed', device: 'orchard', ...options }, net)
  const there = await new Hand(f).login('juliet', {}, { 'Max-Message-Size': '262144' })
  const bodies = (): string[] => there.requests.splice(0).map(({ body }) => body.slice(0, 10))
  const sends = (at: number): number =>
    (net.transports[at]?.written ?? []).filter((unit) => unit.startsWith('SEND ')).length
  return { f, net, here, there, bodies, sends }
}

test('what is long goes by a connection of its own, which takes no messages and is left when it is not used', async () => {
  const { f, net, here, bodies, sends } = await scene()
  await here.send(juliet, 'short')
  assert.equal(net.transports.length, 1)
  assert.equal((await here.send(juliet, long)).result, 'delivered')
  assert.equal((await here.send(juliet, long)).result, 'delivered')
  assert.deepEqual([net.transports.length, sends(0), sends(1)], [2, 1, 2])
  assert.match(net.transports[1]?.written.join('') ?? '', /\r\nInbox: closed\r\n/)
  assert.deepEqual(bodies(), ['short', 'xxxxxxxxxx', 'xxxxxxxxxx'])
  assert.equal(f.environment.sessions.open.size, 3)
  await pass(f, 61)
  assert.equal(f.environment.sessions.open.size, 2)
  await here.send(juliet, long)
  assert.equal(net.transports.length, 3)
  await here.close()
  assert.equal(f.environment.sessions.open.size, 1)
})

test('what is short does not wait for it, but never overtakes it to the same person', async () => {
  const { f, here, there, bodies, sends } = await scene()
  const other = await new Hand(f).login('romeo')
  there.answers = 'nothing'
  const all = [here.send(juliet, 'one'), here.send(juliet, long), here.send(juliet, 'three')]
  await settled()
  // The long one waits until the one before it is answered.
  assert.equal((await here.send(romeo, 'at once')).result, 'delivered')
  assert.equal((await other.next(other.requests)).body, 'at once')
  assert.deepEqual([there.requests.length, sends(1)], [1, 0])
  there.answers = 'OK'
  for (const request of there.requests) there.answer(request)
  await Promise.all(all)
  assert.deepEqual(bodies(), ['one', 'xxxxxxxxxx', 'three'])
  assert.deepEqual([sends(0), sends(1)], [2, 2])
  // When nothing is under way any more, the first is good for what is short again.
  await here.send(juliet, 'four')
  assert.deepEqual([sends(0), sends(1)], [3, 2])
})

test('where none can be had the first serves, and the program is told', async () => {
  const troubles: string[] = []
  const { net, here, bodies, sends } = await scene({ onTrouble: ({ message }) => troubles.push(message) })
  net.isDown = true
  await here.send(juliet, long)
  await here.send(juliet, long)
  assert.deepEqual([sends(0), bodies().length], [2, 2])
  assert.deepEqual(troubles, ['there is no second connection for what is long: no way'])
})

test('when it is lost under way it is made again, and the message is delivered once', async () => {
  const { f, net, here, there, bodies } = await scene()
  there.answers = 'nothing'
  const sending = here.send(juliet, long)
  const arrived = await there.next(there.requests)
  net.transports[1]?.break()
  await pass(f, 3)
  assert.equal(net.transports.length, 3)
  there.answer(arrived)
  assert.equal((await sending).result, 'delivered')
  assert.equal(f.environment.sessions.metrics.again.value, 1)
  assert.deepEqual(bodies(), [])
})

test('a program may do without, and one that has left sends nothing', async () => {
  const { net, here } = await scene({ secondConnection: false })
  await here.send(juliet, long)
  assert.equal(net.transports.length, 1)
  const left = await scene()
  await left.here.close()
  await assert.rejects(left.here.send(juliet, long), ConnectionLost)
  assert.equal(left.net.transports.length, 1)
})

test('the client that ends while the second is being made leaves none behind', async () => {
  const f = await fixture({ messageOctetsMax: 262_144 })
  const net = new Net(f)
  const held = Promise.withResolvers<void>()
  const dial: Dial = async (options) => {
    if (net.transports.length > 0) await held.promise
    return net.dial(options)
  }
  const here = await as(f, 'romeo', { inbox: 'closed', dial }, { dial, isBusy: false } as unknown as Net)
  const sending = here.send(juliet, long)
  sending.catch(() => {})
  await settled()
  const closing = here.close()
  held.resolve()
  await closing
  await settled()
  assert.equal(f.environment.sessions.open.size, 0)
})
