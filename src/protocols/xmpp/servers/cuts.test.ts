// Connections between servers that are cut anywhere, under load: nothing is lost, nothing comes twice, and all is in order, where both
// sides speak XEP-0198. From a printed seed; more of them with VERONA_SOAK.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import type { TestClient } from '../testing/test-client.ts'
import { capulet, montague, type Town, type TwoServers, twoServers } from '../testing/two-servers.ts'

const runs = Number(process.env.VERONA_SOAK) > 0 ? 300 : 12
const firstSeed = Number(process.env.VERONA_SEED) || Math.floor(Math.random() * 1_000_000)

/** mulberry32 */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

async function turns(count = 4): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    flushConnections()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

interface Person {
  readonly jid: string
  readonly client: TestClient
  readonly heard: string[]
}

async function personsOf(town: Town, users: readonly string[], name: string): Promise<Person[]> {
  const persons: Person[] = []
  for (const user of users) {
    const client = await town.domain.available(user, 'home')
    persons.push({ jid: `${user}@${name}`, client, heard: [] })
  }
  return persons
}

function listen(persons: readonly Person[]): void {
  flushConnections()
  for (const { client, heard } of persons)
    for (const element of client.received.splice(0))
      if (element.name === 'message')
        heard.push(
          `${element.attribute('from')?.split('/')[0]} ${element.attribute('type')} ${element.childText('body')}`,
        )
}

function say(from: Person, to: Person, number: number): void {
  from.client.send(`<message to='${to.jid}' type='chat' id='${number}'><body>${number}</body></message>`)
}

/** Of what `to` heard from `from`, the numbers. */
function heardOf(to: Person, from: Person): number[] {
  return to.heard
    .filter((line) => line.startsWith(`${from.jid} chat `))
    .map((line) => Number(line.split(' ')[2]))
}

async function untilQuiet(
  world: TwoServers,
  persons: readonly Person[],
  isDone: () => boolean,
): Promise<void> {
  for (let second = 0; second < 2000; second++) {
    await turns()
    listen(persons)
    if (isDone()) return
    world.clock.advance(1000)
  }
}

for (let run = 0; run < runs; run++) {
  const seed = firstSeed + run
  // Where streams are not awaited, what was taken of them is asked (decision 0088).
  const serverResumptionSeconds = run % 3 === 0 ? 0 : 120
  test(`connections that are cut under load lose and double nothing (XEP-0198 §5); awaited for ${serverResumptionSeconds} s, seed ${seed}`, async () => {
    const random = randomOf(seed)
    const world = await twoServers({ serverResumptionSeconds })
    const here = await personsOf(world.here, ['romeo', 'mercutio'], montague)
    const there = await personsOf(world.there, ['juliet', 'nurse'], capulet)
    const all = [...here, ...there]
    const talks = [
      ...here.flatMap((a) => there.map((b) => [a, b] as const)),
      ...there.flatMap((a) => here.map((b) => [a, b] as const)),
    ]
    const sent = new Map(talks.map((talk) => [talk, 0]))
    for (let step = 0; step < 60; step++) {
      for (let k = random(8); k >= 0; k--) {
        const talk = talks[random(talks.length)] as (typeof talks)[number]
        const number = (sent.get(talk) ?? 0) + 1
        sent.set(talk, number)
        say(talk[0], talk[1], number)
      }
      if (random(4) === 0) world.wires.cutAfter = world.wires.crossed + 1 + random(1500)
      if (random(12) === 0) world.wires.cutAll()
      if (random(3) === 0) await turns(1 + random(3))
      if (random(3) === 0) world.clock.advance(random(400))
      listen(all)
    }
    const isDone = (): boolean => [...sent].every(([[from, to], count]) => heardOf(to, from).length >= count)
    await untilQuiet(world, all, isDone)
    world.clock.advance(10_000)
    await turns()
    listen(all)
    for (const talk of talks) {
      const expected = Array.from({ length: sent.get(talk) ?? 0 }, (_, k) => k + 1)
      assert.deepEqual(heardOf(talk[1], talk[0]), expected, `${talk[0].jid} to ${talk[1].jid}, seed ${seed}`)
    }
  })
}

test('a server that is killed and comes back: what its peer sent is all there, in order, and doubled at most where it was unacknowledged', async () => {
  const random = randomOf(firstSeed)
  const world = await twoServers()
  const [romeo] = (await personsOf(world.here, ['romeo'], montague)) as [Person]
  let number = 0
  for (let round = 0; round < 5; round++) {
    for (let k = 0; k < 10; k++) say(romeo, { jid: `juliet@${capulet}` } as Person, ++number)
    await turns(random(4))
    await world.restart(capulet)
    await turns()
    world.clock.advance(random(3000))
  }
  for (let second = 0; second < 600; second++) {
    await turns()
    world.clock.advance(1000)
  }
  const history = await world.there.domain.store.history(world.there.domain.address('juliet'), {
    limit: 1000,
  })
  const ids = history.map(({ head }) => Number(head.id))
  assert.deepEqual(
    [...new Set(ids)].sort((a, b) => a - b),
    Array.from({ length: number }, (_, k) => k + 1),
  )
})
