import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Bytes, utf8 } from '#base'
import { Framer, type XmlLimits } from './index.ts'

const runs = Number(process.env['VERONA_SOAK'] ?? 0) > 0 ? 10000 : 100

const header =
  "<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

/** What a framer says about octets given in pieces: one line an event. */
function verdict(bytes: Bytes, cuts: readonly number[], limits: Partial<XmlLimits> = {}): string[] {
  const framer = new Framer(limits)
  const said: string[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    framer.feed(bytes.slice(from, cut))
    from = cut
    for (;;) {
      const event = framer.next()
      if (event === 'more') break
      if (event === 'header') said.push(`header ${framer.header?.name} ${framer.header?.attribute('to')}`)
      if (event === 'stanza') said.push(describeStanza(framer))
      if (event === 'end') return [...said, 'end']
      if (event === 'fault') return [...said, `fault ${framer.fault?.reason} ${framer.fault?.offset}`]
    }
  }
  return said
}

function describeStanza(framer: Framer): string {
  const frame = framer.frame
  assert.ok(frame !== undefined)
  const children = Array.from({ length: frame.childCount }, (_, k) => {
    const raw = Buffer.from(frame.bytes.subarray(frame.childStart(k), frame.childEnd(k))).toString()
    return `{${frame.childNamespace(k)}}${frame.childName(k)}=${raw}`
  })
  const content = Buffer.from(frame.bytes.subarray(frame.tagEnd, frame.contentEnd)).toString()
  return `{${frame.namespace}}${frame.name} ${Buffer.from(frame.raw())} ${content} ${children.join(' ')}`
}

function everyByte(length: number): number[] {
  return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)
}

function stanza(source: string, limits: Partial<XmlLimits> = {}): string {
  const bytes = utf8(header + source)
  const whole = verdict(bytes, [], limits)
  assert.deepEqual(verdict(bytes, everyByte(bytes.length), limits), whole, 'one octet at a time')
  return whole.slice(1).join('\n')
}

function reason(source: string, limits: Partial<XmlLimits> = {}): string {
  return stanza(source, limits).split(' ')[1] ?? ''
}

const sample = `${header}
<message to='romeo@example.net' from="juliet@example.com/balcony" id='1' type='chat'><body>Wherefore &lt;art&gt; thou? é😀</body><x xmlns='urn:x' p:y='2' xmlns:p='urn:p'><p:z/><![CDATA[ <no> ]]></x></message>
 <presence/><iq type='get' id="a'b"><stream:q/></iq></stream:stream>  `

