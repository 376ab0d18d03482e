// The user agent towards other domains: requests with failover, and calls at both ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownBytes } from '#base'
import { bodyOf, parseMessage, requestUri, type SipRequest, type SipResponse } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { byHand, type OtherServer } from '../testing/other-server.ts'
import { fieldOf } from '../testing/phone.ts'
import { at } from '../testing/sip-domain.ts'
import { type Side, TwoDomains } from '../testing/two-domains.ts'
import type { Call, CallUser } from './call.ts'

const text = (message: SipRequest | SipResponse): string => Buffer.from(bodyOf(message)).toString()
const sdp = (name: string) => ({ contentType: 'application/sdp', body: Buffer.from(`v=0 ${name}`) })
const juliet = 'sip:juliet@capulet.example'
const romeo = at('romeo@montague.example')

function ask(side: Side, told: string[]): void {
  side.agent.request(
    { method: 'OPTIONS', uri: juliet, from: romeo },
    {
      onResponse: ({ status }) => void told.push(String(status)),
      onFailure: (failure) => void told.push(failure),
    },
  )
}

test('who is asked for by an im: or pres: URI is asked by one, at servers that the asker knows (UMPP §4.1, §4.2)', async () => {
  const { town, here, servers } = await byHand('192.0.2.20')
  const places = async () => [{ transport: 'TCP', host: '192.0.2.20', port: 5060 }] as const
  for (const scheme of ['im', 'pres']) {
    const told: string[] = []
    here.agent.request(
      { method: 'OPTIONS', uri: `${scheme}:juliet@elsewhere.example`, from: romeo, places },
      {
        onResponse: ({ status }) => void told.push(String(status)),
        onFailure: (failure) => void told.push(failure),
      },
    )
    await town.settled()
    assert.deepEqual(told, ['200'])
    const request = servers[0]!.last('OPTIONS')
    assert.equal(requestUri(request), `${scheme}:juliet@elsewhere.example`)
    assert.match(fieldOf(request, 'From') ?? '', new RegExp(`^<${scheme}:romeo@montague\\.example>;tag=`))
    assert.equal(fieldOf(request, 'To'), `<${scheme}:juliet@elsewhere.example>`)
  }
})

test('a request goes to the server of the lowest priority, by a connection that serves again (RFC 3263 §4.2)', async () => {
  const { town, here, servers } = await byHand('192.0.2.20', '192.0.2.21')
  const told: string[] = []
  ask(here, told)
  await town.settled()
  ask(here, told)
  await town.settled()
  assert.deepEqual(told, ['200', '200'])
  assert.deepEqual(town.dialled, ['192.0.2.20:5060'])
  const request = servers[0]!.last('OPTIONS')
  assert.equal(requestUri(request), juliet)
  assert.match(fieldOf(request, 'From') ?? '', /^<sip:romeo@montague\.example>;tag=/)
})

test('where a server is down, or says 503, the next is asked, with another branch (RFC 3263 §4.3)', async () => {
  const { town, here, servers } = await byHand('192.0.2.20', '192.0.2.21', '192.0.2.22')
  town.listeners.delete('192.0.2.20:5060')
  servers[1]!.answers = () => ({ status: 503, headers: [['Retry-After', 600]] })
  const told: string[] = []
  ask(here, told)
  await town.settled()
  assert.deepEqual(told, ['200'])
  const branch = (server: OtherServer | undefined): string => topVia(server!.last('OPTIONS'))?.branch ?? ''
  assert.notEqual(branch(servers[1]), branch(servers[2]))
  assert.equal(
    fieldOf(servers[1]!.last('OPTIONS'), 'Call-ID'),
    fieldOf(servers[2]!.last('OPTIONS'), 'Call-ID'),
  )
  // RFC 3261 §21.5.4: it is left alone for as long as it said.
  servers[1]!.requests.length = 0
  ask(here, told)
  await town.settled()
  assert.equal(servers[1]!.requests.length, 0)
})

test('the last 503 is told where there is no other server; nobody at all is unreachable', async () => {
  const { town, here, servers } = await byHand('192.0.2.20')
  servers[0]!.answers = () => ({ status: 503 })
  const told: string[] = []
  ask(here, told)
  await town.settled()
  town.listeners.clear()
  servers[0]!.connection?.destroy({ why: 'us' })
  await town.settled()
  ask(here, told)
  await town.settled()
  assert.deepEqual(told, ['503', 'unreachable'])
  assert.match(here.domains.status()[0]?.lastError ?? '', /192\.0\.2\.20:5060: connection refused/)
})

test('a server that says nothing is given up by Timer F, and the next is asked', async () => {
  const { town, here, servers } = await byHand('192.0.2.20', '192.0.2.21')
  servers[0]!.answers = () => undefined
  const told: string[] = []
  ask(here, told)
  await town.settled()
  await town.pass(33)
  // The time to find a server is over then: RFC 3263 has no more to say than that it failed.
  assert.deepEqual(told, ['timeout'])
})

test('who comes after a server that said nothing is served by the next one at once; where it is alone, it is asked again', async () => {
  const { town, here, servers } = await byHand('192.0.2.20', '192.0.2.21')
  servers[0]!.answers = () => undefined
  const told: string[] = []
  ask(here, told)
  await town.settled()
  await town.pass(33)
  assert.deepEqual(told, ['timeout'])
  ask(here, told)
  await town.settled()
  assert.deepEqual(told, ['timeout', '200'])
  // The other one is gone, and the first has come to itself.
  town.listeners.delete('192.0.2.21:5060')
  servers[1]!.connection?.destroy({ why: 'us' })
  servers[0]!.answers = () => ({ status: 200 })
  await town.settled()
  ask(here, told)
  await town.settled()
  assert.deepEqual(told, ['timeout', '200', '200'])
})

