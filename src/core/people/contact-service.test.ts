import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListView, stateOf, Watcher } from '../testing/devices.ts'
import { at, message } from '../testing/envelopes.ts'
import { createWorld, outcomeOf, resident, settled, type World, type WorldOptions } from '../testing/world.ts'
import { contactsMax, requestOctetsMax, requestsMax } from './contact.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const nurse = 'nurse@verona.example'

interface Stage extends World {
  readonly lists: Record<string, ListView>
  say(event: 'ask' | 'giveUp' | 'approve' | 'refuse', owner: string, contact: string): Promise<string>
  put(owner: string, contact: string, name?: string): Promise<string>
  remove(owner: string, contact: string): Promise<string>
  rule(
    owner: string,
    subject: string,
    action: 'allow' | 'block' | 'polite-block' | 'confirm',
  ): Promise<string>
  /** What `owner` holds of `contact`, in memory; asserts that the store holds the same. */
  state(owner: string, contact: string): Promise<string>
}

async function stage(options: Partial<WorldOptions> = {}): Promise<Stage> {
  const world = await createWorld({ accounts: [romeo, juliet, nurse], ...options })
  const { contacts } = world.service
  const lists: Record<string, ListView> = {}
  for (const name of [romeo, juliet]) {
    const view = new ListView()
    lists[name] = view
    contacts.attach(await resident(world, name), view)
  }
  return {
    ...world,
    lists,
    say: (event, owner, contact) =>
      outcomeOf((told) => contacts[event](at(owner), at(contact), undefined, told)).then(async (word) => {
        await settled()
        return word
      }),
    put: (owner, contact, name = '') =>
      outcomeOf((told) => contacts.put(at(owner), at(contact), name, [], told)),
    remove: (owner, contact) =>
      outcomeOf((told) => contacts.remove(at(owner), at(contact), told)).then(async (word) => {
        await settled()
        return word
      }),
    rule: (owner, subject, action) =>
      outcomeOf((told) => contacts.setRule(at(owner), { subject, action, visibility: 'full' }, told)),
    state: async (owner, contact) => {
      await settled()
      const held = (await resident(world, owner)).contacts.get(contact)
      const stored = await world.store.accountState(at(owner))
      assert.deepEqual(
        stored?.contacts.find(({ address }) => address.key === contact),
        held,
        'the store holds what memory holds',
      )
      return held === undefined ? 'unknown' : stateOf(held)
    },
  }
}

test('asked, approved, given up: both sides hear and keep each step (RFC 6121 §3.1, §3.3)', async () => {
  const { say, state, lists } = await stage()
  assert.equal(await say('ask', romeo, juliet), 'stored')
  assert.equal(await state(romeo, juliet), 'pendingOut')
  assert.equal(await state(juliet, romeo), 'pendingIn unlisted')
  assert.deepEqual(lists[romeo]?.take(), [`push ${juliet} pendingOut`])
  // §3.1.3: MUST NOT be added to the roster until it is approved.
  assert.deepEqual(lists[juliet]?.take(), [`subscribe ${romeo}`])

  assert.equal(await say('approve', juliet, romeo), 'stored')
  assert.equal(await state(romeo, juliet), 'to')
  assert.equal(await state(juliet, romeo), 'from')
  // §3.1.6: the word MUST come before the roster push.
  assert.deepEqual(lists[romeo]?.take(), [`subscribed ${juliet}`, `push ${juliet} to`])
  assert.deepEqual(lists[juliet]?.take(), [`push ${romeo} from`])

  assert.equal(await say('giveUp', romeo, juliet), 'stored')
  assert.equal(await state(romeo, juliet), 'none')
  assert.equal(await state(juliet, romeo), 'none')
  // §3.3.3: here too.
  assert.deepEqual(lists[juliet]?.take(), [`unsubscribe ${romeo}`, `push ${romeo} none`])
  assert.deepEqual(lists[romeo]?.take(), [`push ${juliet} none`])
})

test('a request refused leaves nothing behind at who was asked (RFC 6121 §3.2)', async () => {
  const { say, state, lists } = await stage()
  await say('ask', romeo, juliet)
  lists[romeo]?.take()
  assert.equal(await say('refuse', juliet, romeo), 'stored')
  assert.equal(await state(juliet, romeo), 'unknown')
  assert.equal(await state(romeo, juliet), 'none')
  // §3.2.3: the word before the push.
  assert.deepEqual(lists[romeo]?.take(), [`unsubscribed ${juliet}`, `push ${juliet} none`])
})

