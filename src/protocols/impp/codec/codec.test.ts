import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, sameBytes, text, utf8 } from '#base'
import { type Condition, conditions, type InstantMessage, parseAddress } from '#model'
import { contentOf as decodedContent, type MimeEntity, parseEntity } from '#wire/mime'
import {
  acceptedTypes,
  addressOfUrl,
  conditionOf,
  envelopeBytes,
  type ImppFault,
  type ImppRequest,
  type ImppResponse,
  type ImppUnit,
  leaseTimeOf,
  leaseTimeText,
  messageBody,
  messageFields,
  messageOf,
  parsePresenceBody,
  presenceBody,
  presenceTypeOf,
  reasonOf,
  requestBytes,
  responseBytes,
  UnitFramer,
  urlOf,
} from './index.ts'

const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 10_000 : 100

/** What was found, its loans kept. */
type Found = (Omit<ImppRequest, 'envelope'> & { envelope?: string | undefined }) | ImppResponse | ImppFault

function kept(unit: ImppUnit | ImppFault): Found {
  if (unit.kind === 'fault') return unit
  const copy = { ...unit, body: unit.body.slice(), raw: unit.raw.slice() }
  if (copy.kind === 'response') return copy
  const envelope = copy.envelope && [...copy.envelope].map(([n, v]) => `${n}=${v}`).join(';')
  return { ...copy, envelope }
}

function frame(chunks: Iterable<Uint8Array>, limits?: ConstructorParameters<typeof UnitFramer>[0]): Found[] {
  const framer = new UnitFramer(limits)
  const found: Found[] = []
  for (const chunk of chunks) {
    const loan = chunk.slice()
    framer.push(loan)
    for (let unit = framer.next(); unit !== undefined; unit = framer.next()) found.push(kept(unit))
    loan.fill(0x23) // the loan is over
  }
  return found
}

/** The one request of octets that are ours to keep. */
function requestOf(octets: Uint8Array): ImppRequest {
  const framer = new UnitFramer()
  framer.push(octets)
  const request = framer.next()
  assert.ok(request?.kind === 'request', JSON.stringify(request))
  return request
}

/** The example of IMPP §19, its blanks filled. */
const subscribe =
  'SUBSCRIBE 57AQ impp/1.0\r\nFrom: impp://mit.edu/ghudson\r\nConnection-ID: 6\r\nTarget: impp://example.com/Mark_Day\r\n\r\n'
const subscribed =
  'OK (SUBSCRIBE) 57AQ impp/1.0\r\nTo: impp://mit.edu/ghudson\r\nConnection-ID: 6\r\nLease-Time: 3000\r\n' +
  'Content-Type: Application/Presence\r\nContent-Length: 4\r\n\r\n....'

test('the example of IMPP §19 is a request and its response', () => {
  const [request, response] = frame([utf8(subscribe + subscribed)])
  assert.ok(request?.kind === 'request' && response?.kind === 'response')
  assert.equal(request.method, 'SUBSCRIBE')
  assert.equal(request.id, '57AQ')
  assert.equal(text(request.raw), subscribe)
  assert.equal(response.ok, true)
  assert.equal(response.method, 'SUBSCRIBE')
  assert.equal(text(response.body), '....')
  assert.equal(text(response.raw), subscribed)
})

test('an envelope stands before a request that stays octet for octet (docs/specs/impp-1.0.md §4 item 5)', () => {
  const [request] = frame([concat([envelopeBytes([['Copy', 'sent']]), utf8(subscribe)])])
  assert.ok(request?.kind === 'request')
  assert.equal(request.envelope, 'Copy=sent')
  assert.equal(text(request.raw), subscribe)
  for (const wrong of [
    `ENVELOPE impp/1.0\r\n\r\n${subscribed}`,
    `ENVELOPE impp/1.0\r\n\r\nENVELOPE impp/1.0\r\n\r\n${subscribe}`,
  ]) {
    assert.equal((frame([utf8(wrong)])[0] as ImppFault).condition, 'malformed')
  }
})

const stream = concat([
  utf8(subscribe + subscribed),
  envelopeBytes([['Stored', '2026-01-01T00:00:00Z']]),
  requestBytes('SEND', 'a-1', [['Target', 'impp://b/c']], {
    type: 'application/octet-stream',
    bytes: Uint8Array.of(0, 13, 10, 13, 10, 255),
  }),
  responseBytes(false, 'SEND', 'a-1', [['Reason', 'target-unknown']]),
  requestBytes('PING', 'p', []),
])