describe('framer', () => {
  it('yields header, stanzas with attributes and children, and the end (RFC 6120 §4)', () => {
    const framer = new Framer()
    framer.feed(utf8(sample))
    assert.equal(framer.next(), 'header')
    assert.equal(framer.header?.namespace, 'http://etherx.jabber.org/streams')
    assert.equal(framer.header?.attribute('version'), '1.0')
    assert.equal(framer.namespaces.default, 'jabber:client')
    assert.equal(framer.next(), 'stanza')
    const message = framer.frame
    assert.equal(message?.attribute('to'), 'romeo@example.net')
    assert.equal(message?.attribute('from'), 'juliet@example.com/balcony')
    assert.equal(message?.attribute('lang'), undefined)
    assert.equal(message?.findChild('x', 'urn:x'), 1)
    assert.equal(message?.childText(0), 'Wherefore <art> thou? é😀')
    assert.equal(framer.next(), 'stanza')
    assert.equal(framer.frame?.selfClosing, true)
    assert.equal(framer.next(), 'stanza')
    assert.equal(framer.frame?.attribute('id'), "a'b")
    assert.equal(framer.frame?.childNamespace(0), 'http://etherx.jabber.org/streams')
    assert.equal(framer.frame?.outerUsed, 2)
    assert.equal(framer.next(), 'end')
    assert.equal(framer.next(), 'end')
  })

  it('lends the octets of the chunk where a stanza lies whole in it, and copies where it does not', () => {
    const framer = new Framer()
    // A Buffer, whose own `slice` makes no copy.
    const chunk = Buffer.from(`${header}<presence/><mess`)
    framer.feed(chunk)
    framer.next()
    framer.next()
    assert.equal(framer.frame?.bytes, chunk)
    const kept = framer.frame?.keep()
    assert.equal(framer.next(), 'more')
    assert.equal(framer.held, 5)
    const second = utf8('age/><iq/>')
    framer.feed(second)
    framer.next()
    assert.notEqual(framer.frame?.bytes, second)
    assert.equal(Buffer.from(framer.frame?.raw() ?? []).toString(), '<message/>')
    framer.next()
    assert.equal(framer.frame?.bytes, second)
    chunk.fill(0)
    assert.equal(kept?.name, 'presence')
    assert.equal(Buffer.from(kept?.raw() ?? []).toString(), '<presence/>')
  })

  it('says the same wherever the octets are cut', () => {
    const bytes = utf8(sample)
    const whole = verdict(bytes, [])
    assert.equal(whole.length, 5)
    for (let cut = 1; cut < bytes.length; cut++)
      assert.deepEqual(verdict(bytes, [cut]), whole, `cut at ${cut}`)
    assert.deepEqual(verdict(bytes, everyByte(bytes.length)), whole)
  })

  it('says the same about damaged octets wherever they are cut', () => {
    const bytes = utf8(sample)
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
    const cuts = fc.array(fc.nat(bytes.length - 1), { maxLength: 6 })
    const property = fc.property(damage, cuts, (flips, where) => {
      const damaged = bytes.slice()
      for (const [at, value] of flips) damaged[at] = value
      const whole = verdict(damaged, [])
      assert.deepEqual(
        verdict(
          damaged,
          where.sort((a, b) => a - b),
        ),
        whole,
      )
      assert.deepEqual(verdict(damaged, everyByte(damaged.length)), whole)
    })
    fc.assert(property, { numRuns: runs })
  })

  it('starts anew on the octets that follow (RFC 6120 §4.3.3), and can forget them (§5.4.3.3)', () => {
    const framer = new Framer()
    framer.feed(utf8(`${header}<auth/>${header}<iq/>garbage`))
    assert.equal(framer.next(), 'header')
    assert.equal(framer.next(), 'stanza')
    framer.restart()
    assert.equal(framer.next(), 'header')
    assert.equal(framer.next(), 'stanza')
    assert.equal(framer.discardUnread(), 7)
    assert.equal(framer.next(), 'more')
  })

  it('takes a line feed behind the last element of the stream before for its own (RFC 6120 §11.7)', () => {
    const framer = new Framer()
    framer.feed(utf8(`${header}<auth/>\n`))
    assert.equal(framer.next(), 'header')
    assert.equal(framer.next(), 'stanza')
    assert.equal(framer.unreadBeyondSpace, 0)
    framer.restart()
    assert.equal(framer.next(), 'more')
    framer.feed(utf8(`\n${header}<iq/>`))
    assert.equal(framer.next(), 'header')
    assert.equal(framer.next(), 'stanza')
  })

  it('reads an empty stream element as a stream that ends', () => {
    assert.deepEqual(verdict(utf8("<stream xmlns='x' to='y'/>"), []), ['header stream y', 'end'])
  })
})

