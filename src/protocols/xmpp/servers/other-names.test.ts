// SRVName and xmppAddr out of a certificate's DER (RFC 4985 §2, RFC 6120 §13.7.1.4).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otherNamesOf } from './other-names.ts'

const value = (tag: number, ...content: (Buffer | string)[]): Buffer => {
  const inside = Buffer.concat(content.map((each) => Buffer.from(each)))
  const length = inside.length < 0x80 ? [inside.length] : [0x82, inside.length >> 8, inside.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), inside])
}
const oid = (hex: string): Buffer => value(0x06, Buffer.from(hex, 'hex'))
const otherName = (type: string, tag: number, name: string): Buffer =>
  value(0xa0, oid(type), value(0xa0, value(tag, name)))
const service = otherName('2b06010505070807', 0x16, '_xmpp-server.capulet.example')
const address = otherName('2b06010505070805', 0x0c, 'capulet.example')

function certificate(...names: Buffer[]): Buffer {
  const alternative = value(0x30, oid('551d11'), value(0x04, value(0x30, ...names)))
  const usage = value(
    0x30,
    oid('551d0f'),
    value(0x01, Buffer.from([0xff])),
    value(0x04, Buffer.from([3, 2, 5, 0xa0])),
  )
  const tbs = value(0x30, value(0x02, Buffer.from([1])), value(0xa3, value(0x30, usage, alternative)))
  return value(0x30, tbs, value(0x30, oid('2a')), value(0x03, 'signature'))
}

test('both kinds are found between names of others', () => {
  const dns = value(0x82, 'capulet.example'.repeat(20))
  assert.deepEqual(otherNamesOf(certificate(dns, service, address)), {
    services: ['_xmpp-server.capulet.example'],
    addresses: ['capulet.example'],
  })
})

test('names of another string type, and other otherNames, are none', () => {
  const wrong = [
    otherName('2b06010505070807', 0x0c, 'x'),
    otherName('2b06010505070805', 0x16, 'x'),
    otherName('2a03', 0x0c, 'x'),
  ]
  assert.deepEqual(otherNamesOf(certificate(...wrong)), { services: [], addresses: [] })
})

test('octets that are cut anywhere are no fault', () => {
  const whole = certificate(service, address)
  for (let length = 0; length < whole.length; length++) otherNamesOf(whole.subarray(0, length))
  assert.deepEqual(otherNamesOf(new Uint8Array()), { services: [], addresses: [] })
})
