// What streams that were given up left open between two domains (decisions 0088, 0126).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { type Head, parseAddress } from '#model'
import { Aftermath } from './aftermath.ts'
import type { Lapsed } from './lapsed.ts'

const address = (written: string) => parseAddress(written) ?? assert.fail(written)

const head = (id: string): Head =>
  ({
    id,
    kind: 'message',
    from: address('romeo@montague.example'),
    to: address('juliet@capulet.example'),
    fromAgent: 'orchard',
    toAgent: '',
  }) as Head

/** A stream by which these were sent last, all unacknowledged. */
const lapsed = (...ids: string[]): Lapsed => ({
  id: ids.join(),
  seconds: 120,
  handled: undefined as never,
  sent: ids.length,
  left: ids.map(head),
})

const nobody = (): void => {}

const made = () => {
  const clock = new VirtualClock()
  return { clock, aftermath: new Aftermath(clock) }
}

test('what the other side took is taken, once each, whoever offers it again; the rest is not', () => {
  const { aftermath } = made()
  const stream = lapsed('one', 'two', 'three')
  aftermath.add(stream, nobody)
  assert.ok(aftermath.isOpen)
  assert.equal(aftermath.ask(), stream)
  aftermath.learn(stream, 2)
  assert.ok(!aftermath.isOpen)
  const again = ['one', 'two', 'three', 'one'].map((id) => aftermath.hasTaken(head(id)))
  assert.deepEqual(again, [true, true, false, false])
  assert.ok(aftermath.isEmpty)
})

test('of a message that nobody wants to send any more is known what its stream left open, and the last that gave one up is told to ask', () => {
  const { aftermath } = made()
  const wanted: string[] = []
  const [first, second] = [lapsed('one'), lapsed('two')]
  aftermath.add(first, () => wanted.push('first'))
  aftermath.add(second, () => wanted.push('second'))
  assert.deepEqual(
    ['one', 'two', 'three'].map((id) => aftermath.mayHave(head(id))),
    [true, true, false],
  )
  aftermath.want()
  assert.deepEqual(wanted, ['second'])
  aftermath.learn(first, 0)
  assert.deepEqual(
    ['one', 'two'].map((id) => aftermath.mayHave(head(id))),
    [false, true],
  )
})

test('one stream is asked about at a time, by one pair', () => {
  const { aftermath } = made()
  const [first, second] = [lapsed('one'), lapsed('two')]
  aftermath.add(first, nobody)
  aftermath.add(second, nobody)
  assert.equal(aftermath.ask(), first)
  assert.equal(aftermath.ask(), undefined)
  assert.ok(aftermath.isAsked)
  aftermath.unanswered(first)
  assert.equal(aftermath.ask(), first)
  aftermath.learn(first, 1)
  assert.equal(aftermath.ask(), second)
  // The other side knows nothing of it.
  aftermath.learn(second, undefined)
  assert.deepEqual([aftermath.isOpen, aftermath.hasTaken(head('two'))], [false, false])
})

test('whoever waits looks again when it was asked, and when it could not be', () => {
  const { aftermath } = made()
  let looks = 0
  aftermath.await(() => looks++)
  aftermath.wake()
  aftermath.wake()
  assert.equal(looks, 1)
})

test('after three tries in vain it may be gone without, and a new stream that is given up begins the count anew', () => {
  const { aftermath } = made()
  aftermath.add(lapsed('one'), nobody)
  assert.deepEqual([aftermath.askedInVain(), aftermath.askedInVain()], [false, false])
  aftermath.add(lapsed('two'), nobody)
  assert.deepEqual(
    [1, 2, 3].map(() => aftermath.askedInVain()),
    [false, false, true],
  )
  aftermath.giveUp()
  assert.ok(!aftermath.isOpen)
})

test('LIMIT: eight streams are remembered, the last ones, and what was taken for ten minutes', () => {
  const { clock, aftermath } = made()
  const all = Array.from({ length: 9 }, (_, at) => lapsed(`m${at}`))
  for (const each of all) aftermath.add(each, nobody)
  assert.equal(aftermath.ask(), all[1])
  aftermath.learn(all[1] as Lapsed, 1)
  clock.advance(601_000)
  assert.ok(!aftermath.hasTaken(head('m1')))
})
