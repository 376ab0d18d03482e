// What passes between XMPP clients is octets with splices (decision 0030): no view, no content, no translation, and nothing changed but
// what RFC 6120 §8.1.2.1 and RFC 6121 §3.1.2 have us write.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it, mock } from 'node:test'
import { openMetricsText } from '#observe'
import { StanzaEnvelope } from './envelope.ts'
import { testDomain } from './testing/test-domain.ts'

beforeEach(() => {
  for (const depth of ['view', 'content'] as const)
    mock.method(StanzaEnvelope.prototype, depth, () => {
      throw new Error(`${depth}() was asked for`)
    })
})
afterEach(() => mock.restoreAll())

const inside =
  "<x  xmlns = 'urn:x'\ta=\"1'2\">&#x21;&amp;<y:z xmlns:y='urn:y' y:b='&quot;'></y:z>\n  <![CDATA[<raw>]]></x>"

/** What romeo sends, the octets that juliet's balcony gets, and the states that it needs. */
const rows: readonly (readonly [what: string, sent: string, got: string])[] = [
  [
    'a message to a person (§8.5.2.1.1)',
    `<message  id="m" to="juliet@localhost"\ttype='chat'><body >é&#13;</body>${inside}</message >`,
    `<message from='romeo@localhost/orchard'  id="m" to="juliet@localhost"\ttype='chat'><body >é&#13;</body>${inside}</message >`,
  ],
  [
    'a message to a device (§8.5.3.1)',
    `<message to='Juliet@localhost/balcony'>${inside}</message>`,
    `<message from='romeo@localhost/orchard' to='Juliet@localhost/balcony'>${inside}</message>`,
  ],
  [
    'a headline (§8.5.2.1.1)',
    `<message type='headline' to='juliet@localhost'>${inside}</message>`,
    `<message from='romeo@localhost/orchard' type='headline' to='juliet@localhost'>${inside}</message>`,
  ],
  [
    'an error (§8.5.3.1)',
    `<message type='error' to='juliet@localhost/balcony'>${inside}</message>`,
    `<message from='romeo@localhost/orchard' type='error' to='juliet@localhost/balcony'>${inside}</message>`,
  ],
  [
    'presence broadcast (§4.4.2, §4.7.3), with what clients put into it (XEP-0115, XEP-0153, XEP-0319)',
    `<presence  id='p'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node="n" ver='v'/><x xmlns='vcard-temp:x:update'><photo>00</photo></x>${inside}</presence>`,
    `<presence from='romeo@localhost/orchard' to='juliet@localhost'  id='p'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node="n" ver='v'/><x xmlns='vcard-temp:x:update'><photo>00</photo></x>${inside}</presence>`,
  ],
  [
    'a goodbye (§4.5.2)',
    `<presence type="unavailable">${inside}</presence>`,
    `<presence from='romeo@localhost/orchard' to='juliet@localhost' type="unavailable">${inside}</presence>`,
  ],
  [
    'directed presence (§4.6.3)',
    `<presence to='juliet@localhost/balcony'>${inside}</presence>`,
    `<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony'>${inside}</presence>`,
  ],
  [
    'presence of type error (§4.7.1)',
    `<presence type='error' to='juliet@localhost/balcony'>${inside}</presence>`,
    `<presence from='romeo@localhost/orchard' type='error' to='juliet@localhost/balcony'>${inside}</presence>`,
  ],
  [
    'a word, between bare addresses (§3.2.2)',
    `<presence to='juliet@localhost/balcony' type='unsubscribe' id='s'>${inside}</presence>`,
    `<presence from='romeo@localhost' to='juliet@localhost' type='unsubscribe' id='s'>${inside}</presence>`,
  ],
  [
    'a request (§8.5.3.1)',
    `<iq to='juliet@localhost/balcony' type='get' id='i'>${inside}</iq>`,
    `<iq from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='get' id='i'>${inside}</iq>`,
  ],
]

/** A space stays where an attribute was; what was kept declares the namespace that it had from its stream. */
function squeezed(text: string): string {
  return text.replaceAll(" xmlns='jabber:client'", '').replaceAll(/ {2,}(?=[a-z]+=)/g, ' ')
}

for (const [what, sent, got] of rows) {
  it(`${what} arrives octet for octet, and nothing is made of it`, async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    await domain.settle()
    juliet.octets = ''
    romeo.send(sent)
    await domain.settle()
    assert.ok(squeezed(juliet.octets).includes(squeezed(got)), juliet.octets)
    assert.doesNotMatch(openMetricsText(domain.service.metrics), /^verona_translations_total\{/m)
  })
}

