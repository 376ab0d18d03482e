import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namedWay } from '../peers/peers.ts'
import { noAuthorization } from '../people/contact.ts'
import { Watcher } from '../testing/devices.ts'
import { at, message, presence } from '../testing/envelopes.ts'
import { foreignStage, tybalt } from '../testing/foreign-stage.ts'
import { ScriptedPeerProtocol, welcome } from '../testing/peers.ts'
import { juliet, romeo } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled } from '../testing/world.ts'
import { wayAgainSeconds, wishSecondsMax } from './foreign-presence.ts'
import type { TupleChange } from './presentities.ts'

test('asked by words, allowed, shown, given up (RFC 6121 §3.1, §3.3)', async () => {
  const { say, state, list, link, session, learn } = await foreignStage(true)
  const view = await list(romeo)
  const watcher = await session(romeo)
  watcher.take()
  assert.equal(await say('ask', romeo, tybalt), 'stored')
  assert.equal(await state(romeo), 'pendingOut')
  assert.deepEqual(link.take(), [`subscribe ${romeo} ${tybalt}`])
  assert.equal(learn(romeo, { street: 'here' }), 'unknown', 'not before the word')

  await say('approve', tybalt, romeo)
  assert.deepEqual(view.take(), [`push ${tybalt} pendingOut`, `subscribed ${tybalt}`, `push ${tybalt} to`])
  assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`])
  assert.equal(learn(romeo, { street: 'here', home: 'there' }, true), 'known')
  assert.equal(learn(romeo, { street: 'away' }), 'known')
  assert.equal(learn(romeo, { street: 'away' }), 'known')
  assert.equal(learn(romeo, { street: 'away' }, true), 'known')
  assert.deepEqual(
    watcher.take(),
    [
      `${tybalt} full: added street=here, added home=there`,
      `${tybalt}: changed street=away`,
      `${tybalt}: removed home`,
    ],
    'the same again is no news',
  )
  assert.equal(await say('giveUp', romeo, tybalt), 'stored')
  assert.deepEqual(link.take(), [`unwatch ${romeo} ${tybalt}`, `unsubscribe ${romeo} ${tybalt}`])
  assert.deepEqual(watcher.take(), [`${tybalt} full: removed street`])
  assert.equal(await state(romeo), 'none')
  assert.equal(learn(romeo, { street: 'here' }), 'unknown')
})

test('asked by a lease, where the protocol has no words (RFC 8048 §5.2, §5.3)', async () => {
  const { say, state, list, link, session, learn, remote } = await foreignStage(false)
  const view = await list(romeo)
  const watcher = await session(romeo)
  watcher.take()
  assert.equal(await say('ask', romeo, tybalt), 'stored')
  assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`])
  remote.pending(at(romeo), at(tybalt))
  assert.equal(await state(romeo), 'pendingOut')
  assert.equal(learn(romeo, { street: 'here' }, true), 'unknown')
  remote.active(at(romeo), at(tybalt))
  assert.equal(learn(romeo, { street: 'here' }, true), 'known')
  assert.equal(await state(romeo), 'to')
  assert.deepEqual(watcher.take(), [`${tybalt} full: added street=here`])
  remote.ended(at(romeo), at(tybalt), 'rejected')
  assert.equal(await state(romeo), 'none')
  assert.deepEqual(watcher.take(), [`${tybalt} full: removed street`])
  assert.deepEqual(view.take(), [
    `push ${tybalt} pendingOut`,
    `subscribed ${tybalt}`,
    `push ${tybalt} to`,
    `unsubscribed ${tybalt}`,
    `push ${tybalt} none`,
  ])
  assert.deepEqual(link.take(), [], 'what ended is not looked away from')
})

test('somebody follows people in five hundred domains, and sees each once (RFC 2779 §2.2.6)', async () => {
  const domains = Array.from({ length: 500 }, (_, n) => `d${n}.example`)
  const protocol = new ScriptedPeerProtocol(domains)
  const { session, say, state, remote } = await foreignStage(false, { peers: [protocol] })
  const watcher = await session(romeo)
  watcher.take()
  for (const domain of domains) {
    const friend = `friend@${domain}`
    assert.equal(await say('ask', romeo, friend), 'stored')
    assert.deepEqual(protocol.linkTo(domain).take(), [`watch ${romeo} ${friend}`])
    remote.active(at(romeo), at(friend))
    const source = presence(friend, domain)
    const change: TupleChange = { kind: 'added', tuple: 'desk', source }
    assert.equal(remote.changed(at(romeo), at(friend), [change], true), 'known')
    source.poison()
  }
  await settled()
  assert.deepEqual(
    watcher.take(),
    domains.map((domain) => `friend@${domain} full: added desk=${domain}`),
  )
  assert.equal(await state(romeo, 'friend@d499.example'), 'to')
  const questions = protocol.asked.length
  assert.ok(questions <= domains.length, `${questions} look-ups for ${domains.length} domains`)
})

