// What is kept for an account and asked of it: vCards, private data, last activity; and what is told of the server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsMax } from '#core'
import { type Element, serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'
import type { TestClient } from '../testing/test-client.ts'
import { testDomain } from '../testing/test-domain.ts'
import { privateOctetsMax } from './private.ts'

let asked = 0

/** The answer's payload as text, or the error's condition. */
async function ask(client: TestClient, type: 'get' | 'set', payload: string, to = ''): Promise<string> {
  const address = to === '' ? '' : ` to='${to}'`
  const iq: Element = await client.ask(`<iq type='${type}' id='k${++asked}'${address}>${payload}</iq>`)
  const error = iq.child('error')?.elements()[0]?.name
  if (error !== undefined) return error
  const [first] = iq.elements()
  return first === undefined ? '' : serialize(first, { outer: clientStream })
}

const vcard = "<vCard xmlns='vcard-temp'/>"
const peter =
  "<vCard xmlns='vcard-temp'><FN>Peter &lt;Saint&gt; André</FN><N><FAMILY>Saint-Andre</FAMILY><MIDDLE/></N>" +
  "<x xmlns='urn:x' a='1'>\n  <y/>\n</x></vCard>"

test('a vCard is kept as it was written, and shown to its owner and to others (XEP-0054 §3)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  assert.equal(await ask(juliet, 'get', vcard), 'item-not-found')
  assert.equal(await ask(romeo, 'get', vcard, 'juliet@localhost'), 'service-unavailable', 'none (§3.3)')
  assert.equal(await ask(romeo, 'get', vcard, 'nobody@localhost'), 'service-unavailable', 'nobody (§3.3)')
  assert.equal(await ask(juliet, 'set', peter), '')
  assert.equal(await ask(juliet, 'get', vcard), peter)
  assert.equal(await ask(juliet, 'get', vcard, 'juliet@localhost'), peter)
  assert.equal(await ask(romeo, 'get', vcard, 'juliet@localhost'), peter)
  assert.equal(await ask(romeo, 'set', peter, 'juliet@localhost'), 'forbidden', '§3.2')
  await ask(juliet, 'set', "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>")
  assert.equal(await ask(romeo, 'get', vcard, 'juliet@localhost'), 'service-unavailable', 'the rules')
  assert.equal(await ask(juliet, 'set', vcard), '', 'an empty one takes it away')
  assert.equal(await ask(juliet, 'get', vcard), 'item-not-found')
})

test('a vCard too large is refused and changes nothing (vcard_octets_max)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  await ask(juliet, 'set', peter)
  const large = `<vCard xmlns='vcard-temp'><PHOTO>${'x'.repeat(2000)}</PHOTO></vCard>`
  assert.equal(await ask(juliet, 'set', large), 'policy-violation')
  assert.equal(await ask(juliet, 'get', vcard), peter)
})

const query = (inner: string): string => `<query xmlns='jabber:iq:private'>${inner}</query>`

test('private data is kept by name and namespace, for the owner alone (XEP-0049 §2.3)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const window = await domain.available('juliet', 'window')
  const romeo = await domain.available('romeo', 'orchard')
  const exodus = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>"
  const bookmarks = "<storage xmlns='storage:bookmarks'><conference jid='room@example.net'/></storage>"
  assert.equal(await ask(juliet, 'set', query(exodus)), '')
  assert.equal(await ask(window, 'get', query("<exodus xmlns='exodus:prefs'/>")), query(exodus))
  assert.equal(await ask(juliet, 'set', query(bookmarks)), '')
  assert.equal(await ask(juliet, 'get', query("<storage xmlns='storage:bookmarks'/>")), query(bookmarks))
  const empty = query("<storage xmlns='storage:else'/>")
  assert.equal(await ask(juliet, 'get', empty), empty, 'what was never kept is empty')
  assert.equal(await ask(juliet, 'set', query("<exodus xmlns='exodus:prefs'/>")), '')
  assert.equal(
    await domain.store.document(domain.address('juliet'), 'private {exodus:prefs}exodus'),
    undefined,
  )
  const rows: [string, 'get' | 'set', string, string, string][] = [
    ['no element', 'get', query(''), '', 'bad-request'],
    ['no element to keep', 'set', query(''), '', 'not-acceptable'],
    ['two at once', 'get', query("<a xmlns='urn:a'/><b xmlns='urn:b'/>"), '', 'not-acceptable'],
    ['no namespace of its own', 'set', query('<exodus>x</exodus>'), '', 'not-acceptable'],
    ['that of stanzas', 'set', query("<body xmlns='jabber:client'>x</body>"), '', 'not-acceptable'],
    ["another's", 'get', query("<exodus xmlns='exodus:prefs'/>"), 'romeo@localhost', 'forbidden'],
    ["nobody's", 'set', query(exodus), 'nobody@localhost', 'forbidden'],
    [
      'too large',
      'set',
      query(`<a xmlns='urn:a'>${'x'.repeat(privateOctetsMax)}</a>`),
      '',
      'policy-violation',
    ],
    ['a name too long', 'set', query(`<a xmlns='${'u'.repeat(600)}'>x</a>`), '', 'not-acceptable'],
  ]
  for (const [name, type, payload, to, condition] of rows)
    assert.equal(await ask(juliet, type, payload, to), condition, name)
  assert.equal(
    await ask(romeo, 'get', query("<storage xmlns='storage:bookmarks'/>")),
    query("<storage xmlns='storage:bookmarks'/>"),
  )
  for (let i = 0; i < documentsMax - 1; i++)
    await domain.store.putDocument(domain.address('juliet'), `d${i}`, new Uint8Array(1))
  assert.equal(await ask(juliet, 'set', query(exodus)), 'resource-constraint', 'as many as there may be')
})

