// Entities, and the messages of channel management and tuning: what is taken, and what is refused with which code.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { text, utf8 } from '#base'
import { isBeepError, readBeepXml } from './beep-xml.ts'
import { Entity, entityBytes, readEntity } from './entity.ts'
import {
  closeText,
  errorMessage,
  greetingText,
  type ProposedProfile,
  profileText,
  readReply,
  readRequest,
  startText,
} from './management.ts'
import { beepError, readReplyCode, replyCodes } from './reply-codes.ts'
import { blobText, readTuning } from './tuning.ts'

const entityOf = (payload: string): Entity => {
  const entity = readEntity(Buffer.from(payload, 'latin1'))
  assert.ok(entity instanceof Entity, JSON.stringify(entity))
  return entity
}

test('an entity without headers is application/octet-stream and binary (RFC 3080 §2.2)', () => {
  const entity = entityOf('\r\nhello')
  assert.equal(entity.contentType, 'application/octet-stream')
  assert.equal(entity.transferEncoding, 'binary')
  assert.equal(text(entity.body), 'hello')
})

test('entity headers are those of MIME, and a transfer encoding is undone (RFC 3080 §2.2)', () => {
  const entity = entityOf(
    'content-TYPE: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=',
  )
  assert.equal(entity.contentType, 'text/plain; charset=utf-8')
  assert.equal(text(entity.body), 'aGk=')
  assert.equal(text(entity.content() ?? utf8('')), 'hi')
  assert.equal(entityOf('Content-Transfer-Encoding: x-none\r\n\r\nx').content(), undefined)
})

for (const payload of [
  '',
  'hello',
  'Content-Type: a/b',
  'Content-Type: a/b\r\n',
  'a\r\n\r\nb',
  '\nx',
  'A: b\n\nx',
  ' : x\r\n\r\n',
]) {
  test(`an entity is poorly formed without its blank line or with lines that are no headers: ${JSON.stringify(payload)}`, () => {
    assert.ok(!(readEntity(Buffer.from(payload)) instanceof Entity))
  })
}

test('entities that are written are read, other headers too, and none can break its line', () => {
  const fields = [['Content-ID', '<1@example.com>']] as const
  const entity = readEntity(entityBytes({ contentType: 'text/plain', fields, body: utf8('x') }))
  assert.ok(entity instanceof Entity)
  assert.deepEqual([...entity.headers], [['Content-Type', 'text/plain'], ...fields])
  assert.throws(() => entityBytes({ contentType: 'a/b\r\nX: y', body: utf8('') }), RangeError)
})

const xml = (body: string, type = 'application/beep+xml'): Entity =>
  entityOf(`Content-Type: ${type}\r\n\r\n${body}`)

/** [rule, entity, code; undefined where it is taken] */
const documents: [string, Entity, number | undefined][] = [
  ['comments and processing instructions may be present', xml('<?a b?><!-- c --><ok/>'), undefined],
  ['charset UTF-8 may be said', xml('<ok/>', 'application/beep+xml; charset="utf-8"'), undefined],
  [
    'another charset is converted',
    xml('<error code="550">\xe9</error>', 'Application/BEEP+xml; charset=iso-8859-1'),
    undefined,
  ],
  ['a charset that nobody knows', xml('<ok/>', 'application/beep+xml; charset=x-none'), 501],
  ['octets that are not of the charset', xml('<ok>\xff</ok>'), 500],
  ['an XML declaration may not be present', xml('<?xml version="1.0"?><ok/>'), 500],
  ['nor a DOCTYPE', xml('<!DOCTYPE ok><ok/>'), 500],
  ['nor other entity references', xml('<ok>&nbsp;</ok>'), 500],
  ['XML that is poorly formed', xml('<ok>'), 500],
  ['nothing', xml(''), 500],
  ['text behind the element', xml('<ok/>x'), 500],
  ['another type', xml('<ok/>', 'text/xml'), 501],
  ['a type that is none', xml('<ok/>', 'xml'), 501],
  ['no type, which is octets', entityOf('\r\n<ok/>'), 501],
  ['elements too deep', xml('<a>'.repeat(20) + '</a>'.repeat(20)), 500],
  ['too many octets', xml(`<ok>${' '.repeat(70_000)}</ok>`), 500],
]
for (const [rule, entity, code] of documents) {
  test(`application/beep+xml: ${rule} (RFC 3080 §6.4)`, () => {
    const read = readBeepXml(entity)
    assert.equal(isBeepError(read) ? read.code : undefined, code)
  })
}

