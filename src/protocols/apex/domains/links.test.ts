// Sessions with other relays over their lives: one for two domains, several channels, the order of two people, idleness, silence, failure, limits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerStatus } from '#core'
import type { Outcome } from '#model'
import { openMetricsText } from '#observe'
import { type Domains, domainsOf, everything, type World } from '../testing/domains.ts'
import { talk } from '../testing/hand.ts'
import { device, send } from '../testing/people.ts'

const fred = 'fred@example.com'
const wilma = 'wilma@example.net'
const names = ['example.com', 'example.net']

const statusOf = (world: World): PeerStatus | undefined => world.mesh.status()[0]

/** Of the metric, over all. */
function count({ service }: World, metric: string): number {
  const line = openMetricsText(service.metrics)
    .split('\n')
    .find((each) => each.startsWith(`${metric} `))
  return Number(line?.split(' ')[1] ?? Number.NaN)
}

async function seenBy(all: Domains, owner: string): Promise<string[]> {
  const seen: string[] = []
  await device(all, owner, (envelope, _context, answer) => {
    seen.push(envelope.head.id.split('@')[0] as string)
    answer({ kind: 'accepted' })
  })
  return seen
}

test('everything between two domains goes by one session, as long as it is used', async () => {
  const all = await domainsOf(names)
  const seen = await seenBy(all, wilma)
  for (let at = 0; at < 20; at++) {
    assert.equal((await send(all, fred, wilma, `m${at}`)).kind, 'delivered')
    all.clock.advance(200_000)
    await everything()
  }
  assert.equal(seen.length, 20)
  // One each way: reports go by the other.
  assert.equal(all.wires.opened, 2)
  const here = statusOf(all.of('example.com'))
  assert.equal(here?.state, 'connected')
  assert.match(
    here?.connections[0] ?? '',
    /^to .* for example.com, TLSv1.3, \d+ s, 4 channels, 0 under way, 0 waiting, 0 octets$/,
  )
  assert.match(here?.connections[1] ?? '', /^from 192.0.2.2:50000, TLSv1.3, \d+ s$/)
  assert.equal(here?.identity, 'certificate of example.net, until 2027-01-02')
  assert.equal(count(all.of('example.com'), 'verona_apex_mesh_sessions'), 2)
})

test('a session that nobody uses is ended, and another is there when it is needed (domain_idle_seconds)', async () => {
  const all = await domainsOf(names)
  await seenBy(all, wilma)
  await send(all, fred, wilma, 'm1')
  await everything()
  all.clock.advance(301_000)
  await everything()
  for (const name of names) {
    assert.equal(statusOf(all.of(name))?.state, 'idle')
    assert.equal(statusOf(all.of(name))?.lastError, '')
    assert.equal(count(all.of(name), 'verona_apex_mesh_sessions'), 0)
  }
  assert.equal((await send(all, fred, wilma, 'm2')).kind, 'delivered')
})

test('an application that does not answer holds up nobody else, and its own data stays in order', async () => {
  const all = await domainsOf(names)
  const silent = await all.application(wilma)
  silent.answers = undefined
  const seen = await seenBy(all, 'barney@example.net')
  const author = await all.application(fred)
  author.timePasses = () => all.clock.advance(1000)
  for (const text of ['one', 'two']) await author.sayPayload(talk(fred, wilma, text))
  await everything()
  for (let at = 0; at < 10; at++)
    assert.equal((await send(all, 'wilma@example.com', 'barney@example.net', `m${at}`)).kind, 'delivered')
  assert.equal(seen.length, 10)
  const texts = (await silent.hear()).map((each) => /\r\n\r\n([a-z]+)\r\n--/.exec(each)?.[1])
  assert.deepEqual(texts, ['one', 'two'])
})

test('a relay that answers nothing loses its session after domain_response_seconds, and what it may have taken is offered with its mark', async () => {
  const all = await domainsOf(names)
  const seen = await seenBy(all, wilma)
  await send(all, fred, wilma, 'm1')
  all.wires.isMute = true
  let outcome: Outcome | undefined
  void send(all, fred, wilma, 'm2').then((told) => {
    outcome = told
  })
  await everything()
  all.clock.advance(59_000)
  await everything()
  assert.equal(outcome, undefined)
  all.clock.advance(2_000)
  await everything()
  assert.deepEqual(outcome, { kind: 'stored' })
  assert.match(statusOf(all.of('example.com'))?.lastError ?? '', /does not answer/)
  all.wires.isMute = false
  for (let seconds = 0; seconds < 300; seconds++) {
    all.clock.advance(1000)
    await everything()
  }
  assert.deepEqual(seen, ['m1', 'm2'])
})

test('while nobody can be reached tries are far between, and the operator reads why', async () => {
  const all = await domainsOf(names)
  all.up.delete('example.net')
  let tries = 0
  all.onDial = () => void tries++
  for (let second = 0; second < 120; second++) {
    void send(all, fred, wilma, `m${second}`)
    await everything()
    all.clock.advance(1000)
  }
  await everything()
  assert.ok(tries > 0 && tries < 12, `${tries} tries in two minutes`)
  const status = statusOf(all.of('example.com'))
  assert.match(status?.lastError ?? '', /^2026-05-01T.*192.0.2.2:912: nobody answers$/)
  assert.equal((await all.of('example.com').service.relay.status())[0]?.length, 120)
})

test('LIMIT: data under way to one domain; what is more waits on the disk and arrives', async () => {
  const all = await domainsOf(names, { domainQueuedMax: 2 })
  const seen = await seenBy(all, wilma)
  const outcomes: Outcome[] = []
  for (let at = 0; at < 6; at++)
    void send(all, `${['fred', 'wilma', 'barney'][at % 3]}@example.com`, wilma, `m${at}`).then((told) =>
      outcomes.push(told),
    )
  for (let seconds = 0; seconds < 300; seconds++) {
    await everything()
    all.clock.advance(1000)
  }
  assert.deepEqual(seen.sort(), ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'])
  assert.ok(outcomes.some(({ kind }) => kind === 'stored'))
})

test('a message that no channel can take is refused to its sender, and others go', async () => {
  const all = await domainsOf(names)
  const seen = await seenBy(all, wilma)
  const large = await send(all, fred, wilma, 'x'.repeat(200_000))
  assert.deepEqual(large, { kind: 'refused', condition: 'message-too-large' })
  assert.equal((await send(all, fred, wilma, 'm1')).kind, 'delivered')
  assert.deepEqual(seen, ['m1'])
})

test('the relay there begins again: what waits goes at once when it is heard of', async () => {
  const all = await domainsOf(names)
  await seenBy(all, wilma)
  await send(all, fred, wilma, 'm0')
  all.kill('example.net')
  assert.equal((await send(all, fred, wilma, 'm1')).kind, 'stored')
  await all.begin('example.net')
  const seen = await seenBy(all, wilma)
  // It says something itself: that is how it is heard of.
  await send(all, wilma, fred, 'm2')
  await everything()
  assert.deepEqual(seen, ['m1'])
})

test('a domain without relays is none of the mesh', async () => {
  const all = await domainsOf(names)
  assert.deepEqual(await all.of('example.com').mesh.reaches('example.org'), {
    messages: false,
    presence: false,
    named: false,
  })
  assert.deepEqual(await all.of('example.com').mesh.reaches('example.net'), {
    messages: true,
    presence: true,
    named: true,
  })
})
