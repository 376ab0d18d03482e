// Streams for sessions with another domain (UMPP §4.1): to a place that no record names, proven by the domain's certificate; and what comes for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '#model'
import { parseJid } from '../codec/jid.ts'
import { capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'
import type { SessionEnds } from './sessions.ts'

async function settle({ clock, here }: TwoServers): Promise<void> {
  for (let second = 0; second < 3; second++) {
    await here.domain.settle()
    clock.advance(1000)
  }
  await here.domain.settle()
}

const jid = (written: string) => {
  const read = parseJid(written)
  assert.ok(read !== undefined)
  return read
}

const ends: SessionEnds = {
  from: jid(`romeo@${montague}/session-1`),
  to: jid(`juliet@${capulet}/session-2`),
  thread: '283461923759234',
}

/** Carries what a client here writes by a session, and gives its outcome. */
async function carried(world: TwoServers, written: string, host: string): Promise<Outcome | undefined> {
  const { here } = world
  let outcome: Outcome | undefined
  const romeo = await here.domain.available('romeo', 'orchard')
  const { service } = here.domain
  service.peers.add({
    protocol: 'umpp',
    reaches: async () => ({ messages: true, presence: false, named: true }),
    linkTo: (domain) => ({
      protocol: 'umpp',
      domain,
      words: false,
      send: (envelope, onOutcome) =>
        here.servers.sessions.send(envelope, ends, [{ host, port: 5269, direct: false }], true, (settled) => {
          outcome = settled
          onOutcome(settled)
        }),
      say: () => undefined,
      watch: () => undefined,
      unwatch: () => undefined,
      fetch: () => undefined,
      watcher: () => undefined,
    }),
    status: () => [],
    examine: async () => ({ reached: 'unanswered', source: '', tries: [] }),
  })
  here.rules.policy = { ...here.rules.policy, protocol: 'umpp' }
  romeo.send(written)
  await settle(world)
  return outcome
}

test('a message of a session has its two full JIDs, type chat and its thread, and keeps the rest (UMPP §4.1)', async () => {
  const world = await twoServers()
  const juliet = await world.there.domain.available('juliet', 'balcony')
  const heard: (string | undefined)[][] = []
  world.there.servers.sessions.onMessage((from, to, type) => {
    heard.push([from.resource, to.resource, type])
    return { device: '', places: [] }
  })
  const host = (await world.here.domain.service.peers.examine(montague, capulet)).protocols[0]?.tries[0]
    ?.where
  assert.ok(host !== undefined)
  const written = `<message to='juliet@${capulet}' id='m1'><thread>own</thread><body>O Romeo</body><x xmlns='urn:x' a='1'/></message>`
  const outcome = await carried(world, written, host.split(':')[0] as string)
  assert.deepEqual(outcome, { kind: 'relayed' })
  const received = juliet.octets
  await settle(world)
  const all = received + juliet.octets
  assert.match(all, /<message[^>]* type='chat'/)
  assert.match(all, /from='romeo@montague\.example\/session-1'/)
  assert.match(all, /<body>O Romeo<\/body><x xmlns='urn:x' a='1'\/><thread>283461923759234<\/thread>/)
  assert.doesNotMatch(all, /own/)
  assert.deepEqual(heard, [['session-1', 'session-2', 'chat']])
})

test('a place where nobody of that domain answers takes nothing: the message is given back', async () => {
  const world = await twoServers()
  const outcome = await carried(
    world,
    `<message to='juliet@${capulet}'><body>x</body></message>`,
    '192.0.2.99',
  )
  assert.deepEqual(outcome, { kind: 'refused', condition: 'connection-failed' })
})