const request = (body: string): object => {
  const element = readBeepXml(xml(Buffer.from(body).toString('latin1')))
  assert.ok(!isBeepError(element), JSON.stringify(element))
  return readRequest(element)
}
const profile = "<profile uri='urn:x'/>"
const bytes4k = 'x'.repeat(4096)

/** [rule, body, a part of what is read; a number: the code of the error] */
const requests: [string, string, object | number][] = [
  ['start', `<start number='1'>${profile}</start>`, { kind: 'start', number: 1, serverName: undefined }],
  [
    'start with a server',
    `<start number='1' serverName='example.com'>${profile}</start>`,
    { serverName: 'example.com' },
  ],
  ['several profiles', `<start number='1'>${profile}${profile}</start>`, { kind: 'start' }],
  [
    '4K octets of initialization',
    `<start number='1'><profile uri='urn:x'>${bytes4k}</profile></start>`,
    { kind: 'start' },
  ],
  ['more than 4K', `<start number='1'><profile uri='urn:x'>${bytes4k}x</profile></start>`, 501],
  ['the largest number', `<start number='2147483647'>${profile}</start>`, { number: 2147483647 }],
  ['no number', `<start>${profile}</start>`, 501],
  ['number 0', `<start number='0'>${profile}</start>`, 501],
  ['a number beyond', `<start number='2147483648'>${profile}</start>`, 501],
  ['a negative number', `<start number='-1'>${profile}</start>`, 501],
  ['a number of more digits than any needs', `<start number='00000000001'>${profile}</start>`, 501],
  ['a word for a number', `<start number='one'>${profile}</start>`, 501],
  ['no profile', "<start number='1'/>", 501],
  ['a profile without URI', "<start number='1'><profile/></start>", 501],
  ['a profile with an empty URI', "<start number='1'><profile uri=''/></start>", 501],
  ['another encoding', "<start number='1'><profile uri='urn:x' encoding='hex'>00</profile></start>", 501],
  [
    'base64 that is none',
    "<start number='1'><profile uri='urn:x' encoding='base64'>!</profile></start>",
    501,
  ],
  ['an element in a profile', "<start number='1'><profile uri='urn:x'><ready/></profile></start>", 501],
  ['text in start', `<start number='1'>x${profile}</start>`, 501],
  ['another element in start', `<start number='1'>${profile}<x/></start>`, 501],
  ['another attribute', `<start number='1' mode='x'>${profile}</start>`, 501],
  ['a namespace', `<start xmlns='urn:y' number='1'>${profile}</start>`, 501],
  ['close', "<close number='3' code='200'/>", { kind: 'close', number: 3, code: 200, text: '' }],
  ['close of the session', "<close code='200'/>", { kind: 'close', number: 0 }],
  [
    'close with words',
    "<close number='3' code='550' xml:lang='de'>genug</close>",
    { text: 'genug', language: 'de' },
  ],
  ['close without code', "<close number='3'/>", 501],
  ['a code of two digits', "<close number='3' code='20'/>", 501],
  ['a code beyond 5xx', "<close number='3' code='600'/>", 501],
  ['an element that is a reply', '<ok/>', 501],
  ['an element that nobody knows', '<stop/>', 501],
  ['a name that objects have', '<constructor/>', 501],
]
for (const [rule, body, wanted] of requests) {
  test(`a MSG on channel 0: ${rule} (RFC 3080 §2.3.1)`, () => {
    const read = request(body) as { kind: string; error?: { code: number } }
    if (typeof wanted === 'number') assert.equal(read.error?.code, wanted, JSON.stringify(read))
    else assert.deepEqual({ ...read, ...wanted }, read)
  })
}

const reply = (body: string): unknown => {
  const element = readBeepXml(xml(Buffer.from(body).toString('latin1')))
  assert.ok(!isBeepError(element), JSON.stringify(element))
  return readReply(element)
}

