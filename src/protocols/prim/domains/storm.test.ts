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
async function seconds(two: TwoDomains, count: number): Promise<number[]> {
  const each: number[] = []
  for (let second = 0; second < count; second++) {
    two.clock.advance(1000)
    await everything()
    each.push(
      two.wires.said
        .splice(0)
        .reduce((sum, { octets }) => sum + (octets.match(/^SUBSCRIBE /gm)?.length ?? 0), 0),
    )
  }
  return each
}

test('a domain that was away for an hour is subscribed to again at a pace, by all who watch there', async () => {
  const two = await twoDomains({
    domainLeaseSeconds: 3600,
    domainPendingMax: 50,
    domainSubscriptionsMax: 1000,
    domainQueuedMax: 1000,
    domainRequestsPerSecondMax: 1000,
  })
  const alice = at('alice@example.net')
  const { asks } = two.here.service
  const link = two.here.domains.linkTo('example.net')
  for (let n = 0; n < watchers; n++)
    asks.next('example.net', () => link.watch(at(`w${n}@example.com`), alice))
  const first = await seconds(two, 10)
  assert.equal(
    first.reduce((sum, one) => sum + one, 0),
    watchers,
  )
  assert.ok(Math.max(...first) <= 2 * asksPerSecondMax, `${first}`)

  two.up = false
  two.wires.cutAll()
  for (let minute = 0; minute < 60; minute++) {
    two.clock.advance(60_000)
    await everything()
  }
  two.wires.said.length = 0
  two.up = true
  const again = await seconds(two, 400)
  const asked = again.reduce((sum, one) => sum + one, 0)
  assert.ok(asked >= watchers, `${asked}`)
  // A second's worth at once, and that second's.
  assert.ok(Math.max(...again) <= 2 * asksPerSecondMax, `${again}`)
})
