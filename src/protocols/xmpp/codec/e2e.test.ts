// S/MIME in stanzas: the text of <e2e/> and the MIME entity that it is, both ways (RFC 3923 §3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import type { Content } from '#model'
import { contentOfE2e, e2eOctetsMax, e2eTextOf } from './e2e.ts'

const lines = (...all: string[]): string => all.join('\r\n')

/** RFC 3923 §3.2, Example 3. */
const printed = `
Content-Type: multipart/signed; boundary=next;
              micalg=sha1;
              protocol=application/pkcs7-signature

--next
Content-type: Message/CPIM

From: Juliet Capulet <im:juliet@example.com>
To: Romeo Montague <im:romeo@example.net>
DateTime: 2003-12-09T23:45:36.66Z
Subject: Imploring

Content-type: text/plain; charset=utf-8
Content-ID: <1234567890@example.com>

Wherefore art thou, Romeo?
--next
Content-Type: application/pkcs7-signature
Content-Disposition: attachment;handling=required;filename=smime.p7s

[signed body part]

--next--
`

const signed: Content = {
  type: 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="b"',
  bytes: utf8(lines('--b', 'Content-Type: text/plain', '', 'Rose 🌹 <&>', '--b', '', 'MII', '--b--', '')),
  fields: [{ name: 'Content-Disposition', value: 'inline' }],
}

test('the example of RFC 3923 §3.2 is a signed MIME entity, its lines ended with CR LF again', () => {
  const content = contentOfE2e(printed)
  assert.match(
    content?.type ?? '',
    /^multipart\/signed; boundary=next; +micalg=sha1; +protocol="application\/pkcs7-signature"$/,
  )
  const body = text(content?.bytes ?? new Uint8Array())
  assert.ok(body.startsWith('--next\r\nContent-type: Message/CPIM\r\n\r\nFrom: Juliet Capulet '), body)
  assert.ok(body.endsWith('\r\n--next--\r\n'))
  assert.doesNotMatch(body, /[^\r]\n/)
})

test('a signed entity is written as text and read again, octet for octet', () => {
  const written = e2eTextOf(signed)
  assert.ok(written?.startsWith('\nContent-Type: multipart/signed;') && !written.includes('\r'))
  assert.deepEqual(contentOfE2e(written ?? ''), signed)
})

test('an enveloped one is base64 in text, and octets again (RFC 8551 §3.6)', () => {
  const enveloped: Content = {
    type: 'application/pkcs7-mime; smime-type=enveloped-data',
    bytes: Uint8Array.from({ length: 200 }, (_, n) => n),
    fields: [],
  }
  const written = e2eTextOf(enveloped)
  assert.match(written ?? '', /Content-Transfer-Encoding: base64\n\n[A-Za-z0-9+/]{76}\n/)
  assert.deepEqual(contentOfE2e(written ?? ''), enveloped)
})

const none: [string, Content][] = [
  ['of another type', { ...signed, type: 'multipart/mixed; boundary=b' }],
  ['signed by OpenPGP', { ...signed, type: 'multipart/signed; protocol="application/pgp-signature"' }],
  ['of 8-bit octets that are no UTF-8', { ...signed, bytes: Uint8Array.of(0xe9, 13, 10) }],
  ['with a line that ends with LF alone', { ...signed, bytes: utf8('a\nb\r\n') }],
  ['with a lone CR', { ...signed, bytes: utf8('a\rb\r\n') }],
  ['with a character that XML has not', { ...signed, bytes: utf8('\u0001\r\n') }],
  ['past the limit', { ...signed, bytes: new Uint8Array(e2eOctetsMax + 1).fill(65) }],
]
for (const [what, content] of none)
  test(`content ${what} is not written as text`, () => {
    assert.equal(e2eTextOf(content), undefined)
  })

const unreadable = [
  '',
  'no header',
  'Content-Type: text/plain\n\nx',
  'Content-Type: ;\n\nx',
  printed.replace('pkcs7', 'pgp'),
]
for (const said of unreadable)
  test(`<e2e/> that says ${JSON.stringify(said.slice(0, 30))} is no content`, () => {
    assert.equal(contentOfE2e(said), undefined)
  })