it('a request for presence is kept and shown again as it came (§3.1.3)', async () => {
  const domain = await testDomain()
  const romeo = await domain.available('romeo', 'orchard')
  romeo.send(`<presence to='juliet@localhost' type='subscribe'>${inside}</presence>`)
  await domain.settle()
  const juliet = await domain.bound('juliet', 'balcony')
  juliet.octets = ''
  juliet.send('<presence/>')
  await domain.settle()
  assert.ok(
    squeezed(juliet.octets).includes(
      `<presence from='romeo@localhost' to='juliet@localhost' type='subscribe'>${squeezed(inside)}</presence>`,
    ),
    juliet.octets,
  )
})

it('a message that waited comes as it was sent, with its stamp (XEP-0203)', async () => {
  const domain = await testDomain()
  const romeo = await domain.available('romeo', 'orchard')
  romeo.send(`<message to='juliet@localhost'><body>b</body>${inside}</message>`)
  await domain.settle()
  const juliet = await domain.bound('juliet', 'balcony')
  juliet.send('<presence/>')
  await domain.settle()
  assert.ok(
    squeezed(juliet.octets).includes(
      `<message from='romeo@localhost/orchard' to='juliet@localhost'><body>b</body>${squeezed(inside)}<delay `,
    ),
    juliet.octets,
  )
})

it('carbons hold the stanza as it was sent (XEP-0280 §7)', async () => {
  const domain = await testDomain()
  const romeo = await domain.available('romeo', 'orchard')
  const balcony = await domain.available('juliet', 'balcony')
  const chamber = await domain.available('juliet', 'chamber')
  await chamber.ask("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
  chamber.octets = ''
  balcony.takeAll()
  romeo.send(`<message to='juliet@localhost/balcony' type='chat'><body>b</body>${inside}</message>`)
  await domain.settle()
  assert.equal(balcony.takeAll().length, 1)
  assert.match(chamber.octets, /<forwarded /)
  assert.ok(chamber.octets.includes(`<body>b</body>${inside}`), chamber.octets)
})

/** What conversations carry beside text: the server reads names at most. */
const payloads: readonly (readonly [what: string, octets: string])[] = [
  ['a receipt asked for (XEP-0184 §5.3)', `<request xmlns='urn:xmpp:receipts'/>`],
  ['a receipt (XEP-0184 §5.4)', `<received  xmlns="urn:xmpp:receipts" id='richard2-4.1.247'/>`],
  ['a marker (XEP-0333 §4)', `<displayed xmlns='urn:xmpp:chat-markers:0' id="m1"></displayed>`],
  ['a chat state (XEP-0085 §2)', `<paused xmlns='http://jabber.org/protocol/chatstates' />`],
  ['a correction (XEP-0308 §3)', `<replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>`],
  [
    'a reaction (XEP-0444 §3)',
    `<reactions id='744' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction></reactions>`,
  ],
  [
    'an encrypted one (XEP-0384 §4.4)',
    `<encrypted xmlns='urn:xmpp:omemo:2'><header sid='2'/><payload>Zg==</payload></encrypted>`,
  ],
]

for (const [what, octets] of payloads) {
  it(`${what} passes live, as carbon and out of the archive octet for octet`, async () => {
    const domain = await testDomain({ policy: { history: true } })
    const romeo = await domain.available('romeo', 'orchard')
    const balcony = await domain.available('juliet', 'balcony')
    const chamber = await domain.available('juliet', 'chamber')
    await chamber.ask("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
    const all = `${octets}<store xmlns='urn:xmpp:hints'/>`
    for (const client of [balcony, chamber]) client.octets = ''
    romeo.send(`<message to='juliet@localhost/balcony' type='chat'>${all}</message>`)
    await domain.settle()
    const got = `<message from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='chat'>${all}<stanza-id `
    assert.ok(balcony.octets.startsWith(got), balcony.octets)
    assert.ok(chamber.octets.includes(`type='chat'>${all}<stanza-id `), chamber.octets)
    balcony.octets = ''
    await balcony.ask("<iq type='set' id='a'><query xmlns='urn:xmpp:mam:2'/></iq>")
    assert.ok(balcony.octets.includes(`type='chat'>${all}</message></forwarded>`), balcony.octets)
  })
}
