import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRequest } from './check.ts'
import { encodeRequest, encodeResponse } from './encode.ts'
import { header, headerIdOf, headerName } from './header-names.ts'
import {
  acceptOf,
  accepts,
  callIdOf,
  contentTypeOf,
  eventOf,
  retryAfterOf,
  subscriptionStateOf,
  tokensOf,
} from './headers.ts'
import { headerCountMax, headerValue, parseMessage, type SipRequest, type SipResponse } from './message.ts'
import { displayName, nameAddrsOf, parseNameAddr } from './name-addr.ts'
import { paramOf } from './params.ts'
import { forwardedRequest, forwardedResponse } from './splice.ts'
import { topVia, viaParam, viasOf } from './via.ts'

const lines = (...parts: string[]): Buffer => Buffer.from(`${parts.join('\r\n')}\r\n\r\n`)
const basic = [
  'Via: SIP/2.0/UDP 192.0.2.1:5061;rport;branch=z9hG4bKa',
  'Max-Forwards: 70',
  'From: <sip:a@x.example>;tag=1',
  'To: <sip:b@x.example>',
  'Call-ID: c1',
  'CSeq: 1 MESSAGE',
]

function request(...more: string[]): SipRequest {
  const message = parseMessage(lines('MESSAGE sip:b@x.example SIP/2.0', ...basic, ...more))
  assert(message.kind === 'request')
  return message
}
function response(...more: string[]): SipResponse {
  const message = parseMessage(lines('SIP/2.0 200 OK', ...more, ...basic.slice(2)))
  assert(message.kind === 'response')
  return message
}
const status = (octets: Buffer): number | 'ok' => {
  const message = parseMessage(octets)
  if (message.kind === 'fault') return message.status
  assert(message.kind === 'request')
  const checked = checkRequest(message)
  return 'kind' in checked ? checked.status : 'ok'
}

test('a header field is known by its name in any case and by its compact form (RFC 3261 §7.3.3)', () => {
  for (const key of Object.keys(header) as (keyof typeof header)[]) {
    const name = headerName(header[key])
    for (const text of [name, name.toUpperCase(), name.toLowerCase()])
      assert.equal(headerIdOf(text, 0, text.length), header[key], text)
  }
  for (const [compact, id] of [
    ['i', header.callId],
    ['m', header.contact],
    ['V', header.via],
    ['o', header.event],
    ['U', header.allowEvents],
  ] as const)
    assert.equal(headerIdOf(compact, 0, 1), id)
  assert.equal(headerIdOf('Vib', 0, 3), 0)
})

const refused: readonly [why: string, octets: Buffer, status: number][] = [
  ['a header line without a colon', lines('MESSAGE sip:b@x SIP/2.0', 'Via SIP/2.0/UDP h'), 400],
  ['a bare LF', Buffer.from('MESSAGE sip:b@x SIP/2.0\r\nVia: a\nTo: b\r\n\r\n'), 400],
  ['a bare CR', Buffer.from('MESSAGE sip:b@x SIP/2.0\r\nVia: a\rTo: b\r\n\r\n'), 400],
  [
    'too many header fields',
    lines('MESSAGE sip:b@x SIP/2.0', ...Array(headerCountMax + 1).fill('X: y')),
    513,
  ],
  ['a header field over its limit', lines('MESSAGE sip:b@x SIP/2.0', `X: ${'y'.repeat(20_000)}`), 513],
  [
    'a message over its limit',
    lines('MESSAGE sip:b@x SIP/2.0', ...Array(100).fill(`X: ${'y'.repeat(1000)}`)),
    513,
  ],
  ['no octets', Buffer.alloc(0), 400],
  ['a NUL in a Request-URI', lines('MESSAGE sip:b\0@x SIP/2.0', ...basic), 400],
  ['a malformed Route', lines('MESSAGE sip:b@x SIP/2.0', ...basic, 'Route: <sip:h>, <'), 400],
  [
    'a malformed second Via',
    lines('MESSAGE sip:b@x SIP/2.0', 'Via: SIP/2.0/UDP h;branch=z9hG4bK1, bad', ...basic.slice(1)),
    400,
  ],
  [
    'an IPv6 address without brackets (RFC 5118 §4.2)',
    lines('MESSAGE sip:2001:db8::10 SIP/2.0', ...basic),
    400,
  ],
  ['SIP/7.0', lines('MESSAGE sip:b@x SIP/7.0', ...basic), 505],
  ['a tel URI', lines('MESSAGE tel:+1234 SIP/2.0', ...basic), 416],
]
for (const [why, octets, expected] of refused)
  test(`${why} is refused with ${expected}`, () => assert.equal(status(octets), expected))

test('no first n octets of a message are taken for another message (cut at every octet)', () => {
  const whole = lines(
    'MESSAGE sip:b@x.example SIP/2.0',
    ...basic,
    'Content-Type: text/plain',
    'Content-Length: 0',
  )
  for (let n = 0; n < whole.length; n++) assert.notEqual(status(whole.subarray(0, n)), 'ok', String(n))
  assert.equal(status(whole), 'ok')
})

