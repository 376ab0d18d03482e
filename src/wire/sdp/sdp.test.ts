// Descriptions in and out: the examples of RFC 3264, those of UMPP §4.1 with their slips, and what is none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import {
  attributeOf,
  connectionOf,
  linesMax,
  octetsMax,
  parseSdp,
  type SessionDescription,
  writeSdp,
} from './index.ts'

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`

function read(written: string): SessionDescription {
  const description = parseSdp(utf8(written))
  if ('fault' in description) assert.fail(`line ${description.line}: ${description.why}`)
  return description
}

/** UMPP §4.1, message 1, as it is printed. */
const offer = lines(
  'v=0',
  'o=romeo 289087 289087 IN IP4 orchard.montague.example.net',
  's=-',
  'c=IN IP4 orchard.montague.example.net',
  't=0 0',
  'm=audio 39923 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'c=IN IP4 xmpp.montague.example.net',
  't=0 0',
  'm=message 5222 xmpp/tcp chat',
  'a=direction:both',
  'a=jid:romeo@montague.example.net/orchard',
  'a=thread:283461923759234',
)

test('the offer of UMPP §4.1 is read as it is meant: the c= behind the audio is that of the messages', () => {
  const description = read(offer)
  const [audio, message] = description.media
  assert.deepEqual(description.times, ['0 0'])
  assert.equal(audio?.port, 39_923)
  assert.equal(audio && connectionOf(description, audio)?.address, 'orchard.montague.example.net')
  assert.equal(message && connectionOf(description, message)?.address, 'xmpp.montague.example.net')
  assert.equal(message && attributeOf(message.attributes, 'jid'), 'romeo@montague.example.net/orchard')
  assert.deepEqual(message?.formats, ['chat'])
})

test('the same offer is written as RFC 8866 §9 orders it, and reads the same', () => {
  const written = text(writeSdp(read(offer)))
  assert.equal(
    written,
    lines(
      'v=0',
      'o=romeo 289087 289087 IN IP4 orchard.montague.example.net',
      's=-',
      'c=IN IP4 orchard.montague.example.net',
      't=0 0',
      'm=audio 39923 RTP/AVP 0',
      'a=rtpmap:0 PCMU/8000',
      'm=message 5222 xmpp/tcp chat',
      'c=IN IP4 xmpp.montague.example.net',
      'a=direction:both',
      'a=jid:romeo@montague.example.net/orchard',
      'a=thread:283461923759234',
    ),
  )
  assert.deepEqual(read(written), read(offer))
})

test('the order and number of media are kept, with ports, several formats and lines of other types passed over (RFC 3264 §10.1)', () => {
  const description = read(
    lines(
      'v=0',
      'o=alice 2890844526 2890844526 IN IP4 host.anywhere.com',
      's=',
      'i=a call',
      'c=IN IP4 host.anywhere.com',
      'b=AS:64',
      't=0 0',
      'r=604800 3600 0 90000',
      'a=sendrecv',
      'm=audio 49170/2 RTP/AVP 0 8 97',
      'm=video 0 RTP/AVP 31 32',
      'a=rtpmap:31 H261/90000',
    ),
  )
  assert.deepEqual(
    description.media.map(({ media, port, ports, formats }) => [media, port, ports, formats.join()]),
    [
      ['audio', 49_170, 2, '0,8,97'],
      ['video', 0, undefined, '31,32'],
    ],
  )
  assert.deepEqual(description.attributes, [{ name: 'sendrecv', value: undefined }])
  assert.match(text(writeSdp(description)), /m=audio 49170\/2 RTP\/AVP 0 8 97\r\nm=video 0 /)
})

test('a c= astray behind the last medium is its own, where it has none; an own one is not replaced', () => {
  const start = ['v=0', 'o=- 1 1 IN IP4 h', 's=-', 't=0 0']
  const last = read(lines(...start, 'm=message 1 xmpp/tcp chat', 'a=x', 'c=IN IP4 late'))
  assert.equal(last.media[0]?.connection?.address, 'late')
  const own = read(
    lines(...start, 'm=audio 1 RTP/AVP 0', 'a=x', 'c=IN IP4 astray', 'm=message 1 xmpp/tcp chat'),
  )
  assert.deepEqual(
    own.media.map(({ connection }) => connection?.address),
    [undefined, 'astray'],
  )
})

test('lines may end with LF alone, and the last without one', () => {
  assert.equal(read('v=0\no=- 1 1 IN IP6 ::1\ns=-\nt=0 0').origin.address, '::1')
})

const faults: [string, string, number][] = [
  ['nothing', '', 0],
  ['another version', lines('v=1', 'o=- 1 1 IN IP4 h'), 1],
  ['no origin', lines('v=0', 's=-'), 0],
  ['an origin of five parts', lines('v=0', 'o=- 1 1 IN IP4'), 2],
  ['an origin whose id is no number', lines('v=0', 'o=- one 1 IN IP4 h'), 2],
  ['two origins', lines('v=0', 'o=- 1 1 IN IP4 h', 'o=- 1 1 IN IP4 h'), 3],
  ['two names', lines('v=0', 'o=- 1 1 IN IP4 h', 's=-', 's=-'), 4],
  ['two versions', lines('v=0', 'v=0'), 2],
  ['a line that is none', lines('v=0', 'o=- 1 1 IN IP4 h', 'hello'), 3],
  ['an empty line', lines('v=0', '', 'o=- 1 1 IN IP4 h'), 2],
  ['a c= of two parts', lines('v=0', 'o=- 1 1 IN IP4 h', 'c=IN h'), 3],
  ['a t= of words', lines('v=0', 'o=- 1 1 IN IP4 h', 't=now then'), 3],
  ['an m= without a format', lines('v=0', 'o=- 1 1 IN IP4 h', 'm=message 1 xmpp/tcp'), 3],
  ['an m= with a port too high', lines('v=0', 'o=- 1 1 IN IP4 h', 'm=message 65536 xmpp/tcp chat'), 3],
  ['an attribute without a name', lines('v=0', 'o=- 1 1 IN IP4 h', 'a=:x'), 3],
  ['a NUL', lines('v=0', 'o=- 1 1 IN IP4 h', 'a=x:\0'), 3],
]

for (const [what, written, line] of faults)
  test(`${what} is malformed, and its line is named`, () => {
    const fault = parseSdp(utf8(written))
    assert.ok('fault' in fault)
    assert.equal(fault.fault, 'malformed')
    if (what !== 'nothing') assert.equal(fault.line, line)
  })

test('LIMIT: a description has so many octets, lines and media', () => {
  const start = ['v=0', 'o=- 1 1 IN IP4 h', 's=-']
  const fault = (written: string) => {
    const read = parseSdp(utf8(written))
    return 'fault' in read ? read.fault : 'none'
  }
  assert.equal(fault(lines(...start, `a=x:${'y'.repeat(octetsMax)}`)), 'too-large')
  assert.equal(fault(lines(...start, ...Array<string>(linesMax).fill('a=x'))), 'too-large')
  assert.equal(fault(lines(...start, ...Array<string>(65).fill('m=audio 1 RTP/AVP 0'))), 'malformed')
})

test('a value with a line end in it does not make a line of its own', () => {
  const description = read(lines('v=0', 'o=- 1 1 IN IP4 h', 's=-', 't=0 0'))
  const attributes = [{ name: 'thread', value: '1\r\na=jid:mallory@evil.example' }]
  const written = text(writeSdp({ ...description, attributes }))
  assert.equal(read(written).attributes.length, 1)
})
