// Watchers of other domains see what ours would: by words with an agent of the link, by leases with a subscription.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namedWay } from '../peers/peers.ts'
import { noAuthorization } from '../people/contact.ts'
import { Watcher } from '../testing/devices.ts'
import { at, message } from '../testing/envelopes.ts'
import { type ForeignStage, foreignStage, tybalt } from '../testing/foreign-stage.ts'
import { juliet } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled } from '../testing/world.ts'
import { wayAgainSeconds } from './foreign-presence.ts'

const nobody = 'nobody@verona.example'

/** What the watcher of the other domain was told since, its words and its presence in their order. */
async function authorized(stage: ForeignStage): Promise<() => string[]> {
  const { say, link, afar } = stage
  await say('ask', tybalt, juliet)
  await say('approve', juliet, tybalt)
  const watcher = afar.get(tybalt) as Watcher
  // One log for both, so that order shows.
  Object.defineProperty(link, 'log', { value: watcher.log })
  watcher.take()
  return () => watcher.take()
}

test('a request from another domain is shown once, kept, and answered by words (RFC 6121 §3.1.3, §3.1.5)', async () => {
  const stage = await foreignStage(true)
  const { say, state, list, link, publish, afar, service } = stage
  const view = await list(juliet)
  await publish(juliet, 'balcony', 'here')
  for (const text of ['hark', 'hark!']) {
    const source = message({ from: tybalt, to: juliet, kind: 'presence', text })
    await outcomeOf((told) => {
      service.contacts.ask(at(tybalt), at(juliet), source, told)
      source.poison()
    })
  }
  assert.deepEqual(view.take(), [`subscribe ${tybalt} "hark"`])
  assert.equal(await state(juliet), 'pendingIn unlisted')
  assert.equal(afar.size, 0, 'nothing is shown before the word')
  await say('approve', juliet, tybalt)
  assert.deepEqual(link.take(), [`subscribed ${juliet} ${tybalt}`])
  // §3.1.5: the word, then the presence.
  assert.deepEqual(afar.get(tybalt)?.take(), [`${juliet} full: added balcony=here`])
  assert.equal(await state(juliet), 'from')
  await say('ask', tybalt, juliet)
  assert.deepEqual(link.take(), [`subscribed ${juliet} ${tybalt}`], '§3.1.3: who may see is answered at once')
  assert.deepEqual(view.take(), [`push ${tybalt} from`])
})

test('every change goes to the watcher afar (RFC 6121 §4.4.2)', async () => {
  const stage = await foreignStage(true)
  const take = await authorized(stage)
  await stage.publish(juliet, 'balcony', 'here')
  await stage.publish(juliet, 'balcony', 'away')
  await stage.publish(juliet, 'balcony', undefined)
  assert.deepEqual(take(), [
    `${juliet}: added balcony=here`,
    `${juliet}: changed balcony=away`,
    `${juliet}: removed balcony`,
  ])
})

test('absence is told before the word that withdraws (RFC 6121 §3.2.2)', async () => {
  const stage = await foreignStage(true)
  const take = await authorized(stage)
  await stage.publish(juliet, 'balcony', 'here')
  take()
  await stage.say('refuse', juliet, tybalt)
  assert.deepEqual(take(), [`${juliet} full: removed balcony`, `unsubscribed ${juliet} ${tybalt}`])
  await stage.publish(juliet, 'balcony', 'away')
  assert.deepEqual(take(), [])
})

interface RuleRow {
  readonly action: 'block' | 'polite-block' | 'allow'
  readonly visibility?: 'basic'
  readonly told: string[]
  readonly after: string[]
}

const ruleRows: RuleRow[] = [
  { action: 'block', told: [`${juliet} full: removed balcony`], after: [] },
  { action: 'polite-block', told: [`${juliet} full: removed balcony`], after: [] },
  {
    action: 'allow',
    visibility: 'basic',
    told: [`${juliet} full basic: added balcony=here`],
    after: [`${juliet} basic: changed balcony=away`],
  },
]

for (const { action, visibility, told, after } of ruleRows) {
  test(`a rule to ${action}${visibility ?? ''} shows the watcher afar what it shows ours (RFC 2779 2.3.1, 2.3.3)`, async () => {
    const stage = await foreignStage(true)
    const take = await authorized(stage)
    await stage.publish(juliet, 'balcony', 'here')
    take()
    await stage.rule(juliet, 'capulet.example', action, visibility)
    await settled()
    assert.deepEqual(take(), told)
    await stage.publish(juliet, 'balcony', 'away')
    assert.deepEqual(take(), after)
  })
}

test('who asks while politely blocked is told yes and shown an absence (RFC 2779 5.1.15)', async () => {
  const { rule, say, publish, link, afar, state } = await foreignStage(true)
  await rule(juliet, tybalt, 'polite-block')
  await publish(juliet, 'balcony', 'here')
  await say('ask', tybalt, juliet)
  assert.deepEqual(link.take(), [`subscribed ${juliet} ${tybalt}`])
  assert.deepEqual(afar.get(tybalt)?.take(), [`${juliet} full: `])
  assert.equal(await state(juliet), 'unknown')
  await publish(juliet, 'balcony', 'away')
  assert.deepEqual(afar.get(tybalt)?.take(), [])
})

interface ProbeRow {
  readonly when: string
  readonly prepare: (stage: ForeignStage) => Promise<unknown>
  readonly to?: string
  readonly words: string[]
  readonly shown: string[]
}