test('received is read with and without brackets around an IPv6 address (RFC 5118 §4.5)', () => {
  for (const value of ['[2001:db8::9:255]', '2001:db8::9:255']) {
    const message = parseMessage(
      lines('OPTIONS sip:b@x SIP/2.0', `Via: SIP/2.0/UDP [2001:db8::9:1];received=${value};branch=z9hG4bKas`),
    )
    assert(message.kind === 'request')
    assert.equal(viaParam(topVia(message) ?? assert.fail(), 'received'), value)
  }
})

test('display names: quoted, tokens, none, and UTF-8 (RFC 3261 §25.1)', () => {
  const read = (text: string): string | undefined => {
    const octets = Buffer.from(text).toString('latin1')
    const value = parseNameAddr(octets, 0, octets.length)
    return value === undefined ? 'malformed' : displayName(value)
  }
  assert.equal(read('"Zoë \\"Z\\" <x>" <sip:z@h>;tag=1'), 'Zoë "Z" <x>')
  assert.equal(read('A. G. Bell <sip:agb@h>'), 'A. G. Bell')
  assert.equal(read('<sip:z@h>'), undefined)
  assert.equal(read('sip:z@h;tag=1'), undefined)
  assert.equal(read('Bell, Alexander <sip:agb@h>'), 'malformed')
})

test('values stand in one field or in several, in order (RFC 3261 §7.3.1)', () => {
  const message = request('Contact: "a, b" <sip:1@h;x=1>;q=0.5 , sip:2@h;expires=5', 'm: <sip:3@h,4>')
  assert.equal(nameAddrsOf(message, header.contact), undefined)
  const good = request('Contact: "a, b" <sip:1@h;x=1>;q=0.5 , sip:2@h;expires=5', 'm: <sip:3@h>')
  assert.deepEqual(
    nameAddrsOf(good, header.contact)?.map((value) => [value.uri, paramOf(value.params, 'expires')]),
    [
      ['sip:1@h;x=1', undefined],
      ['sip:2@h', '5'],
      ['sip:3@h', undefined],
    ],
  )
})

test('Event, Subscription-State, Retry-After, Accept and token lists are read', () => {
  const message = request(
    'o: presence.winfo;id=7',
    'Subscription-State: Terminated;reason=Probation;retry-after=12',
    'Retry-After: 18000 (in a meeting);duration=3600',
    'Accept: application/pidf+xml;q=0.3, text/*',
    'Accept: multipart/mixed;q=0',
    'Supported: path , gruu',
    'k:',
    'Content-Type: message/CPIM; charset="utf-8"',
  )
  assert.deepEqual(eventOf(message), { package: 'presence.winfo', id: '7' })
  assert.deepEqual(subscriptionStateOf(message), {
    state: 'terminated',
    reason: 'probation',
    expires: undefined,
    retryAfter: 12,
  })
  assert.equal(retryAfterOf(message), 18000)
  const ranges = acceptOf(message)
  assert(Array.isArray(ranges))
  assert.deepEqual(
    ['application/pidf+xml', 'text/html', 'multipart/mixed', 'image/png'].map((type) =>
      accepts(ranges, type),
    ),
    [true, true, false, false],
  )
  assert.deepEqual(tokensOf(message, header.supported), ['path', 'gruu'])
  const type = contentTypeOf(message)
  assert(type !== undefined && type !== 'malformed')
  assert.deepEqual([type.type, paramOf(type.params, 'charset')], ['message/cpim', 'utf-8'])
})

test('a Call-ID has one at sign at most (RFC 3261 §25.1)', () => {
  const read = (value: string): string | undefined =>
    callIdOf(parseMessage(lines('A sip:b SIP/2.0', `i: ${value}`)) as SipRequest)
  assert.equal(read('a84b4c76e66710@pc33.atlanta.com'), 'a84b4c76e66710@pc33.atlanta.com')
  assert.equal(read('a@b@c'), undefined)
  assert.equal(read('a b'), undefined)
})

test('a response copies Via, From, To, Call-ID and CSeq, stamped and tagged (RFC 3261 §8.2.6.2, RFC 3581 §4)', () => {
  const message = request('v: SIP/2.0/TCP far.example;branch=z9hG4bKb')
  const stamp = { received: '198.51.100.7', rport: 40000 }
  const out = encodeResponse(message, topVia(message), stamp, {
    status: 404,
    toTag: 'us',
    headers: [['Server', 'a\r\nX: forged']],
  })
  assert.equal(
    out.toString(),
    lines(
      'SIP/2.0 404 Not Found',
      'Via: SIP/2.0/UDP 192.0.2.1:5061;rport=40000;branch=z9hG4bKa;received=198.51.100.7',
      'Via: SIP/2.0/TCP far.example;branch=z9hG4bKb',
      'From: <sip:a@x.example>;tag=1',
      'To: <sip:b@x.example>;tag=us',
      'Call-ID: c1',
      'CSeq: 1 MESSAGE',
      'Server: a X: forged',
      'Content-Length: 0',
    ).toString(),
  )
})