const last = "<query xmlns='jabber:iq:last'/>"
const away = (seconds: number, words = ''): string =>
  words === ''
    ? `<query xmlns='jabber:iq:last' seconds='${seconds}'/>`
    : `<query xmlns='jabber:iq:last' seconds='${seconds}'>${words}</query>`

test('last activity: how long a person has been away, for those who may see presence (XEP-0012 §3)', async () => {
  const domain = await testDomain({ settings: { idleSeconds: 86_400 } })
  await domain.befriend('juliet', 'romeo')
  const romeo = await domain.available('romeo', 'orchard')
  const nurse = await domain.available('nurse', 'kitchen')
  const ofJuliet = (by: TestClient): Promise<string> => ask(by, 'get', last, 'juliet@localhost')
  assert.equal(await ofJuliet(romeo), 'item-not-found', 'who was never here')
  const juliet = await domain.available('juliet', 'balcony')
  const window = await domain.available('juliet', 'window')
  assert.equal(await ofJuliet(romeo), away(0))
  window.send("<presence type='unavailable'><status>not yet</status></presence>")
  await domain.settle()
  assert.equal(await ofJuliet(romeo), away(0), 'a device is left')
  juliet.send("<presence type='unavailable'><status>Heading Home</status></presence>")
  await domain.settle()
  domain.clock.advance(903_000)
  assert.equal(await ofJuliet(romeo), away(903, 'Heading Home'))
  assert.equal(await ask(juliet, 'get', last), away(903, 'Heading Home'))
  assert.equal(await ofJuliet(nurse), 'forbidden')
  assert.equal(await ask(romeo, 'get', last, 'nobody@localhost'), 'service-unavailable')
  const kept = await domain.store.document(domain.address('juliet'), 'last-activity')
  assert(kept !== undefined, 'it is durable')
  juliet.send('<presence/>')
  await domain.settle()
  juliet.connection.close()
  await domain.settle()
  domain.clock.advance(5000)
  assert.equal(await ofJuliet(romeo), away(5), 'without a goodbye, without words')
})

test('who hides from a contact tells it no last activity', async () => {
  const domain = await testDomain({ settings: { idleSeconds: 86_400 } })
  await domain.befriend('juliet', 'romeo')
  const romeo = await domain.available('romeo', 'orchard')
  const juliet = await domain.available('juliet', 'balcony')
  const rule = (visibility: 'full' | 'basic'): Promise<void> =>
    new Promise((resolve) =>
      domain.service.contacts.setRule(
        domain.address('juliet'),
        { subject: 'romeo@localhost', action: 'allow', visibility },
        () => resolve(),
      ),
    )
  await rule('basic')
  juliet.send("<presence type='unavailable'><status>Heading Home</status></presence>")
  await domain.settle()
  domain.clock.advance(60_000)
  assert.equal(await ask(romeo, 'get', last, 'juliet@localhost'), away(60), 'not the words (RFC 2779 2.3.3)')
  await ask(juliet, 'set', "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>")
  assert.equal(await ask(romeo, 'get', last, 'juliet@localhost'), 'service-unavailable')
})

test('the server tells how long it runs, its time, and its version if it may (XEP-0012 §5, XEP-0202, XEP-0092)', async () => {
  const domain = await testDomain({ settings: { idleSeconds: 86_400, tellVersion: false } })
  const juliet = await domain.bound('juliet', 'balcony')
  domain.clock.advance(123_456)
  assert.equal(await ask(juliet, 'get', last, 'localhost'), away(123))
  assert.equal(
    await ask(juliet, 'get', "<time xmlns='urn:xmpp:time'/>", 'localhost'),
    "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2026-01-01T00:02:03.456Z</utc></time>",
  )
  const version = "<query xmlns='jabber:iq:version'/>"
  assert.equal(await ask(juliet, 'get', version, 'localhost'), 'service-unavailable')
  const info = await ask(juliet, 'get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", 'localhost')
  assert(!info.includes('jabber:iq:version'), 'nor is it discovered')
  const open = await testDomain()
  const romeo = await open.bound('romeo', 'orchard')
  assert.match(await ask(romeo, 'get', version, 'localhost'), /<name>Verona<\/name><version>1.2.3<\/version>/)
})
