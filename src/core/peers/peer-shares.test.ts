import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { Metrics, openMetricsText } from '#observe'
import { welcome } from '../testing/peers.ts'
import { PeerShares } from './peer-shares.ts'
import { noPeers, type PeerPolicy } from './peers.ts'

const far = 'capulet.example'

function stage(shares: PeerPolicy['shares']) {
  const clock = new VirtualClock()
  const metrics = new Metrics()
  const rules = new Map<string, PeerPolicy>([[far, { ...welcome, shares }]])
  const peers = { ...noPeers, policyFor: (domain: string) => rules.get(domain) ?? welcome }
  return { clock, metrics, rules, shares: new PeerShares({ clock, peers, metrics }) }
}

const units = (perSecondMax: number) => ({ perSecondMax, octetsPerSecondMax: undefined })

test('a domain of which nothing is said sends and is sent what it likes', () => {
  const { shares } = stage({ from: units(1), to: units(1) })
  for (let n = 0; n < 100; n++) assert.equal(shares.received('mantua.example', 1_000_000), 0)
  assert.equal(shares.untilTo('mantua.example'), 0)
  assert.equal(shares.countsOf('mantua.example'), undefined)
})

test('from it: a second’s share is taken at once, and what follows as the time brings it', () => {
  const { clock, shares } = stage({ from: units(10) })
  for (let n = 0; n < 9; n++) assert.equal(shares.received(far, 300), 0)
  assert.equal(shares.received(far, 300), 100)
  clock.advance(100)
  assert.equal(shares.untilFrom(far), 0)
  assert.deepEqual(shares.countsOf(far), { slowed: 1, refused: 0, delayed: 0, queued: 0 })
})

test('octets are counted as stanzas are, whichever is used up first', () => {
  const { clock, shares } = stage({ from: { perSecondMax: 10, octetsPerSecondMax: 1000 } })
  assert.equal(shares.received(far, 3000), 2001)
  clock.advance(2001)
  assert.equal(shares.received(far, 10), 10)
})

test('what would wait for more than patience is refused, and not counted', () => {
  const { clock, metrics, shares } = stage({ from: units(1) })
  assert.equal(shares.received(far, 1, 0), 1000)
  for (let n = 0; n < 5; n++) assert.equal(shares.received(far, 1, 500), 'refused')
  assert.equal(shares.untilFrom(far), 1000)
  clock.advance(600)
  assert.equal(shares.received(far, 1, 500), 1400)
  assert.deepEqual(shares.countsOf(far), { slowed: 2, refused: 5, delayed: 0, queued: 0 })
  assert.match(
    openMetricsText(metrics),
    /verona_peers_beyond_share_total\{direction="from",outcome="refused"\} 5/,
  )
})

test('to it: the two directions are counted apart, and a change of the policy holds at once', () => {
  const { rules, shares } = stage({ from: units(1), to: units(2) })
  shares.received(far, 1)
  shares.sent(far, 1)
  assert.equal(shares.untilTo(far), 0)
  shares.sent(far, 1)
  assert.equal(shares.untilTo(far), 500)
  rules.set(far, { ...welcome, shares: { to: units(100) } })
  assert.equal(shares.untilTo(far), 0)
  rules.set(far, welcome)
  assert.equal(shares.limitsTo(far), false)
})
