// Every stream error of RFC 6120 §4.9.3: how a client meets it, or why none does here.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { enable } from './testing/managed-client.ts'
import type { TestClient } from './testing/test-client.ts'
import { type TestDomain, type TestDomainOptions, testDomain } from './testing/test-domain.ts'

const header = (attributes: string, streams = 'http://etherx.jabber.org/streams'): string =>
  `<stream:stream xmlns='jabber:client' xmlns:stream='${streams}' ${attributes}>`

type Provoke = (domain: TestDomain) => TestClient | Promise<TestClient>

/** A stranger who writes this first. */
const first =
  (text: string): Provoke =>
  (domain) => {
    const client = domain.connect()
    client.send(text)
    return client
  }

/** A client with a resource who writes this. */
const bound =
  (text: string): Provoke =>
  async (domain) => {
    const client = await domain.bound('romeo', 'orchard')
    client.send(text)
    return client
  }

/** The core signs the device out. */
const signedOut =
  (reason: 'internal-fault' | 'resource-limit'): Provoke =>
  async (domain) => {
    const client = await domain.bound('romeo', 'orchard')
    domain.service.directory.resident(domain.address('romeo'))?.inbox.named('orchard')?.signOut(reason)
    return client
  }

interface Row {
  readonly section: string
  readonly condition: string
  readonly how: string
  readonly provoke?: Provoke
  readonly options?: TestDomainOptions
  /** Beside or in the condition. */
  readonly more?: RegExp
}

