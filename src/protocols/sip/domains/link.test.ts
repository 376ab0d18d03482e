// One other domain as the core sees it: whose word ends a message, what is watched, what is fetched. RFC 3428 §7, RFC 3856, RFC 8048.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceNotification } from '#core'
import type { ResponseParts } from '../codec/encode.ts'
import { bodyOf, type SipRequest } from '../codec/message.ts'
import { byHand, type OtherServer } from '../testing/other-server.ts'
import { fieldOf, type Phone } from '../testing/phone.ts'
import { at } from '../testing/sip-domain.ts'
import type { Side, TwoDomains } from '../testing/two-domains.ts'

const juliet = 'sip:juliet@capulet.example'

async function ready(): Promise<{ town: TwoDomains; here: Side; server: OtherServer; romeo: Phone }> {
  const { town, here, servers } = await byHand('192.0.2.20')
  const romeo = town.phone(here, 'romeo', '192.0.2.101')
  assert.equal((await romeo.register()).status, 200)
  return { town, here, server: servers[0] as OtherServer, romeo }
}

const answers: readonly [theirs: ResponseParts, ours: number, waits: boolean][] = [
  [{ status: 200, reason: 'Heard', toTag: 't' }, 200, false],
  [{ status: 202, toTag: 't' }, 202, false],
  [{ status: 404, toTag: 't' }, 404, false],
  [{ status: 408, toTag: 't' }, 408, false],
  [{ status: 480, toTag: 't' }, 480, false],
  [{ status: 504, toTag: 't' }, 504, false],
  [{ status: 603, toTag: 't', headers: [['X-Why', 'kept']] }, 603, false],
  [{ status: 302, toTag: 't', headers: [['Contact', '<sip:juliet@mantua.example>']] }, 302, false],
  // Of the servers of the domain, not of the person: it is kept.
  [{ status: 503, toTag: 't' }, 202, true],
]

for (const [theirs, ours, waits] of answers)
  test(`a phone’s MESSAGE that the other domain answers ${theirs.status} is answered ${ours} (RFC 3261 §16.7)`, async () => {
    const { here, server, romeo } = await ready()
    server.answers = () => theirs
    const response = await romeo.message(juliet, 'Call me but love')
    assert.equal(response.status, ours)
    if (theirs.headers?.[0]?.[0] === 'X-Why') assert.equal(fieldOf(response, 'X-Why'), 'kept')
    assert.equal((await here.service.relay.status()).length, waits ? 1 : 0)
    const sent = server.last('MESSAGE')
    assert.equal(fieldOf(sent, 'Max-Forwards'), '69')
    assert.equal(fieldOf(sent, 'Proxy-Authorization'), undefined)
  })

test('a MESSAGE waits while nobody is there, and goes when the domain is heard of', async () => {
  const { town, here, server, romeo } = await ready()
  const listener = town.listeners.get('192.0.2.20:5060')
  town.listeners.delete('192.0.2.20:5060')
  assert.equal((await romeo.message(juliet, 'one')).status, 202)
  assert.equal(here.domains.status()[0]?.state, 'backing-off')
  if (listener !== undefined) town.listeners.set('192.0.2.20:5060', listener)
  here.service.relay.retry('capulet.example')
  await town.settled()
  assert.equal(Buffer.from(bodyOf(server.last('MESSAGE'))).toString(), 'one')
  assert.equal((await here.service.relay.status()).length, 0)
})

test('one person there who says nothing makes nobody else wait, where their server speaks meanwhile', async () => {
  const { town, here, server, romeo } = await ready()
  server.answers = (request: SipRequest) =>
    request.method === 'MESSAGE' ? { status: 100 } : { status: 200, toTag: 't' }
  const answered = romeo.message(juliet, 'anybody?')
  await town.settled()
  await town.pass(16)
  assert.equal((await answered).status, 480)
  assert.equal((await here.service.relay.status()).length, 0)
})

test('a connection on which nothing is answered or said any more is given up, and what waits goes by another', async () => {
  const { town, here, server, romeo } = await ready()
  server.answers = () => undefined
  const answered = romeo.message(juliet, 'one')
  await town.settled()
  await town.pass(16)
  assert.equal((await answered).status, 202)
  assert.deepEqual(town.dialled, ['192.0.2.20:5060'])
  server.answers = () => ({ status: 200, toTag: 't' })
  here.service.relay.retry('capulet.example')
  await town.settled()
  assert.equal(town.dialled.length, 2)
  assert.equal((await here.service.relay.status()).length, 0)
})

const pidf = (note: string): string =>
  `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${juliet}"><tuple id="p1"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`

