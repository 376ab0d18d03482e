import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { text, utf8 } from '#base'
import { conditions } from '#model'
import { Element, frameDocument, isXmlFault, Namespaces, parseElement, xml, xmlReasons } from '#wire/xml'
import { conditionOfStanzaError, stanzaErrorOf, streamErrorOf, streamErrorOfXml } from '../errors.ts'
import { bareJid, fullJid, parseJid, prepareResource } from './jid.ts'
import { clientStream } from './namespaces.ts'
import { readRosterSet } from './roster.ts'
import { challengeText, saslInput, successText } from './sasl.ts'
import { ByteSink, writeSpliced } from './splice.ts'
import { conditionOf, errorElement, stanzaErrorTypes } from './stanza-error.ts'

const runs = { numRuns: process.env['VERONA_SOAK'] === undefined ? 100 : 10_000 }

describe('jid (RFC 7622)', () => {
  const good: readonly (readonly [written: string, canonical: string])[] = [
    // §3.5, Table 1
    ['juliet@example.com', 'juliet@example.com'],
    ['juliet@example.com/foo', 'juliet@example.com/foo'],
    ['juliet@example.com/foo bar', 'juliet@example.com/foo bar'],
    ['juliet@example.com/foo@bar', 'juliet@example.com/foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar@example.com'],
    ['fussball@example.com', 'fussball@example.com'],
    ['fußball@example.com', 'fußball@example.com'],
    ['π@example.com', 'π@example.com'],
    ['Σ@example.com/foo', 'σ@example.com/foo'],
    ['king@example.com/♚', 'king@example.com/♚'],
    ['example.com', 'example.com'],
    ['example.com/foobar', 'example.com/foobar'],
    ['a.example.com/b@example.net', 'a.example.com/b@example.net'],
    // XEP-0106
    ['d\\27artagnan@example.com', 'd\\27artagnan@example.com'],
    ['a\\5c20b@example.com', 'a\\5c20b@example.com'],
    ['user\\40else.example@gateway.example', 'user\\40else.example@gateway.example'],
  ]
  for (const [written, canonical] of good) {
    it(`reads ${written} (§3.5)`, () => {
      const jid = parseJid(written)
      assert.ok(jid !== undefined)
      assert.equal(fullJid(jid.address, jid.resource), canonical)
      assert.deepEqual(parseJid(canonical), jid)
    })
  }

  // §3.5, Table 2, and what else breaks §3.2 to §3.4.
  const bad = [
    '"juliet"@example.com',
    'foo bar@example.com',
    'juliet@example.com/',
    '@example.com/',
    '@example.com',
    'henryⅣ@example.com',
    '♚@example.com',
    'juliet@',
    '/foobar',
    '',
    'a@b@c',
    '\\20a@example.com',
    "a'b@c",
    'a<b@c',
    `${'x'.repeat(1024)}@example.com`,
    `juliet@example.com/${'x'.repeat(1024)}`,
    'juliet@example.com/\u0000',
    'x'.repeat(4000),
  ]
  for (const written of bad) {
    it(`refuses ${JSON.stringify(written.slice(0, 40))} (§3.5)`, () =>
      assert.equal(parseJid(written), undefined))
  }

  it('what it reads, it writes so that it reads the same', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 12 }),
        fc.string({ maxLength: 8 }),
        (local, resource) => {
          const jid = parseJid(`${local}@example.com/${resource}`)
          if (jid !== undefined) assert.deepEqual(parseJid(fullJid(jid.address, jid.resource)), jid)
        },
      ),
      runs,
    )
  })

  it('leaves resourceparts as they are but for what OpaqueString maps (RFC 7622 §3.4)', () => {
    assert.equal(prepareResource('a\u00a0b'), 'a b')
    assert.equal(prepareResource(''), undefined)
    assert.equal(bareJid({ user: '', domain: 'example.com', key: 'example.com' }), 'example.com')
  })
})

