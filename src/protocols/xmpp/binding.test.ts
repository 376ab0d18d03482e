import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { text, utf8 } from '#base'
import { type Address, type InstantMessage, type PresenceTuple, parseAddress } from '#model'
import { openMetricsText } from '#observe'
import { parseElement, serialize } from '#wire/xml'
import {
  messageElement,
  messageEnvelope,
  presenceElement,
  presenceEnvelope,
  reportElement,
} from './binding.ts'
import { clientStream } from './codec/namespaces.ts'
import { readStanza, type Stanza } from './codec/stanza.ts'
import { reviveStanza } from './envelope.ts'
import { testDomain } from './testing/test-domain.ts'

const romeo = parseAddress('romeo@localhost') as Address
const juliet = parseAddress('juliet@localhost') as Address
const toJuliet = { address: juliet, resource: 'balcony' }

function stanza(source: string): Stanza {
  const read = readStanza(utf8(source.replace(/^<(\w+)/, "<$1 xmlns='jabber:client'")))
  assert.ok(read !== undefined)
  return read
}

function envelope(source: string) {
  return messageEnvelope(stanza(source), romeo, 'orchard', toJuliet, utf8(" from='romeo@localhost/orchard'"))
}

/** Wire and view in pairs; the view written again is the wire (RFC 7572 §4, §5). */
const golden: readonly (readonly [what: string, wire: string, view: Partial<InstantMessage>])[] = [
  [
    'a plain message',
    '<message><body>Art thou not Romeo?</body></message>',
    { body: [{ language: '', text: 'Art thou not Romeo?' }] },
  ],
  [
    'languages, subject, thread',
    "<message id='m1' type='chat'><subject xml:lang='en'>hi</subject><body xml:lang='en'>a &amp; b</body><body xml:lang='cs'>č\n😀</body><thread>t1</thread></message>",
    {
      id: 'm1',
      kind: 'chat',
      thread: 't1',
      subject: [{ language: 'en', text: 'hi' }],
      body: [
        { language: 'en', text: 'a & b' },
        { language: 'cs', text: 'č\n😀' },
      ],
    },
  ],
  [
    'a chat state',
    "<message type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    { kind: 'chat', chatState: 'composing' },
  ],
  [
    'a receipt asked for',
    "<message id='1'><body>x</body><request xmlns='urn:xmpp:receipts'/></message>",
    { id: '1', body: [{ language: '', text: 'x' }], receiptRequested: true },
  ],
  [
    'a receipt',
    "<message id='2'><received xmlns='urn:xmpp:receipts' id='1'/></message>",
    { id: '2', receiptFor: '1' },
  ],
  [
    'a name that the sender goes by (XEP-0172 §4.3)',
    "<message id='1'><body>x</body><nick xmlns='http://jabber.org/protocol/nick'>Ishmael</nick></message>",
    { id: '1', body: [{ language: '', text: 'x' }], senderName: 'Ishmael' },
  ],
  [
    'a headline',
    "<message type='headline'><body>x</body></message>",
    { kind: 'headline', body: [{ language: '', text: 'x' }] },
  ],
  [
    'MIME content',
    "<message><body>see it</body><content xmlns='urn:verona:content:0' type='image/png'><field name='Content-ID'>&lt;1@x&gt;</field>AAEC</content></message>",
    {
      body: [{ language: '', text: 'see it' }],
      content: {
        type: 'image/png',
        bytes: Uint8Array.of(0, 1, 2),
        fields: [{ name: 'Content-ID', value: '<1@x>' }],
      },
    },
  ],
]

const plain: InstantMessage = {
  from: romeo,
  to: juliet,
  id: '',
  thread: '',
  kind: 'normal',
  subject: [],
  body: [],
}

