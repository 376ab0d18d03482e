// A domain in which many are watched, and which was away: it is asked again at a pace, and in the end each watcher knows what is so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asksPerSecondMax } from '#core'
import type { Connection } from '#net'
import { at } from '../testing/sip-domain.ts'
import { type Side, TwoDomains } from '../testing/two-domains.ts'

const watchers = 400

/** SUBSCRIBEs that the domain got, by second. */
function countedAt(side: Side, town: TwoDomains): Map<number, number> {
  const bySecond = new Map<number, number>()
  const { shares } = side.service
  const received = shares.received.bind(shares)
  shares.received = (domain, octets, patience) => {
    const second = Math.floor(town.clock.monotonic() / 1000)
    bySecond.set(second, (bySecond.get(second) ?? 0) + 1)
    return received(domain, octets, patience)
  }
  return bySecond
}

const most = (bySecond: ReadonlyMap<number, number>): number => Math.max(0, ...bySecond.values())

test('a domain that was away for an hour is subscribed to again at a pace, by all who watch there, each by one dialog', async () => {
  const { town, here, there } = await TwoDomains.make()
  const juliet = at('juliet@capulet.example')
  const told = new Map<string, string>()
  const { remotePresence } = here.service
  for (const state of ['pending', 'active'] as const)
    remotePresence[state] = (watcher) => void told.set(watcher.key, state)
  remotePresence.changed = () => 'known'
  const bySecond = countedAt(there, town)
  const place = '192.0.2.2:5060'
  const listener = town.listeners.get(place)
  assert(listener !== undefined)
  const open = new Set<Connection>()
  const back = (): void =>
    void town.listeners.set(place, (connection) => {
      open.add(connection)
      listener(connection)
    })
  back()
  const link = here.domains.linkTo('capulet.example')
  for (let n = 0; n < watchers; n++)
    here.service.asks.next('capulet.example', () => link.watch(at(`w${n}@montague.example`), juliet))
  for (let second = 0; second < 15; second++) {
    town.clock.advance(1000)
    await town.settled(20)
  }
  assert.equal(told.size, watchers)
  assert.ok(most(bySecond) <= asksPerSecondMax * 2, `${most(bySecond)} in a second at first`)

  town.listeners.delete(place)
  for (const connection of open) connection.destroy()
  await town.settled()
  bySecond.clear()
  for (let minute = 0; minute < 60; minute++) {
    town.clock.advance(60_000)
    await town.settled(10)
  }
  assert.equal(bySecond.size, 0)
  back()
  told.clear()
  for (let second = 0; second < 400; second++) {
    town.clock.advance(1000)
    await town.settled(6)
  }
  const asked = [...bySecond.values()].reduce((sum, count) => sum + count, 0)
  assert.ok(asked >= watchers, `${asked} in all`)
  assert.ok(most(bySecond) <= asksPerSecondMax * 2, `${most(bySecond)} in a second when it is back`)
  assert.equal(here.agent.size, watchers, 'one dialog each')
})