function notify(server: OtherServer, cseq: number, state: string, note = ''): void {
  const subscribe = server.last('SUBSCRIBE')
  const body = note === '' ? '' : pidf(note)
  server.raw(
    [
      'NOTIFY sip:montague.example SIP/2.0',
      `Via: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bKn${cseq}`,
      'Max-Forwards: 70',
      `From: <${juliet}>;tag=n`,
      `To: ${fieldOf(subscribe, 'From')}`,
      `Call-ID: ${fieldOf(subscribe, 'Call-ID')}`,
      `CSeq: ${cseq} NOTIFY`,
      'Event: presence',
      `Subscription-State: ${state}`,
      'Contact: <sip:192.0.2.20;transport=tcp>',
      ...(body === '' ? [] : ['Content-Type: application/pidf+xml']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}

test('a fetch asks once, and what the one NOTIFY says is the answer (RFC 6665 §4.4.3)', async () => {
  const { town, here, server } = await ready()
  server.answers = () => ({
    status: 200,
    toTag: 'n',
    headers: [['Contact', '<sip:192.0.2.20;transport=tcp>']],
  })
  const fetched: (PresenceNotification | string)[] = []
  here.domains
    .linkTo('capulet.example')
    .fetch(at('romeo@montague.example'), at('juliet@capulet.example'), (told) =>
      fetched.push(told.kind === 'fetched' ? told.notification : told.condition),
    )
  await town.settled()
  assert.equal(fieldOf(server.last('SUBSCRIBE'), 'Expires'), '0')
  notify(server, 1, 'terminated;reason=timeout', 'in the garden')
  await town.settled()
  assert.equal(fetched.length, 1)
  assert.match(JSON.stringify((fetched[0] as PresenceNotification).document()), /in the garden/)
  assert.equal(here.agent.size, 0)
})

test('what nobody may see is not fetched: a NOTIFY without a document (RFC 3856 §6.6.2)', async () => {
  const { town, here, server } = await ready()
  server.answers = () => ({
    status: 200,
    toTag: 'n',
    headers: [['Contact', '<sip:192.0.2.20;transport=tcp>']],
  })
  const fetched: string[] = []
  here.domains
    .linkTo('capulet.example')
    .fetch(at('romeo@montague.example'), at('juliet@capulet.example'), (told) =>
      fetched.push(told.kind === 'fetched' ? 'fetched' : told.condition),
    )
  await town.settled()
  notify(server, 1, 'pending;expires=0')
  notify(server, 2, 'terminated;reason=timeout')
  await town.settled()
  assert.deepEqual(fetched, ['permission-denied'])
})

test('who is looked at by several devices has one subscription, told to none that may not see; 481 ends it', async () => {
  const { town, here, server } = await ready()
  server.answers = () => ({
    status: 200,
    toTag: 'n',
    headers: [
      ['Expires', 3600],
      ['Contact', '<sip:192.0.2.20;transport=tcp>'],
    ],
  })
  const link = here.domains.linkTo('capulet.example')
  link.watch(at('romeo@montague.example'), at('juliet@capulet.example'))
  await town.settled()
  assert.equal(server.requests.filter(({ method }) => method === 'SUBSCRIBE').length, 1)
  // Nobody here looks by the core's word: the notifier is told so.
  notify(server, 1, 'active;expires=3600', 'hello')
  await town.settled()
  assert.equal(server.responses.at(-1)?.status, 481)
  assert.equal(link.watches, 0)
})

test('a domain is examined: where its servers are, and what becomes of a try of each', async () => {
  const { town, here } = await ready()
  town.srv['_sip._tcp.capulet.example'] = ['down', 'there', 'nowhere'].map((name, priority) => ({
    priority,
    weight: 0,
    target: `${name}.capulet.example`,
    port: 5060,
  }))
  town.addresses['down.capulet.example'] = ['192.0.2.66']
  town.addresses['there.capulet.example'] = ['192.0.2.20']
  const found = await here.domains.examine('montague.example', 'capulet.example')
  assert.equal(found.source, 'NAPTR and SRV of capulet.example')
  assert.deepEqual(found.tries, [
    { where: 'down.capulet.example:5060 by TCP (192.0.2.66)', isGood: false, outcome: 'connection refused' },
    {
      where: 'there.capulet.example:5060 by TCP (192.0.2.20)',
      isGood: true,
      outcome: 'connected, and nobody has proven anything',
    },
    {
      where: 'nowhere.capulet.example:5060 by TCP',
      isGood: false,
      outcome: 'nowhere.capulet.example has no address',
    },
  ])
  const none = await here.domains.examine('montague.example', 'verona.example')
  assert.deepEqual(none.reached, { messages: false, presence: false, named: false })
})

test('a domain is reached where a record names it, and by the labels of RFC 3861; an address alone is none', async () => {
  const { town, here } = await ready()
  const reached = async (domain: string) => {
    const way = await here.domains.reaches(domain)
    return way === 'unanswered' ? way : [way.messages, way.presence]
  }
  town.addresses['address.example'] = ['192.0.2.77']
  town.srv['_im._sip.labelled.example'] = [{ priority: 0, weight: 0, target: 'a', port: 5060 }]
  assert.deepEqual(await reached('capulet.example'), [true, true])
  assert.deepEqual(await reached('address.example'), [false, false])
  assert.deepEqual(await reached('labelled.example'), [true, false])
  const places = await here.domains.reach.placesOf('labelled.example', undefined, true)
  assert.deepEqual(places, [{ transport: 'TCP', host: 'a', port: 5060 }])
})

test('a message that comes back from another domain as it went is a loop, one that was diverted is not (RFC 5393 §4.2)', async () => {
  const { town, server, romeo } = await ready()
  server.answers = () => undefined
  const sent = romeo.message(juliet, 'round and round')
  await town.settled()
  const { raw } = server.last('MESSAGE')
  const text = Buffer.from(raw).toString()
  const via = (branch: string): string => `\r\nVia: SIP/2.0/TCP 192.0.2.20;branch=${branch}\r\n`
  server.raw(text.replace('\r\n', via('z9hG4bKloop')))
  await town.settled()
  server.raw(text.replace(juliet, 'sip:benvolio@montague.example').replace('\r\n', via('z9hG4bKspiral')))
  await town.settled()
  const statuses = server.responses.map(({ status }) => status)
  // What is diverted to one of us is in the name of one of us, who has to log in.
  assert.deepEqual(statuses, [482, 407])
  server.answer(server.requests[0] as SipRequest, { status: 200, toTag: 't' })
  assert.equal((await sent).status, 200)
})
