// A domain in which many are watched, and which was away: it is asked again at a pace, and in the end each watcher knows what is so.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { asksPerSecondMax } from '#core'
import { at } from '../testing/fixture.ts'
import { dropHands } from '../testing/hand.ts'
import { everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const watchers = 300

/** SUBSCRIBEs that crossed in each of so many seconds. */
async function seconds(world: TwoDomains, count: number): Promise<number[]> {
  const each: number[] = []
  for (let second = 0; second < count; second++) {
    world.clock.advance(1000)
    await everything()
    each.push(
      world.wires.said
        .splice(0)
        .map(({ octets }) => octets)
        .join('')
        .match(/^SUBSCRIBE /gm)?.length ?? 0,
    )
  }
  return each
}

test('a domain that was away for an hour is subscribed to again at a pace, by all who watch there', async () => {
  const world = await twoDomains({
    domainLeaseSeconds: 3600,
    domainSubscriptionsMax: 1000,
    domainPendingMax: 50,
    domainQueuedMax: 1000,
    domainRequestsPerSecondMax: 1000,
  })
  const juliet = at('juliet@capulet.example')
  const told = new Map<string, string>()
  const { remotePresence, asks } = world.here.service
  for (const state of ['pending', 'active'] as const)
    remotePresence[state] = (watcher) => void told.set(watcher.key, state)
  remotePresence.changed = () => 'known'
  const link = world.here.domains.linkTo('capulet.example')
  for (let n = 0; n < watchers; n++)
    asks.next('capulet.example', () => link.watch(at(`w${n}@montague.example`), juliet))
  const first = await seconds(world, 10)
  assert.equal(told.size, watchers)
  assert.ok(Math.max(...first) <= 2 * asksPerSecondMax, `${first}`)

  world.wires.up = false
  world.wires.cutAll()
  for (let minute = 0; minute < 60; minute++) {
    world.clock.advance(60_000)
    await everything()
  }
  world.wires.said.length = 0
  world.wires.up = true
  told.clear()
  const again = await seconds(world, 330)
  const asked = again.reduce((sum, one) => sum + one, 0)
  assert.ok(asked >= watchers, `${asked}`)
  // A second's worth at once, and that second's.
  assert.ok(Math.max(...again) <= 2 * asksPerSecondMax, `${again}`)
})
