// SUBSCRIBE and NOTIFY beside the happy way: who is answered what (RFC 6665 §4.2.1, RFC 3856 §6), how often a watcher is told, and what somebody
// sees who is politely blocked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, type DomainOptions, SipDomain } from './testing/sip-domain.ts'

const pidf = (note: string): string =>
  `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"><tuple id="t1"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`

interface Asked {
  readonly event?: string
  readonly uri?: string
  readonly headers?: readonly string[]
  readonly callId?: string
  readonly to?: string
  readonly cseq?: number
}

function subscribe(phone: Phone, { event = 'presence', uri, headers, ...more }: Asked = {}) {
  const fields = [
    ...(event === '' ? [] : [`Event: ${event}`]),
    `Contact: <${phone.contact}>`,
    ...(headers ?? []),
  ]
  return phone.request('SUBSCRIBE', { uri: uri ?? 'sip:alice@example.com', headers: fields, ...more })
}

let published = 0

async function publish(phone: Phone, note: string): Promise<void> {
  const headers = ['Event: presence', 'Content-Type: application/pidf+xml']
  published += 10
  const response = await phone.request('PUBLISH', { body: pidf(note), callId: 'p', cseq: published, headers })
  assert.equal(response.status, 200)
}

async function world(options: DomainOptions = {}) {
  const domain = await SipDomain.make(options)
  return { domain, alice: domain.phone('alice', '192.0.2.3'), bob: domain.phone('bob', '192.0.2.1') }
}

const rows: readonly (Asked & {
  readonly says: string
  readonly answer: number
  readonly fields?: Readonly<Record<string, string>>
})[] = [
  {
    says: 'RFC 6665 §4.2.1.1: no Event is 489',
    event: '',
    answer: 489,
    fields: { 'Allow-Events': 'presence, presence.winfo, reg' },
  },
  { says: 'RFC 6665 §4.2.1.1: an unknown package is 489', event: 'dialog', answer: 489 },
  { says: 'RFC 6665 §8.2.1: package names have their case', event: 'Presence', answer: 489 },
  { says: 'RFC 6665 §8.2.1: an Event that is none is 400', event: 'presence;;', answer: 400 },
  {
    says: 'RFC 6665 §4.2.1.1: what is too brief is 423 with Min-Expires',
    headers: ['Expires: 59'],
    answer: 423,
    fields: { 'Min-Expires': '60' },
  },
  {
    says: 'RFC 6665 §4.2.1.1: the least is granted',
    headers: ['Expires: 60'],
    answer: 200,
    fields: { Expires: '60' },
  },
  {
    says: 'RFC 6665 §4.2.1.1: what is too long is cut',
    headers: ['Expires: 99999'],
    answer: 200,
    fields: { Expires: '7200' },
  },
  { says: 'RFC 3856 §6.4: an hour where nothing is said', answer: 200, fields: { Expires: '3600' } },
  {
    says: 'RFC 3856 §6.7: Accept without PIDF is 406',
    headers: ['Accept: text/plain'],
    answer: 406,
    fields: { Accept: 'application/pidf+xml' },
  },
  {
    says: 'RFC 3856 §6.7: PIDF among others',
    headers: ['Accept: application/cpim-pidf+xml, application/pidf+xml'],
    answer: 200,
  },
  {
    says: 'RFC 3261 §20.1: PIDF with q=0 is none',
    headers: ['Accept: application/pidf+xml;q=0'],
    answer: 406,
  },
  { says: 'RFC 3261 §20.1: a range', headers: ['Accept: application/*'], answer: 200 },
  { says: 'RFC 3261 §20.1: an empty Accept takes nothing', headers: ['Accept:'], answer: 406 },
  {
    says: 'RFC 3261 §12.2.2: a dialog that is not there is 481',
    to: '<sip:alice@example.com>;tag=none',
    answer: 481,
  },
  { says: 'RFC 3856 §6.6: nobody by that name', uri: 'sip:nobody@example.com', answer: 404 },
]

for (const { says, answer, fields, ...asked } of rows)
  test(`SUBSCRIBE, ${says}`, async () => {
    const { bob } = await world()
    const response = await subscribe(bob, asked)
    assert.equal(response.status, answer)
    for (const [name, value] of Object.entries(fields ?? {})) assert.equal(fieldOf(response, name), value)
  })

test('in a dialog another id is another subscription, which is not there (RFC 6665 §8.2.1, §4.5.1)', async () => {
  const { bob } = await world()
  const first = await subscribe(bob, { event: 'presence;id=1', callId: 'sub' })
  await bob.next('NOTIFY')
  const to = fieldOf(first, 'To') ?? ''
  const again = (event: string, cseq: number) => subscribe(bob, { event, callId: 'sub', to, cseq })
  assert.equal((await again('presence;id=2', 10)).status, 481)
  assert.equal((await again('presence', 11)).status, 481)
  assert.equal((await again('presence.winfo;id=1', 12)).status, 481)
  assert.equal((await again('presence;id=1', 13)).status, 200)
})

test('another person in the dialog is 403', async () => {
  const { domain, bob } = await world()
  const first = await subscribe(bob, { callId: 'sub' })
  await bob.next('NOTIFY')
  const carol = domain.phone('carol', '192.0.2.7')
  const from = '<sip:carol@example.com>;tag=bob'
  const headers = ['Event: presence', `Contact: <${carol.contact}>`]
  const options = { from, headers, callId: 'sub', to: fieldOf(first, 'To') ?? '', cseq: 20 }
  assert.equal((await carol.request('SUBSCRIBE', { uri: 'sip:alice@example.com', ...options })).status, 403)
})

