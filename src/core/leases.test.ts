import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '#base'
import { type Lease, Leases } from './leases.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 200

type Step =
  | { readonly do: 'grant'; readonly seconds: number }
  | { readonly do: 'renew' | 'cancel'; readonly which: number; readonly seconds: number }
  | { readonly do: 'advance'; readonly seconds: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('grant' as const), seconds: fc.nat(100) }),
  fc.record({
    do: fc.constantFrom('renew' as const, 'renew' as const, 'cancel' as const),
    which: fc.nat(),
    seconds: fc.nat(100),
  }),
  fc.record({ do: fc.constant('advance' as const), seconds: fc.nat(40) }),
)

test('leases end when a naive list of them says so, whatever is renewed, shortened or cancelled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const clock = new VirtualClock(0)
      const leases = new Leases(clock)
      const held: Lease[] = []
      const model = new Map<number, number>()
      const ended: string[] = []
      const expected: string[] = []
      for (const [at, next] of steps.entries()) {
        if (next.do === 'grant') {
          const name = held.length
          held.push(leases.grant(next.seconds, () => ended.push(`${name}@${clock.now()}`)))
          model.set(name, clock.now() + next.seconds * 1000)
        } else if (next.do === 'advance') {
          const now = clock.now() + next.seconds * 1000
          for (const [name, due] of [...model].sort((a, b) => a[1] - b[1])) {
            if (due > now) continue
            expected.push(`${name}@${due}`)
            model.delete(name)
          }
          clock.advance(next.seconds * 1000)
        } else if (held.length > 0) {
          const name = next.which % held.length
          const lease = held[name] as Lease
          if (next.do === 'cancel') {
            lease.cancel()
            model.delete(name)
          } else {
            lease.renew(next.seconds)
            if (model.has(name)) model.set(name, clock.now() + next.seconds * 1000)
          }
        }
        // Leases that end together end in no promised order.
        assert.deepEqual([...ended].sort(), [...expected].sort(), `step ${at}`)
        for (const [name, lease] of held.entries()) assert.equal(lease.active, model.has(name))
        assert.equal(leases.size.active, model.size)
        assert.ok(clock.pending <= 1, 'one timer serves all')
      }
    }),
    { numRuns: runs, verbose: 1 },
  )
})

test('ten thousand leases end in the order of their time', () => {
  const clock = new VirtualClock(0)
  const leases = new Leases(clock)
  const ended: number[] = []
  for (let i = 0; i < 10_000; i++) leases.grant((i * 7919) % 10_007, () => ended.push(clock.now()))
  clock.advance(10_007_000)
  assert.equal(ended.length, 10_000)
  assert.deepEqual(
    ended,
    ended.toSorted((a, b) => a - b),
  )
  assert.deepEqual(leases.size, { active: 0, places: 0 })
})

test('leases that come and go, or are renewed ever shorter, do not make the heap grow', () => {
  const leases = new Leases(new VirtualClock(0))
  const kept = leases.grant(1_000_000, () => {})
  for (let i = 0; i < 50_000; i++) {
    leases.grant(3600, () => {}).cancel()
    kept.renew(1_000_000 - i)
  }
  assert.equal(leases.size.active, 1)
  assert.ok(leases.size.places < 200, `${leases.size.places} places for one lease`)
})

test('a renewed lease outlives its first end and is never ended twice', () => {
  const clock = new VirtualClock()
  const leases = new Leases(clock)
  let ends = 0
  const lease = leases.grant(10, () => ends++)
  clock.advance(9_000)
  assert.equal(lease.secondsLeft(), 1)
  lease.renew(10)
  clock.advance(9_999)
  assert.equal(ends, 0)
  clock.advance(1)
  assert.equal(ends, 1)
  lease.renew(10)
  lease.cancel()
  clock.advance(100_000)
  assert.equal(ends, 1)
  assert.equal(lease.secondsLeft(), 0)
})

test('what ends may grant, renew and cancel others', () => {
  const clock = new VirtualClock()
  const leases = new Leases(clock)
  const ended: string[] = []
  const spared = leases.grant(5, () => ended.push('spared'))
  const longer = leases.grant(5, () => ended.push('longer'))
  leases.grant(4, () => {
    spared.cancel()
    longer.renew(60)
    leases.grant(1, () => ended.push('new'))
  })
  clock.advance(30_000)
  assert.deepEqual(ended, ['new'])
  clock.advance(40_000)
  assert.deepEqual(ended, ['new', 'longer'])
})

test('an owner that throws keeps no other lease from ending', () => {
  const clock = new VirtualClock()
  const leases = new Leases(clock)
  let ended = false
  leases.grant(1, () => {
    throw new Error('an owner of the test')
  })
  leases.grant(2, () => {
    ended = true
  })
  assert.throws(() => clock.advance(1000), /an owner of the test/)
  clock.advance(1000)
  assert.ok(ended)
})