describe('splices', () => {
  const spliced = (
    source: string,
    splices: Parameters<typeof writeSpliced>[2],
    outer = clientStream,
  ): string => {
    const frame = frameDocument(utf8(source), { outer })
    if (isXmlFault(frame)) assert.fail(frame.reason)
    const sink = new ByteSink()
    writeSpliced(sink, frame, splices)
    return text(sink.bytes())
  }

  it('replace attributes, cut children and append, leaving the rest as it lies', () => {
    const source = "<message  id=\"1\" from='x'\n to='y'><a/> <b>1</b><c/></message>"
    assert.equal(
      spliced(source, { attributes: " from='z'", replaced: ['from'], cut: [0, 2], appended: '<d/>' }),
      "<message from='z'  id=\"1\" \n to='y'> <b>1</b><d/></message>",
    )
    assert.equal(
      spliced('<message/>', { attributes: '', replaced: [], appended: '<d/>' }),
      '<message><d/></message>',
    )
  })

  it('declare what is missing where they are written (RFC 6120 §4.8.5)', () => {
    const outer = new Namespaces([...clientStream.entries(), ['x', 'urn:x']])
    assert.equal(
      spliced("<message x:a='1'/>", { attributes: '', replaced: [] }, outer),
      "<message xmlns:x='urn:x' x:a='1'/>",
    )
    const within = new Namespaces([['', 'urn:xmpp:forward:0']])
    assert.equal(
      spliced('<message/>', { attributes: '', replaced: [], within }),
      "<message xmlns='jabber:client'/>",
    )
  })

  it('of any stanza are well-formed and lose nothing else', () => {
    const name = fc.constantFrom('a', 'b', 'stanza-id')
    const child = fc.tuple(name, fc.constantFrom('', 'x', '&amp;')).map(([n, t]) => `<${n}>${t}</${n}>`)
    const attribute = fc.constantFrom("from='r@x'", "to='j@x'", "id='1'", 'from = "q"', "xml:lang='en'")
    const property = fc.property(
      fc.uniqueArray(attribute, { maxLength: 4, selector: (a) => a.slice(0, 4) }),
      fc.array(child, { maxLength: 4 }),
      fc.nat(4),
      (attributes, children, cut) => {
        const source = `<message ${attributes.join(' ')}>${children.join('')}</message>`
        const written = spliced(source, {
          attributes: " from='new'",
          replaced: ['from'],
          cut: cut < children.length ? [cut] : [],
          appended: '<last/>',
        })
        const element = parseElement(utf8(written), { outer: clientStream })
        assert.ok(element instanceof Element, written)
        assert.equal(element.attribute('from'), 'new')
        const left = children.length - (cut < children.length ? 1 : 0)
        assert.equal(element.elements().length, left + 1)
      },
    )
    fc.assert(property, runs)
  })
})

describe('errors', () => {
  it('every Condition has a stanza error, and every stanza error a Condition (RFC 6120 §8.3.3)', () => {
    for (const condition of conditions) {
      const error = stanzaErrorOf(condition)
      const stanza = xml('message', 'jabber:client', { type: 'error' }, errorElement(error))
      assert.equal(conditionOf(stanza), error.condition)
      assert.ok(streamErrorOf(condition))
    }
    for (const condition of Object.keys(stanzaErrorTypes) as (keyof typeof stanzaErrorTypes)[]) {
      assert.ok(conditions.includes(conditionOfStanzaError(condition)))
    }
    assert.ok(xmlReasons.length > 20)
    for (const family of ['not-well-formed', 'restricted-xml', 'limit'] as const)
      assert.ok(streamErrorOfXml[family])
  })

  it('an error that says nothing we know is undefined (RFC 6120 §8.3.3.21)', () => {
    assert.equal(
      conditionOf(xml('iq', 'jabber:client', {}, xml('error', 'jabber:client'))),
      'undefined-condition',
    )
  })
})

describe('sasl elements (RFC 6120 §6.4)', () => {
  const sasl = (name: string, attributes: Record<string, string>, ...children: (string | Element)[]) =>
    saslInput(xml(name, 'urn:ietf:params:xml:ns:xmpp-sasl', attributes, ...children))

  it('§6.4.2: nothing, `=` and data are three things', () => {
    assert.deepEqual(sasl('auth', { mechanism: 'X' }), { kind: 'auth', mechanism: 'X', data: undefined })
    const empty = sasl('auth', { mechanism: 'X' }, '=')
    assert.ok(empty?.kind === 'auth' && empty.data?.length === 0)
    const data = sasl('auth', { mechanism: 'X' }, 'AGE=')
    assert.ok(data?.kind === 'auth' && Buffer.from(data.data ?? []).toString('hex') === '0061')
  })

  it('§6.5.5: whitespace, bad padding and other alphabets are no base64 (§13.9.1)', () => {
    for (const text of ['A', 'AG E=', 'AGE', 'AG==E', 'AG-_', '====', 'A=G=']) {
      assert.deepEqual(sasl('response', {}, text), { kind: 'incorrect-encoding' }, text)
    }
  })

  it('§6.5.8: elements inside are malformed; other names are none', () => {
    assert.deepEqual(sasl('auth', { mechanism: 'X' }, xml('a', 'x')), { kind: 'malformed-request' })
    assert.equal(sasl('success', {}), undefined)
    assert.equal(saslInput(xml('auth', 'x')), undefined)
  })

  it('§6.4.6: additional data with success, and empty data as `=`', () => {
    assert.match(successText(undefined), /^<success [^>]*\/>$/)
    assert.match(successText(new Uint8Array(0)), />=<\/success>$/)
    assert.match(successText(utf8('v=1')), />dj0x<\/success>$/)
    assert.match(challengeText(new Uint8Array(0)), />\s*<\/challenge>$|\/>$/)
  })
})

describe('roster sets (RFC 6121 §2.1.2)', () => {
  it('take any subscription but `remove` for none of their business (§2.1.2.4)', () => {
    const item = xml('item', 'jabber:iq:roster', { jid: 'a@b', subscription: 'both' })
    assert.equal(readRosterSet(xml('query', 'jabber:iq:roster', {}, item)).kind, 'put')
  })
})