test('past the limit of one watcher 503 says when to come again (RFC 3261 §21.5.4)', async () => {
  const { bob } = await world()
  let last = await subscribe(bob)
  for (let i = 0; i < 40 && last.status === 200; i++) last = await subscribe(bob)
  assert.deepEqual([last.status, fieldOf(last, 'Retry-After')], [503, '30'])
})

test('a presentity is told of once in five seconds: the first change at once, then the newest (RFC 3856 §6.10)', async () => {
  const { domain, alice, bob } = await world({ settings: { notifySecondsMin: 5 } })
  await subscribe(bob, { callId: 'sub' })
  await bob.next('NOTIFY')
  domain.clock.advance(5000)
  const arrived = async (): Promise<string[]> => {
    await bob.request('OPTIONS', { uri: 'sip:example.com' })
    const notifies = bob.requests.splice(0).filter(({ method }) => method === 'NOTIFY')
    return notifies.map((notify) => /<note>(.*)<\/note>/.exec(textOf(notify))?.[1] ?? '')
  }
  await publish(alice, 'one')
  assert.deepEqual(await arrived(), ['one'])
  for (const note of ['two', 'three', 'four']) {
    domain.clock.advance(1000)
    await publish(alice, note)
  }
  assert.deepEqual(await arrived(), [])
  domain.clock.advance(1999)
  assert.deepEqual(await arrived(), [])
  domain.clock.advance(1)
  assert.deepEqual(await arrived(), ['four'])
  domain.clock.advance(5000)
  assert.deepEqual(await arrived(), [], 'nothing is left over')
  await publish(alice, 'five')
  assert.deepEqual(await arrived(), ['five'])
})

test('what answers a SUBSCRIBE, an approval and an end do not wait for the pause', async () => {
  const { domain, alice, bob } = await world({ settings: { notifySecondsMin: 60 }, confirmSameDomain: true })
  await publish(alice, 'one')
  const first = await subscribe(bob, { callId: 'sub' })
  const state = async () => fieldOf(await bob.next('NOTIFY'), 'Subscription-State')?.replace(/;expires.*/, '')
  assert.equal(await state(), 'pending')
  domain.service.contacts.approve(at('alice@example.com'), at('bob@example.com'), undefined, () => undefined)
  assert.equal(await state(), 'active')
  await publish(alice, 'two')
  const to = fieldOf(first, 'To') ?? ''
  await subscribe(bob, { callId: 'sub', to, cseq: 10 })
  const refreshed = await bob.next('NOTIFY')
  assert.match(textOf(refreshed), /two/)
  await publish(alice, 'three')
  await subscribe(bob, { callId: 'sub', to, cseq: 11, headers: ['Expires: 0'] })
  const last = await bob.next('NOTIFY')
  assert.match(fieldOf(last, 'Subscription-State') ?? '', /^terminated;reason=timeout/)
  assert.match(textOf(last), /three/)
  domain.clock.advance(60_000)
  await bob.request('OPTIONS', { uri: 'sip:example.com' })
  assert.deepEqual(bob.requests, [])
})

test('who is politely blocked sees what everybody sees of somebody who is not there (RFC 2779 5.1.15, RFC 3856 §6.6.2)', async () => {
  const { domain, alice, bob } = await world()
  const rule = { subject: 'bob@example.com', action: 'polite-block', visibility: 'full' } as const
  await new Promise((resolve) => domain.service.contacts.setRule(at('alice@example.com'), rule, resolve))
  await publish(alice, 'secret')
  const carol = domain.phone('carol', '192.0.2.7')
  /** All that the watcher is sent, with what differs from dialog to dialog taken out; alice may be called dave. */
  const told = async (watcher: Phone, whom: string): Promise<string[]> => {
    const sent: string[] = []
    const uri = `sip:${whom}@example.com`
    const note = (octets: Uint8Array): void => void sent.push(Buffer.from(octets).toString())
    domain.onDatagram = note
    const first = await subscribe(watcher, { uri, callId: 'c' })
    await watcher.next('NOTIFY')
    await publish(alice, `secret ${whom}`)
    domain.clock.advance(10_000)
    const to = fieldOf(first, 'To') ?? ''
    await subscribe(watcher, { uri, callId: 'c', to, cseq: 10 })
    await watcher.next('NOTIFY')
    await subscribe(watcher, { uri, callId: 'fetch', headers: ['Expires: 0'] })
    await watcher.next('NOTIFY')
    await subscribe(watcher, { uri, callId: 'c', to, cseq: 20, headers: ['Expires: 0'] })
    await watcher.next('NOTIFY')
    domain.onDatagram = undefined
    const own = sent.filter((text) => /(200 OK|NOTIFY)/.test(text) && text.includes(watcher.user))
    return own
      .filter((text) => !text.includes('PUBLISH'))
      .map((text) =>
        text
          .replaceAll(watcher.user, 'watcher')
          .replaceAll(whom, 'whom')
          .replaceAll(watcher.endpoint.address, 'address')
          .replace(/(tag|branch|rport)=[^;>\r\n]*/g, '$1')
          .replace(/Content-Length: \d+|Authentication-Info.*/g, ''),
      )
  }
  await domain.service.accounts.add([{ address: at('dave@example.com'), password: 'secret' }])
  const blocked = await told(bob, 'alice')
  const absent = await told(carol, 'dave')
  assert.ok(blocked.length >= 8, blocked.join('\n'))
  assert.deepEqual(blocked, absent)
  assert.doesNotMatch(blocked.join('\n'), /secret|tuple/)
})
