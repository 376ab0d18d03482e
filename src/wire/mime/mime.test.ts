import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sameBytes, text, utf8 } from '#base'
import {
  contentOf,
  contentTypeOf,
  decodeBase64,
  decodeCharset,
  decodeQuotedPrintable,
  decodeTransferEncoding,
  encodeBase64,
  encodeQuotedPrintable,
  freshBoundary,
  type MimeEntity,
  mediaType,
  mediaTypeText,
  parseEntity,
  parseMediaType,
  splitMultipart,
  textOf,
  writeEntity,
  writeMultipart,
} from './index.ts'

const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 10_000 : 100

function parameters(value: string): Record<string, string> | undefined {
  const type = parseMediaType(value)
  return type && Object.fromEntries(type.parameters)
}

test('a media type is compared by its essence in lower case (RFC 2045 §5.1)', () => {
  const type = parseMediaType('Text/Plain; charset=US-ASCII (Plain text)')
  assert.equal(type?.essence, 'text/plain')
  assert.deepEqual(parameters('text/plain; charset=us-ascii (Plain text)'), { charset: 'us-ascii' })
  assert.deepEqual(parameters('text/plain; charset="us-ascii"'), { charset: 'us-ascii' })
  assert.deepEqual(parameters('text/plain; format=flowed;'), { format: 'flowed' })
  assert.deepEqual(parameters('multipart/signed; protocol="a/b"; micalg=sha-256; boundary="a \\"b\\\\"'), {
    protocol: 'a/b',
    micalg: 'sha-256',
    boundary: 'a "b\\',
  })
})

test('a continued, encoded parameter is joined (RFC 2231 §4.1)', () => {
  assert.deepEqual(
    parameters("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"),
    {
      title: 'This is ***fun***',
    },
  )
  assert.deepEqual(
    parameters(
      "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
    ),
    { title: "This is even more ***fun*** isn't it!" },
  )
  assert.deepEqual(parameters("a/b; n*=UTF-8''%e2%82%ac%20rates"), { n: '€ rates' })
  assert.deepEqual(parameters('a/b; n*0=x; n*2=z; n*1=y'), { n: 'xyz' })
})

for (const malformed of [
  '',
  'text',
  'text/',
  '/plain',
  'text/plain; charset',
  'text/plain; charset=',
  'text/plain; =x',
  'text/plain; a=b c',
  'text/plain; a="b',
  'text/plain; (a',
  'text/plain; a=1; a=2',
  'text/plain; a*0=1; a*0=2',
  'text/plain, text/html',
  `text/plain${'; a=b'.repeat(65)}`,
]) {
  test(`${JSON.stringify(malformed.slice(0, 40))} is no media type`, () => {
    assert.equal(parseMediaType(malformed), undefined)
  })
}

test('a media type survives writing and reading (property)', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/)
  const value = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((v) => !/[\u0000-\u001f\u007f]/.test(v))
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (given) => {
      const wellFormed = Object.fromEntries(Object.entries(given).map(([k, v]) => [k, v.toWellFormed()]))
      const written = mediaTypeText(mediaType('a/b', wellFormed))
      assert.match(written, /^[\t -~]*$/)
      assert.deepEqual({ ...parameters(written) }, { ...wellFormed })
    }),
    { numRuns },
  )
})

test('nothing smuggles a line into a written media type', () => {
  assert.throws(() => mediaType('a/b\r\nX: y'), RangeError)
  assert.throws(() => mediaTypeText(mediaType('a/b', { 'x\r\n': 'y' })), RangeError)
  // A line end in a value is percent-encoded by RFC 2231, so it is harmless.
  assert.equal(mediaTypeText(mediaType('a/b', { x: 'y\r\nz' })), "a/b; x*=utf-8''y%0D%0Az")
})

test('quoted-printable is decoded (RFC 2045 §6.7)', () => {
  const decode = (encoded: string): string | undefined => {
    const bytes = decodeQuotedPrintable(utf8(encoded))
    return bytes && text(bytes)
  }
  assert.equal(
    decode("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."),
    "Now's the time for all folk to come to the aid of their country.",
  )
  assert.equal(decode('a=3Db=20\r\nc  \t\r\nd  '), 'a=b \r\nc\r\nd')
  assert.equal(decode('gr=c3=BC=C3=9Fe'), 'grüße')
  assert.equal(decode('soft= \t\r\nbreak='), 'softbreak')
  assert.equal(decode('a=4'), undefined)
  assert.equal(decode('a=zz'), undefined)
})

test('base64 is decoded across lines, and nothing hides in it (RFC 4648 §3)', () => {
  const decode = (encoded: string): string | undefined => {
    const bytes = decodeBase64(utf8(encoded))
    return bytes && text(bytes)
  }
  assert.equal(decode('Zm9v\r\nYmFy'), 'foobar')
  assert.equal(decode('Zm9vYg=='), 'foob')
  for (const wrong of ['Zm9vYg', 'Zm9vYg=', 'Zm9vYh==', 'Zm9v=Zm9v', 'Zm9*', '====', 'Z']) {
    assert.equal(decode(wrong), undefined, wrong)
  }
  assert.equal(decodeTransferEncoding(utf8('x'), 'x-uuencode'), undefined)
  assert.equal(text(decodeTransferEncoding(utf8('Zm9v'), ' Base64 ') ?? utf8('')), 'foo')
})

test('transfer encodings undo themselves (property)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const lines of [true, false]) {
        const decoded = decodeBase64(utf8(encodeBase64(bytes, lines)))
        assert.ok(decoded && sameBytes(decoded, bytes))
      }
      assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'))
      const printable = encodeQuotedPrintable(bytes)
      for (const line of text(printable).split('\r\n')) assert.ok(line.length <= 76)
      const decoded = decodeQuotedPrintable(printable)
      assert.ok(decoded && sameBytes(decoded, bytes))
    }),
    { numRuns },
  )
})

