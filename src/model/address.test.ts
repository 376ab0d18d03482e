import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Address,
  addressOf,
  addressOfUri,
  addressPartMax,
  foreignAddress,
  imppUri,
  imUri,
  jidEscaped,
  jidUnescaped,
  parseAddress,
  presUri,
  sipUri,
} from './address.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 300

const uris: [uri: string, key: string | undefined][] = [
  ['im:fred@example.com', 'fred@example.com'],
  ['IM:Fred@EXAMPLE.com', 'fred@example.com'],
  ['im:fred@example.com?Subject=hi@there', 'fred@example.com'],
  ['pres:fred@example.com', 'fred@example.com'],
  ['pres:a;b@example.com', 'a;b@example.com'],
  ['im:f%C3%BC@sip.example', 'f\u00fc@sip.example'],
  ['sip:alice@example.com', 'alice@example.com'],
  ['sips:alice@example.com', 'alice@example.com'],
  ['sip:%61lice@example.com', 'alice@example.com'],
  ['sip:alice:secret@example.com:5061;transport=tcp?Subject=x', 'alice@example.com'],
  ['sip:alice@example.com;maddr=239.255.255.1;ttl=15', 'alice@example.com'],
  ['sip:alice;day=tuesday@example.com', 'alice;day=tuesday@example.com'],
  ['sip:a?b@example.com?c=d', 'a?b@example.com'],
  ['sip:+12125551212@example.com;user=phone', '+12125551212@example.com'],
  ['sip:1001@192.0.2.4:5060', '1001@192.0.2.4'],
  ['sip:alice@[2001:db8::10]:5070', 'alice@[2001:db8::10]'],
  ['sip:alice@[2001:DB8:0::10]', 'alice@[2001:db8::10]'],
  ['sip:example.com:5060;lr', 'example.com'],
  ['xmpp:juliet@example.com', 'juliet@example.com'],
  ['xmpp:juliet@example.com/balcony?message;body=a@b#frag', 'juliet@example.com'],
  [
    'xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com',
    'nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com',
  ],
  ['xmpp://guest@example.com/support@example.com/123?message', 'support@example.com'],
  ['xmpp:example.com', 'example.com'],
  ['impp://mit.edu/ghudson', 'ghudson@mit.edu'],
  ['impp://example.com/Mark_Day', 'mark_day@example.com'],
  ['impp://example.com/a%3Fb', 'a?b@example.com'],
  ['alice@example.com', 'alice@example.com'],
  ['example.com', 'example.com'],
  ['', undefined],
  ['im:', undefined],
  ['im:@example.com', undefined],
  ['im:a@', undefined],
  ['im:a@b@c', undefined],
  ['sip:a@b@c', undefined],
  ['sip:@example.com', undefined],
  ['sip:a@example.com:50x', undefined],
  ['sip:%@example.com', undefined],
  ['sip:%ff@example.com', undefined],
  ['sip:a%00b@example.com', undefined],
  ['sip:a%40b@example.com', undefined],
  ['sip:a%0d%0aVia:x@example.com', undefined],
  ['tel:+12125551212', undefined],
  ['mailto:alice@example.com', undefined],
  ['xmpp://guest@example.com', undefined],
  ['impp:alice@example.com', undefined],
  ['impp://example.com', undefined],
  ['impp://example.com/a/b', undefined],
  ['impp://example.com/a?b', undefined],
  ['impp://evil@example.com/a', undefined],
  ['javascript:alert(1)', undefined],
]

for (const [uri, key] of uris) {
  test(`the address of ${uri || 'nothing'} is ${key ?? 'none'}`, () => {
    assert.equal(addressOfUri(uri)?.key, key)
  })
}

