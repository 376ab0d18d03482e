// How fast another domain is asked about presence, and told of ours, however many want it at one moment.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noAuthorization } from '../people/contact.ts'
import type { Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { type ForeignStage, foreignStage } from '../testing/foreign-stage.ts'
import { welcome } from '../testing/peers.ts'
import { juliet, romeo } from '../testing/presence-stage.ts'
import { resident, settled } from '../testing/world.ts'

const far = 'capulet.example'

/** Lines that came at the link, a second each, until it is silent. */
async function secondsOf(stage: ForeignStage): Promise<number[]> {
  const seconds = [stage.link.take().length]
  for (let silent = 0; silent < 2; ) {
    stage.clock.advance(1000)
    await settled()
    const lines = stage.link.take().length
    silent = lines === 0 ? silent + 1 : 0
    if (lines > 0) seconds.push(lines)
  }
  return seconds
}

/** Romeo has so many contacts there, all of whom he may see. */
async function withContacts(stage: ForeignStage, count: number): Promise<void> {
  const account = await resident(stage, romeo)
  for (let n = 0; n < count; n++) {
    const address = at(`p${n}@${far}`)
    account.contacts.set(address.key, {
      address,
      name: '',
      groups: [],
      listed: true,
      authorization: { ...noAuthorization, to: true },
    })
  }
}

for (const words of [true, false])
  test(`who comes with 1,000 contacts in one domain asks for them at its pace, each once (${words ? 'words' : 'leases'})`, async () => {
    const stage = await foreignStage(words, { policy: { asksPerSecondMax: 50 } })
    await withContacts(stage, 1000)
    await stage.session(romeo)
    const seconds = await secondsOf(stage)
    assert.equal(
      seconds.reduce((sum, count) => sum + count, 0),
      1000,
    )
    assert.ok(Math.max(...seconds) <= 50, `${seconds}`)
    assert.ok(seconds.length >= 19)
  })

test('a domain that is there again is asked for all anew at that pace; who has gone meanwhile is not asked for', async () => {
  const stage = await foreignStage(true, { policy: { asksPerSecondMax: 50 } })
  await withContacts(stage, 300)
  const watcher = await stage.session(romeo)
  await secondsOf(stage)
  stage.remote.reachable(far)
  stage.remote.reachable(far)
  const seconds = await secondsOf(stage)
  assert.ok(Math.max(...seconds) <= 50, `${seconds}`)
  assert.equal(
    seconds.reduce((sum, count) => sum + count, 0),
    350,
    'those that were asked for at once are asked anew, those that wait are not asked for twice',
  )
  stage.remote.reachable(far)
  stage.link.take()
  stage.service.presence.unwatchContacts(await resident(stage, romeo), watcher)
  await settled()
  stage.clock.advance(10_000)
  await settled()
  assert.deepEqual(
    stage.link.take().filter((line) => line.startsWith('watch')),
    [],
  )
})

test('watchers in a domain with a share are told no faster, and of what changed meanwhile once, as it is by then', async () => {
  const shares = { to: { perSecondMax: 2, octetsPerSecondMax: undefined } }
  const stage = await foreignStage(true, { peerTable: { domains: new Map([[far, { ...welcome, shares }]]) } })
  const watchers = Array.from({ length: 6 }, (_, n) => `p${n}@${far}`)
  for (const watcher of watchers) {
    Object.defineProperty(stage.link.watcherOf(at(watcher)), 'standsForWatcher', { value: true })
    await stage.say('ask', watcher, juliet)
    await stage.say('approve', juliet, watcher)
    stage.clock.advance(2000)
    await settled()
  }
  for (const watcher of watchers) stage.afar.get(watcher)?.take()
  const told = (): number => watchers.reduce((sum, one) => sum + (stage.afar.get(one)?.log.length ?? 0), 0)
  await stage.publish(juliet, 'balcony', 'here')
  await stage.publish(juliet, 'hall', 'also here')
  await stage.publish(juliet, 'balcony', undefined)
  await stage.publish(juliet, 'hall', 'here alone')
  const each = [told()]
  for (let second = 0; second < 5; second++) {
    const before = told()
    stage.clock.advance(1000)
    await settled()
    each.push(told() - before)
  }
  assert.ok(Math.max(...each) <= 3, `${each}`)
  for (const watcher of watchers) {
    const known = (stage.afar.get(watcher) as Watcher).believes.get(juliet)
    assert.deepEqual([...(known ?? [])], [['hall', 'here alone']], watcher)
  }
  const late = stage.afar.get(watchers[5] as string)?.take()
  assert.deepEqual(late, [`${juliet}: removed balcony, changed hall=here alone`])
  assert.ok((stage.service.shares.countsOf(far)?.delayed ?? 0) >= 4)
})

test('a domain whose presence was forbidden since is told nothing more, though it still watches', async () => {
  const domains = new Map([[far, welcome]])
  const stage = await foreignStage(true, { peerTable: { domains } })
  const watcher = `p@${far}`
  await stage.say('ask', watcher, juliet)
  await stage.say('approve', juliet, watcher)
  stage.afar.get(watcher)?.take()
  domains.set(far, { ...welcome, presence: false })
  await stage.publish(juliet, 'balcony', 'here')
  await settled()
  assert.deepEqual(stage.afar.get(watcher)?.take(), [])
})
