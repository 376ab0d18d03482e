import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapedUser, formatSipUri, parseSipUri, type SipUri, sameSipUri, unescaped } from './uri.ts'

const parse = (text: string): SipUri => parseSipUri(text) ?? assert.fail(`malformed: ${text}`)

const equivalent = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
  ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
] as const

const different = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
  ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
  ['sip:biloxi.com', 'sip:bob@biloxi.com'],
  ['sip:bob@biloxi.com', 'sip:bob:pw@biloxi.com'],
  ['sip:a%3bb@biloxi.com', 'sip:a;b@biloxi.com'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;maddr=192.0.2.4'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;ttl=1'],
] as const

for (const [a, b] of equivalent)
  test(`${a} and ${b} are equivalent (RFC 3261 §19.1.4)`, () => {
    assert(sameSipUri(parse(a), parse(b)))
    assert(sameSipUri(parse(b), parse(a)))
  })

for (const [a, b] of different)
  test(`${a} and ${b} are not equivalent (RFC 3261 §19.1.4)`, () => {
    assert(!sameSipUri(parse(a), parse(b)))
    assert(!sameSipUri(parse(b), parse(a)))
  })

const malformed = [
  'sip:',
  'sip:@host',
  'sip:user@',
  'sip:user@host:',
  'sip:user@host:65536',
  'sip:us er@host',
  'sip:user@host;=x',
  'sip:user@host;a=1;a=2',
  'sip:user@host?',
  'sip:user@host?x',
  'sip:us%4@host',
  'sip:user@ho%st',
  'sip:<user@host>',
  'sip:user@2001:db8::10',
  'sip:user@[2001:db8::10',
  'sip:user@[zz::1]',
  'tel:+1234',
  'sipx:user@host',
  'user@host',
]
for (const text of malformed)
  test(`${text} is no SIP URI (RFC 3261 §25.1)`, () => assert.equal(parseSipUri(text), undefined))

test('every part of a URI is found (RFC 3261 §19.1.3)', () => {
  const uri = parse('sips:alice:secret@Atlanta.example:5061;transport=TLS;lr?subject=project%20x')
  assert.deepEqual(uri, {
    scheme: 'sips',
    user: 'alice',
    password: 'secret',
    host: 'atlanta.example',
    port: 5061,
    params: [
      { name: 'transport', value: 'TLS' },
      { name: 'lr', value: undefined },
    ],
    headers: 'subject=project%20x',
  })
})

test('an IPv6 reference is a host, with and without a port (RFC 5118 §4.3, §4.4)', () => {
  assert.deepEqual(
    [parse('sip:[2001:db8::10:5070]').host, parse('sip:[2001:db8::10:5070]').port],
    ['[2001:db8::10:5070]', undefined],
  )
  assert.deepEqual(
    [parse('sip:u@[2001:db8::10]:5070').host, parse('sip:u@[2001:db8::10]:5070').port],
    ['[2001:db8::10]', 5070],
  )
  assert.equal(parse('sip:[::ffff:192.0.2.2]').host, '[::ffff:192.0.2.2]')
})

test('any user name survives being escaped (RFC 3261 §19.1.2)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (name) => {
      const uri = parse(`sip:${escapedUser(name)}@host.example`)
      assert.equal(unescaped(uri.user ?? ''), Buffer.from(name).toString())
      assert.deepEqual(parse(formatSipUri(uri)), uri)
    }),
    { numRuns: process.env['VERONA_SOAK'] ? 10_000 : 200 },
  )
})

test('im: and pres: URIs name people, without port, password or parameters (RFC 3860 §3, RFC 3859 §3)', () => {
  for (const scheme of ['im', 'pres'] as const) {
    const uri = parse(`${scheme.toUpperCase()}:juliet@Capulet.example`)
    assert.deepEqual([uri.scheme, uri.user, uri.host], [scheme, 'juliet', 'capulet.example'])
    assert.equal(formatSipUri(uri), `${scheme}:juliet@capulet.example`)
    assert.equal(parse(`${scheme}:juliet@capulet.example?Subject=x`).headers, 'Subject=x')
    for (const no of [':5060', ';transport=tls'])
      assert.equal(parseSipUri(`${scheme}:juliet@h.example${no}`), undefined)
    assert.equal(parseSipUri(`${scheme}:juliet:secret@h.example`), undefined)
  }
})