const rows: readonly Row[] = [
  { section: '.1', condition: 'bad-format', how: 'text between stanzas', provoke: bound('hello') },
  {
    section: '.1',
    condition: 'bad-format',
    how: 'an acknowledgement without a count',
    provoke: bound("<a xmlns='urn:xmpp:sm:3'/>"),
  },
  {
    section: '.2',
    condition: 'bad-namespace-prefix',
    how: 'an undeclared prefix',
    provoke: bound('<x:message/>'),
  },
  {
    section: '.3',
    condition: 'conflict',
    how: 'the same resource again (§7.7.2.2)',
    provoke: async (domain) => {
      const client = await domain.bound('romeo', 'orchard')
      await domain.bound('romeo', 'orchard')
      return client
    },
  },
  {
    section: '.4',
    condition: 'connection-timeout',
    how: 'silence before login',
    provoke: (domain) => {
      const client = domain.connect()
      domain.clock.advance(60_001)
      return client
    },
  },
  {
    section: '.4',
    condition: 'connection-timeout',
    how: 'no answer to a ping',
    options: { settings: { idleSeconds: 10 } },
    provoke: async (domain) => {
      const client = await domain.bound('romeo', 'orchard')
      domain.clock.advance(6000)
      assert.match(await client.next(), /ping/)
      domain.clock.advance(6000)
      return client
    },
  },
  {
    section: '.5',
    condition: 'host-gone',
    how: 'never: what were once our domains is not remembered, they are unknown',
  },
  {
    section: '.6',
    condition: 'host-unknown',
    how: 'a domain that is not ours',
    provoke: first(header("to='a.example' version='1.0'")),
  },
  {
    section: '.6',
    condition: 'host-unknown',
    how: 'another domain after login (§4.3.3)',
    provoke: async (domain) => {
      const client = domain.connect()
      client.open()
      await client.next()
      const data = Buffer.from('\0romeo\0secret').toString('base64')
      client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
      await client.next()
      client.open('other.example')
      return client
    },
  },
  {
    section: '.7',
    condition: 'improper-addressing',
    how: 'what is no domain',
    provoke: first(header("to='a b' version='1.0'")),
  },
  {
    section: '.8',
    condition: 'internal-server-error',
    how: 'a fault of ours',
    provoke: signedOut('internal-fault'),
  },
  {
    section: '.9',
    condition: 'invalid-from',
    how: "another's address",
    provoke: bound("<message from='juliet@localhost' to='nurse@localhost'/>"),
  },
  {
    section: '.9',
    condition: 'invalid-from',
    how: 'another resource of oneself',
    provoke: bound("<presence from='romeo@localhost/garden'/>"),
  },
  {
    section: '.10',
    condition: 'invalid-namespace',
    how: 'another stream namespace',
    provoke: first(header("to='localhost' version='1.0'", 'urn:x')),
  },
  {
    section: '.10',
    condition: 'invalid-namespace',
    how: 'a stanza of another',
    provoke: bound("<message xmlns='jabber:server'/>"),
  },
  { section: '.11', condition: 'invalid-xml', how: 'never: nothing is validated against a schema' },
  {
    section: '.12',
    condition: 'not-authorized',
    how: 'a stanza before login',
    provoke: first(`${header("to='localhost' version='1.0'")}<presence/>`),
  },
  {
    section: '.12',
    condition: 'not-authorized',
    how: 'a stanza before a resource (§7.1)',
    provoke: async (domain) => {
      const client = domain.connect()
      await client.logIn('romeo', 'localhost')
      client.send('<presence/>')
      return client
    },
  },
  {
    section: '.13',
    condition: 'not-well-formed',
    how: 'crossed tags',
    provoke: bound('<message><body></message></body>'),
  },
  {
    section: '.14',
    condition: 'policy-violation',
    how: 'a stanza too large (§13.12)',
    options: { settings: { stanzaOctetsMax: 20_000 } },
    provoke: bound(`<message><body>${'x'.repeat(20_000)}`),
  },
  {
    section: '.14',
    condition: 'policy-violation',
    how: 'too deep',
    provoke: bound(`<message>${'<a>'.repeat(300)}`),
  },
  {
    section: '.14',
    condition: 'policy-violation',
    how: 'too many failed logins (§6.4.5)',
    provoke: (domain) => {
      const client = domain.connect()
      client.open()
      client.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".repeat(3))
      return client
    },
  },
  { section: '.15', condition: 'remote-connection-failed', how: 'never: no login asks another server' },
  { section: '.16', condition: 'reset', how: 'never: new keys and certificates are for new streams' },
  {
    section: '.17',
    condition: 'resource-constraint',
    how: 'the core has no room',
    provoke: signedOut('resource-limit'),
  },
  { section: '.18', condition: 'restricted-xml', how: 'a comment (§11.1)', provoke: bound('<!-- x -->') },
  {
    section: '.19',
    condition: 'see-other-host',
    how: 'a setting',
    options: { settings: { seeOtherHost: '[2001:db8::1]:5222' } },
    provoke: first(header("to='localhost' version='1.0'")),
    more: />\[2001:db8::1\]:5222<\/see-other-host>/,
  },
  {
    section: '.20',
    condition: 'system-shutdown',
    how: 'the server stops',
    provoke: async (domain) => {
      const client = await domain.bound('romeo', 'orchard')
      for (const session of [...domain.sessions]) session.stop()
      return client
    },
  },
  {
    section: '.21',
    condition: 'undefined-condition',
    how: 'an acknowledgement of what was not sent (XEP-0198 §6)',
    provoke: async (domain) => {
      const client = await domain.bound('romeo', 'orchard')
      await enable(client)
      client.send("<a xmlns='urn:xmpp:sm:3' h='7'/>")
      return client
    },
    more: /<handled-count-too-high xmlns='urn:xmpp:sm:3' h='7' send-count='0'\/>/,
  },
  {
    section: '.22',
    condition: 'unsupported-encoding',
    how: 'UTF-16 (§11.6)',
    provoke: first("<?xml version='1.0' encoding='UTF-16'?>"),
  },
  {
    section: '.23',
    condition: 'unsupported-feature',
    how: 'never: it is a client that lacks a feature that we require',
  },
  {
    section: '.24',
    condition: 'unsupported-stanza-type',
    how: 'a fourth stanza',
    provoke: bound('<pubsub/>'),
  },
  {
    section: '.25',
    condition: 'unsupported-version',
    how: 'no version (§4.7.5)',
    provoke: first(header("to='localhost'")),
  },
  {
    section: '.25',
    condition: 'unsupported-version',
    how: 'version 0.9',
    provoke: first(header("to='localhost' version='0.9'")),
  },
]

