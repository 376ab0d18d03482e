// Presence between two domains by the mesh (RFC 3343 §4.2; decision 0135): whom the core watches there, and who watches here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import { type Domains, domainsOf, everything } from '../testing/domains.ts'
import { at } from '../testing/fixture.ts'
import { cutFailed, cutPoints } from '../testing/wires.ts'

const fred = 'fred@example.com'
const wilma = 'wilma@example.net'

/** A device of another protocol that looks at somebody. */
class Looker implements WatcherAgent {
  readonly protocol = 'test'
  readonly watcher: Address
  readonly seen: string[] = []
  constructor(watcher: string) {
    this.watcher = at(watcher)
  }
  notify({ full, changes }: PresenceNotification): void {
    const tuples = changes.map(({ kind, source }) =>
      kind === 'removed' ? 'gone' : (source?.view().tuples[0]?.basic ?? '?'),
    )
    this.seen.push(`${full ? 'all' : 'some'} ${tuples.join(' ')}`.trim())
  }
  activated(): void {
    this.seen.push('activated')
  }
  terminated(_id: string, reason: TerminationReason): void {
    this.seen.push(`terminated ${reason}`)
  }
  take(): string[] {
    return this.seen.splice(0)
  }
}

async function scene(): Promise<{ all: Domains; looker: Looker }> {
  const all = await domainsOf(['example.com', 'example.net'])
  return { all, looker: new Looker(fred) }
}

async function look({ all, looker }: { all: Domains; looker: Looker }, seconds = 86_400): Promise<string> {
  let word = ''
  const { presence } = all.of('example.com').service
  presence.subscribe(
    { id: 'look', watcher: at(fred), presentity: at(wilma), seconds, agent: looker },
    (outcome) => {
      word = outcome.kind === 'refused' ? outcome.condition : outcome.kind
    },
  )
  await everything()
  return word
}

async function rule(all: Domains, action: 'allow' | 'block' | 'polite-block' | 'confirm'): Promise<void> {
  const { contacts } = all.of('example.net').service
  contacts.setRule(at(wilma), { subject: fred, action, visibility: 'full' }, () => {})
  await everything()
}

/** Wilma says by APEX until when she is there. */
async function publish(all: Domains, until: string): Promise<void> {
  const hand = await all.application(wilma)
  const data = (inline: string): string =>
    `<data content='#C'><originator identity='${wilma}' /><recipient identity='apex=presence@example.net' /><data-content Name='C'>${inline}</data-content></data>`
  await hand.say(data(`<subscribe publisher='${wilma}' duration='0' transID='1' />`))
  const stamp = /lastUpdate='([^']*)'/.exec((await hand.hear()).join())?.[1]
  const entry = `<presence publisher='${wilma}' lastUpdate='${stamp}'><tuple destination='im:${wilma}' availableUntil='${until}' /></presence>`
  await hand.say(data(`<publish publisher='${wilma}' transID='2' timeStamp='${stamp}'>${entry}</publish>`))
  assert.match((await hand.hear()).join(), /code='250'/)
  await everything()
}

test('who is allowed sees how things stand, each change, and the end of availableUntil', async () => {
  const stage = await scene()
  const { all, looker } = stage
  await rule(all, 'allow')
  assert.equal(await look(stage), 'pending')
  assert.deepEqual(looker.take(), ['activated', 'all', 'all'])
  await publish(all, '2026-05-01T09:10:00Z')
  assert.deepEqual(looker.take(), ['some open'])
  all.clock.advance(601_000)
  await everything()
  assert.deepEqual(looker.take(), ['some closed'])
})

test('who waits for her word sees nobody until it comes', async () => {
  const stage = await scene()
  const { all, looker } = stage
  await publish(all, '2026-05-02T09:00:00Z')
  assert.equal(await look(stage), 'pending')
  assert.deepEqual(looker.take(), [])
  await rule(all, 'allow')
  assert.deepEqual(looker.take(), ['activated', 'all', 'all open'])
})

test('a polite block looks like success, and like nobody', async () => {
  const stage = await scene()
  await publish(stage.all, '2026-05-02T09:00:00Z')
  await rule(stage.all, 'polite-block')
  await look(stage)
  assert.deepEqual(stage.looker.take(), ['activated', 'all', 'all'])
})

test('a block is the end of it: 537, at once or later', async () => {
  for (const isLater of [false, true]) {
    const stage = await scene()
    await rule(stage.all, isLater ? 'allow' : 'block')
    await look(stage)
    stage.looker.take()
    if (isLater) await rule(stage.all, 'block')
    await everything()
    if (isLater) assert.deepEqual(stage.looker.take(), ['terminated rejected'])
    const link = stage.all.of('example.com').mesh.linkTo('example.net')
    assert.equal(link.isWatching, false)
    assert.equal(stage.all.of('example.net').relay.presence.foreign.size, 0)
  }
})

test('the operation there is renewed as long as somebody looks, and ended when nobody does', async () => {
  const stage = await scene()
  const { all } = stage
  const there = all.of('example.net').relay.presence.foreign
  await rule(all, 'allow')
  await look(stage, 6 * 3600)
  for (let minutes = 0; minutes < 300; minutes++) {
    assert.equal(there.size, 1, `after ${minutes} minutes`)
    all.clock.advance(60_000)
    await everything()
  }
  const { presence } = all.of('example.com').service
  presence.unsubscribe(at(wilma), 'look', at(fred), () => {})
  await everything()
  assert.equal(there.size, 0)
})