const probeRows: ProbeRow[] = [
  {
    when: 'is authorized',
    prepare: async ({ say }) => {
      await say('ask', tybalt, juliet)
      await say('approve', juliet, tybalt)
    },
    words: [],
    shown: [`${juliet} full: added balcony=here`],
  },
  {
    when: 'was never authorized',
    prepare: async () => {},
    words: [`unsubscribed ${juliet} ${tybalt}`],
    shown: [],
  },
  {
    when: 'asked and waits',
    prepare: ({ say }) => say('ask', tybalt, juliet),
    words: [`unsubscribed ${juliet} ${tybalt}`],
    shown: [],
  },
  {
    when: 'is approved in advance',
    prepare: ({ say }) => say('approve', juliet, tybalt),
    words: [`subscribed ${juliet} ${tybalt}`],
    shown: [`${juliet} full: added balcony=here`],
  },
  {
    when: 'is blocked',
    prepare: ({ rule }) => rule(juliet, tybalt, 'block'),
    words: [],
    shown: [`${juliet} full: `],
  },
  {
    when: 'is politely blocked',
    prepare: ({ rule }) => rule(juliet, tybalt, 'polite-block'),
    words: [],
    shown: [`${juliet} full: `],
  },
  {
    when: 'asks for nobody',
    prepare: async () => {},
    to: nobody,
    words: [`unsubscribed ${nobody} ${tybalt}`],
    shown: [],
  },
]

for (const { when, prepare, to = juliet, words, shown } of probeRows) {
  test(`a probe by one that ${when} (RFC 6121 §4.3.2)`, async () => {
    const stage = await foreignStage(true)
    await stage.publish(juliet, 'balcony', 'here')
    await prepare(stage)
    const watcher = new Watcher(tybalt)
    stage.afar.set(tybalt, watcher)
    stage.link.take()
    watcher.take()
    stage.service.presence.probe(at(to), watcher)
    await settled()
    assert.deepEqual(stage.link.take(), words)
    assert.deepEqual(watcher.take(), shown)
  })
}

test('a request to nobody is refused in its name, and the asker learns no more (RFC 6121 §3.1.3)', async () => {
  const { say, link } = await foreignStage(true)
  await say('ask', tybalt, nobody)
  assert.deepEqual(link.take(), [`unsubscribed ${nobody} ${tybalt}`])
})

test('a watcher by lease asks, waits, sees and is put out (RFC 3856 §6.6, RFC 8048 §5.3)', async () => {
  const { subscribe, say, publish, link, list, state } = await foreignStage(false)
  const view = await list(juliet)
  const watcher = new Watcher(tybalt)
  await publish(juliet, 'balcony', 'here')
  assert.equal(await subscribe(watcher, juliet, 's1'), 'pending')
  assert.deepEqual(view.take(), [`subscribe ${tybalt}`])
  await say('approve', juliet, tybalt)
  assert.deepEqual(watcher.take(), ['activated s1', `${juliet} full: added balcony=here`])
  await say('refuse', juliet, tybalt)
  assert.deepEqual(watcher.take(), ['terminated s1 rejected'])
  assert.equal(await state(juliet), 'none')
  assert.deepEqual(link.take(), [], 'no words where there are none')
})

test('a politely blocked watcher by lease is told success and an absence', async () => {
  const { subscribe, rule, publish, fetch } = await foreignStage(false)
  const watcher = new Watcher(tybalt)
  await publish(juliet, 'balcony', 'here')
  await rule(juliet, tybalt, 'polite-block')
  assert.equal(await subscribe(watcher, juliet, 's1'), 'active')
  assert.deepEqual(watcher.take(), [`${juliet} full: `])
  const document = await fetch(tybalt, juliet)
  assert.deepEqual(typeof document === 'string' ? document : document.tuples, [])
  await rule(juliet, tybalt, 'block')
  assert.deepEqual(watcher.take(), ['terminated s1 rejected'])
  assert.equal(await subscribe(watcher, juliet, 's1'), 'permission-denied')
})

test('who has to be looked for first is told the whole as it is by then, and nothing once it may see no more', async () => {
  const stage = await foreignStage(true)
  const { say, publish, clock, protocol, afar } = stage
  const take = await authorized(stage)
  let answer = (): void => {}
  protocol.delay = () => new Promise((resolve) => (answer = resolve))
  clock.advance(3_600_000)
  await publish(juliet, 'balcony', 'here')
  await publish(juliet, 'balcony', 'away')
  assert.deepEqual(take(), [])
  answer()
  await settled()
  assert.equal(afar.get(tybalt)?.believes.get(juliet)?.get('balcony'), 'away')
  take()
  clock.advance(3_600_000)
  await publish(juliet, 'garden', 'here')
  await say('refuse', juliet, tybalt)
  answer()
  await settled()
  assert.deepEqual(
    take().filter((line) => line.includes('garden=')),
    [],
  )
  assert.equal(afar.get(tybalt)?.believes.get(juliet)?.size, 0)
})

test('where DNS was silent, who may see is told the whole when the domain is found', async () => {
  const world = await foreignStage(true)
  const { publish, clock, protocol, afar } = world
  protocol.reached.set('capulet.example', 'unanswered')
  const authorization = { ...noAuthorization, from: true }
  const allowed = { address: at(tybalt), authorization, listed: true, name: '', groups: [] }
  ;(await resident(world, juliet)).contacts.set(tybalt, allowed)
  await publish(juliet, 'balcony', 'here')
  await publish(juliet, 'balcony', 'away')
  assert.equal(afar.size, 0)
  protocol.reached.set('capulet.example', namedWay)
  clock.advance(wayAgainSeconds * 1000)
  await settled()
  assert.deepEqual(afar.get(tybalt)?.take(), [`${juliet} full: added balcony=away`])
})