test('units are the same wherever the stream is cut', () => {
  const whole = frame([stream])
  assert.equal(whole.length, 5)
  const plain = (found: Found[]) => found.map((unit) => ('raw' in unit ? text(unit.raw) : unit))
  for (let cut = 0; cut <= stream.length; cut++) {
    assert.deepEqual(plain(frame([stream.subarray(0, cut), stream.subarray(cut)])), plain(whole))
  }
  assert.deepEqual(plain(frame(Array.from(stream, (octet) => Uint8Array.of(octet)))), plain(whole))
})

const malformed: [string, string][] = [
  ['an unknown word before a response', 'FINE (SEND) 1 impp/1.0\r\n\r\n'],
  ['no request-ID', 'SEND impp/1.0\r\n\r\n'],
  ['a request-ID of only "-"', 'SEND - impp/1.0\r\n\r\n'],
  ['a request-ID with a colon', 'SEND a:b impp/1.0\r\n\r\n'],
  ['a request-ID of 65 characters', `SEND ${'a'.repeat(65)} impp/1.0\r\n\r\n`],
  ['a method in lower case', 'send 1 impp/1.0\r\n\r\n'],
  ['two spaces', 'SEND  1 impp/1.0\r\n\r\n'],
  ['a version that is none', 'SEND 1 http/1.0\r\n\r\n'],
  ['a version without minor number', 'SEND 1 impp/10\r\n\r\n'],
  ['a version without major number', 'SEND 1 impp/.10\r\n\r\n'],
  ['something after the version', 'SEND 1 impp/1.0 \r\n\r\n'],
  ['a response without parentheses', 'OK SEND 1 impp/1.0\r\n\r\n'],
  ['an empty line first', `\r\n${subscribe}`],
  ['a lone LF', 'SEND 1 impp/1.0\n\n'],
  ['a folded header', 'SEND 1 impp/1.0\r\nA: b\r\n c\r\n\r\n'],
  ['a header twice', 'SEND 1 impp/1.0\r\nFrom: a\r\nFROM: b\r\n\r\n'],
  ['a Content-Length without Content-Type', 'SEND 1 impp/1.0\r\nContent-Length: 1\r\n\r\nx'],
  ['a Content-Type without Content-Length', 'SEND 1 impp/1.0\r\nContent-Type: a/b\r\n\r\n'],
  [
    'a Content-Length that is no number',
    'SEND 1 impp/1.0\r\nContent-Type: a/b\r\nContent-Length: -1\r\n\r\nx',
  ],
  [
    'a Content-Length of eleven digits',
    'SEND 1 impp/1.0\r\nContent-Type: a/b\r\nContent-Length: 00000000001\r\n\r\nx',
  ],
  ['a header that is not UTF-8', 'SEND 1 impp/1.0\r\nA: \xff\r\n\r\n'],
]
for (const [what, octets] of malformed) {
  test(`${what} is malformed and ends the stream`, () => {
    const found = frame([Uint8Array.from(octets, (c) => c.charCodeAt(0)), utf8(subscribe)])
    assert.equal(found.length, 1)
    assert.equal((found[0] as ImppFault).condition, 'malformed')
    assert.equal((found[0] as ImppFault).fatal, true)
  })
}

test('a malformed request with a readable start line keeps its id for the answer', () => {
  const [found] = frame([utf8('SEND 77 impp/1.0\r\nno colon\r\n\r\n')])
  assert.deepEqual([(found as ImppFault).method, (found as ImppFault).id], ['SEND', '77'])
})

test('another major version is told apart from nonsense; a later minor one is taken', () => {
  assert.equal((frame([utf8('PING 1 impp/2.0\r\n\r\n')])[0] as ImppFault).condition, 'version-not-supported')
  assert.equal(frame([utf8('PING 1 impp/1.17\r\n\r\n')])[0]?.kind, 'request')
})

test('a body past the limit is read past, and the next unit found (IMPP §12)', () => {
  const limits = { unitOctetsMax: 200, discardOctetsMax: 10_000 }
  const large = requestBytes('SEND', 'big', [], { type: 'a/b', bytes: new Uint8Array(5000).fill(13) })
  for (const size of [1, 100, 100_000]) {
    const octets = concat([large, utf8(subscribe)])
    const chunks = Array.from({ length: Math.ceil(octets.length / size) }, (_, i) =>
      octets.subarray(i * size, (i + 1) * size),
    )
    const found = frame(chunks, limits)
    assert.equal(found.length, 2)
    const fault = found[0] as ImppFault
    assert.deepEqual([fault.condition, fault.id, fault.fatal], ['message-too-large', 'big', false])
    assert.equal(found[1]?.kind, 'request')
  }
  const huge = requestBytes('SEND', 'big', [], { type: 'a/b', bytes: new Uint8Array(20_000) })
  assert.equal((frame([huge], limits)[0] as ImppFault).fatal, true)
})