test('an authorization withdrawn ends it on both sides, and again is nothing (RFC 6121 §3.2.2)', async () => {
  const { say, state, lists } = await stage()
  for (const [one, other] of [
    [romeo, juliet],
    [juliet, romeo],
  ] as const) {
    await say('ask', one, other)
    await say('approve', other, one)
  }
  assert.equal(await state(romeo, juliet), 'to+from')
  await say('refuse', juliet, romeo)
  assert.equal(await state(romeo, juliet), 'from')
  assert.equal(await state(juliet, romeo), 'to')
  lists[romeo]?.take()
  assert.equal(await say('refuse', juliet, romeo), 'stored')
  assert.deepEqual(lists[romeo]?.take(), [])
})

test('a request is delivered once however often it is sent (RFC 6121 §3.1.3)', async () => {
  const world = await stage()
  const { service, state, lists } = world
  for (const text of ['hark', 'hark!', 'hark?']) {
    const source = message({ from: romeo, to: juliet, kind: 'presence', text })
    const told = outcomeOf((told) => service.contacts.ask(at(romeo), at(juliet), source, told))
    source.poison()
    await told
    await settled()
  }
  assert.deepEqual(lists[juliet]?.take(), [`subscribe ${romeo} "hark"`])
  assert.equal(await state(juliet, romeo), 'pendingIn unlisted')
  const held = (await resident(world, juliet)).contacts.get(romeo)
  assert.equal(Buffer.from(held?.request?.raw ?? []).toString(), 'hark', 'its own octets, kept')
})

test('a request longer than the limit is shown without its extensions when it is shown again', async () => {
  const world = await stage()
  const source = message({
    from: romeo,
    to: juliet,
    kind: 'presence',
    text: 'x'.repeat(requestOctetsMax + 1),
  })
  await outcomeOf((told) => world.service.contacts.ask(at(romeo), at(juliet), source, told))
  await settled()
  const held = (await resident(world, juliet)).contacts.get(romeo)
  assert.equal(held?.authorization.pendingIn, true)
  assert.equal(held?.request, undefined)
})

test('a request to nobody is an error and leaves nothing pending (RFC 6121 §3.1.2)', async () => {
  const { say, state, lists } = await stage()
  assert.equal(await say('ask', romeo, 'nobody@verona.example'), 'target-unknown')
  assert.equal(await say('ask', romeo, 'tybalt@elsewhere.example'), 'domain-unknown')
  assert.equal(await state(romeo, 'nobody@verona.example'), 'unknown')
  assert.deepEqual(lists[romeo]?.take(), [])
  assert.equal(await say('ask', 'nobody@verona.example', juliet), 'target-unknown')
})

test('a request asked in advance is answered at once, and the record goes with unsubscribed (RFC 6121 §3.4)', async () => {
  const { say, state, lists } = await stage()
  assert.equal(await say('approve', juliet, romeo), 'stored')
  assert.deepEqual(lists[juliet]?.take(), [`push ${romeo} preApproved`])
  assert.equal(await state(romeo, juliet), 'unknown', '§3.4.2: MUST NOT be routed')
  await say('ask', romeo, juliet)
  assert.equal(await state(romeo, juliet), 'to')
  assert.equal(await state(juliet, romeo), 'from+preApproved')
  assert.deepEqual(lists[juliet]?.take(), [`push ${romeo} from+preApproved`])
  await say('refuse', juliet, romeo)
  assert.equal(await state(juliet, romeo), 'none')
  assert.equal(await state(romeo, juliet), 'none')
})

test('what has no state needs no entry: giving up and refusing a stranger', async () => {
  const { say, state, lists } = await stage()
  assert.equal(await say('giveUp', romeo, juliet), 'stored')
  assert.equal(await say('refuse', romeo, juliet), 'stored')
  assert.equal(await state(romeo, juliet), 'unknown')
  assert.deepEqual(lists[juliet]?.take(), [])
})

test('a contact off the list ends what was authorized both ways, and what was asked (RFC 6121 §2.5)', async () => {
  const { say, put, remove, state, lists } = await stage()
  await say('ask', romeo, juliet)
  await say('approve', juliet, romeo)
  await say('ask', juliet, romeo)
  await put(romeo, juliet, 'Juliet')
  assert.equal(await state(romeo, juliet), 'to+pendingIn')
  lists[juliet]?.take()
  assert.equal(await remove(romeo, juliet), 'stored')
  assert.equal(await state(romeo, juliet), 'unknown')
  assert.equal(await state(juliet, romeo), 'none')
  assert.deepEqual(lists[juliet]?.take(), [
    `unsubscribe ${romeo}`,
    `push ${romeo} pendingOut`,
    `unsubscribed ${romeo}`,
    `push ${romeo} none`,
  ])
  assert.equal(await remove(romeo, juliet), 'not-found')
})