// RFC 7247 §6.2, Table 1: what each scheme takes as it is.
const written: [user: string, sip: string, im: string, impp: string][] = [
  ['plain.name-1_~', 'plain.name-1_~', 'plain.name-1_~', 'plain.name-1_~'],
  ["!$&'*+/=", "!$&'*+/=", "!$&'*+/=", "!$%26'*+%2F="],
  ['(),;?', '(),;?', '%28%29%2C%3B%3F', '(),;%3F'],
  [
    '"#%:<>@[\\]^`{|}',
    '%22%23%25%3A%3C%3E%40%5B%5C%5D%5E%60%7B%7C%7D',
    '%22%23%25%3A%3C%3E%40%5B%5C%5D%5E%60%7B%7C%7D',
    '%22%23%25%3A%3C%3E%40%5B%5C%5D%5E%60%7B%7C%7D',
  ],
  ['f\u00fc', 'f%C3%BC', 'f%C3%BC', 'f%C3%BC'],
  ['\u{20000}', '%F0%A0%80%80', '%F0%A0%80%80', '%F0%A0%80%80'],
]

for (const [user, sip, im, impp] of written) {
  test(`the local part ${user} in each scheme (RFC 7247 §6.2, Table 1)`, () => {
    const address = foreignAddress(user, 'example.com') as Address
    assert.equal(sipUri(address), `sip:${sip}@example.com`)
    assert.equal(imUri(address), `im:${im}@example.com`)
    assert.equal(presUri(address), `pres:${im}@example.com`)
    assert.equal(imppUri(address), `impp://example.com/${impp}`)
  })
}

test('a domain alone has no empty local part', () => {
  const domain = parseAddress('example.com') as Address
  assert.deepEqual(
    [sipUri(domain), imUri(domain), imppUri(domain)],
    ['sip:example.com', 'im:example.com', 'impp://example.com/'],
  )
})

const localPart = fc
  .array(fc.constantFrom(...'abyz019-._~!#$%()*+,;=?[\\]^`{|}\u00fc\u03c3\u05d0'.split(''), '\u{20000}'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((characters) => characters.join(''))

test('every address of ours comes back from each of its URIs', () => {
  fc.assert(
    fc.property(
      localPart,
      fc.constantFrom('example.com', 'xn--bcher-kva.example', '[2001:db8::1]'),
      (user, domain) => {
        const address = addressOf(user, domain)
        fc.pre(address !== undefined)
        for (const uri of [
          imUri(address),
          presUri(address),
          sipUri(address),
          `sips:${sipUri(address).slice(4)}`,
          imppUri(address),
        ])
          assert.deepEqual(addressOfUri(uri), address, uri)
        assert.deepEqual(parseAddress(address.key), address)
      },
    ),
    { numRuns: runs, verbose: 1 },
  )
})

test('whatever is given is an address or none, in good time', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc
      .array(
        fc.constantFrom(
          'sip:',
          'impp://',
          'xmpp:',
          'im:',
          '@',
          ':',
          ';',
          '?',
          '/',
          '%',
          '%4',
          '%40',
          '[',
          ']',
          '\ud800',
          'a',
          '.',
          '\0',
        ),
        { maxLength: 20 },
      )
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(hostile, (given) => {
      for (const address of [
        parseAddress(given),
        addressOfUri(given),
        foreignAddress(given, 'example.com'),
      ]) {
        if (address === undefined) continue
        assert.ok(!/[\0-\x1f\x7f]/.test(address.key))
        assert.equal(address.key, address.user === '' ? address.domain : `${address.user}@${address.domain}`)
        for (const uri of [imUri(address), sipUri(address), imppUri(address)])
          assert.match(uri, /^[\x21-\x7e]+$/)
      }
    }),
    { numRuns: runs, verbose: 1 },
  )
  const long = 'a'.repeat(1_000_000)
  for (const given of [
    long,
    `${long}@b`,
    `sip:${long}@b`,
    `impp://b/${'%'.repeat(100_000)}`,
    `sip:a@${':'.repeat(100_000)}`,
  ])
    assert.equal(addressOfUri(given), undefined)
})