test('a block without end is refused within its limit, a body to come holds no memory', () => {
  const framer = new UnitFramer({ unitOctetsMax: 1000, discardOctetsMax: 0 })
  let octets = 0
  for (;;) {
    framer.push(utf8('A: b\r\n'))
    octets += 6
    const found = framer.next()
    if (found !== undefined) {
      assert.equal((found as ImppFault).fatal, true)
      break
    }
    assert.ok(octets < 2000)
  }
  const patient = new UnitFramer()
  patient.push(utf8('SEND 1 impp/1.0\r\nContent-Type: a/b\r\nContent-Length: 200000\r\n\r\n'))
  assert.equal(patient.next(), undefined)
  assert.ok(patient.pendingOctets < 100)
})

test('any octets give units or faults, never an exception (property)', () => {
  fc.assert(
    fc.property(
      fc.nat(stream.length - 1),
      fc.nat(255),
      fc.array(fc.nat(60), { maxLength: 8 }),
      (at, octet, cuts) => {
        const damaged = stream.slice()
        damaged[at] = octet
        const chunks: Uint8Array[] = []
        let from = 0
        for (const cut of cuts) {
          chunks.push(damaged.subarray(from, from + cut))
          from += cut
        }
        const found = frame([...chunks, damaged.subarray(from)])
        assert.ok(found.length <= 6)
      },
    ),
    { numRuns: numRuns * 10 },
  )
})

test('a written value cannot end its line', () => {
  assert.throws(() => requestBytes('SEND', '1', [['Target', 'x\r\nFrom: y']]), RangeError)
})

test('the two forms of an address convert by arrangement and quoting (IMPP §6)', () => {
  const address = parseAddress('mark%day?x@example.com')
  const url = address && urlOf(address)
  assert.equal(url, 'impp://example.com/mark%25day%3Fx')
  assert.equal(addressOfUrl(url as string)?.key, 'mark%day?x@example.com')
  assert.equal(addressOfUrl('impp://Example.COM/Juliet')?.key, 'juliet@example.com')
  assert.equal(addressOfUrl('impp://example.com/')?.key, 'example.com')
  assert.equal(addressOfUrl('im:juliet@example.com')?.key, 'juliet@example.com')
  for (const wrong of ['sip:a@b', 'a@b', 'impp://b', 'impp:a@b', 'impp://b/a/c', 'impp://b/%zz', '']) {
    assert.equal(addressOfUrl(wrong), undefined, wrong)
  }
})

test('a lease is seconds, infinity or the connection (IMPP §18.5)', () => {
  for (const written of ['0', '3000', 'infinity', 'connection']) {
    assert.equal(leaseTimeText(leaseTimeOf(written) as number), written)
  }
  for (const wrong of ['', '-1', '1.5', 'Infinity', '12345678901'])
    assert.equal(leaseTimeOf(wrong), undefined)
})

test('every condition has a reason, the first fourteen those of IMPP §18.8, and comes back', () => {
  for (const condition of conditions) assert.equal(conditionOf(reasonOf[condition]), condition)
  assert.equal(new Set(Object.values(reasonOf)).size, conditions.length)
  assert.equal(conditionOf('never-heard'), 'connection-failed' satisfies Condition)
})

test('presence comes in PIDF or as tags only, as accepted (docs/specs/impp-1.0.md §10)', () => {
  assert.equal(presenceTypeOf(acceptedTypes('')), 'pidf')
  assert.equal(
    presenceTypeOf(acceptedTypes('text/html, Application/Presence;q=1, application/pidf+xml')),
    'tag-only',
  )
  assert.equal(presenceTypeOf(acceptedTypes('application/cpim-pidf+xml')), 'older-pidf')
  assert.equal(presenceTypeOf(acceptedTypes('text/html')), undefined)
  const document = {
    entity: 'pres:a@b',
    tuples: [
      {
        id: 'desk <1>',
        basic: 'open' as const,
        show: 'dnd' as const,
        contact: { uri: 'im:a@b', priority: 0.5 },
        priority: -3,
        timestamp: '2026-01-01T00:00:00Z',
        notes: [{ language: 'en', text: 'a & b' }],
        statusExtensions: [],
        extensions: [],
      },
      { id: 'x', notes: [], statusExtensions: [], extensions: [] },
    ],
    notes: [{ language: '', text: 'hello' }],
    extensions: [],
  }
  for (const type of ['pidf', 'older-pidf', 'tag-only'] as const) {
    const body = presenceBody(document, type)
    assert.deepEqual(parsePresenceBody(body.type, body.bytes, 0), document)
    if (type === 'tag-only') assert.doesNotMatch(text(body.bytes), /<\?|<[a-z-]+ /)
  }
  assert.equal(parsePresenceBody('text/xml', utf8('<presence/>'), 0), 'not-understood')
  for (const wrong of [
    '<presence/>',
    '<presence a="b"><entity>pres:a@b</entity></presence>',
    '<presence xmlns="x:"><entity>pres:a@b</entity></presence>',
    '<presence><entity>pres:a@b</entity><tuple/></presence>',
    '<presence><entity>pres:a@b</entity><tuple><id>1</id><basic>ajar</basic></tuple></presence>',
    '<presence><entity>pres:a@b</entity><tuple><id>1</id></tuple><tuple><id>1</id></tuple></presence>',
    '<?pi?><presence><entity>pres:a@b</entity></presence>',
  ]) {
    assert.equal(parsePresenceBody('application/impp', utf8(wrong), 0), 'malformed', wrong)
  }
})