describe('messages and their view (RFC 7572)', () => {
  for (const [what, wire, view] of golden) {
    it(`${what}: read and written`, () => {
      const read = envelope(wire)
      assert.deepEqual(read.view(), { ...plain, ...view })
      const element = messageElement(read.head, read.view(), 'juliet@localhost/balcony')
      const expected = parseElement(
        utf8(
          wire.replace('<message', "<message from='romeo@localhost/orchard' to='juliet@localhost/balcony'"),
        ),
        { outer: clientStream },
      )
      assert.deepEqual(element, expected)
    })
  }

  it('takes the language of the whole for its parts (RFC 6120 §8.1.5), and a stamp for the time of sending (XEP-0203)', () => {
    const view = envelope(
      "<message xml:lang='en'><body>x</body><delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/></message>",
    ).view()
    assert.equal(view.body[0]?.language, 'en')
    assert.equal(view.sentAt, Date.UTC(2002, 8, 10, 23, 8, 25))
  })

  it('content that is not base64 is none', () => {
    const read = envelope("<message><content xmlns='urn:verona:content:0' type='a/b'>?</content></message>")
    assert.equal(read.content(), undefined)
    assert.equal(envelope('<message/>').content(), undefined)
  })

  it('an error is a report about the message with its id, and a report is written as what the client knows', () => {
    const read = envelope(
      "<message type='error' id='m7'><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    )
    assert.equal(read.head.kind, 'report')
    assert.deepEqual(read.view(), { about: 'm7', event: 'failed', condition: 'mailbox-unavailable' })
    const failed = reportElement(
      read.head,
      { about: 'm7', event: 'failed', condition: 'remote-timeout' },
      'j@x',
    )
    assert.match(serialize(failed), /id='m7' type='error'><error type='wait'><remote-server-timeout /)
    const arrived = reportElement(read.head, { about: 'm7', event: 'delivered' }, 'j@x')
    assert.match(serialize(arrived), /<received xmlns='urn:xmpp:receipts' id='m7'\/>/)
    const shown = reportElement(read.head, { about: 'm7', event: 'displayed' }, 'j@x')
    assert.match(serialize(shown), /<displayed xmlns='urn:xmpp:chat-markers:0' id='m7'\/>/)
  })

  it('what is kept is self-contained, outlives its octets and is revived as it was', () => {
    const octets = Buffer.from("<message xmlns='jabber:client'><body>kept</body></message>")
    const read = readStanza(octets)
    assert.ok(read !== undefined)
    const kept = messageEnvelope(read, romeo, 'orchard', toJuliet, utf8(" from='x'")).keep()
    octets.fill(0x20)
    assert.equal(kept.keep(), kept)
    const revived = reviveStanza(kept.head, kept.raw)
    assert.equal(revived.view().body[0]?.text, 'kept')
    assert.equal(text(revived.stamp), " from='romeo@localhost/orchard' to='juliet@localhost/balcony'")
    assert.throws(() => reviveStanza(kept.head, utf8('<nonsense')).view(), /not readable/)
  })
})

describe('presence and its view (RFC 8048 §4)', () => {
  const presence = (source: string) =>
    presenceEnvelope(stanza(source), romeo, 'orchard', { address: romeo, resource: '' }).view()

  it('is one open tuple, named by the resource', () => {
    const document = presence(
      "<presence xml:lang='en'><show>dnd</show><status>busy</status><priority>-3</priority><c xmlns='urn:caps' node='n'/></presence>",
    )
    assert.equal(document.entity, 'pres:romeo@localhost')
    assert.deepEqual(document.tuples, [
      {
        id: 'orchard',
        basic: 'open',
        show: 'dnd',
        notes: [{ language: 'en', text: 'busy' }],
        priority: -3,
        statusExtensions: [],
        extensions: ["<c xmlns='urn:caps' node='n'/>"],
      },
    ])
  })

  it('a goodbye is a closed one; what show says otherwise is nothing', () => {
    assert.equal(presence("<presence type='unavailable'/>").tuples[0]?.basic, 'closed')
    assert.equal(presence('<presence><show>here</show></presence>').tuples[0]?.show, undefined)
  })

  it('a tuple is presence of a resource; a closed or missing one is a goodbye', () => {
    const tuple: PresenceTuple = {
      id: 'phone',
      basic: 'open',
      show: 'away',
      notes: [{ language: 'en', text: 'out' }],
      priority: 2,
      statusExtensions: [],
      extensions: [],
    }
    const written = (of: PresenceTuple | undefined): string =>
      serialize(presenceElement(romeo, 'phone', of, []), { outer: clientStream })
    assert.equal(
      written(tuple),
      "<presence from='romeo@localhost/phone'><show>away</show><status xml:lang='en'>out</status><priority>2</priority></presence>",
    )
    assert.equal(
      written({ ...tuple, basic: 'closed' }),
      "<presence from='romeo@localhost/phone' type='unavailable'><status xml:lang='en'>out</status></presence>",
    )
    assert.equal(written(undefined), "<presence from='romeo@localhost/phone' type='unavailable'/>")
  })
})

describe('same-protocol traffic is never translated', () => {
  it('messages, presence and IQ between clients leave the count of translations as it was', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const one = await domain.available('romeo', 'orchard')
    const other = await domain.available('juliet', 'balcony')
    one.send("<message to='juliet@localhost'><body>x</body></message><presence><show>away</show></presence>")
    one.send("<iq type='get' id='1' to='juliet@localhost/balcony'><a xmlns='x'/></iq>")
    await domain.settle()
    assert.equal(other.takeAll().length, 3)
    assert.doesNotMatch(openMetricsText(domain.service.metrics), /^verona_translations_total\{/m)
    assert.equal(domain.metrics.stanzas.message.value, 1)
    assert.equal(domain.metrics.sessions.value, 2)
  })
})
