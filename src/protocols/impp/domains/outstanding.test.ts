// Requests that wait for a response over connections that come and go (docs/specs/impp-1.0.md §12.5).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { text, utf8, VirtualClock } from '#base'
import { type ImppResponse, responseBytes, UnitFramer } from '../codec/index.ts'
import { type Carried, type Carrier, Outstanding } from './outstanding.ts'

class Line implements Carrier {
  readonly bulk: boolean
  unitOctetsMax = 1000
  pendingMax = 100
  readonly written: string[] = []

  constructor(bulk = false) {
    this.bulk = bulk
  }

  write(octets: Uint8Array): void {
    this.written.push(text(octets))
  }
}

interface Bench {
  readonly clock: VirtualClock
  readonly outstanding: Outstanding
  readonly wanted: boolean[]
  readonly told: string[]
  ask(id: string, options?: { lane?: string; size?: number }): boolean
  answer(id: string, ok?: boolean): boolean
}

function bench(): Bench {
  const clock = new VirtualClock()
  const outstanding = new Outstanding(clock, {
    countMax: 5,
    octetsMax: 2000,
    timeout: 60_000,
    bulkOctets: 100,
  })
  const wanted: boolean[] = []
  const told: string[] = []
  outstanding.onWanted = (bulk) => wanted.push(bulk)
  const parties = { from: 'impp://a.example/x', connectionId: '0' }
  return {
    clock,
    outstanding,
    wanted,
    told,
    ask: (id, { lane = id, size = id.length } = {}) =>
      outstanding.request({ id, ...parties }, [utf8(id.padEnd(size, '.'))], lane, (carried) =>
        told.push(`${id} ${said(carried)}`),
      ),
    answer: (id, ok = true) => outstanding.respond(responseOf(id, ok, parties)),
  }
}

function said(carried: Carried): string {
  return typeof carried === 'string' ? carried : carried.ok ? 'OK' : 'ERROR'
}

function responseOf(
  id: string,
  ok: boolean,
  { from, connectionId }: { from: string; connectionId: string },
): ImppResponse {
  const framer = new UnitFramer()
  framer.push(
    responseBytes(ok, 'SEND', id, [
      ['To', from],
      ['Connection-ID', connectionId],
    ]),
  )
  const unit = framer.next()
  assert.ok(unit?.kind === 'response')
  return unit
}

describe('a request', () => {
  test('asks for a connection where there is none, and goes when there is one', () => {
    const { outstanding, wanted, ask, told, answer } = bench()
    ask('1')
    assert.deepEqual(wanted, [false])
    const line = new Line()
    outstanding.add(line)
    assert.deepEqual(line.written, ['1'])
    assert.equal(answer('1'), true)
    assert.deepEqual(told, ['1 OK'])
    assert.equal(answer('1'), false)
    assert.equal(outstanding.size, 0)
  })

  test('is written again when its connection ends, in the first order, and a response may come by any', () => {
    const { outstanding, ask, told, answer } = bench()
    const first = new Line()
    outstanding.add(first)
    for (const id of ['1', '2', '3']) ask(id)
    answer('2')
    outstanding.remove(first)
    assert.equal(answer('1'), true) // by some other connection, before it was written again
    const second = new Line()
    outstanding.add(second)
    assert.deepEqual(second.written, ['3'])
    assert.deepEqual(told, ['2 OK', '1 OK'])
  })

  test('is given up after its time: as a time-out where it was written, as unreachable where not', () => {
    const { outstanding, ask, told, clock } = bench()
    const line = new Line()
    line.pendingMax = 1
    outstanding.add(line)
    ask('1')
    ask('2')
    clock.advance(59_000)
    assert.deepEqual(told, [])
    clock.advance(1000)
    assert.deepEqual(told, ['1 timeout', '2 unreachable'])
  })

  test('that was written is in doubt when no other connection can be had', () => {
    const { outstanding, ask, told } = bench()
    const line = new Line()
    line.pendingMax = 1
    outstanding.add(line)
    ask('1')
    ask('2')
    outstanding.remove(line)
    outstanding.unreachable(false)
    assert.deepEqual(told, ['1 timeout', '2 unreachable'])
  })

  test('past the limit is not taken', () => {
    const { ask, told } = bench()
    for (const id of ['1', '2', '3', '4', '5']) assert.equal(ask(id), true)
    assert.equal(ask('6'), false)
    assert.deepEqual(told, [])
  })

  test('past the limit of octets is not taken either, until some have gone', () => {
    const { outstanding, ask, answer } = bench()
    outstanding.add(new Line(true))
    assert.equal(ask('1', { size: 900 }), true)
    assert.equal(ask('2', { size: 900 }), true)
    assert.equal(ask('3', { size: 900 }), false)
    answer('1')
    assert.equal(ask('3', { size: 900 }), true)
  })
})

describe('limits of the far end (IMPP §12)', () => {
  test('no more wait for their response than it takes', () => {
    const { outstanding, ask, answer } = bench()
    const line = new Line()
    line.pendingMax = 2
    outstanding.add(line)
    for (const id of ['1', '2', '3']) ask(id)
    assert.deepEqual(line.written, ['1', '2'])
    answer('2')
    assert.deepEqual(line.written, ['1', '2', '3'])
  })

  test('what it cannot take is not written, and those behind it are', () => {
    const { outstanding, ask, told } = bench()
    const line = new Line()
    line.unitOctetsMax = 10
    outstanding.add(line)
    ask('1', { size: 20 })
    ask('2')
    assert.deepEqual(told, ['1 too-large'])
    assert.deepEqual(line.written, ['2'])
  })
})

describe('long units (IMPP §12, D42)', () => {
  test('what is long goes by a connection of its own, and what is short does not wait for it', () => {
    const { outstanding, ask, wanted } = bench()
    const small = new Line()
    outstanding.add(small)
    ask('long', { size: 200 })
    ask('short')
    assert.deepEqual(small.written, ['short'])
    assert.ok(wanted.includes(true))
    const bulk = new Line(true)
    outstanding.add(bulk)
    assert.equal(bulk.written.length, 1)
  })

  test('between two people the order stays, whatever the sizes', () => {
    const { outstanding, ask, answer } = bench()
    const small = new Line()
    const bulk = new Line(true)
    outstanding.add(small)
    outstanding.add(bulk)
    ask('1', { lane: 'pair', size: 200 })
    ask('2', { lane: 'pair' })
    ask('3', { lane: 'pair', size: 200 })
    ask('4', { lane: 'others' })
    assert.deepEqual([small.written, bulk.written.length], [['4'], 1])
    answer('1')
    assert.deepEqual([small.written, bulk.written.length], [['4', '2'], 1])
    answer('2')
    assert.equal(bulk.written.length, 2)
  })

  test('without such a connection it goes with the rest', () => {
    const { outstanding, ask, told } = bench()
    const small = new Line()
    outstanding.add(small)
    ask('long', { size: 200 })
    outstanding.unreachable(true)
    assert.equal(small.written.length, 1)
    assert.deepEqual(told, [])
  })
})

test('at its end everything that waits is told', () => {
  const { outstanding, ask, told } = bench()
  const line = new Line()
  line.pendingMax = 1
  outstanding.add(line)
  ask('1')
  ask('2')
  outstanding.close()
  assert.deepEqual(told, ['1 timeout', '2 unreachable'])
})
