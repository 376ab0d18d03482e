import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prepareDomain, prepareOpaque, prepareUsername } from './precis.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 300

/** [what, input, prepared or undefined] */
type Row = [string, string, string | undefined]

const usernames: Row[] = [
  ['example 1, but for RFC 7622 §3.3.1', 'juliet@example.com', undefined],
  ['example 2', 'fussball', 'fussball'],
  ['example 3: sharp s stays', 'fu\u00dfball', 'fu\u00dfball'],
  ['example 4', '\u03c0', '\u03c0'],
  ['example 5: capital sigma is mapped', '\u03a3', '\u03c3'],
  ['example 6', '\u03c3', '\u03c3'],
  ['example 7: final sigma stays', '\u03c2', '\u03c2'],
  ['example 8: a space', 'foo bar', undefined],
  ['example 9: empty', '', undefined],
  ['example 10: a compatibility character', 'henry\u2163', undefined],
  ['example 11: a symbol', '\u221e', undefined],
  ['RFC 7622 §3.5 example 5: an escaped space', 'foo\\20bar', 'foo\\20bar'],
  ['RFC 7622 §3.5 example 16: quotation marks', '"juliet"', undefined],
  ['RFC 7622 §3.5 example 21: a chess king', '\u265a', undefined],
  ['capital letters', 'Romeo.Montague', 'romeo.montague'],
  ['width mapping (rule 1)', '\uff2a\uff55\uff4c\uff49\uff45\uff54', 'juliet'],
  ['a fullwidth excluded character', 'a\uff20b', undefined],
  ['halfwidth katakana', '\uff76\uff9e', '\u30ac'],
  ['NFC (rule 4)', 'zoe\u0308', 'zo\u00eb'],
  ['an unassigned code point', 'a\u0378', undefined],
  ['private use', 'a\ue000', undefined],
  ['a lone surrogate', 'a\ud800', undefined],
  ['a soft hyphen (default ignorable)', 'a\u00adb', undefined],
  ['Old Hangul Jamo', '\u1100', undefined],
  ['a modern Hangul syllable', '\ud55c\uae00', '\ud55c\uae00'],
  ['a control', 'a\u0007', undefined],
  ['DEL', 'a\u007f', undefined],
  ['Arabic tatweel (RFC 5892 §2.6)', '\u0628\u0640\u0628', undefined],
]

const contexts: Row[] = [
  ['A.1: non-joiner after a virama', '\u0915\u094d\u200c\u0937', '\u0915\u094d\u200c\u0937'],
  ['A.1: non-joiner between joining letters', '\u0645\u06cc\u200c\u062e', '\u0645\u06cc\u200c\u062e'],
  ['A.1: with a transparent mark between', '\u0628\u0651\u200c\u0628', '\u0628\u0651\u200c\u0628'],
  ['A.1: after a letter that does not join forward', '\u0627\u200c\u0628', undefined],
  ['A.1: non-joiner in Latin', 'a\u200cb', undefined],
  ['A.2: joiner after a virama', '\u0915\u094d\u200d\u0937', '\u0915\u094d\u200d\u0937'],
  ['A.2: joiner elsewhere', '\u0628\u200d\u0628', undefined],
  ['A.3: middle dot between l', 'col\u00b7legi', 'col\u00b7legi'],
  ['A.3: middle dot elsewhere', 'a\u00b7b', undefined],
  ['A.4: keraia before Greek', '\u0375\u03b1', '\u0375\u03b1'],
  ['A.4: keraia before Latin', '\u0375a', undefined],
  ['A.5: geresh after Hebrew', '\u05d2\u05f3', '\u05d2\u05f3'],
  ['A.5: geresh first', '\u05f3\u05d2', undefined],
  ['A.6: gershayim after Hebrew', '\u05e6\u05f4\u05dc', '\u05e6\u05f4\u05dc'],
  ['A.6: gershayim after Latin', 'a\u05f4', undefined],
  ['A.7: katakana middle dot beside katakana', '\u30a2\u30fb\u30a4', '\u30a2\u30fb\u30a4'],
  ['A.7: katakana middle dot beside Latin only', 'a\u30fbb', undefined],
  ['A.8: Arabic-Indic digits', '\u0628\u0661\u0662', '\u0628\u0661\u0662'],
  ['A.8: mixed with extended digits', '\u0628\u0661\u06f2', undefined],
  ['A.9: extended digits', '\u0628\u06f1\u06f2', '\u0628\u06f1\u06f2'],
]

const bidi: Row[] = [
  ['condition 1: a digit first', '1\u05d0', undefined],
  ['condition 1: a mark first', '\u05b4\u05d0', undefined],
  ['condition 2: a Latin letter in a right-to-left name', '\u05d0a\u05d1', undefined],
  ['condition 3: ends in a digit', '\u05d07', '\u05d07'],
  ['condition 3: ends in punctuation', '\u05d0-', undefined],
  ['condition 3: ends in marks', '\u05d0\u05b4', '\u05d0\u05b4'],
  ['condition 4: both kinds of digit', '\u06281\u0661', undefined],
  ['condition 5: a Hebrew letter in a left-to-right name', 'a\u05d0', undefined],
]

