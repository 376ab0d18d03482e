// Subscriptions of ours to people of other domains, RFC 6665 §4.1.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResponseParts } from '../codec/encode.ts'
import { bodyOf, type SipRequest } from '../codec/message.ts'
import { byHand, type OtherServer } from '../testing/other-server.ts'
import { fieldOf } from '../testing/phone.ts'
import { at } from '../testing/sip-domain.ts'
import type { SubscriberUser, SubscriptionEnd } from './subscriber.ts'

const text = (message: SipRequest): string => Buffer.from(bodyOf(message)).toString()
const juliet = 'sip:juliet@capulet.example'
const romeo = at('romeo@montague.example')

/** A subscription of Romeo's to somebody whose server answers by hand. */
async function subscribed(seconds = 3600) {
  const { town, here, servers } = await byHand('192.0.2.20')
  const server = servers[0] as OtherServer
  const heard: string[] = []
  const user: SubscriberUser = {
    onState: (state) => void heard.push(state),
    onNotify: (request) => {
      if (text(request) !== '') heard.push(text(request))
      return 200
    },
    onLapsed: () => void heard.push('lapsed'),
    onEnded: (reason: SubscriptionEnd, status) => void heard.push(`${reason} ${status}`),
  }
  server.answers = (request) =>
    request.method === 'SUBSCRIBE'
      ? {
          status: 200,
          toTag: 'n',
          headers: [
            ['Expires', fieldOf(request, 'Expires') ?? 0],
            ['Contact', '<sip:192.0.2.20;transport=tcp>'],
          ],
        }
      : { status: 200 }
  const begin = () =>
    here.agent.subscribe(
      { uri: juliet, from: romeo, event: 'presence', accept: 'application/pidf+xml', seconds },
      user,
    )
  let cseq = 0
  const notify = async (state: string, body = '', tag = 'n'): Promise<void> => {
    const request = server.last('SUBSCRIBE')
    server.raw(
      [
        'NOTIFY sip:montague.example SIP/2.0',
        `Via: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bK${cseq}${tag}`,
        'Max-Forwards: 70',
        `From: <${juliet}>;tag=${tag}`,
        `To: ${fieldOf(request, 'From')}`,
        `Call-ID: ${fieldOf(request, 'Call-ID')}`,
        `CSeq: ${++cseq} NOTIFY`,
        'Event: presence',
        `Subscription-State: ${state}`,
        'Contact: <sip:192.0.2.20;transport=tcp>',
        ...(body === '' ? [] : ['Content-Type: text/plain']),
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
    await town.settled()
  }
  return { town, here, server, heard, begin, notify }
}

const subscribes = (server: OtherServer): SipRequest[] =>
  server.requests.filter(({ method }) => method === 'SUBSCRIBE')

test('a subscription is pending, then active, and renewed in its dialog before it ends (RFC 6665 §4.1.2)', async () => {
  const { town, server, heard, begin, notify } = await subscribed()
  const subscriber = begin()
  await town.settled()
  await notify('pending;expires=3600')
  await notify('active;expires=3600', 'open')
  assert.deepEqual(heard, ['pending', 'active', 'open'])
  await town.pass(3600 * 0.6 - 1)
  assert.equal(subscribes(server).length, 1)
  // At some moment between three fifths and 85 % of it.
  for (let s = 0; s < 3600 * 0.26 && subscribes(server).length < 2; s += 10) await town.pass(10)
  const [first, second] = subscribes(server)
  assert.equal(fieldOf(second!, 'Call-ID'), fieldOf(first!, 'Call-ID'))
  assert.match(fieldOf(second!, 'To') ?? '', /;tag=n$/)
  await notify('active;expires=3600', 'open')
  subscriber.end()
  await town.settled()
  assert.equal(fieldOf(server.last('SUBSCRIBE'), 'Expires'), '0')
  await notify('terminated;reason=timeout')
  assert.deepEqual(heard.slice(3), ['active', 'open'])
})

test('a NOTIFY before the answer makes the dialog; one of another fork is 481 (RFC 6665 §4.1.2.4, RFC 3856 §6.9)', async () => {
  const { town, server, heard, begin, notify } = await subscribed()
  const { answers } = server
  server.answers = () => undefined
  begin()
  await town.settled()
  await notify('active;expires=600', 'first')
  await notify('active;expires=600', 'other', 'fork')
  assert.deepEqual(heard, ['active', 'first'])
  server.answer(server.last('SUBSCRIBE'), answers(server.last('SUBSCRIBE')) as ResponseParts)
  await town.settled()
  await notify('active;expires=600', 'second')
  assert.equal(heard.at(-1), 'second')
})

test('423 is answered with what is asked for, 481 to a renewal with a new dialog (RFC 6665 §4.1.2.2)', async () => {
  const { town, server, begin, notify } = await subscribed(120)
  const { answers } = server
  server.answers = (request) =>
    fieldOf(request, 'Expires') === '120'
      ? { status: 423, headers: [['Min-Expires', 900]] }
      : answers(request)
  begin()
  await town.settled()
  assert.deepEqual(
    subscribes(server).map((one) => fieldOf(one, 'Expires')),
    ['120', '900'],
  )
  await notify('active;expires=900')
  server.answers = (request) =>
    /;tag=n/.test(fieldOf(request, 'To') ?? '') ? { status: 481 } : answers(request)
  for (let s = 0; s < 900 * 0.86 && subscribes(server).length < 3; s += 10) await town.pass(10)
  await town.settled()
  const [, second, third, fourth] = subscribes(server)
  assert.equal(fieldOf(third!, 'Call-ID'), fieldOf(second!, 'Call-ID'))
  assert.notEqual(fieldOf(fourth!, 'Call-ID'), fieldOf(second!, 'Call-ID'))
  assert.doesNotMatch(fieldOf(fourth!, 'To') ?? '', /tag/)
})

const ends: readonly [state: string, after: number, again: boolean, told: string | undefined][] = [
  ['terminated;reason=rejected', 3600, false, 'rejected 200'],
  ['terminated;reason=noresource', 3600, false, 'noresource 200'],
  ['terminated;reason=invariant', 3600, false, 'invariant 200'],
  ['terminated;reason=deactivated', 6, true, undefined],
  ['terminated;reason=timeout', 6, true, undefined],
  ['terminated;reason=probation;retry-after=100', 90, false, undefined],
  ['terminated;reason=probation;retry-after=100', 101, true, undefined],
  ['terminated;reason=giveup;retry-after=60', 61, true, undefined],
  ['terminated', 10, true, undefined],
]

for (const [state, after, again, told] of ends)
  test(`after "${state}" it is ${again ? '' : 'not '}asked for anew within ${after} s (RFC 6665 §4.1.3)`, async () => {
    const { town, server, heard, begin, notify } = await subscribed()
    begin()
    await town.settled()
    await notify('active;expires=3600')
    const before = heard.length
    await notify(state)
    server.requests.length = 0
    await town.pass(after)
    assert.equal(subscribes(server).length > 0, again)
    assert.deepEqual(heard.slice(before), told === undefined ? [] : [told])
  })

test('a subscription without a NOTIFY has failed after 64*T1, and is asked for anew (RFC 6665 §4.1.2.4, Timer N)', async () => {
  const { town, server, begin } = await subscribed()
  begin()
  await town.settled()
  await town.pass(32)
  await town.pass(7)
  const [first, second] = subscribes(server)
  assert.notEqual(fieldOf(second!, 'Call-ID'), fieldOf(first!, 'Call-ID'))
})

test('a server that is away is asked again, at growing intervals', async () => {
  const { town, server, heard, begin, notify } = await subscribed()
  const listener = town.listeners.get('192.0.2.20:5060')
  town.listeners.delete('192.0.2.20:5060')
  begin()
  await town.pass(7)
  assert.equal(subscribes(server).length, 0)
  if (listener !== undefined) town.listeners.set('192.0.2.20:5060', listener)
  await town.pass(15)
  await notify('active;expires=3600', 'open')
  assert.deepEqual(heard, ['active', 'open'])
})