for (const words of [true, false]) {
  const kind = words ? 'words' : 'leases'

  test(`a phone's subscription waits, opens and ends with the presentity's word, by ${kind} (RFC 3859 §3.3)`, async () => {
    const { subscribe, say, state, link, learn, remote, service } = await foreignStage(words)
    const phone = new Watcher(romeo)
    const allows = words ? () => say('approve', tybalt, romeo) : () => remote.active(at(romeo), at(tybalt))
    const refuses = words
      ? () => say('refuse', tybalt, romeo)
      : () => remote.ended(at(romeo), at(tybalt), 'rejected')
    assert.equal(await subscribe(phone, tybalt, 's1'), 'pending')
    assert.deepEqual(link.take(), [`${words ? 'subscribe' : 'watch'} ${romeo} ${tybalt}`])
    assert.equal(await state(romeo), 'pendingOut')
    await allows()
    learn(romeo, { street: 'here' }, true)
    assert.deepEqual(phone.take(), ['activated s1', `${tybalt} full: `, `${tybalt} full: added street=here`])
    assert.equal(await subscribe(phone, tybalt, 's1'), 'active', 'renewed')
    assert.equal(await subscribe(phone, tybalt, 's2'), 'active', 'a second')
    assert.deepEqual(phone.take(), [`${tybalt} full: added street=here`, `${tybalt} full: added street=here`])
    link.take()
    await refuses()
    assert.deepEqual(phone.take(), ['terminated s1 rejected', 'terminated s2 rejected'])
    assert.deepEqual(link.take(), words ? [`unwatch ${romeo} ${tybalt}`] : [])
    assert.equal(service.leases.size.active, 0)
  })

  test(`the last look away is told to the link, and changes no authorization, by ${kind}`, async () => {
    const world = await foreignStage(words)
    const { subscribe, say, state, link, session, service, clock, remote, learn } = world
    await say('ask', romeo, tybalt)
    if (words) await say('approve', tybalt, romeo)
    else remote.active(at(romeo), at(tybalt))
    link.take()
    const watcher = await session(romeo)
    assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`])
    learn(romeo, { street: 'here' }, true)
    const phone = new Watcher(romeo)
    await subscribe(phone, tybalt, 's1', 60)
    service.presence.unwatchContacts(await resident(world, romeo), watcher)
    assert.deepEqual(link.take(), [], 'the phone still looks')
    clock.advance(60_000)
    assert.equal(phone.take().at(-1), 'terminated s1 timeout')
    assert.deepEqual(link.take(), [`unwatch ${romeo} ${tybalt}`])
    assert.equal(await state(romeo), 'to')
    assert.equal((await resident(world, romeo)).inUse, false)
    assert.equal(learn(romeo, { street: 'away' }), 'unknown')
  })

  test(`what is known is told to the second device at once, by ${kind}`, async () => {
    const { say, link, session, learn, remote } = await foreignStage(words)
    await session(romeo)
    await say('ask', romeo, tybalt)
    if (words) await say('approve', tybalt, romeo)
    else remote.active(at(romeo), at(tybalt))
    learn(romeo, { street: 'here' }, true)
    link.take()
    const second = await session(romeo)
    assert.deepEqual(second.take(), [`${romeo} full: `, `${tybalt} full: added street=here`])
    assert.deepEqual(link.take(), [])
  })

  test(`a request that found the domain away is said again with the next session, and when it is back, by ${kind} (RFC 6121 §3.1.2)`, async () => {
    const world = await foreignStage(words)
    const { say, link, session, remote, service } = world
    const line = `${words ? 'subscribe' : 'watch'} ${romeo} ${tybalt}`
    const first = await session(romeo)
    await say('ask', romeo, tybalt)
    assert.deepEqual(link.take(), [line])
    remote.reachable('capulet.example')
    assert.deepEqual(link.take(), [line])
    service.presence.unwatchContacts(await resident(world, romeo), first)
    link.take()
    await session(romeo)
    assert.deepEqual(link.take(), [line])
  })

  test(`a domain that is back is asked for the whole state anew, by ${kind}`, async () => {
    const { say, link, session, learn, remote } = await foreignStage(words)
    const watcher = await session(romeo)
    await say('ask', romeo, tybalt)
    if (words) await say('approve', tybalt, romeo)
    else remote.active(at(romeo), at(tybalt))
    learn(romeo, { street: 'here', home: 'here' }, true)
    link.take()
    watcher.take()
    remote.reachable('capulet.example')
    assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`])
    learn(romeo, { home: 'here' }, true)
    assert.deepEqual(watcher.take(), [`${tybalt}: removed street`])
  })

  test(`a contact off the list ends everything, by ${kind} (RFC 6121 §2.5)`, async () => {
    const { say, link, session, learn, remote, service } = await foreignStage(words)
    const watcher = await session(romeo)
    await say('ask', romeo, tybalt)
    if (words) await say('approve', tybalt, romeo)
    else remote.active(at(romeo), at(tybalt))
    await say('ask', tybalt, romeo)
    await say('approve', romeo, tybalt)
    learn(romeo, { street: 'here' }, true)
    link.take()
    watcher.take()
    await outcomeOf((told) => service.contacts.remove(at(romeo), at(tybalt), told))
    await settled()
    assert.deepEqual(watcher.take(), [`${tybalt} full: removed street`])
    assert.deepEqual(
      link.take(),
      words
        ? [`unwatch ${romeo} ${tybalt}`, `unsubscribe ${romeo} ${tybalt}`, `unsubscribed ${romeo} ${tybalt}`]
        : [`unwatch ${romeo} ${tybalt}`],
    )
  })

  test(`a fetch asks the other domain, and not where somebody looks already, by ${kind}`, async () => {
    const { fetch, say, link, session, learn, remote } = await foreignStage(words)
    assert.equal(await fetch(romeo, tybalt), 'connection-failed')
    assert.deepEqual(link.take(), [`fetch ${romeo} ${tybalt}`])
    await session(romeo)
    await say('ask', romeo, tybalt)
    if (words) await say('approve', tybalt, romeo)
    else remote.active(at(romeo), at(tybalt))
    learn(romeo, { street: 'here' }, true)
    link.take()
    const document = await fetch(romeo, tybalt)
    assert.equal(typeof document === 'string' ? document : document.tuples.length, 1)
    assert.deepEqual(link.take(), [])
  })
}

