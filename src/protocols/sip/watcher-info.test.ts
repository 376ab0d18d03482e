// Who watches, told to the owner's phones (RFC 3857, RFC 3858), and fetches by those who may not see yet.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isXmlFault, parseElement } from '#wire/xml'
import { bodyOf, type SipRequest, type SipResponse } from './codec/message.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const alice = at('alice@example.com')
const bob = at('bob@example.com')

async function stage(confirmSameDomain = true) {
  const domain = await SipDomain.make({ confirmSameDomain })
  return { domain, owner: domain.phone('alice', '192.0.2.3'), watcher: domain.phone('bob', '192.0.2.1') }
}

const subscribe = (phone: Phone, event: string, callId: string, ...more: string[]): Promise<SipResponse> =>
  phone.request('SUBSCRIBE', {
    uri: 'sip:alice@example.com',
    callId,
    headers: [`Event: ${event}`, `Contact: <${phone.contact}>`, ...more],
  })

const watchWatchers = (phone: Phone, ...more: string[]) =>
  subscribe(phone, 'presence.winfo', 'winfo', ...more)
const watch = (phone: Phone, ...more: string[]) => subscribe(phone, 'presence', 'sub', ...more)
const state = (notify: SipRequest) => fieldOf(notify, 'Subscription-State')

/** `0 full sip:bob@example.com pending subscribe`, and the ids. */
function listIn(notify: SipRequest): { told: string; ids: string[] } {
  assert.deepEqual(
    [fieldOf(notify, 'Event'), fieldOf(notify, 'Content-Type')],
    ['presence.winfo', 'application/watcherinfo+xml'],
  )
  const root = parseElement(bodyOf(notify), { isDocument: true })
  assert(!isXmlFault(root) && root.is('watcherinfo', 'urn:ietf:params:xml:ns:watcherinfo'), textOf(notify))
  const list = root.child('watcher-list')
  assert.equal(list?.attribute('resource'), 'sip:alice@example.com')
  assert.equal(list?.attribute('package'), 'presence')
  const watchers = list?.childrenNamed('watcher') ?? []
  const each = watchers.map((one) => `${one.text()} ${one.attribute('status')} ${one.attribute('event')}`)
  return {
    told: [root.attribute('version'), root.attribute('state'), ...each].join(' '),
    ids: watchers.map((one) => one.attribute('id') ?? ''),
  }
}

test('an owner sees a watcher come, wait, and be approved: all at first, then what changed, by version (RFC 3857 §4.3)', async () => {
  const { domain, owner, watcher } = await stage()
  assert.equal((await watchWatchers(owner, 'Expires: 600')).status, 200)
  const first = await owner.next('NOTIFY')
  assert.equal(listIn(first).told, '0 full')
  assert.equal(state(first), 'active;expires=600')
  await watch(watcher, 'Expires: 300')
  // RFC 3857 §4.10: not faster than once in five seconds.
  assert.deepEqual(owner.requests, [])
  domain.clock.advance(5000)
  const second = listIn(await owner.next('NOTIFY'))
  assert.equal(second.told, '1 partial sip:bob@example.com pending subscribe')
  assert.match(second.ids[0] ?? '', /^[A-Za-z0-9_-]{16}$/)
  domain.clock.advance(6000)
  domain.service.contacts.approve(alice, bob, undefined, () => undefined)
  const third = listIn(await owner.next('NOTIFY'))
  // As a contact, who needs no lease from now on, and by the subscription that waited.
  const approved = 'sip:bob@example.com active approved'
  assert.equal(third.told, `2 partial ${approved} ${approved}`)
  assert(third.ids.includes(second.ids[0] ?? ''))
})

test('changes within five seconds are told once, each watcher as it is then (RFC 3857 §4.10)', async () => {
  const { domain, owner, watcher } = await stage(false)
  await watchWatchers(owner)
  await owner.next('NOTIFY')
  const tag = /tag=([^;]+)/.exec(fieldOf(await watch(watcher), 'To') ?? '')?.[1]
  await watcher.request('SUBSCRIBE', {
    uri: 'sip:192.0.2.254:5060',
    to: `<sip:alice@example.com>;tag=${tag}`,
    callId: 'sub',
    cseq: 9,
    headers: ['Event: presence', `Contact: <${watcher.contact}>`, 'Expires: 0'],
  })
  domain.clock.advance(5000)
  assert.equal(listIn(await owner.next('NOTIFY')).told, '1 partial sip:bob@example.com terminated timeout')
  assert.deepEqual(owner.requests, [])
})

test('nobody but the owner is told who watches (RFC 3857 §4.6), nor whether there is such a person', async () => {
  const { domain, watcher } = await stage(false)
  assert.equal((await watchWatchers(watcher)).status, 403)
  const unknown = {
    uri: 'sip:nobody@example.com',
    headers: ['Event: presence.winfo', `Contact: <${watcher.contact}>`],
  }
  assert.equal((await watcher.request('SUBSCRIBE', unknown)).status, 403)
  assert.equal(domain.context.subscriptions.size, 0)
})