test('a part has no more than its octets (RFC 7622 §3.3)', () => {
  assert.ok(parseAddress(`${'a'.repeat(addressPartMax)}@example.com`))
  assert.equal(parseAddress(`${'a'.repeat(addressPartMax + 1)}@example.com`), undefined)
  assert.equal(foreignAddress('a'.repeat(addressPartMax + 1), 'example.com'), undefined)
})

test('an address read again is the same one; another spelling is equal to it', () => {
  const first = parseAddress('Romeo@Verona.example')
  assert.equal(parseAddress('Romeo@Verona.example'), first)
  assert.deepEqual(parseAddress('romeo@verona.example'), first)
  assert.equal(first?.user, 'romeo')
})

test('more addresses than are remembered are read as well as the first', () => {
  const before = parseAddress('first@example.com')
  for (let i = 0; i < 70_000; i++) assert.equal(parseAddress(`u${i}@example.com`)?.user, `u${i}`)
  assert.deepEqual(parseAddress('first@example.com'), before)
})

test('a foreign local part is kept exactly, its domain prepared', () => {
  assert.equal(foreignAddress("D'Artagnan", 'EXAMPLE.com')?.key, "D'Artagnan@example.com")
  assert.equal(foreignAddress('a\nb', 'example.com'), undefined)
  assert.equal(foreignAddress('a\ud800', 'example.com'), undefined)
})

// XEP-0106 §4.2 and §5.
const escapes: [user: string, jid: string][] = [
  ['space cadet', 'space\\20cadet'],
  ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
  ['at&t guy', 'at\\26t\\20guy'],
  ["d'artagnan", 'd\\27artagnan'],
  ['/.fanboy', '\\2f.fanboy'],
  ['::foo::', '\\3a\\3afoo\\3a\\3a'],
  ['<foo>', '\\3cfoo\\3e'],
  ['user@host', 'user\\40host'],
  ['c:\\net', 'c\\3a\\net'],
  ['c:\\\\net', 'c\\3a\\\\net'],
  ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
  ['c:\\5commas', 'c\\3a\\5c5commas'],
  ['\\3and\\2is\\5cool', '\\5c3and\\2is\\5c5cool'],
]

for (const [user, jid] of escapes) {
  test(`${user} as a JID writes it is ${jid}, and back (XEP-0106)`, () => {
    assert.equal(jidEscaped(user), jid)
    assert.equal(jidUnescaped(jid), user)
  })
}

test('what is escaped holds nothing that a JID may not, and comes back (XEP-0106 §4)', () => {
  const nasty = fc.array(fc.constantFrom(...' "&\'/:<>@\\0257acef'.split('')), { maxLength: 20 })
  fc.assert(
    fc.property(nasty, (characters) => {
      const user = characters.join('')
      assert.ok(!/[ "&'/:<>@]/.test(jidEscaped(user)))
      assert.equal(jidUnescaped(jidEscaped(user)), user)
    }),
    { numRuns: runs, verbose: 1 },
  )
})

// RFC 7247 §6.4 and §6.5.
const mapped: [sip: string, jid: string][] = [
  ['sip:f%C3%BC@sip.example', 'f\u00fc@sip.example'],
  ["sip:o'malley@sip.example", 'o\\27malley@sip.example'],
  ['sip:foo@sip.example', 'foo@sip.example'],
  ['sip:r&d/x@sip.example', 'r\\26d\\2fx@sip.example'],
  ['sip:m%5Dx%23y@sip.example', 'm]x#y@sip.example'],
]

for (const [sip, jid] of mapped) {
  test(`${jid} and ${sip} name one another (RFC 7247 §6.4, §6.5)`, () => {
    const [local, domain] = [jid.slice(0, jid.indexOf('@')), jid.slice(jid.indexOf('@') + 1)]
    const address = foreignAddress(jidUnescaped(local), domain) as Address
    assert.equal(sipUri(address), sip)
    assert.equal(`${jidEscaped(address.user)}@${address.domain}`, jid)
  })
}