const opaques: Row[] = [
  ['example 12', 'correct horse battery staple', 'correct horse battery staple'],
  ['example 13', 'Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
  ['example 14', '\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5'],
  ['example 15', 'Jack of \u2666s', 'Jack of \u2666s'],
  ['example 16: Ogham space', 'foo\u1680bar', 'foo bar'],
  ['example 17: empty', '', undefined],
  ['example 18: a control', 'my cat is a \tby', undefined],
  ['compatibility characters stay', '\u2163\uff21', '\u2163\uff21'],
  ['NFC', 'e\u0301', '\u00e9'],
  ['an emoji', '\u{1f60a}', '\u{1f60a}'],
  ['leading space stays (RFC 7622 §3.5 example 18 forbids what its profile allows)', ' foo', ' foo'],
  ['a zero-width space', 'a\u200bb', undefined],
]

const domains: Row[] = [
  ['a host', 'localhost', 'localhost'],
  ['case', 'Example.COM', 'example.com'],
  ['the final dot', 'example.com.', 'example.com'],
  ['a U-label', 'B\u00fccher.example', 'xn--bcher-kva.example'],
  ['an A-label', 'XN--bcher-KVA.example', 'xn--bcher-kva.example'],
  ['sharp s stays itself', 'fa\u00df.example', 'xn--fa-hia.example'],
  ['a fullwidth label and dot', '\uff45\uff58\uff0ecom', 'ex.com'],
  ['inner digits and hyphens', 'a-1.b2', 'a-1.b2'],
  ['an IPv4 address', '192.0.2.1', '192.0.2.1'],
  ['an IPv6 address', '[2001:DB8:0:0::1]', '[2001:db8::1]'],
  ['an IPv6 address without brackets', '::1', undefined],
  ['a zone', '[fe80::1%25eth0]', undefined],
  ['a number that a URL would take as an address', '1', undefined],
  ['a hexadecimal address', '0x7f.1', undefined],
  ['an octal address', '0177.0.0.1', undefined],
  ['too large an octet', '256.1.1.1', undefined],
  ['empty', '', undefined],
  ['only a dot', '.', undefined],
  ['an empty label', 'a..b', undefined],
  ['a leading hyphen', '-a.b', undefined],
  ['a trailing hyphen', 'a-.b', undefined],
  ['a port', 'example.com:80', undefined],
  ['a user', 'a@example.com', undefined],
  ['a path', 'example.com/a', undefined],
  ['a query', 'example.com?a', undefined],
  ['a backslash', 'example.com\\a', undefined],
  ['a tab that a URL would drop', 'exam\tple.com', undefined],
  ['a percent escape', 'ex%61mple.com', undefined],
  ['an underscore', 'a_b.com', undefined],
  ['broken Punycode', 'xn--a.example', undefined],
  ['an A-label of plain ASCII', 'xn--abc-.example', undefined],
  ['an A-label of a name that is mapped', 'xn--bcher-Kva.example', 'xn--bcher-kva.example'],
  ['an A-label of a capital letter', 'xn--bcher-2pa.example', undefined],
  ['the snowman', '\u2603.example', 'xn--n3h.example'],
  [
    'Arabic Punycode (RFC 3492 §7.1 A)',
    'xn--egbpdaj6bu4bxfgehfvwxn.example',
    'xn--egbpdaj6bu4bxfgehfvwxn.example',
  ],
  ['a label of 63', `${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ['a label of 64', `${'a'.repeat(64)}.b`, undefined],
  ['a name of 254', `${'a.'.repeat(126)}bb`, undefined],
]

table('a username (RFC 8265 §3.6)', usernames, prepareUsername)
table('a context rule (RFC 5892)', contexts, prepareUsername)
table('the Bidi Rule (RFC 5893 §2)', bidi, prepareUsername)
table('an opaque string (RFC 8265 §4.3)', opaques, prepareOpaque)
table('a domain (RFC 7622 §3.2)', domains, prepareDomain)

function table(name: string, rows: Row[], prepare: (input: string) => string | undefined): void {
  for (const [what, input, prepared] of rows) {
    test(`${name}: ${what}`, () => assert.equal(prepare(input), prepared))
  }
}

test('each character that a localpart excludes is refused, alone or inside (RFC 7622 §3.3.1)', () => {
  for (const character of '"&\'/:<>@ ') {
    assert.equal(prepareUsername(character), undefined)
    assert.equal(prepareUsername(`a${character}\u00e9`), undefined)
  }
})

test('1023 octets are taken and 1024 refused, counted after preparation (RFC 7622 §3.3, §3.4)', () => {
  for (const prepare of [prepareUsername, prepareOpaque]) {
    assert.equal(prepare('a'.repeat(1023)), 'a'.repeat(1023))
    assert.equal(prepare('a'.repeat(1024)), undefined)
    assert.equal(prepare('\u00e9'.repeat(511)), '\u00e9'.repeat(511))
    assert.equal(prepare('\u00e9'.repeat(512)), undefined)
  }
})

test('preparing twice is preparing once (RFC 8264 §7)', () => {
  const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  for (const prepare of [prepareUsername, prepareOpaque, prepareDomain]) {
    fc.assert(
      fc.property(anything, (input) => {
        const once = prepare(input)
        if (once !== undefined) assert.equal(prepare(once), once)
      }),
      { numRuns: runs },
    )
  }
})

test('the fast path and the slow path agree on ASCII', () => {
  const ascii = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(ascii, (input) => {
      // A non-ASCII tail that changes nothing else forces the slow path.
      const slow = prepareUsername(`${input}\u00e9`)
      assert.equal(prepareUsername(input), slow?.slice(0, -1))
    }),
    { numRuns: runs },
  )
})
