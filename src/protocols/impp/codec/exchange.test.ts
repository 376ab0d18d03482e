import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8, VirtualClock } from '#base'
import { Exchange, type Settled } from './exchange.ts'
import { UnitFramer } from './framer.ts'
import type { ImppResponse } from './unit.ts'
import { responseBytes } from './write.ts'

function response(id: string, to?: string, connectionId?: string): ImppResponse {
  const framer = new UnitFramer()
  framer.push(
    responseBytes(true, 'SEND', id, [
      ['To', to],
      ['Connection-ID', connectionId],
    ]),
  )
  const unit = framer.next()
  assert.ok(unit?.kind === 'response')
  return unit
}

function setUp(pendingMax = 2, queuedMax = 2) {
  const clock = new VirtualClock()
  const written: string[] = []
  const settled: string[] = []
  const exchange = new Exchange(clock, { pendingMax, queuedMax, timeout: 30_000 }, (octets) =>
    written.push(text(octets)),
  )
  const ask = (id: string, from?: string, connectionId?: string): boolean =>
    exchange.request({ id, from, connectionId }, [utf8(id)], (how: Settled) =>
      settled.push(`${id}${from ?? ''}: ${typeof how === 'string' ? how : how.ok}`),
    )
  return { clock, exchange, written, settled, ask }
}

test('a response is matched by request-ID, To and Connection-ID (docs/specs/impp-1.0.md §4 item 4)', () => {
  const { exchange, settled, ask } = setUp()
  ask('1', 'impp://a/b', '6')
  ask('1', 'impp://a/c', '6')
  assert.equal(exchange.respond(response('1', 'impp://a/c', '7')), false)
  assert.equal(exchange.respond(response('1', 'impp://a/c', '6')), true)
  assert.equal(exchange.respond(response('1', 'impp://a/c', '6')), false)
  assert.equal(exchange.respond(response('1', 'impp://a/b', '6')), true)
  assert.deepEqual(settled, ['1impp://a/c: true', '1impp://a/b: true'])
})

test('a request without From is answered by its request-ID alone, as the OK that ends a login is (§6.3)', () => {
  const { exchange, settled, ask } = setUp()
  ask('1')
  assert.equal(exchange.respond(response('1', 'impp://a/b', '6')), true)
  assert.deepEqual(settled, ['1: true'])
})

test('no more requests wait than the far end takes; the rest queue, up to a limit (IMPP §12)', () => {
  const { exchange, written, settled, ask } = setUp()
  assert.deepEqual(
    ['1', '2', '3', '4', '5'].map((id) => ask(id)),
    [true, true, true, true, false],
  )
  assert.deepEqual(written, ['1', '2'])
  exchange.respond(response('2'))
  assert.deepEqual(written, ['1', '2', '3'])
  exchange.respond(response('1'))
  exchange.respond(response('3'))
  exchange.respond(response('4'))
  assert.deepEqual(settled, ['2: true', '1: true', '3: true', '4: true'])
  assert.equal(exchange.pending, 0)
})

test('a request without a response in time is settled so, and makes room', () => {
  const { clock, exchange, written, settled, ask } = setUp()
  ask('1')
  clock.advance(10_000)
  ask('2')
  ask('3')
  clock.advance(20_000)
  assert.deepEqual(settled, ['1: timeout'])
  assert.deepEqual(written, ['1', '2', '3'])
  exchange.respond(response('2'))
  clock.advance(30_000)
  assert.deepEqual(settled, ['1: timeout', '2: true', '3: timeout'])
  assert.equal(clock.pending, 0)
})

test('when the connection ends, all that wait are told in their order, and nothing is taken any more', () => {
  const { clock, exchange, settled, ask } = setUp()
  for (const id of ['1', '2', '3']) ask(id)
  exchange.close()
  assert.deepEqual(settled, ['1: closed', '2: closed', '3: closed'])
  assert.equal(ask('4'), false)
  assert.equal(clock.pending, 0)
})

test('two requests of one key are answered in their order', () => {
  const { exchange, ask, settled } = setUp()
  ask('1')
  ask('1')
  exchange.respond(response('1'))
  exchange.respond(response('1'))
  assert.equal(exchange.respond(response('1')), false)
  assert.equal(settled.length, 2)
})