test('the package has its own type of document, and no deeper template (RFC 3857 §4.5, §4.6)', async () => {
  const { owner } = await stage()
  const refusal = await watchWatchers(owner, 'Accept: application/pidf+xml')
  assert.deepEqual([refusal.status, fieldOf(refusal, 'Accept')], [406, 'application/watcherinfo+xml'])
  const deeper = await subscribe(owner, 'presence.winfo.winfo', 'deep')
  assert.deepEqual([deeper.status, fieldOf(deeper, 'Allow-Events')], [489, 'presence, presence.winfo, reg'])
})

test('Expires 0 asks who watches once; a watcher whose subscription ran out while it waited is among them (RFC 3857 §4.7.1)', async () => {
  const { domain, owner, watcher } = await stage()
  await watch(watcher, 'Expires: 60')
  domain.clock.advance(61_000)
  assert.equal((await watchWatchers(owner, 'Expires: 0')).status, 200)
  const notify = await owner.next('NOTIFY')
  assert.equal(state(notify), 'terminated;reason=timeout')
  assert.equal(listIn(notify).told, '0 full sip:bob@example.com waiting subscribe')
  assert.equal(domain.service.directory.resident(alice)?.watcherInfoAgents.size ?? 0, 0)
})

test('it ends when it is not renewed, and leaves nothing behind', async () => {
  const { domain, owner } = await stage()
  await watchWatchers(owner, 'Expires: 60')
  await owner.next('NOTIFY')
  assert.equal(domain.service.directory.resident(alice)?.watcherInfoAgents.size, 1)
  domain.clock.advance(61_000)
  assert.equal(state(await owner.next('NOTIFY')), 'terminated;reason=timeout')
  assert.equal(domain.context.subscriptions.size, 0)
  assert.equal(domain.service.directory.resident(alice)?.watcherInfoAgents.size ?? 0, 0)
})

test('a SUBSCRIBE in the dialog brings all of it again with the next version; of another package it is 481', async () => {
  const { owner } = await stage()
  const tag = /tag=([^;]+)/.exec(fieldOf(await watchWatchers(owner), 'To') ?? '')?.[1]
  await owner.next('NOTIFY')
  const again = (event: string, cseq: number) =>
    owner.request('SUBSCRIBE', {
      uri: 'sip:192.0.2.254:5060',
      to: `<sip:alice@example.com>;tag=${tag}`,
      callId: 'winfo',
      cseq,
      headers: [`Event: ${event}`, `Contact: <${owner.contact}>`, 'Expires: 600'],
    })
  assert.equal((await again('presence', 5)).status, 481)
  assert.equal((await again('presence.winfo', 6)).status, 200)
  assert.equal(listIn(await owner.next('NOTIFY')).told, '1 full')
})

test('an account is watched in this way by no more than twenty of its dialogs at a time', async () => {
  const { domain, owner } = await stage()
  for (let i = 0; i < 20; i++) assert.equal((await subscribe(owner, 'presence.winfo', `w${i}`)).status, 200)
  assert.equal((await subscribe(owner, 'presence.winfo', 'one-more')).status, 503)
  assert.equal(domain.context.subscriptions.size, 20)
})

test('a fetch by one whom the owner has to allow says pending, ends, and asks the owner (RFC 3856 §6.6, RFC 3857 §4.7.1)', async () => {
  const { domain, watcher } = await stage()
  assert.equal((await watch(watcher, 'Expires: 0')).status, 200)
  const [first, last] = [await watcher.next('NOTIFY'), await watcher.next('NOTIFY')]
  assert.deepEqual([state(first), textOf(first)], ['pending;expires=0', ''])
  assert.deepEqual([state(last), textOf(last)], ['terminated;reason=timeout', ''])
  const [waiting] = domain.service.presence.watchers(await account(domain))
  assert.deepEqual([waiting?.watcher.key, waiting?.status], [bob.key, 'waiting'])
})

test('a fetch by one who is blocked is 403, and by one who is politely blocked looks like an absence (RFC 3856 §6.6)', async () => {
  for (const [action, status] of [
    ['block', 403],
    ['polite-block', 200],
  ] as const) {
    const { domain, watcher } = await stage()
    const rule = { subject: bob.key, action, visibility: 'full' } as const
    await new Promise((resolve) => domain.service.contacts.setRule(alice, rule, resolve))
    assert.equal((await watch(watcher, 'Expires: 0')).status, status)
    if (status === 403) continue
    const notify = await watcher.next('NOTIFY')
    assert.equal(state(notify), 'terminated;reason=timeout')
    assert.match(textOf(notify), /<presence/)
    assert.doesNotMatch(textOf(notify), /<tuple/)
  }
})

async function account(domain: SipDomain) {
  return new Promise<Parameters<typeof domain.service.presence.watchers>[0]>((resolve, reject) =>
    domain.service.directory.find(alice, (found) =>
      typeof found === 'string' ? reject(new Error(found)) : resolve(found),
    ),
  )
}