/** [rule, body, a part of what is read; undefined where the session ends of it] */
const replies: [string, string, object | undefined][] = [
  ['greeting', '<greeting/>', { kind: 'greeting', profiles: [], features: [], localize: [] }],
  [
    'features and languages',
    "<greeting features='a x-b' localize='de en'/>",
    { features: ['a', 'x-b'], localize: ['de', 'en'] },
  ],
  ['profiles', `<greeting>${profile}</greeting>`, { profiles: ['urn:x'] }],
  ['a profile with content in greeting', "<greeting><profile uri='urn:x'>y</profile></greeting>", undefined],
  ['ok', '<ok />', { kind: 'ok' }],
  ['ok with content', '<ok>x</ok>', undefined],
  ['ok with an attribute', "<ok a='b'/>", undefined],
  [
    'error',
    "<error code='550' xml:lang='en'>no</error>",
    { kind: 'error', error: { code: 550, text: 'no', language: 'en' } },
  ],
  ['a code of another profile', "<error code='555'/>", { kind: 'error' }],
  ['error without code', '<error/>', undefined],
  ['what is a request', "<close code='200'/>", undefined],
]
for (const [rule, body, wanted] of replies) {
  test(`a reply on channel 0: ${rule} (RFC 3080 §2.3.1, §7.1)`, () => {
    const read = reply(body)
    if (wanted === undefined) assert.equal(typeof read, 'string')
    else assert.deepEqual({ ...(read as object), ...wanted }, read)
  })
}

test('what is written is read: greeting, start, close, error', () => {
  const greeting = { profiles: ['urn:a&<\'">'], features: ['x-a'], localize: ['en'] }
  assert.deepEqual(reply(greetingText(greeting)), { kind: 'greeting', ...greeting })
  const close = { number: 3, code: 550, text: 'a < b & c', language: 'en' }
  assert.deepEqual(request(closeText(close)), { kind: 'close', ...close })
  const error = { code: 550, text: ']]>', language: undefined }
  assert.deepEqual(reply(errorMessage(error)), { kind: 'error', error })
})

test('any initialization message comes out as it went in: as text, escaped, or in base64 (RFC 3080 §2.3.1.2)', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 40 }).map(utf8),
    fc.constantFrom(']]>', '<a>]]></a>', '\r\n', '  ', '&amp;', '\0', '\ufffe', '<![CDATA[', ' x ').map(utf8),
  )
  fc.assert(
    fc.property(anything, fc.boolean(), (content, base64) => {
      const sent: ProposedProfile = { uri: 'urn:x', content, base64 }
      const start = request(startText({ number: 1, serverName: undefined, profiles: [sent] }))
      const { profiles } = start as { profiles: ProposedProfile[] }
      assert.deepEqual(Buffer.from(profiles[0]?.content ?? []), Buffer.from(content))
      const { content: back } = reply(profileText(sent)) as ProposedProfile
      assert.deepEqual(Buffer.from(back ?? []), Buffer.from(content))
    }),
  )
})

test('every reply code of RFC 3080 §8 has its meaning, and its number is read', () => {
  assert.deepEqual(
    Object.keys(replyCodes).map(Number),
    [200, 421, 450, 451, 454, 500, 501, 504, 530, 534, 535, 537, 538, 550, 553, 554],
  )
  for (const code of Object.keys(replyCodes)) assert.equal(readReplyCode(code), Number(code))
  for (const bad of [undefined, '', '99', '600', '1000', '20x', ' 200'])
    assert.equal(readReplyCode(bad), undefined)
  assert.deepEqual(beepError(530), { code: 530, text: 'authentication required' })
})

test('blobs carry any octets, and say which end they are (RFC 3080 §4.1.3)', () => {
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.constantFrom('continue' as const, 'abort' as const, 'complete' as const),
      (data, status) => {
        const read = readTuning(utf8(blobText(status, data)))
        assert.ok(!isBeepError(read) && read.kind === 'blob')
        assert.equal(read.status, status)
        assert.deepEqual(Buffer.from(read.data), Buffer.from(data))
      },
    ),
  )
})
