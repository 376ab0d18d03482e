import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { type Attempt, BackOff } from './back-off.ts'

test('five wrong guesses at an account are free, then the wait doubles', () => {
  const clock = new VirtualClock()
  const backOff = new BackOff(clock)
  for (let i = 0; i < 6; i++) guess(backOff, 'a@x', `192.0.2.${i}`)
  for (const expected of [1000, 2000, 4000]) {
    const wait = backOff.attempt('a@x', '192.0.2.99')
    assert.deepEqual(wait, { kind: 'wait', milliseconds: expected })
    clock.advance(expected)
    guess(backOff, 'a@x', '192.0.2.99')
  }
})

test('the wait has an end, and guesses are forgiven with time', () => {
  const clock = new VirtualClock()
  const backOff = new BackOff(clock, { freeAtAccount: 0, delayMax: 5000, forgivenEvery: 60_000 })
  for (let i = 0; i < 10; i++) {
    guess(backOff, 'a@x', `192.0.2.${i}`)
    const wait = backOff.attempt('a@x', '192.0.2.99')
    assert.ok(wait.kind === 'wait' && wait.milliseconds <= 5000)
    clock.advance(5000)
  }
  clock.advance(600_000)
  assert.equal(backOff.attempt('a@x', '192.0.2.99').kind, 'attempt')
})

test('an address that guesses at many accounts waits, others do not', () => {
  const backOff = new BackOff(new VirtualClock(), { freeFromAddress: 3 })
  for (let i = 0; i < 4; i++) guess(backOff, `user${i}@x`, '192.0.2.1')
  assert.equal(backOff.attempt('other@x', '192.0.2.1').kind, 'wait')
  assert.equal(backOff.attempt('other@x', '192.0.2.2').kind, 'attempt')
})

test('addresses of one IPv6 network of 64 bits are one guesser, mapped IPv4 addresses themselves', () => {
  const backOff = new BackOff(new VirtualClock(), { freeFromAddress: 0 })
  guess(backOff, 'a@x', '2001:db8:1:2::1')
  assert.equal(backOff.attempt('b@x', '2001:db8:1:2:ffff::').kind, 'wait')
  assert.equal(backOff.attempt('b@x', '2001:db8:1:3::1').kind, 'attempt')
  guess(backOff, 'c@x', '::ffff:192.0.2.1')
  assert.equal(backOff.attempt('d@x', '192.0.2.1').kind, 'wait')
  guess(backOff, 'e@x', '::1')
  assert.equal(backOff.attempt('e@x', '0:0:0:0:1::').kind, 'wait')
})

test('an owner who logged in from somewhere is not locked out there by guessers elsewhere', () => {
  const backOff = new BackOff(new VirtualClock(), { freeAtAccount: 1 })
  right(backOff, 'a@x', '192.0.2.1')
  for (let i = 2; i < 5; i++) backOff.attempt('a@x', `192.0.2.${i}`)
  assert.equal(backOff.attempt('a@x', '192.0.2.50').kind, 'wait')
  assert.equal(backOff.attempt('a@x', '192.0.2.1').kind, 'attempt')
})

test('who owns an account does not wash away guesses at others by logging in', () => {
  const backOff = new BackOff(new VirtualClock(), { freeFromAddress: 2 })
  for (let i = 0; i < 2; i++) {
    guess(backOff, `victim${i}@x`, '192.0.2.1')
    right(backOff, 'mine@x', '192.0.2.1')
  }
  guess(backOff, 'victim3@x', '192.0.2.1')
  assert.equal(backOff.attempt('victim4@x', '192.0.2.1').kind, 'wait')
})

test('guesses side by side are counted when they begin', () => {
  const backOff = new BackOff(new VirtualClock(), { freeAtAccount: 3 })
  const outcomes = Array.from({ length: 10 }, (_, i) => backOff.attempt('a@x', `192.0.2.${i}`).kind)
  assert.equal(outcomes.filter((one) => one === 'attempt').length, 4)
})

test('many who log in at once from one address do not hold each other up', () => {
  const backOff = new BackOff(new VirtualClock(), { underWayFromAddress: 200 })
  const attempts = Array.from({ length: 200 }, (_, i) => backOff.attempt(`user${i}@x`, '192.0.2.1'))
  assert.ok(attempts.every(({ kind }) => kind === 'attempt'))
  assert.equal(backOff.attempt('late@x', '192.0.2.1').kind, 'wait')
  for (const attempt of attempts) (attempt as Attempt).succeeded()
  assert.equal(backOff.attempt('late@x', '192.0.2.1').kind, 'attempt')
})

test('a withdrawn attempt counts nothing and leaves no trace', () => {
  const backOff = new BackOff(new VirtualClock(), { freeAtAccount: 0 })
  const attempt = backOff.attempt('a@x', '192.0.2.1')
  assert.equal(attempt.kind, 'attempt')
  guess(backOff, 'b@x', '192.0.2.1')
  ;(attempt as Attempt).withdrawn()
  ;(attempt as Attempt).withdrawn()
  assert.equal(backOff.attempt('a@x', '192.0.2.2').kind, 'attempt')
  assert.equal(backOff.tracked, 3)
})

test('memory is bounded: the least recent is forgotten first', () => {
  const backOff = new BackOff(new VirtualClock(), { trackedMax: 10, freeAtAccount: 0, freeFromAddress: 100 })
  for (let i = 0; i < 1000; i++) guess(backOff, `user${i}@x`, `10.0.${i >> 8}.${i & 255}`)
  assert.equal(backOff.tracked, 20)
  assert.equal(backOff.attempt('user999@x', '192.0.2.1').kind, 'wait')
  assert.equal(backOff.attempt('user0@x', '192.0.2.1').kind, 'attempt')
})

function guess(backOff: BackOff, account: string, from: string): void {
  const attempt = backOff.attempt(account, from)
  assert.equal(attempt.kind, 'attempt')
  ;(attempt as Attempt).failed()
}

function right(backOff: BackOff, account: string, from: string): void {
  const attempt = backOff.attempt(account, from)
  assert.ok(attempt.kind === 'attempt')
  attempt.succeeded()
}
