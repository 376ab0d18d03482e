// Scripts that phones put in place by REGISTER.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import { fieldOf, type Phone, textOf } from '../testing/phone.ts'
import { at, SipDomain } from '../testing/sip-domain.ts'

const busy = '<cpl><incoming><reject status="busy" reason="ö"/></incoming></cpl>'
const type = 'Content-Type: application/cpl+xml'
const store = 'Content-Disposition: script;action=store'
const bob = at('bob@example.com')

async function ready(): Promise<{ domain: SipDomain; phone: Phone }> {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  assert.equal((await phone.register()).status, 200)
  return { domain, phone }
}

const put = (phone: Phone, body: string, ...headers: string[]) =>
  phone.request('REGISTER', { uri: 'sip:example.com', to: `<${phone.aor}>`, headers, body })

async function kept({ service }: SipDomain): Promise<string | undefined> {
  const document = await service.scripts.document(bob)
  assert.notEqual(document, 'unknown')
  return document === undefined ? undefined : text(document as Uint8Array)
}

test('a phone puts its script in place, with or without a Contact, and takes it away', async () => {
  const { domain, phone } = await ready()
  assert.equal((await put(phone, busy, type, store)).status, 200)
  assert.equal(await kept(domain), busy)
  const alice = domain.phone('alice', '192.0.2.2')
  assert.equal((await alice.message('sip:bob@example.com', 'Hist!')).status, 486)
  const removed = await put(
    phone,
    '',
    `Contact: <${phone.contact}>`,
    'Content-Disposition: script;action=remove',
  )
  assert.equal(removed.status, 200)
  assert.match(fieldOf(removed, 'Contact') ?? '', /^<sip:bob@192.0.2.1:5060>/)
  assert.equal(await kept(domain), undefined)
})

test('who says no more than the type stores it; older names of the type are known', async () => {
  const { domain, phone } = await ready()
  for (const headers of [
    [type],
    ['Content-Type: application/cpl-xml', 'Content-Disposition: SCRIPT ; Action="store"'],
    ['Content-Type: application/cpl+xml;charset=utf-8', 'Content-Disposition: script'],
  ]) {
    await put(phone, '', 'Content-Disposition: script;action=remove')
    assert.equal((await put(phone, busy, ...headers)).status, 200)
    assert.equal(await kept(domain), busy)
  }
})

test('what is no script is refused with its line, and nothing is registered or changed', async () => {
  const { domain, phone } = await ready()
  await put(phone, busy, type, store)
  const other = domain.phone('bob', '192.0.2.9')
  const response = await put(
    other,
    '<cpl>\n  <ring x="y"/></cpl>',
    `Contact: <${other.contact}>`,
    type,
    store,
  )
  assert.equal(response.status, 400)
  assert.match(response.head, /^SIP\/2.0 400 Bad Script, line 2, column 3: <cpl> holds no <ring>\r\n/)
  assert.match(fieldOf(response, 'Warning') ?? '', /^399 \S+ "line 2, column 3: <cpl> holds no <ring>"$/)
  assert.equal(await kept(domain), busy)
  assert.equal(domain.service.directory.resident(bob)?.inbox.agents.length, 1)
  for (const headers of [
    [type, 'Content-Disposition: script;action=burn'],
    ['Content-Type: text/plain', store],
  ])
    assert.equal((await put(phone, busy, ...headers)).status, 400, headers.join())
})

test('other bodies and dispositions are passed over, as before', async () => {
  const { domain, phone } = await ready()
  for (const headers of [
    ['Content-Type: application/pidf+xml'],
    [type, 'Content-Disposition: session'],
    ['Content-Type: text/plain', 'Content-Disposition: render'],
  ])
    assert.equal((await put(phone, busy, ...headers)).status, 200)
  assert.equal((await put(phone, '', type)).status, 200)
  assert.equal(await kept(domain), undefined)
})

test('a phone that accepts the type by name is given the script that is there', async () => {
  const { phone } = await ready()
  const accept = 'Accept: text/plain, application/cpl+xml'
  assert.equal(textOf(await put(phone, '', accept)), '')
  await put(phone, busy, type, store)
  const response = await put(phone, '', accept)
  assert.deepEqual([fieldOf(response, 'Content-Type'), textOf(response)], ['application/cpl+xml', busy])
  assert.equal(textOf(await put(phone, '', 'Accept: */*')), '')
})

test('nobody puts a script in another’s place, nor without a password (§13)', async () => {
  const { domain, phone } = await ready()
  const alice = domain.phone('alice', '192.0.2.2')
  const stranger = await alice.request('REGISTER', {
    uri: 'sip:example.com',
    to: `<${phone.aor}>`,
    headers: [type, store],
    body: busy,
  })
  assert.equal(stranger.status, 403)
  const unproven = await phone.request('REGISTER', {
    uri: 'sip:example.com',
    to: `<${phone.aor}>`,
    headers: [type, store],
    body: busy,
    authenticate: false,
  })
  assert.equal(unproven.status, 401)
  assert.equal(await kept(domain), undefined)
})