const rows: readonly (readonly [section: string, source: string, reason: string])[] = [
  // RFC 6120 §11.1
  ['RFC 6120 §11.1 comment', '<a><!-- x --></a>', 'comment'],
  ['RFC 6120 §11.1 comment between stanzas', '<!-- x --><a/>', 'comment'],
  ['RFC 6120 §11.1 processing instruction', '<a><?x y?></a>', 'processing-instruction'],
  ['RFC 6120 §11.1 DOCTYPE', '<!DOCTYPE a><a/>', 'doctype'],
  ['RFC 6120 §11.1 entity', '<a>&eacute;</a>', 'undefined-entity'],
  ['RFC 6120 §11.1 entity in an attribute', "<a b='&lol;'/>", 'undefined-entity'],
  ['RFC 6120 §11.5 declaration not at the start', "<?xml version='1.0'?><a/>", 'processing-instruction'],
  ['RFC 6120 §11.7 text between stanzas', 'x<a/>', 'text-between-stanzas'],
  ['RFC 6120 §11.6 U+FEFF is no mark', '\ufeff<a/>', 'text-between-stanzas'],
  // XML 1.0
  ['XML 1.0 §2.1 crossing tags', '<a><b></a></b>', 'mismatched-tag'],
  ['XML 1.0 §2.1 a longer end tag', '<a></ab>', 'mismatched-tag'],
  ['XML 1.0 §2.1 a shorter end tag', '<ab></a>', 'mismatched-tag'],
  ['XML 1.0 §2.1 case', '<a></A>', 'mismatched-tag'],
  ['XML 1.0 §2.1 the stream closes inside a stanza', '<a></stream:stream>', 'mismatched-tag'],
  ['XML 1.0 §2.1 another end tag', '</stream>', 'mismatched-tag'],
  ['XML 1.0 §2.2 U+0000', '<a>\u0000</a>', 'illegal-character'],
  ['XML 1.0 §2.2 U+0008', '<a>\u0008</a>', 'illegal-character'],
  ['XML 1.0 §2.2 U+001F in an attribute', "<a b='\u001f'/>", 'illegal-character'],
  ['XML 1.0 §2.2 U+FFFE', '<a>\ufffe</a>', 'illegal-character'],
  ['XML 1.0 §2.2 U+FFFF', "<a b='\uffff'/>", 'illegal-character'],
  ['XML 1.0 §2.2 a control in CDATA', '<a><![CDATA[\u0001]]></a>', 'illegal-character'],
  ['XML 1.0 §2.3 a name starts with a digit', '<1/>', 'bad-name'],
  ['XML 1.0 §2.3 a name starts with a hyphen', '<-a/>', 'bad-name'],
  ['XML 1.0 §2.3 U+00D7 in a name', '<a×/>', 'bad-name'],
  ['XML 1.0 §2.3 no name', '< a/>', 'bad-name'],
  ['XML 1.0 §2.3 attribute name', "<a 1b=''/>", 'bad-name'],
  ['XML 1.0 §2.4 `]]>` in text', '<a>]]></a>', 'cdata-end-in-text'],
  ['XML 1.0 §2.4 `]]]>` in text', '<a>]]]></a>', 'cdata-end-in-text'],
  ['XML 1.0 §2.4 `<` in text', '<a>1 < 2</a>', 'bad-name'],
  ['XML 1.0 §2.4 a bare ampersand', '<a>a & b</a>', 'bad-reference'],
  ['XML 1.0 §2.7 CDATA misspelt', '<a><![cdata[x]]></a>', 'syntax'],
  ['XML 1.0 §2.7 CDATA between stanzas', '<![CDATA[x]]>', 'syntax'],
  ['XML 1.0 §3.1 duplicate attribute', "<a b='1' b='2'/>", 'duplicate-attribute'],
  ['XML 1.0 §3.1 duplicate declaration', "<a xmlns='1' xmlns='2'/>", 'duplicate-attribute'],
  ['XML 1.0 §3.1 `<` in a value', "<a b='<'/>", 'syntax'],
  ['XML 1.0 §3.1 no quotes', '<a b=1/>', 'syntax'],
  ['XML 1.0 §3.1 no value', '<a b/>', 'syntax'],
  ['XML 1.0 §3.1 no space between attributes', "<a b='1'c='2'/>", 'syntax'],
  ['XML 1.0 §3.1 a slash alone', '<a / >', 'syntax'],
  ['XML 1.0 §3.1 attributes of an end tag', "<a></a b=''>", 'syntax'],
  ['XML 1.0 §4.1 reference to U+0000', '<a>&#0;</a>', 'illegal-character'],
  ['XML 1.0 §4.1 reference to U+001F', '<a>&#x1f;</a>', 'illegal-character'],
  ['XML 1.0 §4.1 reference to a surrogate', '<a>&#xD800;</a>', 'illegal-character'],
  ['XML 1.0 §4.1 reference to U+FFFE', '<a>&#xFFFE;</a>', 'illegal-character'],
  ['XML 1.0 §4.1 reference above U+10FFFF', '<a>&#x110000;</a>', 'illegal-character'],
  ['XML 1.0 §4.1 no digits', '<a>&#;</a>', 'bad-reference'],
  ['XML 1.0 §4.1 no hexadecimal digits', '<a>&#x;</a>', 'bad-reference'],
  ['XML 1.0 §4.1 &#X', '<a>&#X41;</a>', 'bad-reference'],
  ['XML 1.0 §4.1 empty reference', '<a>&;</a>', 'bad-reference'],
  ['XML 1.0 §4.1 endless reference', `<a>&#${'0'.repeat(40)};</a>`, 'bad-reference'],
  // Namespaces in XML 1.0
  ['Namespaces §4 two colons', "<a:b:c xmlns:a='x'/>", 'bad-name'],
  ['Namespaces §4 a colon first', '<:a/>', 'bad-name'],
  ['Namespaces §4 a colon last', "<a: xmlns:a='x'/>", 'bad-name'],
  ['Namespaces §4 a digit behind the colon', "<a:1 xmlns:a='x'/>", 'bad-name'],
  ['Namespaces §5 undeclared prefix', '<p:a/>', 'undeclared-prefix'],
  ['Namespaces §5 undeclared attribute prefix', "<a p:b=''/>", 'undeclared-prefix'],
  ['Namespaces §5 prefix xmlns on an element', '<xmlns:a/>', 'undeclared-prefix'],
  ['Namespaces §6.1 a prefix out of scope', "<a><b xmlns:p='x'/><p:c/></a>", 'undeclared-prefix'],
  [
    'Namespaces §6.3 same name by two prefixes',
    "<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>",
    'duplicate-attribute',
  ],
  [
    'Namespaces §6.3 with a reference in one',
    "<a xmlns:p='x' xmlns:q='&#x78;' p:b='' q:b=''/>",
    'duplicate-attribute',
  ],
  [
    'Namespaces §6.3 same name as the stream declares',
    "<a xmlns:q='http://etherx.jabber.org/streams' stream:b='' q:b=''/>",
    'duplicate-attribute',
  ],
  ['Namespaces §3 prefix xml elsewhere', "<a xmlns:xml='x'/>", 'reserved-namespace'],
  [
    'Namespaces §3 another prefix for xml',
    "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    'reserved-namespace',
  ],
  ['Namespaces §3 default xml', "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 'reserved-namespace'],
  ['Namespaces §3 prefix xmlns', "<a xmlns:xmlns='x'/>", 'reserved-namespace'],
  ['Namespaces §3 namespace of xmlns', "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", 'reserved-namespace'],
  ['Namespaces §2.2 empty name for a prefix', "<a xmlns:p=''/>", 'reserved-namespace'],
]

const good: readonly (readonly [section: string, source: string])[] = [
  ['XML 1.0 §2.3 names beyond ASCII', '<é·a><日本/></é·a>'],
  ['XML 1.0 §2.4 `]]` and `>` in text', '<a>]] > ]>]]&gt;</a>'],
  ['XML 1.0 §2.7 CDATA', '<a><![CDATA[]]]]><![CDATA[>&<x>]]></a>'],
  ['XML 1.0 §3.1 spaces in tags', '<a\n b = \'1\'\t c="2" ><d /></a \r\n>'],
  ['XML 1.0 §3.1 `>` in a value', "<a b='>'/>"],
  ['XML 1.0 §2.2 C1 controls and U+FFFD', '<a>\u0085\u009f\u007f\ufffd\u{10ffff}\ufdd0</a>'],
  ['RFC 6120 §11.6 U+FEFF in text', '<a>\ufeff</a>'],
  ['Namespaces §6.2 undeclared default', "<a><b xmlns=''/></a>"],
  ['Namespaces §3 xml prefix', "<a xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>"],
  ['Namespaces §6.3 default does not apply to attributes', "<a xmlns='x' xmlns:p='x' b='' p:b=''/>"],
  ['Namespaces §6.3 different namespaces', "<a xmlns:p='x' xmlns:q='y' p:b='' q:b=''/>"],
]

describe('framer torture', () => {
  for (const [section, source, expected] of rows) {
    it(`refuses: ${section}`, () => assert.equal(reason(source), expected))
  }
  for (const [section, source] of good) {
    it(`takes: ${section}`, () => assert.doesNotMatch(stanza(source), /^fault/))
  }

  const invalid: readonly (readonly [string, readonly number[]])[] = [
    ['a continuation alone', [0x80]],
    ['overlong 2 octets', [0xc0, 0xaf]],
    ['overlong 2 octets c1', [0xc1, 0xbf]],
    ['overlong 3 octets', [0xe0, 0x80, 0xaf]],
    ['overlong 3 octets e09f', [0xe0, 0x9f, 0xbf]],
    ['overlong 4 octets', [0xf0, 0x80, 0x80, 0xaf]],
    ['overlong 4 octets f08f', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['high surrogate', [0xed, 0xa0, 0x80]],
    ['low surrogate', [0xed, 0xbf, 0xbf]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['f5', [0xf5, 0x80, 0x80, 0x80]],
    ['ff', [0xff]],
    ['cut short 2', [0xc3, 0x41]],
    ['cut short 3', [0xe2, 0x82, 0x41]],
    ['cut short 4', [0xf0, 0x9f, 0x98, 0x41]],
  ]
  for (const [what, octets] of invalid) {
    it(`refuses ${what} in text, values, names and CDATA (RFC 3629 §3)`, () => {
      for (const [before, after] of [
        ['<a>', '</a>'],
        ["<a b='", "'/>"],
        ['<a', '/>'],
        ['<a><![CDATA[', ']]></a>'],
        ['<a ', "=''/>"],
      ]) {
        const bytes = Buffer.concat([utf8(header + before), Uint8Array.from(octets), utf8(after)])
        const whole = verdict(bytes, [])
        assert.match(whole[1], /^fault invalid-utf8/, before)
        assert.deepEqual(verdict(bytes, everyByte(bytes.length)), whole)
      }
    })
  }

  const prologs: readonly (readonly [string, string])[] = [
    ["\ufeff<stream xmlns='x' to='y'>", 'fault text-outside-root 0'],
    [" <stream xmlns='x' to='y'>", 'header stream y'],
    [" <?xml version='1.0'?><stream xmlns='x' to='y'>", 'fault bad-declaration 0'],
    ["<?xml version='1.0'?> <?xml version='1.0'?><stream xmlns='x' to='y'>", 'fault bad-declaration 0'],
    ["<?xml version='1.0' standalone='no'?><stream xmlns='x' to='y'>", 'header stream y'],
    ["<?xml version='1.0' encoding='UTF-16'?><stream xmlns='x' to='y'>", 'fault encoding-not-utf8 0'],
    ["<?php x?><stream xmlns='x' to='y'>", 'fault processing-instruction 0'],
    [`<?xml version='1.0'${' '.repeat(300)}?>`, 'fault bad-declaration 0'],
    ['<!DOCTYPE stream>', 'fault doctype 0'],
    ['GET / HTTP/1.1\r\n', 'fault text-outside-root 0'],
    ['<stream:stream>', 'fault undeclared-prefix 0'],
    ['\u0016\u0003\u0001', 'fault text-outside-root 0'],
  ]
  for (const [source, expected] of prologs) {
    it(`before the header: ${JSON.stringify(source.slice(0, 50))} (XML 1.0 §2.8)`, () => {
      const bytes = utf8(source)
      assert.deepEqual(verdict(bytes, []), [expected])
      assert.deepEqual(verdict(bytes, everyByte(bytes.length)), [expected])
    })
  }
})

describe('framer limits', () => {
  it('bytesMax: a stanza of just the limit passes, one more does not', () => {
    const text = (n: number) => `<a>${'x'.repeat(n - 7)}</a>`
    assert.doesNotMatch(stanza(text(500), { bytesMax: 500 }), /^fault/)
    assert.equal(stanza(text(501), { bytesMax: 500 }), 'fault too-many-bytes 500')
    assert.equal(stanza(`<a>${'x'.repeat(2000)}`, { bytesMax: 500 }), 'fault too-many-bytes 500')
  })

  it('bytesMax holds for the header and not for whitespace between stanzas', () => {
    assert.match(
      stanza(`${' '.repeat(2000)}<a/>${'\n'.repeat(600)}<b/>`, { bytesMax: 500 }),
      /<a\/>.*\n.*<b\/>/,
    )
    const long = utf8(`<a to='${'x'.repeat(500)}`)
    assert.deepEqual(verdict(long, [], { bytesMax: 400 }), ['fault too-many-bytes 400'])
  })

  it('depthMax, attributesMax, nameBytesMax, childrenMax, namespacesMax have faults of their own', () => {
    const bomb = '<a>'.repeat(100000)
    assert.equal(verdict(utf8(header + bomb), [])[1], `fault too-deep ${64 * 3}`)
    assert.equal(reason('<a><a><a/></a></a>', { depthMax: 2 }), 'too-deep')
    assert.doesNotMatch(stanza('<a><a/></a>', { depthMax: 2 }), /^fault/)
    const many = (n: number) => `<a ${Array.from({ length: n }, (_, i) => `a${i}=''`).join(' ')}/>`
    assert.doesNotMatch(stanza(many(64)), /^fault/)
    assert.equal(reason(many(65)), 'too-many-attributes')
    assert.doesNotMatch(stanza(`<${'a'.repeat(256)}/>`), /^fault/)
    assert.equal(reason(`<${'a'.repeat(257)}/>`), 'name-too-long')
    assert.doesNotMatch(stanza(`<a>${'<b/>'.repeat(1024)}</a>`), /^fault/)
    assert.equal(reason(`<a>${'<b/>'.repeat(1025)}</a>`), 'too-many-children')
    const nested = (n: number) => `<a>${Array.from({ length: n }, (_, i) => `<a xmlns:p${i}='x'>`).join('')}`
    assert.equal(reason(nested(20), { namespacesMax: 19 }), 'too-many-namespaces')
  })

  it('one octet at a time costs linear time', () => {
    const cost = (n: number): number => {
      const bytes = utf8(`${header}<a b='${'v'.repeat(n)}'>${'<b>text</b>'.repeat(n / 11)}</a>`)
      const framer = new Framer({ childrenMax: 1e6 })
      const from = process.cpuUsage().user
      for (let i = 0; i < bytes.length; i++) {
        framer.feed(bytes.subarray(i, i + 1))
        while (framer.next() !== 'more') continue
      }
      return process.cpuUsage().user - from
    }
    cost(4000)
    const small = cost(12_000)
    const large = cost(120_000)
    // Ten times the octets; a quadratic framer would need a hundred times the time.
    assert.ok(large < 40 * Math.max(small, 1000), `${small} µs, then ${large} µs`)
  })
})
