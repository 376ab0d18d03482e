// A client's session against bad input: stanzas cut, flipped, repeated and mixed. No crash, no fault of ours, no octets that are no
// XML, and nothing kept when it is over.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '#base'
import { testDomain } from '../src/protocols/xmpp/testing/test-domain.ts'

const soak = process.env['VERONA_SOAK'] !== undefined
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 0x7fffffff)
const runs = { numRuns: soak ? 2000 : 60, seed }

const addresses = [
  '',
  " to='juliet@localhost'",
  " to='juliet@localhost/balcony'",
  " to='localhost'",
  " to='@'",
  " to='romeo@localhost'",
]
const types = [
  '',
  'get',
  'set',
  'result',
  'error',
  'chat',
  'groupchat',
  'headline',
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
]
const payloads = [
  '<body>x</body>',
  '<priority>-1</priority>',
  "<query xmlns='jabber:iq:roster'/>",
  "<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' subscription='remove'/></query>",
  "<query xmlns='jabber:iq:roster'><item jid='a@b'><group>g</group></item></query>",
  "<ping xmlns='urn:xmpp:ping'/>",
  "<enable xmlns='urn:xmpp:carbons:2'/>",
  "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
  "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='1'/>",
  "<content xmlns='urn:verona:content:0' type='a/b'>AAAA</content>",
  "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
  '<stream:x/>',
  '',
]
const stanza = fc
  .tuple(
    fc.constantFrom('message', 'presence', 'iq', 'auth'),
    fc.constantFrom(...addresses),
    fc.constantFrom(...types),
    fc.boolean(),
    fc.array(fc.constantFrom(...payloads), { maxLength: 3 }),
  )
  .map(([name, to, type, id, children]) => {
    const start = `${name}${to}${type === '' ? '' : ` type='${type}'`}${id ? " id='1'" : ''}`
    return `<${start}>${children.join('')}</${name}>`
  })
const conversation = fc.tuple(
  fc.array(stanza, { minLength: 1, maxLength: 12 }),
  fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 2 }),
)

test(`whatever a client says, the server answers with XML and forgets it in the end (seed ${seed})`, async () => {
  const property = fc.asyncProperty(conversation, async ([stanzas, flips]) => {
    const domain = await testDomain({ users: ['romeo', 'juliet'], policy: { history: true } })
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    const octets = utf8(stanzas.join(''))
    for (const [at, value] of flips) if (at < octets.length) octets[at] = value
    romeo.connection.write(octets)
    // The clients' own framers throw when what comes is not well-formed.
    await domain.settle()
    for (const text of [...romeo.takeAll(), ...juliet.takeAll()]) {
      assert.doesNotMatch(text, /internal-server-error/)
    }
    for (const client of [romeo, juliet]) client.connection.destroy()
    await domain.settle()
    assert.equal(domain.sessions.size, 0)
    for (const user of ['romeo', 'juliet']) {
      const account = domain.service.directory.resident(domain.address(user))
      assert.equal(account?.inbox.agents.length ?? 0, 0)
      assert.equal(account?.watchers.size ?? 0, 0)
      assert.equal(account?.contactAgents.size ?? 0, 0)
      assert.equal(account?.presentity.tuples.size ?? 0, 0)
    }
  })
  await fc.assert(property, runs)
})
