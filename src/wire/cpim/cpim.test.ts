import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, sameBytes, text, utf8 } from '#base'
import { textOf } from '#wire/mime'
import {
  type CpimFault,
  type CpimMessage,
  cpimNamespace,
  escaped,
  parseCpim,
  unescaped,
  unrecognisedRequirements,
  writeCpim,
} from './index.ts'

const plainObject = { noNullPrototype: true }
const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 10_000 : 100

const inner = [
  'Content-type: text/xml; charset=utf-8',
  'Content-ID: <1234567890@foo.com>',
  '',
  '<body>',
  'Here is the text of my message.',
  '</body>',
].join('\r\n')

/** RFC 3862 §5.1. */
const example = [
  'From: MR SANDERS <im:piglet@100akerwood.com>',
  'To: Depressed Donkey <im:eeyore@100akerwood.com>',
  'DateTime: 2000-12-13T13:40:00-08:00',
  'Subject: the weather will be fine today',
  "Subject:;lang=fr beau temps prevu pour aujourd'hui",
  'NS: MyFeatures <mid:MessageFeatures@id.foo.com>',
  'Require: MyFeatures.VitalMessageOption',
  'MyFeatures.VitalMessageOption: Confirmation-requested',
  'MyFeatures.WackyMessageOption: Use-silly-font',
  '',
  inner,
].join('\r\n')

function parse(source: string): CpimMessage {
  const message = parseCpim(utf8(source))
  assert.ok(!('fault' in message), JSON.stringify(message))
  return message
}

function faultOf(headers: string): string {
  return (parseCpim(utf8(`${headers}\r\n\r\n${inner}`)) as CpimFault).fault
}

test('the example of RFC 3862 §5.1 is read', () => {
  const message = parse(example)
  assert.deepEqual(message.from, { name: 'MR SANDERS', uri: 'im:piglet@100akerwood.com' })
  assert.deepEqual(message.to, [{ name: 'Depressed Donkey', uri: 'im:eeyore@100akerwood.com' }])
  assert.equal(message.dateTime, '2000-12-13T13:40:00-08:00')
  assert.deepEqual(message.subject, [
    { language: '', text: 'the weather will be fine today' },
    { language: 'fr', text: "beau temps prevu pour aujourd'hui" },
  ])
  const vital = { namespace: 'mid:MessageFeatures@id.foo.com', name: 'VitalMessageOption' }
  assert.deepEqual(message.require, [vital])
  assert.deepEqual(unrecognisedRequirements(message), [vital])
  assert.deepEqual(unrecognisedRequirements(message, new Set([vital.namespace + vital.name])), [])
  assert.equal(message.headers[7]?.raw, 'Confirmation-requested')
  assert.equal(text(message.encapsulated), inner)
  assert.equal(textOf(message.entity), '<body>\r\nHere is the text of my message.\r\n</body>')
})

test('prefixes bound to one namespace mean one thing, a default namespace too (RFC 3862 §3.4)', () => {
  for (const headers of [
    'NS: acme <http://id.acme.widgets/wily-headers/>\r\nacme.runner-trap: set',
    'NS: widget <http://id.acme.widgets/wily-headers/>\r\nwidget.runner-trap: set',
    'NS: <http://id.acme.widgets/wily-headers/>\r\nrunner-trap: set',
  ]) {
    const header = parse(`${headers}\r\n\r\n${inner}`).headers[1]
    assert.deepEqual(
      { ...header },
      {
        namespace: 'http://id.acme.widgets/wily-headers/',
        name: 'runner-trap',
        parameters: new Map(),
        raw: 'set',
      },
    )
  }
  // Once the default namespace is another, From is no longer the header of §4.1.
  assert.equal(parse(`NS: <a:b>\r\nFrom: nonsense\r\n\r\n${inner}`).from, undefined)
  assert.deepEqual(parse(`NS: c <${cpimNamespace}>\r\nc.From: <im:a@b>\r\n\r\n${inner}`).from, {
    name: '',
    uri: 'im:a@b',
  })
})

test('header names match exactly, unknown ones are ignored (RFC 3862 §2.2)', () => {
  const message = parse(`from: x\r\nTO: y\r\nCc: z\r\n\r\n${inner}`)
  assert.equal(message.from, undefined)
  assert.deepEqual(message.to, [])
  assert.equal(message.headers.length, 3)
})

test('escapes are undone as RFC 3862 §2.3.1 has it', () => {
  assert.equal(unescaped('a\\\\b\\"c\\\'d\\be\\tf\\ng\\rh\\u0001i\\u00e9'), 'a\\b"c\'d\be\tf\ng\rh\u0001ié')
  assert.equal(unescaped('\\xyz\\'), 'xyz')
  assert.equal(unescaped('\\u12'), 'u12')
  assert.equal(unescaped('\\ud83d\\ude00'), '😀')
  assert.equal(unescaped('\\ud83d'), '\ufffd')
  assert.equal(escaped('a\\b\r\n\u0001\u007f"é'), 'a\\\\b\\r\\n\\u0001\\u007f"é')
})