test('a stranger who asked is not on the list and cannot be taken off it', async () => {
  const { say, remove, state } = await stage()
  await say('ask', romeo, juliet)
  assert.equal(await remove(juliet, romeo), 'not-found')
  assert.equal(await state(juliet, romeo), 'pendingIn unlisted')
})

test('a name and groups change no authorization, and put who asked on the list (RFC 6121 §2.3)', async () => {
  const { say, put, state, lists } = await stage()
  await say('ask', romeo, juliet)
  lists[juliet]?.take()
  assert.equal(await put(juliet, romeo, 'Montague'), 'stored')
  assert.equal(await state(juliet, romeo), 'pendingIn')
  assert.deepEqual(lists[juliet]?.take(), [`push ${romeo} pendingIn`])
  await say('refuse', juliet, romeo)
  assert.equal(await state(juliet, romeo), 'none', 'it stays on the list')
})

type RuleRow = [action: 'allow' | 'block' | 'polite-block', asker: string, owner: string, told: string[]]

const ruleRows: RuleRow[] = [
  ['allow', 'to', 'from', [`subscribed ${juliet}`, `push ${juliet} to`]],
  // XEP-0191 §3.3: nothing is answered to presence of a blocked one.
  ['block', 'pendingOut', 'unknown', []],
  ['polite-block', 'to', 'unknown', [`subscribed ${juliet}`, `push ${juliet} to`]],
]

for (const [action, asker, owner, told] of ruleRows) {
  test(`a rule to ${action} answers in the owner's place (RFC 2779 5.1.11 to 5.1.15)`, async () => {
    const { say, rule, state, lists } = await stage()
    await rule(juliet, romeo, action)
    await say('ask', romeo, juliet)
    assert.equal(await state(romeo, juliet), asker)
    assert.equal(await state(juliet, romeo), owner)
    assert.deepEqual(lists[romeo]?.take(), [`push ${juliet} pendingOut`, ...told])
    assert.equal(
      lists[juliet]?.take().some((line) => line.startsWith('subscribe')),
      false,
      'the owner is not asked',
    )
  })

  test(`a rule to ${action} answers what was asked before it`, async () => {
    const { say, rule, state, lists } = await stage()
    await say('ask', romeo, juliet)
    lists[romeo]?.take()
    await rule(juliet, 'verona.example', action)
    const isRefused = action === 'block'
    assert.equal(await state(romeo, juliet), isRefused ? 'none' : asker)
    assert.equal(await state(juliet, romeo), owner)
    const refusal = [`unsubscribed ${juliet}`, `push ${juliet} none`]
    assert.deepEqual(lists[romeo]?.take(), isRefused ? refusal : told)
  })
}

test('a rule to confirm asks, though its deployment lets the same domain in', async () => {
  const { say, rule, state } = await stage({
    policy: { confirmSameDomain: false },
  })
  await say('ask', nurse, juliet)
  assert.equal(await state(nurse, juliet), 'to')
  await rule(juliet, '*', 'confirm')
  await say('ask', romeo, juliet)
  assert.equal(await state(romeo, juliet), 'pendingOut')
})

test('the end of a polite rule leaves no authorization that the owner never gave', async () => {
  const { say, rule, state, service } = await stage()
  await rule(juliet, romeo, 'polite-block')
  await say('ask', romeo, juliet)
  await outcomeOf((told) => service.contacts.removeRule(at(juliet), romeo, told))
  assert.equal(await state(juliet, romeo), 'unknown')
  service.contacts.heal(at(romeo), at(juliet))
  assert.equal(await state(romeo, juliet), 'none', 'the next probe tells (RFC 6121 §4.3.2)')
})

test('who asks again while blocked is not answered, and keeps, unseen, what it had (XEP-0191 §3.3, §4)', async () => {
  const { say, rule, state } = await stage()
  await say('ask', romeo, juliet)
  await say('approve', juliet, romeo)
  await rule(juliet, romeo, 'block')
  assert.equal(await state(juliet, romeo), 'from', 'a rule alone changes no authorization')
  await say('ask', romeo, juliet)
  assert.equal(await state(romeo, juliet), 'to')
  assert.equal(await state(juliet, romeo), 'from')
})