test('a request that nobody waits for is before the other domain no longer than it takes', async () => {
  const world = await foreignStage(false)
  const { say, link, remote, state, clock, service } = world
  await say('ask', romeo, tybalt)
  assert.equal((await resident(world, romeo)).inUse, true)
  remote.pending(at(romeo), at(tybalt))
  assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`, `unwatch ${romeo} ${tybalt}`])
  assert.equal((await resident(world, romeo)).inUse, false)
  assert.equal(await state(romeo), 'pendingOut')
  await say('ask', juliet, tybalt)
  clock.advance(wishSecondsMax * 1000)
  assert.deepEqual(link.take(), [`watch ${juliet} ${tybalt}`, `unwatch ${juliet} ${tybalt}`])
  assert.equal(service.leases.size.active, 0)
})

test('a domain that forgot its word asks its owner again: our people wait once more', async () => {
  const { subscribe, remote, learn, state } = await foreignStage(false)
  const phone = new Watcher(romeo)
  await subscribe(phone, tybalt, 's1')
  remote.active(at(romeo), at(tybalt))
  learn(romeo, { street: 'here' }, true)
  phone.take()
  remote.pending(at(romeo), at(tybalt))
  assert.deepEqual(phone.take(), ['terminated s1 deactivated'])
  assert.equal(await state(romeo), 'pendingOut')
})

test('what ends for another reason withdraws nothing, and is looked at again when the domain is back', async () => {
  const { say, remote, learn, state, session, link } = await foreignStage(false)
  const watcher = await session(romeo)
  await say('ask', romeo, tybalt)
  remote.active(at(romeo), at(tybalt))
  learn(romeo, { street: 'here' }, true)
  link.take()
  watcher.take()
  remote.ended(at(romeo), at(tybalt), 'timeout')
  assert.deepEqual(watcher.take(), [`${tybalt} full: removed street`])
  assert.equal(await state(romeo), 'to')
  assert.deepEqual(link.take(), [])
  remote.reachable('capulet.example')
  assert.deepEqual(link.take(), [`watch ${romeo} ${tybalt}`])
})

interface Refusal {
  readonly when: string
  readonly condition: string
  readonly to: string
  readonly presence: boolean
}

const refusals: Refusal[] = [
  {
    when: 'no way leads to the domain',
    condition: 'domain-unknown',
    to: 'a@nowhere.example',
    presence: true,
  },
  { when: 'the policy takes no presence', condition: 'permission-denied', to: tybalt, presence: false },
]

for (const { when, condition, to, presence } of refusals) {
  test(`where ${when}, nothing is asked and nothing pends (RFC 6121 §3.1.2)`, async () => {
    const domains = new Map([['capulet.example', { ...welcome, presence }]])
    const { say, subscribe, fetch, state, list, link, service } = await foreignStage(true, {
      peerTable: { domains },
    })
    const view = await list(romeo)
    assert.equal(await say('ask', romeo, to), condition)
    assert.equal(await subscribe(new Watcher(romeo), to, 's1'), condition)
    assert.equal(await fetch(romeo, to), condition)
    assert.equal(await state(romeo, to), 'unknown')
    assert.deepEqual(view.take(), [])
    assert.deepEqual(link.take(), [])
    assert.equal(service.leases.size.active, 0)
    if (presence) return
    assert.equal(await say('ask', tybalt, romeo), 'permission-denied', 'nor the other way')
    assert.equal(await subscribe(new Watcher(tybalt), romeo, 's1'), 'permission-denied')
    assert.equal(await fetch(tybalt, romeo), 'permission-denied')
  })
}

test('nobody here carries words or presence between two other domains', async () => {
  const { say, subscribe, fetch, link } = await foreignStage(true)
  const far = 'paris@elsewhere.example'
  assert.equal(await say('ask', far, tybalt), 'domain-unknown')
  assert.equal(await subscribe(new Watcher(far), tybalt, 's1'), 'domain-unknown')
  assert.equal(await fetch(far, tybalt), 'domain-unknown')
  assert.deepEqual(link.take(), [])
})

test('a word goes with its own stanza where the link is of its protocol', async () => {
  const { service, link } = await foreignStage(true)
  const source = message({ from: romeo, to: tybalt, kind: 'presence', text: 'hark' })
  await outcomeOf((told) => {
    service.contacts.ask(at(romeo), at(tybalt), source, told)
    source.poison()
  })
  await settled()
  assert.deepEqual(link.take(), [`subscribe ${romeo} ${tybalt} with its stanza`])
})

test('an account that is removed looks at nobody, and says so (RFC 6121 §2.5)', async () => {
  const { say, service, session, subscribe, link, publish, afar } = await foreignStage(true)
  await session(romeo)
  await say('ask', romeo, tybalt)
  await say('approve', tybalt, romeo)
  await say('ask', tybalt, romeo)
  await say('approve', romeo, tybalt)
  await publish(romeo, 'orchard', 'here')
  const phone = new Watcher(romeo)
  await subscribe(phone, tybalt, 's1')
  link.take()
  afar.get(tybalt)?.take()
  await service.accounts.remove(at(romeo))
  await settled()
  assert.deepEqual(link.take(), [
    `unwatch ${romeo} ${tybalt}`,
    `unsubscribe ${romeo} ${tybalt}`,
    `unsubscribed ${romeo} ${tybalt}`,
  ])
  assert.deepEqual(afar.get(tybalt)?.take(), [`${romeo} full: removed orchard`])
  assert.equal(phone.take().at(-1), 'terminated s1 noresource')
})

test('a session that comes between a change and the first whole state is told the whole', async () => {
  const { say, session, learn } = await foreignStage(true)
  await session(romeo)
  await say('ask', romeo, tybalt)
  await say('approve', tybalt, romeo)
  learn(romeo, { street: 'here' })
  const second = await session(romeo)
  assert.deepEqual(second.take(), [`${romeo} full: `])
  learn(romeo, { street: 'here' }, true)
  assert.deepEqual(second.take(), [`${tybalt} full: added street=here`])
})

test('where DNS is silent a request is refused for now, and who looks already is looked for again', async () => {
  const world = await foreignStage(true)
  const { say, session, link, protocol, clock, state } = world
  protocol.reached.set('capulet.example', 'unanswered')
  assert.equal(await say('ask', juliet, tybalt), 'connection-failed')
  assert.equal(await state(juliet), 'unknown')
  const authorization = { ...noAuthorization, pendingOut: true }
  const asked = { address: at(tybalt), authorization, listed: true, name: '', groups: [] }
  ;(await resident(world, romeo)).contacts.set(tybalt, asked)
  await session(romeo)
  assert.deepEqual(link.take(), [])
  protocol.reached.set('capulet.example', namedWay)
  clock.advance(wayAgainSeconds * 1000)
  await settled()
  assert.deepEqual(link.take(), [`subscribe ${romeo} ${tybalt}`])
})