/** Two ends of a call, and what each was told. */
async function called(take: (call: Call, invite: SipRequest) => void) {
  const { town, here, there } = await TwoDomains.make()
  const heard: string[] = []
  const user = (name: string): CallUser => ({
    onProgress: ({ status }) => void heard.push(`${name} ${status}`),
    onAccepted: (response) => {
      heard.push(`${name} accepted ${text(response)}`)
      return undefined
    },
    onRefused: (status, _response, why) => void heard.push(`${name} refused ${status} ${why}`),
    onRequest: (request, answer) => {
      heard.push(`${name} ${request.method} ${text(request)}`)
      answer(200, sdp(`of ${name}`))
    },
    onAcknowledged: () => void heard.push(`${name} acknowledged`),
    onEnded: (why) => void heard.push(`${name} ended ${why}`),
  })
  const callees: Call[] = []
  there.agent.onInvite((call, invite, from) => {
    assert.equal(from.address.key, romeo.key)
    callees.push(call)
    queueMicrotask(() => take(call, invite))
    return user('juliet')
  })
  const call = here.agent.invite({ uri: juliet, from: romeo, ...sdp('offer') }, user('romeo'))
  await town.settled()
  return { town, here, there, call, callee: callees[0] as Call, heard }
}

test('a call between two domains: ringing, accepted, acknowledged, offered anew, ended (RFC 3261 §13 to §15)', async () => {
  const { town, here, there, call, callee, heard } = await called((taken, invite) => {
    assert.equal(text(invite), 'v=0 offer')
    taken.ring()
    taken.accept(sdp('answer'))
  })
  assert.deepEqual(heard, ['romeo 180', 'romeo accepted v=0 answer', 'juliet acknowledged'])
  let answered = ''
  callee.request('INVITE', sdp('again'), (response) => {
    answered = response === undefined ? 'nothing' : text(response)
    return undefined
  })
  await town.settled()
  assert.equal(answered, 'v=0 of romeo')
  call.end()
  await town.settled()
  assert.deepEqual(heard.slice(3), ['romeo INVITE v=0 again', 'romeo acknowledged', 'juliet ended bye'])
  assert.deepEqual([here.agent.size, there.agent.size, callee.isOver], [0, 0, true])
})

test('a call that is refused, and one that is taken back (RFC 3261 §9, §21.6.2)', async () => {
  const refused = await called((taken) => taken.refuse(603))
  assert.deepEqual(refused.heard, ['romeo refused 603 Decline'])
  const { town, call, heard, there } = await called((taken) => taken.ring())
  call.cancel()
  await town.settled()
  assert.deepEqual(heard, [
    'romeo 180',
    'juliet refused 487 cancelled',
    'romeo refused 487 Request Terminated',
  ])
  assert.equal(there.agent.size, 0)
})

test('a 2xx is sent again until its ACK comes; without one the call ends with BYE (RFC 3261 §13.3.1.4)', async () => {
  const { town, here, servers } = await byHand('192.0.2.20')
  const [server] = servers
  const heard: string[] = []
  here.agent.onInvite((call) => {
    queueMicrotask(() => call.accept(sdp('answer')))
    return {
      onAccepted: () => undefined,
      onRefused: () => undefined,
      onEnded: (why) => void heard.push(why),
    }
  })
  ask(here, [])
  await town.settled()
  server!.requests.length = 0
  let oks = 0
  const { connection } = server!
  connection?.start({
    onData: (octets) => {
      const message = parseMessage(ownBytes(octets))
      if (message.kind === 'response' && message.status === 200) oks++
      if (message.kind === 'request') {
        server!.requests.push(message)
        server!.answer(message, { status: 200 })
      }
    },
    onClose: () => undefined,
  })
  server!.raw(
    [
      'INVITE sip:romeo@montague.example SIP/2.0',
      'Via: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bKcall',
      'Max-Forwards: 70',
      `From: <${juliet}>;tag=j`,
      'To: <sip:romeo@montague.example>',
      'Call-ID: call-1',
      'CSeq: 1 INVITE',
      'Contact: <sip:juliet@192.0.2.20;transport=tcp>',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  )
  await town.settled()
  assert.equal(oks, 1)
  for (let seconds = 0; seconds < 33; seconds++) await town.pass(1)
  assert.equal(oks, 11, 'at T1, doubled to T2, for 64*T1')
  assert.deepEqual(heard, ['no-ack'])
  assert.equal(server!.last('BYE').method, 'BYE')
})

test('what is too large for a datagram goes by TCP, where UDP was found (RFC 3261 §18.1.1)', async () => {
  const { town, here, servers } = await byHand('192.0.2.20')
  town.srv['_sip._udp.capulet.example'] = town.srv['_sip._tcp.capulet.example'] ?? []
  delete town.srv['_sip._tcp.capulet.example']
  const told: string[] = []
  const send = (octets: number): void => {
    here.agent.request(
      {
        method: 'MESSAGE',
        uri: juliet,
        from: romeo,
        contentType: 'text/plain',
        body: Buffer.alloc(octets, 'x'),
      },
      {
        onResponse: ({ status }) => void told.push(String(status)),
        onFailure: (_failure, why) => void told.push(why),
      },
    )
  }
  send(10)
  await town.settled()
  send(1300)
  await town.settled()
  assert.deepEqual(told, ['192.0.2.20:5060: there is no UDP here', '200'])
  assert.equal(bodyOf(servers[0]!.last('MESSAGE')).length, 1300)
})