test('a To tag that is there stays alone, even behind a quoted look-alike', () => {
  const tagged = parseMessage(
    lines(
      'MESSAGE sip:b@x SIP/2.0',
      ...basic.slice(0, 3),
      'To: ";tag=no" <sip:b@x;tag=no> ; TAG = yes',
      ...basic.slice(4),
    ),
  )
  assert(tagged.kind === 'request')
  const stamp = { received: undefined, rport: undefined }
  assert.match(
    encodeResponse(tagged, topVia(tagged), stamp, { status: 200, toTag: 'us' }).toString(),
    /TAG = yes\r\n/,
  )
  const bare = parseMessage(
    lines(
      'MESSAGE sip:b@x SIP/2.0',
      ...basic.slice(0, 3),
      'To: ";tag=no" <sip:b@x;tag=no>',
      ...basic.slice(4),
    ),
  )
  assert(bare.kind === 'request')
  assert.match(
    encodeResponse(bare, topVia(bare), stamp, { status: 200, toTag: 'us' }).toString(),
    /<sip:b@x;tag=no>;tag=us\r\n/,
  )
})

test('a request sent on has our Via on top, one hop less, a new target and its body untouched (RFC 3261 §16.6)', () => {
  const octets = Buffer.concat([
    lines(
      'MESSAGE sip:b@x.example SIP/2.0',
      ...basic,
      'Route: <sip:us;lr>, <sip:next;lr>',
      'Route: <sip:last;lr>',
      'Content-Length: 3',
    ),
    Buffer.from([0xff, 0, 13]),
  ])
  const message = parseMessage(octets)
  assert(message.kind === 'request')
  const via = topVia(message) ?? assert.fail()
  const out = forwardedRequest(message, {
    uri: 'sip:b@192.0.2.9:5070',
    via: 'SIP/2.0/UDP us;branch=z9hG4bKus',
    topVia: via,
    stamp: { received: '198.51.100.7', rport: 40000 },
    routesDropped: 1,
  })
  assert.deepEqual(
    out,
    Buffer.concat([
      lines(
        'MESSAGE sip:b@192.0.2.9:5070 SIP/2.0',
        'Via: SIP/2.0/UDP us;branch=z9hG4bKus',
        'Via: SIP/2.0/UDP 192.0.2.1:5061;rport=40000;branch=z9hG4bKa;received=198.51.100.7',
        'Max-Forwards: 69',
        ...basic.slice(2),
        'Route: <sip:next;lr>',
        'Route: <sip:last;lr>',
        'Content-Length: 3',
      ),
      Buffer.from([0xff, 0, 13]),
    ]),
  )
})

test('Route lines that are ours alone go with their line', () => {
  const message = request('Route: <sip:us;lr>', 'Route: <sip:us2;lr>')
  const out = forwardedRequest(message, {
    uri: undefined,
    via: 'SIP/2.0/UDP us;branch=z9hG4bKus',
    topVia: topVia(message) ?? assert.fail(),
    stamp: { received: undefined, rport: undefined },
    routesDropped: 2,
    routes: ['<sip:edge;lr>'],
    recordRoute: '<sip:us;lr>',
  })
  const back = parseMessage(out ?? assert.fail())
  assert(back.kind === 'request')
  assert.deepEqual(
    nameAddrsOf(back, header.route)?.map((value) => value.uri),
    ['sip:edge;lr'],
  )
  assert.equal(headerValue(back, header.recordRoute), '<sip:us;lr>')
})

test('a response on its way back loses our Via only (RFC 3261 §16.7 step 3)', () => {
  for (const vias of [
    ['Via: SIP/2.0/UDP us;branch=z9hG4bKus', 'Via: SIP/2.0/UDP h;branch=z9hG4bKa'],
    ['Via: SIP/2.0/UDP us;branch=z9hG4bKus, SIP/2.0/UDP h;branch=z9hG4bKa'],
  ]) {
    const message = response(...vias)
    const back = parseMessage(forwardedResponse(message, topVia(message) ?? assert.fail()))
    assert(back.kind === 'response')
    assert.deepEqual(
      viasOf(back)?.map((via) => via.host),
      ['h'],
    )
    assert.equal(headerValue(back, header.callId), 'c1')
  }
})

test('a request that we write is one that we would take (RFC 3261 §8.1.1)', () => {
  const out = encodeRequest({
    method: 'NOTIFY',
    uri: 'sip:w@192.0.2.1',
    via: 'SIP/2.0/UDP us;branch=z9hG4bKus;rport',
    from: '<sip:p@x.example>;tag=1',
    to: '<sip:w@x.example>;tag=2',
    callId: 'abc',
    cseq: 3,
    routes: ['<sip:r;lr>'],
    headers: [
      ['Event', 'presence'],
      ['Expires', 3],
    ],
    contentType: 'application/pidf+xml',
    body: Buffer.from('<presence/>'),
  })
  assert.equal(status(out), 'ok')
})
