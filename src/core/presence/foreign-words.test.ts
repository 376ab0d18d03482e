// The words of RFC 6121 §3 from and to another domain, a row a rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListView, Watcher } from '../testing/devices.ts'
import { type ForeignStage, foreignStage, tybalt } from '../testing/foreign-stage.ts'
import { juliet } from '../testing/presence-stage.ts'
import { resident } from '../testing/world.ts'

interface WordRow {
  readonly name: string
  readonly before: (stage: ForeignStage) => Promise<unknown>
  readonly event: 'ask' | 'giveUp' | 'approve' | 'refuse'
  readonly after: string
  readonly heard: string[]
  readonly said?: string[]
}

const asked = ({ say }: ForeignStage): Promise<unknown> => say('ask', juliet, tybalt)
const allowed = async (stage: ForeignStage): Promise<void> => {
  await asked(stage)
  await stage.say('approve', tybalt, juliet)
}
const nothing = (): Promise<void> => Promise.resolve()

const wordRows: WordRow[] = [
  {
    name: '§3.1.6: subscribed that nobody asked for',
    before: nothing,
    event: 'approve',
    after: 'unknown',
    heard: [],
  },
  {
    name: '§3.1.6: subscribed that was asked for',
    before: asked,
    event: 'approve',
    after: 'to',
    heard: [`subscribed ${tybalt}`, `push ${tybalt} to`],
    said: [],
  },
  { name: '§3.1.6: subscribed again', before: allowed, event: 'approve', after: 'to', heard: [] },
  {
    name: '§3.2.3: unsubscribed while pending',
    before: asked,
    event: 'refuse',
    after: 'none',
    heard: [`unsubscribed ${tybalt}`, `push ${tybalt} none`],
  },
  {
    name: '§3.2.3: unsubscribed that withdraws',
    before: allowed,
    event: 'refuse',
    after: 'none',
    heard: [`unsubscribed ${tybalt}`, `push ${tybalt} none`],
  },
  {
    name: '§3.2.3: unsubscribed by a stranger',
    before: nothing,
    event: 'refuse',
    after: 'unknown',
    heard: [],
  },
  {
    name: '§3.3.3: unsubscribe of one who waits',
    before: ({ say }) => say('ask', tybalt, juliet),
    event: 'giveUp',
    after: 'unknown',
    heard: [`unsubscribe ${tybalt}`],
    said: [`unsubscribed ${juliet} ${tybalt}`],
  },
  {
    name: '§3.3.3: unsubscribe by a stranger',
    before: nothing,
    event: 'giveUp',
    after: 'unknown',
    heard: [],
  },
  {
    name: '§3.4: a request that was approved in advance',
    before: ({ say }) => say('approve', juliet, tybalt),
    event: 'ask',
    after: 'from+preApproved',
    heard: [`push ${tybalt} from+preApproved`],
    said: [`subscribed ${juliet} ${tybalt}`],
  },
]

for (const { name, before, event, after, heard, said = [] } of wordRows) {
  test(`from another domain, RFC 6121 ${name}`, async () => {
    const stage = await foreignStage(true)
    await before(stage)
    const view = new ListView()
    stage.service.contacts.attach(await resident(stage, juliet), view)
    stage.link.take()
    await stage.say(event, tybalt, juliet)
    assert.equal(await stage.state(juliet), after)
    assert.deepEqual(view.take(), heard)
    assert.deepEqual(stage.link.take(), said)
  })
}

interface SaidRow {
  readonly name: string
  readonly before: (stage: ForeignStage) => Promise<unknown>
  readonly event: 'ask' | 'giveUp' | 'approve' | 'refuse'
  readonly after: string
  readonly words: string[]
  readonly leases: string[]
}

const requested = ({ say }: ForeignStage): Promise<unknown> => say('ask', tybalt, juliet)
const granted = async (stage: ForeignStage): Promise<void> => {
  await requested(stage)
  await stage.say('approve', juliet, tybalt)
}

const saidRows: SaidRow[] = [
  {
    name: 'Table 2: subscribe',
    before: nothing,
    event: 'ask',
    after: 'pendingOut',
    words: [`subscribe ${juliet} ${tybalt}`],
    leases: [`watch ${juliet} ${tybalt}`],
  },
  {
    name: 'Table 2: subscribe again while it waits',
    before: asked,
    event: 'ask',
    after: 'pendingOut',
    words: [`subscribe ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 2: subscribe of one who may see',
    before: allowed,
    event: 'ask',
    after: 'to',
    words: [`subscribe ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 3: unsubscribe while it waits',
    before: asked,
    event: 'giveUp',
    after: 'none',
    words: [`unsubscribe ${juliet} ${tybalt}`],
    leases: [`unwatch ${juliet} ${tybalt}`],
  },
  {
    name: 'Table 3: unsubscribe without a state',
    before: nothing,
    event: 'giveUp',
    after: 'unknown',
    words: [`unsubscribe ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 4: subscribed to one who asked',
    before: requested,
    event: 'approve',
    after: 'from',
    words: [`subscribed ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 4 and §3.4.2: subscribed in advance MUST NOT be routed',
    before: nothing,
    event: 'approve',
    after: 'preApproved',
    words: [],
    leases: [],
  },
  {
    name: 'Table 5: unsubscribed to one who asked',
    before: requested,
    event: 'refuse',
    after: 'unknown',
    words: [`unsubscribed ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 5: unsubscribed to one who may see',
    before: granted,
    event: 'refuse',
    after: 'none',
    words: [`unsubscribed ${juliet} ${tybalt}`],
    leases: [],
  },
  {
    name: 'Table 5: unsubscribed to a stranger',
    before: nothing,
    event: 'refuse',
    after: 'unknown',
    words: [],
    leases: [],
  },
]

for (const { name, before, event, after, words, leases } of saidRows) {
  for (const kind of ['words', 'leases'] as const) {
    test(`to another domain by ${kind}, RFC 6121 Appendix A.2 ${name}`, async () => {
      const stage = await foreignStage(kind === 'words')
      // A session looks, so that a watch is not given up when its request has arrived.
      await stage.session(juliet)
      await before(stage)
      stage.link.take()
      assert.equal(await stage.say(event, juliet, tybalt), 'stored')
      assert.equal(await stage.state(juliet), after)
      assert.deepEqual(stage.link.take(), kind === 'words' ? words : leases)
    })
  }
}

test('a request from another domain to an alias is told the primary address, which all that follows comes from', async () => {
  const number = '1001@verona.example'
  const { say, state, link, rule, subscribe } = await foreignStage(true, { aliases: { [juliet]: [number] } })
  assert.equal(await say('ask', tybalt, number), 'permanently-forwarded')
  assert.equal(await state(juliet), 'unknown')
  assert.deepEqual(link.take(), [])
  assert.equal(
    await subscribe(new Watcher(tybalt), number, 's1'),
    'pending',
    'a subscription is known by its id',
  )
  await rule(juliet, tybalt, 'block')
  link.take()
  assert.equal(await say('ask', tybalt, number), 'permission-denied', 'who is blocked learns no name')
  assert.deepEqual(link.take(), [])
})