describe('stream errors (RFC 6120 §4.9.3)', () => {
  it('are all here', () => {
    assert.deepEqual(
      [...new Set(rows.map(({ section }) => section))],
      Array.from({ length: 25 }, (_, k) => `.${k + 1}`),
    )
  })

  for (const { section, condition, how, provoke, options, more } of rows) {
    const name = `§4.9.3${section} ${condition}: ${how}`
    if (provoke === undefined) {
      it(name, { skip: how })
      continue
    }
    it(name, async () => {
      const domain = await testDomain(options)
      const client = await provoke(domain)
      await domain.settle()
      const came = client.takeAll()
      const error = came.at(-1) ?? ''
      assert.match(
        error,
        new RegExp(`^<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'`),
      )
      if (more !== undefined) assert.match(error, more)
      // §4.9.1.1: unrecoverable; the stream is closed, and what it stood for is gone.
      assert.equal(client.ended, true)
      assert.notEqual(client.closed, undefined)
      assert.ok(client.headers.length > 0, '§4.9.1.2: in a stream')
      assert.equal(domain.sessions.size, condition === 'conflict' ? 1 : 0)
    })
  }
})

const restricted: readonly (readonly [string, string, string])[] = [
  ['§11.1 a comment', '<message><!-- x --></message>', 'restricted-xml'],
  ['§11.1 a comment between stanzas', '<!-- x -->', 'restricted-xml'],
  ['§11.1 a processing instruction', '<message><?x y?></message>', 'restricted-xml'],
  ['§11.1 a processing instruction between stanzas', '<?x y?>', 'restricted-xml'],
  ['§11.1 a document type', '<!DOCTYPE x>', 'restricted-xml'],
  ['§11.1 an entity that is none of the five', '<message><body>&nbsp;</body></message>', 'restricted-xml'],
  ['§11.1 the same in an attribute', "<message id='&x;'/>", 'restricted-xml'],
  ['§11.1 an entity bomb', '<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>', 'restricted-xml'],
  ['§11.3 an attribute twice', "<message id='1' id='2'/>", 'not-well-formed'],
  ['§11.3 a character that XML has not', '<message><body>\u0001</body></message>', 'not-well-formed'],
  ['§11.3 a reference to one', '<message><body>&#0;</body></message>', 'not-well-formed'],
  ['§11.3 ]]> in text', '<message><body>]]></body></message>', 'not-well-formed'],
  ['§11.3 an attribute without quotes', '<message id=1/>', 'not-well-formed'],
  ['§11.7 text between stanzas', '<presence/>x<presence/>', 'bad-format'],
  ['§4.8.5 an undeclared prefix of an attribute', "<message x:y='1'/>", 'bad-namespace-prefix'],
]

const taken: readonly (readonly [string, string])[] = [
  ['CDATA', "<message to='romeo@localhost'><body><![CDATA[<a>]]></body></message>"],
  ['the five entities', "<message to='romeo@localhost'><body>&lt;&gt;&amp;&apos;&quot;</body></message>"],
  ['character references', "<message to='romeo@localhost'><body>&#x41;&#66;</body></message>"],
  ['whitespace between stanzas (§4.6.1)', " \t\r\n<message to='romeo@localhost'><body>x</body></message> \n"],
]

describe('what XML may be in a stream (RFC 6120 §11)', () => {
  for (const [what, text, condition] of restricted) {
    it(`refuses ${what} with ${condition}, whole or an octet at a time`, async () => {
      for (const pieces of [[text], [...text]]) {
        const domain = await testDomain()
        const client = await domain.bound('romeo', 'orchard')
        for (const piece of pieces) client.send(piece)
        await domain.settle()
        assert.match(client.takeAll().at(-1) ?? '', new RegExp(`<stream:error><${condition} `))
        assert.equal(client.ended, true)
      }
    })
  }
  for (const [what, text] of taken) {
    it(`takes ${what}`, async () => {
      const domain = await testDomain()
      const client = await domain.available('romeo', 'orchard')
      client.send(text)
      assert.match(await client.next(), /^<message/)
      await client.settled()
    })
  }
})