test('text is decoded by its charset, or not at all (RFC 2046 §4.1.2)', () => {
  assert.equal(decodeCharset(Uint8Array.of(0x67, 0xfc, 0x85), 'ISO-8859-1'), 'gü\u0085')
  assert.equal(decodeCharset(Uint8Array.of(0xfc), 'us-ascii'), undefined)
  assert.equal(decodeCharset(Uint8Array.of(0xfc), 'UTF-8'), undefined)
  assert.equal(decodeCharset(utf8('ü'), 'utf-8'), 'ü')
  assert.equal(decodeCharset(Uint8Array.of(0xa4), 'iso-8859-15'), '€')
  assert.equal(decodeCharset(utf8('x'), 'x-no-such-charset'), undefined)
})

test('an entity without Content-Type is US-ASCII text (RFC 2045 §5.2)', () => {
  const entity = parseEntity(utf8('\r\nplain')) as MimeEntity
  assert.equal(contentTypeOf(entity.headers)?.essence, 'text/plain')
  assert.equal(textOf(entity), 'plain')
})

test('the text of an encoded entity is read, its octets kept', () => {
  const raw = utf8(
    'Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nf=C3=BCr',
  )
  const entity = parseEntity(raw) as MimeEntity
  assert.equal(textOf(entity), 'für')
  assert.equal(text(entity.body), 'f=C3=BCr')
  assert.equal(text(contentOf(entity) as Uint8Array), 'für')
  assert.equal(textOf(parseEntity(utf8('Content-Type: image/png\r\n\r\nx')) as MimeEntity), undefined)
  assert.equal((parseEntity(utf8('Content-Type: a/b')) as { fault: string }).fault, 'unfinished')
})

const example = [
  'This is the preamble.  It is to be ignored, though it',
  'is a handy place for composition agents to include an',
  'explanatory note to non-MIME conformant readers.',
  '',
  '--simple boundary',
  '',
  'This is implicitly typed plain US-ASCII text.',
  'It does NOT end with a linebreak.',
  '--simple boundary',
  'Content-type: text/plain; charset=us-ascii',
  '',
  'This is explicitly typed plain US-ASCII text.',
  'It DOES end with a linebreak.',
  '',
  '--simple boundary--',
  '',
  'This is the epilogue.  It is also to be ignored.',
  '',
].join('\r\n')

function split(body: string, boundary: string): string[] | string {
  const bytes = utf8(body)
  const parts = splitMultipart(bytes, boundary)
  return typeof parts === 'string' ? parts : parts.map((part) => text(bytes.subarray(part.start, part.end)))
}

test('the example of RFC 2046 §5.1.1 has two parts', () => {
  assert.deepEqual(split(example, 'simple boundary'), [
    '\r\nThis is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.',
    'Content-type: text/plain; charset=us-ascii\r\n\r\nThis is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n',
  ])
})

test('a delimiter is a whole line, padding allowed, a longer one another (RFC 2046 §5.1.1)', () => {
  assert.deepEqual(split('--a \t\r\nx\r\n--ab\r\n--a-\r\n--a--  \r\n', 'a'), ['x\r\n--ab\r\n--a-'])
  assert.deepEqual(split('--a\n\n--a--', 'a'), [''])
  assert.deepEqual(split('--a\r\n--a--', 'a'), [''])
  assert.equal(split('--a\r\nx', 'a'), 'unfinished')
  assert.equal(split('--a\r\nx\r\n--a', 'a'), 'unfinished')
  assert.equal(split('x', 'a'), 'no-parts')
  assert.equal(split('--a--', 'a'), 'no-parts')
  assert.equal(split('', 'a '), 'bad-boundary')
  assert.equal(split('--a\r\n'.repeat(102), 'a'), 'too-many-parts')
})

test('an example cut at any octet gives parts or a word, never an exception', () => {
  const bytes = utf8(example)
  for (let cut = 0; cut < bytes.length; cut++) {
    const parts = splitMultipart(bytes.subarray(0, cut), 'simple boundary')
    if (typeof parts !== 'string') assert.equal(parts.length, 2)
  }
})

test('parts survive octet for octet (property)', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { minLength: 1, maxLength: 6 }), (bodies) => {
      const boundary = freshBoundary()
      const whole = writeMultipart(
        bodies.map((body) => writeEntity([['Content-Type', 'application/octet-stream']], body)),
        boundary,
      )
      const parts = splitMultipart(whole, boundary)
      assert.ok(typeof parts !== 'string')
      assert.equal(parts.length, bodies.length)
      for (const [i, part] of parts.entries()) {
        const entity = parseEntity(whole.subarray(part.start, part.end)) as MimeEntity
        assert.ok(sameBytes(entity.body, bodies[i] as Uint8Array))
      }
    }),
    { numRuns },
  )
})

test('a part that holds the boundary is not written', () => {
  assert.throws(() => writeMultipart([utf8('\r\n--a\r\n')], 'a'), RangeError)
})

test('any text is a media type or not, never an exception (property)', () => {
  const piece = fc.constantFrom(
    'a',
    '/',
    ';',
    '=',
    '"',
    '\\',
    '(',
    ')',
    '*',
    "'",
    '%',
    '0',
    ' ',
    '*0*',
    'é',
    '😀',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const type = parseMediaType(`a/b;x${pieces.join('')}`)
      if (type !== undefined) assert.equal(parseMediaType(mediaTypeText(type))?.essence, type.essence)
    }),
    { numRuns: numRuns * 10 },
  )
})
