// Any content of a MESSAGE passes untouched, live to every phone and out of the store in order (RFC 3428 §4, §5, §7; RFC 3261 §7.4).

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { bodyOf, headerValuesNamed, type SipRequest } from './codec/message.ts'
import { fieldOf, type Phone } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const every = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
const signed = [
  '--b42',
  'Content-Type: text/plain',
  '',
  'signed  text, two spaces ',
  '--b42',
  'Content-Type: application/pkcs7-signature; name=smime.p7s',
  'Content-Transfer-Encoding: base64',
  '',
  'MIIBAAA=',
  '--b42--',
  '',
].join('\r\n')
const cpim = [
  'From: <im:alice@example.com>',
  'To: <im:bob@example.com>',
  'DateTime: 2026-01-01T00:00:00Z',
  '',
  'Content-Type: text/plain; charset=utf-8',
  'Content-ID: <1234567890@example.com>',
  '',
  'Here is the text. ž',
].join('\r\n')

/** [type, other fields, octets] */
const contents: readonly [type: string, fields: string[], octets: Buffer][] = [
  ['text/plain', [], Buffer.from('Watson, come here.')],
  ['text/plain;charset=ISO-8859-1', ['Content-Language: de'], Buffer.from('schön', 'latin1')],
  ['text/html; charset="utf-8"', [], Buffer.from('<p>a &amp; <b>b</b>\r\n</p>')],
  ['Message/CPIM', [], Buffer.from(cpim)],
  [
    'multipart/signed;protocol="application/pkcs7-signature";micalg=sha-256;boundary=b42',
    [],
    Buffer.from(signed),
  ],
  [
    'application/pkcs7-mime;smime-type=enveloped-data;name=smime.p7m',
    ['Content-Disposition: attachment;handling=required'],
    every,
  ],
  ['image/png', ['Content-Disposition: render'], every],
  ['application/x-of-nobody', ['MIME-Version: 1.0', 'X-Odd: kept'], Buffer.alloc(0)],
]

/** A MESSAGE with octets, sent with the credentials that the phone has. */
function send(phone: Phone, type: string, fields: readonly string[], octets: Buffer, callId: string): void {
  const uri = 'sip:bob@example.com'
  const headers = [`Content-Type: ${type}`, ...fields, ...phone.credentials('MESSAGE', uri)]
  const head = phone
    .write('MESSAGE', { uri, callId, cseq: 7, headers })
    .replace(/Content-Length: 0\r\n\r\n$/, `Content-Length: ${octets.length}\r\n\r\n`)
  phone.raw(Buffer.concat([Buffer.from(head), octets]))
}

const digest = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

function assertSame(message: SipRequest, type: string, fields: readonly string[], octets: Buffer): void {
  assert.equal(fieldOf(message, 'Content-Type'), type)
  assert.equal(digest(bodyOf(message)), digest(octets), type)
  for (const field of fields) {
    const [name = '', value = ''] = field.split(': ')
    if (!name.startsWith('X-')) assert.deepEqual(headerValuesNamed(message, name), [value])
  }
}

async function stage() {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.3', 5060, 'TCP')
  const [desk, cell] = [domain.phone('bob', '192.0.2.1'), domain.phone('bob', '192.0.2.2', 5060, 'TCP')]
  assert.equal((await alice.register()).status, 200)
  return { domain, alice, desk, cell }
}

for (const [type, fields, octets] of contents)
  test(`${type}: octet for octet to every phone that is registered`, async () => {
    const { alice, desk, cell } = await stage()
    for (const phone of [desk, cell]) assert.equal((await phone.register()).status, 200)
    send(alice, type, fields, octets, 'live')
    for (const phone of [desk, cell]) {
      const message = await phone.next('MESSAGE')
      assertSame(message, type, fields, octets)
      if (fields.includes('X-Odd: kept')) assert.equal(fieldOf(message, 'X-Odd'), 'kept')
    }
    assert.equal((await alice.final('live', 7)).status, 200)
  })

test('all of them are stored when nobody is there, and come at the next REGISTER in their order, once (202, RFC 3428 §7)', async () => {
  const { alice, desk, cell } = await stage()
  for (const [i, [type, fields, octets]] of contents.entries()) {
    send(alice, type, fields, octets, `stored-${i}`)
    assert.equal((await alice.final(`stored-${i}`, 7)).status, 202, type)
  }
  assert.equal((await desk.register()).status, 200)
  for (const [type, fields, octets] of contents) {
    const message = await desk.next('MESSAGE')
    assertSame(message, type, fields, octets)
    assert.match(fieldOf(message, 'From') ?? '', /^<sip:alice@example\.com>;tag=/)
    // RFC 3428 §4: when it was sent.
    assert(!Number.isNaN(Date.parse(fieldOf(message, 'Date') ?? '')))
  }
  assert.equal((await cell.register()).status, 200)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.deepEqual([...desk.requests, ...cell.requests], [])
})