test('what a message says survives writing and reading (property)', () => {
  const plain = { noNullPrototype: true }
  const from = parseAddress('romeo@example.net')
  const to = parseAddress('juliet@example.com')
  assert.ok(from && to)
  const words = fc
    .string({ unit: 'grapheme', maxLength: 30 })
    .map((value) => value.toWellFormed().replace(/\r/g, ''))
  const languageText = fc.record({ language: fc.constantFrom('', 'en', 'pt-BR'), text: words }, plain)
  const message = fc.record(
    {
      from: fc.constant(from),
      to: fc.constant(to),
      id: words,
      thread: words,
      kind: fc.constantFrom('chat', 'normal', 'headline', 'groupchat'),
      subject: fc.array(languageText, { maxLength: 3 }),
      body: fc
        .array(languageText, { maxLength: 3 })
        .filter((body) => !(body.length === 1 && body[0]?.text === '')),
      sentAt: fc.integer({ min: 0, max: 4e12 }),
      chatState: fc.constantFrom('active', 'gone'),
      receiptRequested: fc.constant(true),
      receiptFor: words.filter((id) => id !== ''),
    },
    { requiredKeys: ['from', 'to', 'id', 'thread', 'kind', 'subject', 'body'], ...plain },
  )
  fc.assert(
    fc.property(message, (given) => {
      const body = messageBody(given as InstantMessage)
      const fields = [...messageFields(given as InstantMessage), ...(body?.fields ?? [])]
      const request = requestOf(requestBytes('SEND', '1', fields, body))
      assert.deepEqual(messageOf(request.headers, request.body, from, to), given)
    }),
    { numRuns },
  )
})

test('a field that does not describe content does not travel with it', () => {
  const from = parseAddress('a@b')
  assert.ok(from)
  const fields = ['Report', 'From', 'Content-Length', 'Content-ID'].map((name) => ({ name, value: 'failed' }))
  const content = { type: 'a/b', bytes: utf8('x'), fields }
  const body = messageBody({
    from,
    to: from,
    id: '',
    thread: '',
    kind: 'chat',
    subject: [],
    body: [],
    content,
  })
  assert.deepEqual(body?.fields, [['Content-ID', 'failed']])
})

test('content that is not plain text is kept octet for octet', () => {
  const bytes = Uint8Array.of(0, 255, 13, 10)
  const content = {
    type: 'application/pkcs7-mime; name=x',
    bytes,
    fields: [{ name: 'Content-Disposition', value: 'inline' }],
  }
  const from = parseAddress('a@b')
  assert.ok(from)
  const said = { from, to: from, id: '', thread: '', kind: 'chat' as const, subject: [], body: [], content }
  const body = messageBody(said)
  const request = requestOf(requestBytes('SEND', '1', body?.fields ?? [], body))
  const read = messageOf(request.headers, request.body, from, from)
  assert.deepEqual(read, { ...said, content: { ...content, bytes: read.content?.bytes } })
  assert.ok(sameBytes(read.content?.bytes as Uint8Array, bytes))
  assert.ok(decodedContent({ headers: request.headers, body: request.body } as MimeEntity))
})

/** [Content-Type, body, text] */
const unlabelled: readonly (readonly [string, Uint8Array, string | undefined])[] = [
  ['text/plain', utf8('Grüße 🌹'), 'Grüße 🌹'],
  ['text/plain; charset=us-ascii', utf8('Grüße'), undefined],
  ['text/plain', Uint8Array.of(0x47, 0xfc), undefined],
]
for (const [type, body, expected] of unlabelled) {
  test(`${type} of ${body.length} octets reads as ${expected} (RFC 3261 §7.4.1)`, () => {
    const from = parseAddress('juliet@localhost')
    assert.ok(from)
    const entity = parseEntity(concat([utf8(`Content-Type: ${type}\r\n\r\n`), body]))
    assert.ok(!('fault' in entity))
    assert.equal(messageOf(entity.headers, entity.body, from, from).body[0]?.text, expected)
  })
}