test('an alias names the same contact as the primary address', async () => {
  const world = await stage({ aliases: { [juliet]: ['1001@verona.example'] } })
  const { say, put, remove, state, lists } = world
  await say('ask', romeo, '1001@verona.example')
  assert.equal(await state(romeo, juliet), 'pendingOut')
  await say('approve', '1001@verona.example', romeo)
  assert.equal(await state(romeo, juliet), 'to')
  await put(romeo, '1001@verona.example', 'by number')
  assert.equal((await resident(world, romeo)).contacts.size, 1)
  assert.equal(await remove(romeo, '1001@verona.example'), 'stored')
  assert.equal(await state(juliet, romeo), 'none')
  assert.ok(lists[romeo]?.take().every((line) => !line.includes('1001')))
})

test('two that ask each other at the same moment both hear (RFC 6121 Appendix A)', async () => {
  const { service, state } = await stage()
  const both = [
    outcomeOf((told) => service.contacts.ask(at(romeo), at(juliet), undefined, told)),
    outcomeOf((told) => service.contacts.ask(at(juliet), at(romeo), undefined, told)),
  ]
  assert.deepEqual(await Promise.all(both), ['stored', 'stored'])
  assert.equal(await state(romeo, juliet), 'pendingOut+pendingIn')
  assert.equal(await state(juliet, romeo), 'pendingOut+pendingIn')
})

test('a list that is full takes no more, and changes what it has', async () => {
  const world = await stage()
  const account = await resident(world, romeo)
  const sample = { authorization: noFlags, listed: true, name: '', groups: [] }
  for (let i = 0; i < contactsMax; i++) {
    const address = at(`c${i}@mantua.example`)
    account.contacts.set(address.key, { address, ...sample })
  }
  assert.equal(await world.put(romeo, juliet), 'resource-limit')
  assert.equal(await world.say('ask', romeo, juliet), 'resource-limit')
  assert.equal(await world.put(romeo, 'c1@mantua.example', 'one'), 'stored')
  await world.say('ask', juliet, romeo)
  assert.equal(await world.state(juliet, romeo), 'none', 'who asks is refused, not left waiting')
})

test('strangers who ask fill no list: the owner can still add to it', async () => {
  const world = await stage()
  const account = await resident(world, romeo)
  for (let i = 0; i < requestsMax; i++) {
    const address = at(`c${i}@mantua.example`)
    const authorization = { ...noFlags, pendingIn: true }
    account.contacts.set(address.key, { address, authorization, listed: false, name: '', groups: [] })
  }
  await world.say('ask', juliet, romeo)
  assert.equal(await world.state(juliet, romeo), 'none')
  assert.equal(await world.put(romeo, juliet), 'stored')
  await world.say('ask', juliet, romeo)
  assert.equal(await world.state(romeo, juliet), 'pendingIn', 'one on the list may ask')
})

const noFlags = { to: false, from: false, pendingIn: false, pendingOut: false, preApproved: false }

test('what could not be stored is not answered as stored', async () => {
  let fails = false
  const world = await stage({
    store: (store) =>
      new Proxy(store, {
        get: (target, name) => {
          const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
          if (fails && (name === 'putContact' || name === 'changeRules'))
            return () => Promise.reject(new Error('the disk is full'))
          return real.bind(target)
        },
      }),
  })
  fails = true
  assert.equal(await world.put(romeo, juliet), 'internal-fault')
  assert.equal(await world.rule(romeo, juliet, 'block'), 'internal-fault')
  assert.ok(world.faults.length > 0)
})

test('a request to an account that cannot be loaded now is a fault, and nothing is half done', async () => {
  let fails = false
  const world = await stage({
    store: (store) =>
      new Proxy(store, {
        get: (target, name) => {
          const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
          if (fails && name === 'accountState') return () => Promise.reject(new Error('the disk is away'))
          return real.bind(target)
        },
      }),
  })
  fails = true
  assert.equal(await world.say('ask', romeo, nurse), 'internal-fault')
  fails = false
  assert.equal(await world.state(romeo, nurse), 'unknown')
})

test('a request that found its asker blocked comes with the asker’s next session, once that is no longer so (RFC 6121 §3.1.2)', async () => {
  const { say, rule, state, lists, service, ...world } = await stage()
  await rule(juliet, romeo, 'block')
  await say('ask', romeo, juliet)
  assert.equal(await state(romeo, juliet), 'pendingOut')
  await outcomeOf((told) => service.contacts.removeRule(at(juliet), romeo, told))
  assert.deepEqual(lists[juliet]?.take(), [])
  for (let i = 0; i < 2; i++)
    service.presence.watchContacts(await resident({ service, ...world }, romeo), new Watcher(romeo))
  assert.deepEqual(lists[juliet]?.take(), [`subscribe ${romeo}`], 'once')
  assert.equal(await state(juliet, romeo), 'pendingIn unlisted')
})