test('a formal name may be a string (RFC 3862 §3.6)', () => {
  const message = parse(`From: "A \\"B\\" <c>" <im:a@b>\r\ncc: "D"<im:d@b>\r\n\r\n${inner}`)
  assert.deepEqual(message.from, { name: 'A "B" <c>', uri: 'im:a@b' })
  assert.deepEqual(message.cc, [{ name: 'D', uri: 'im:d@b' }])
})

const refusals: [string, string][] = [
  ['From:<im:a@b>', 'no-space'],
  ['From <im:a@b>', 'bad-name'],
  ['From: im:a@b', 'bad-address'],
  ['From: <im:a@b> x', 'bad-address'],
  ['From: <im:a@b>\r\nFrom: <im:a@b>', 'repeated-header'],
  ['To: A <im:a@b', 'bad-address'],
  ['x.A: b', 'undeclared-prefix'],
  ['Require: x.A', 'undeclared-prefix'],
  ['Require: ,', 'bad-require'],
  ['NS: a b <c:d>', 'bad-namespace'],
  ['NS: a <relative>', 'bad-namespace'],
  ['NS: a <c:d#e>', 'bad-namespace'],
  ['DateTime: yesterday', 'bad-date-time'],
  ['DateTime: 2000-13-13T13:40:00Z', 'bad-date-time'],
  ['Subject:;lang x', 'bad-parameter'],
  ['Subject:;lang=a;lang=b x', 'bad-parameter'],
  ['Subject: a\tb', 'bad-character'],
  ['Subject: a\r\n b', 'bad-folding'],
  ['a.b.c: d', 'bad-header-name'],
  ['A(: d', 'bad-header-name'],
]
for (const [headers, condition] of refusals) {
  test(`${JSON.stringify(headers)} is ${condition}`, () => assert.equal(faultOf(headers), condition))
}

test('an object must have a Content-Type inside (RFC 3862 §2.4), CR LF and UTF-8 (§2.2)', () => {
  assert.equal((parseCpim(utf8('From: <im:a@b>\r\n\r\n\r\nx')) as CpimFault).fault, 'no-content-type')
  assert.equal((parseCpim(utf8(example.replaceAll('\r', ''))) as CpimFault).fault, 'bad-line-end')
  const bytes = concat([utf8('Subject: '), Uint8Array.of(0xff), utf8(`\r\n\r\n${inner}`)])
  assert.equal((parseCpim(bytes) as CpimFault).fault, 'not-utf8')
})

test('the example cut at any octet or with any octet flipped is read or refused, never an exception', () => {
  const bytes = utf8(example)
  for (let at = 0; at < bytes.length; at++) {
    parseCpim(bytes.subarray(0, at))
    const flipped = bytes.slice()
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
    const message = parseCpim(flipped)
    if ('fault' in message) assert.ok(message.offset <= bytes.length)
  }
})

test('what is written is read back, its content octet for octet (property)', () => {
  const words = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.toWellFormed())
  const address = fc.record(
    { name: words.map((name) => name.trim()), uri: fc.constantFrom('im:a@b.c', 'im:%C3%A9@b.c') },
    plainObject,
  )
  fc.assert(
    fc.property(
      address,
      fc.array(address, { maxLength: 3 }),
      fc.array(fc.record({ language: fc.constantFrom('', 'en', 'pt-BR'), text: words }, plainObject), {
        maxLength: 3,
      }),
      fc.array(
        fc.record({
          namespace: fc.constantFrom('a:b', 'c:d'),
          name: fc.constantFrom('X', 'y'),
          value: words,
        }),
      ),
      fc.uint8Array({ maxLength: 60 }),
      (from, to, subject, others, body) => {
        const encapsulated = concat([utf8('Content-Type: application/octet-stream\r\n\r\n'), body])
        const message = parseCpim(writeCpim({ from, to, subject, others, require: others }, encapsulated))
        assert.ok(!('fault' in message), JSON.stringify(message))
        assert.deepEqual(message.from, from)
        assert.deepEqual(message.to, to)
        assert.deepEqual(message.subject, subject)
        assert.deepEqual(
          message.require,
          others.map(({ namespace, name }) => ({ namespace, name })),
        )
        assert.deepEqual(
          message.headers
            .filter((header) => header.namespace !== cpimNamespace)
            .map((header) => unescaped(header.raw)),
          others.map((other) => other.value),
        )
        assert.ok(sameBytes(message.entity.body, body))
      },
    ),
    { numRuns },
  )
})

test('nothing smuggles a header', () => {
  assert.throws(() => writeCpim({ from: { name: '', uri: 'im:a@b>\r\nTo: <x' } }, utf8('')), RangeError)
  assert.throws(() => writeCpim({ dateTime: '2000\r\nTo: x' }, utf8('')), RangeError)
  assert.throws(() => writeCpim({ subject: [{ language: 'en\r\n', text: '' }] }, utf8('')), RangeError)
})
