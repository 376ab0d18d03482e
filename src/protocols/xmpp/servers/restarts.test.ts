// A server that is killed while the other sends by a stream that it had opened, and what is acknowledged when a stream is resumed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import { HandServer } from '../testing/hand-server.ts'
import type { TestClient } from '../testing/test-client.ts'
import { capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    flushConnections()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function pass({ clock }: TwoServers, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 4; step++) {
    await turns(3)
    clock.advance(250)
  }
  await turns()
}

function say(client: TestClient, to: string, id: string): void {
  client.send(`<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`)
}

/** The identifiers of what came to somebody. */
async function arrived({ towns }: TwoServers, user: string, domain: string): Promise<string[]> {
  const town = towns.get(domain)?.domain ?? assert.fail()
  const history = await town.store.history(town.address(user), { limit: 100 })
  return history.filter(({ head }) => head.to.key === town.address(user).key).map(({ head }) => head.id)
}

/** Romeo's server sends by a stream that Juliet's has opened, and which is cut by the death of Juliet's. */
async function killed(): Promise<{ world: TwoServers; romeo: TestClient }> {
  const world = await twoServers({ idleSeconds: 1_000_000 })
  const romeo = await world.here.domain.available('romeo', 'orchard')
  const juliet = await world.there.domain.available('juliet', 'balcony')
  say(juliet, `romeo@${montague}`, 'first')
  await pass(world, 3)
  say(romeo, `juliet@${capulet}`, 'second')
  await pass(world, 1)
  assert.equal(world.wires.opened, 1)
  await world.restart(capulet)
  say(romeo, `juliet@${capulet}`, 'third')
  await pass(world, 1)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['second'])
  return { world, romeo }
}

test('a server that has forgotten its stream comes with another: what waited for the old one goes at once', async () => {
  const { world, romeo } = await killed()
  const nurse = await world.there.domain.available('nurse', 'kitchen')
  say(nurse, `romeo@${montague}`, 'fourth')
  await pass(world, 3)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['second', 'third'])
  say(romeo, `juliet@${capulet}`, 'fifth')
  await pass(world, 1)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['second', 'third', 'fifth'])
  assert.deepEqual(await arrived(world, 'romeo', montague), ['first', 'fourth'])
})

test('a server that has nothing to come for is gone to: what waited for its stream does not wait as long as that', async () => {
  const { world } = await killed()
  await pass(world, 20)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['second', 'third'])
})

test('what comes ten seconds after such a cut goes by a stream of ours', async () => {
  const world = await twoServers({ idleSeconds: 1_000_000 })
  const romeo = await world.here.domain.available('romeo', 'orchard')
  const juliet = await world.there.domain.available('juliet', 'balcony')
  say(juliet, `romeo@${montague}`, 'first')
  await pass(world, 3)
  await world.restart(capulet)
  await pass(world, 11)
  say(romeo, `juliet@${capulet}`, 'second')
  await pass(world, 2)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['second'])
})

const enable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"

/** A server by hand whose message has come and is not durable; its connection is cut. */
async function undurable() {
  const mantua = 'mantua.example'
  const options = { from: mantua, to: capulet, certificate: { names: [mantua], trusted: true } }
  const world = await twoServers()
  const { store } = world.there.domain
  const append = store.append.bind(store)
  const waiting: (() => void)[] = []
  store.append = (row, done) => void waiting.push(() => append(row, done))
  const hand = await HandServer.proven(world, world.there, options)
  hand.send(enable)
  const id = /id=['"]([^'"]+)/.exec(await hand.next())?.[1] ?? assert.fail()
  const message = (name: string): string =>
    `<message from='a@${mantua}' to='juliet@${capulet}' type='chat' id='${name}'><body>${name}</body></message>`
  hand.send(message('one'))
  hand.send(message('two'))
  await pass(world, 1)
  assert.ok(waiting.length > 0)
  world.wires.cutAll()
  await turns()
  const again = await HandServer.proven(world, world.there, options)
  again.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`)
  const store_ = (): void => {
    store.append = append
    for (const go of waiting.splice(0)) go()
  }
  return { world, hand: again, message, store: store_, options, id }
}

test('who resumes is not told of what is not durable (XEP-0198 §5), and what it sends again for that comes once', async () => {
  const { world, hand, message, store } = await undurable()
  assert.match(await hand.next(), /<resumed [^>]*h=['"]0['"]/)
  hand.send(message('one'))
  store()
  hand.send(message('two'))
  hand.send(message('three'))
  hand.send("<r xmlns='urn:xmpp:sm:3'/>")
  await pass(world, 2)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['one', 'two', 'three'])
  assert.match(hand.takeAll().at(-1) ?? '', /<a [^>]*h=['"]3['"]/)
})

test('the same where it is cut once more before all of that has come', async () => {
  const { world, hand, message, store, options, id } = await undurable()
  hand.send(message('one'))
  await turns()
  world.wires.cutAll()
  await turns()
  const again = await HandServer.proven(world, world.there, options)
  again.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`)
  assert.match(await again.next(), /<resumed [^>]*h=['"]0['"]/)
  store()
  for (const name of ['one', 'two', 'three']) again.send(message(name))
  await pass(world, 2)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['one', 'two', 'three'])
})

test('a stream that is closed in order says before how much was taken (XEP-0198 §4), asked or not', async () => {
  const mantua = 'mantua.example'
  const options = { from: mantua, to: capulet, certificate: { names: [mantua], trusted: true } }
  const world = await twoServers()
  const hand = await HandServer.proven(world, world.there, options)
  hand.send(enable)
  await hand.next()
  hand.send(
    `<message from='a@${mantua}' to='juliet@${capulet}' type='chat' id='one'><body>one</body></message>`,
  )
  await pass(world, 2)
  assert.deepEqual(await arrived(world, 'juliet', capulet), ['one'])
  world.there.servers.stop()
  await turns()
  assert.match(hand.takeAll().join(), /<a [^>]*h=['"]1['"][^>]*>.*system-shutdown/)
})
