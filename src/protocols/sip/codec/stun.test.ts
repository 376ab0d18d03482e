import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayBeStun, stunAnswer } from './stun.ts'

const id = '000102030405060708090a0b'
const request = (attributes = '', cookie = '2112a442'): Buffer =>
  Buffer.from(
    `0001${(attributes.length / 2).toString(16).padStart(4, '0')}${cookie}${id}${attributes}`,
    'hex',
  )

test('a Binding request is answered with the address it came from (RFC 5389 §15.2)', () => {
  const answer = stunAnswer(request(), '192.0.2.1', 32853)
  // The address and port of RFC 5769 §2.2.
  assert.equal(answer?.toString('hex'), `0101000c2112a442${id}002000080001a147e112a643`)
})

test('an IPv6 address is mixed with the cookie and the transaction id (RFC 5769 §2.3)', () => {
  const asked = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')
  const answer = stunAnswer(asked, '2001:db8:1234:5678:11:2233:4455:6677', 32853)
  assert.equal(answer?.subarray(20).toString('hex'), '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9')
})

test('a client of RFC 3489 gets its address as it is (RFC 5389 §12.2)', () => {
  assert.equal(
    stunAnswer(request('', 'ffffffff'), '192.0.2.1', 5060)?.subarray(20).toString('hex'),
    '00010008000113c4c0000201',
  )
})

test('an attribute that must be understood and is not gets 420 (RFC 5389 §7.3.1)', () => {
  const answer = stunAnswer(request('7f010000'), '192.0.2.1', 5060)
  assert.equal(answer?.readUInt16BE(0), 0x0111)
  assert.equal(answer?.subarray(24, 28).toString('hex'), '00000414')
  assert.equal(answer?.subarray(-4, -2).toString('hex'), '7f01')
})

test('what is no Binding request is not answered: other methods, responses, wrong lengths', () => {
  for (const hex of [
    `000300002112a442${id}`,
    `010100002112a442${id}`,
    `000100042112a442${id}`,
    `000100042112a442${id}80220009`,
  ])
    assert.equal(stunAnswer(Buffer.from(hex, 'hex'), '192.0.2.1', 5060), undefined, hex)
})

test('no SIP message and no CRLF keep-alive is taken for STUN (RFC 5389 §6)', () => {
  assert.equal(mayBeStun(Buffer.from('MESSAGE sip:a@example.com SIP/2.0\r\n\r\n')), false)
  assert.equal(mayBeStun(Buffer.from('\r\n\r\n')), false)
  assert.equal(mayBeStun(request()), true)
})