test('a relay that begins again knows who watches here, and tells how things stand', async () => {
  const stage = await scene()
  const { all, looker } = stage
  await rule(all, 'allow')
  await look(stage)
  await publish(all, '2026-05-02T09:00:00Z')
  looker.take()
  all.kill('example.net')
  await all.begin('example.net')
  await everything()
  assert.equal(all.of('example.net').relay.presence.foreign.size, 1)
  await rule(all, 'block')
  assert.deepEqual(looker.take().at(-1), 'terminated rejected')
})

test('what could not be told while the other domain was away is told when it is heard of, and only the latest', async () => {
  const stage = await scene()
  const { all, looker } = stage
  await rule(all, 'allow')
  await look(stage)
  looker.take()
  all.up.delete('example.com')
  all.wires.cut()
  await publish(all, '2026-05-01T12:00:00Z')
  await rule(all, 'polite-block')
  assert.deepEqual(looker.take(), [])
  await rule(all, 'allow')
  all.up.add('example.com')
  all.clock.advance(20_000)
  await everything()
  assert.deepEqual(looker.take(), ['some open'])
})

test('fetch has an answer: the entry, a refusal, or that nobody answers', async () => {
  const { all } = await scene()
  const { presence } = all.of('example.com').service
  const fetched = async (whom: string): Promise<string> => {
    let word = 'nothing'
    presence.fetch(at(fred), at(whom), (outcome) => {
      word = outcome.kind === 'refused' ? outcome.condition : `${outcome.notification.sources.length} tuples`
    })
    await everything()
    return word
  }
  await publish(all, '2026-05-02T09:00:00Z')
  assert.equal(await fetched(wilma), 'permission-denied')
  await rule(all, 'allow')
  assert.equal(await fetched(wilma), '1 tuples')
  assert.equal(await fetched('nobody@example.net'), 'target-unknown')
  all.up.delete('example.net')
  all.wires.cut()
  await everything()
  assert.equal(await fetched(wilma), 'connection-failed')
})

test('what a relay ends in the name of its person is nothing that the person is told of', async () => {
  const stage = await scene()
  const { all } = stage
  await rule(all, 'allow')
  const hand = await all.application(fred)
  await look(stage)
  all.of('example.com').service.presence.unsubscribe(at(wilma), 'look', at(fred), () => {})
  await everything()
  assert.equal(all.of('example.net').relay.presence.foreign.size, 0)
  assert.deepEqual(await hand.hear(), [])
})

test('who stops looking before he is answered hears neither the refusal nor the reply to its end', async () => {
  const stage = await scene()
  const { all } = stage
  await rule(all, 'block')
  const hand = await all.application(fred)
  const { presence } = all.of('example.com').service
  const about = { id: 'look', watcher: at(fred), presentity: at(wilma), seconds: 600, agent: stage.looker }
  presence.subscribe(about, () => {})
  presence.unsubscribe(at(wilma), 'look', at(fred), () => {})
  await everything()
  await everything()
  assert.deepEqual(await hand.hear(), [])
})

test('what nobody here asked for is answered by terminate, and the person hears nothing of either', async () => {
  const stage = await scene()
  const { all } = stage
  await rule(all, 'allow')
  await look(stage)
  // Killed, it does not know its watches any more; they were not kept.
  all.kill('example.com')
  await all.begin('example.com')
  const hand = await all.application(fred)
  await publish(all, '2026-05-02T09:00:00Z')
  await everything()
  assert.equal(all.of('example.net').relay.presence.foreign.size, 0)
  assert.deepEqual(await hand.hear(), [])
})

test('LIMIT: subscribe operations of one domain: 554, and tried again later', async () => {
  const all = await domainsOf(['example.com', 'example.net'], { domainSubscriptionsMax: 1 })
  const looker = new Looker(fred)
  await rule(all, 'allow')
  await look({ all, looker })
  const { contacts, presence } = all.of('example.net').service
  contacts.setRule(
    at(wilma),
    { subject: 'barney@example.com', action: 'allow', visibility: 'full' },
    () => {},
  )
  assert.ok(presence)
  const other = new Looker('barney@example.com')
  const here = all.of('example.com').service.presence
  here.subscribe(
    { id: 'other', watcher: other.watcher, presentity: at(wilma), seconds: 3600, agent: other },
    () => {},
  )
  await everything()
  assert.deepEqual(other.take(), [])
  here.unsubscribe(at(wilma), 'look', at(fred), () => {})
  await everything()
  all.clock.advance(10_000)
  await everything()
  assert.deepEqual(other.take(), ['activated', 'all', 'all'])
})

/** A life of one subscription: asked for, a change, its end. Both sides know the same at the end, whatever was cut on the way. */
async function lifeOf({ all, looker }: { all: Domains; looker: Looker }): Promise<void> {
  await rule(all, 'allow')
  await look({ all, looker })
  await publish(all, '2026-05-02T09:00:00Z')
  const passing = async (holds: () => boolean, what: string): Promise<void> => {
    for (let seconds = 0; !holds(); seconds += 10) {
      assert.ok(seconds < 7200, what)
      all.clock.advance(10_000)
      await everything()
    }
  }
  await passing(() => looker.seen.some((each) => each.includes('open')), 'it sees the change')
  all.of('example.com').service.presence.unsubscribe(at(wilma), 'look', at(fred), () => {})
  await passing(() => all.of('example.net').relay.presence.foreign.size === 0, 'it ends')
  assert.equal(all.of('example.com').mesh.linkTo('example.net').isWatching, false)
}

test('a subscription whose sessions are cut anywhere sees each change and ends', async () => {
  const measure = await scene()
  await lifeOf(measure)
  const octets = measure.all.wires.crossed
  for (const cut of cutPoints(octets)) {
    const stage = await scene()
    stage.all.wires.cutAfter = cut
    await lifeOf(stage).catch((error: Error) => {
      throw cutFailed(cut, octets, error)
    })
  }
})
