// RFC 7622 wherever an address stands: prepared before it is compared, refused where it is none, and passed on as it was written.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serialize } from '#wire/xml'
import { testDomain } from '../testing/test-domain.ts'

const roster = (jid: string): string =>
  `<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='${jid}'/></query></iq>`
const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"

/** Every place where a client writes an address. */
const places: readonly (readonly [what: string, stanza: (to: string) => string])[] = [
  ['a message', (to) => `<message to='${to}' id='x'><body>b</body></message>`],
  ['directed presence', (to) => `<presence to='${to}' id='x'/>`],
  ['a directed goodbye', (to) => `<presence type='unavailable' to='${to}' id='x'/>`],
  ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'].map(
    (type) => [`a ${type}`, (to: string) => `<presence type='${type}' to='${to}' id='x'/>`] as const,
  ),
  ['a request', (to) => `<iq type='get' to='${to}' id='x'>${info}</iq>`],
  ['a roster item', roster],
]

/** RFC 7622 §3: what is no address. */
const wrong: readonly (readonly [what: string, jid: string])[] = [
  ['an empty localpart (§3.3)', '@localhost'],
  ['an empty resourcepart (§3.4)', 'juliet@localhost/'],
  ['no domainpart (§3.2)', 'juliet@'],
  ['a space in the localpart (§3.3.1)', 'a b@localhost'],
  ['a character that no localpart has (§3.3.1)', 'a&quot;b@localhost'],
  ['what PRECIS forbids (§3.3, RFC 8265 §3.3)', 'henry\u2163@localhost'],
  ['a control character in the resourcepart (§3.4)', 'juliet@localhost/a&#9;b'],
  ['a localpart of more than 1023 octets (§3.3)', `${'a'.repeat(1024)}@localhost`],
  ['a resourcepart of more than 1023 octets (§3.4)', `juliet@localhost/${'é'.repeat(512)}`],
  ['an escaped space at the end (XEP-0106 §4.2)', 'a\\20@localhost'],
]

describe('what is no address (RFC 7622 §3, RFC 6120 §8.3.3.8)', () => {
  for (const [what, jid] of wrong) {
    it(`${what} is jid-malformed wherever it stands`, async () => {
      const domain = await testDomain()
      const romeo = await domain.bound('romeo', 'orchard')
      for (const [place, stanza] of places) {
        romeo.send(stanza(jid))
        assert.match(await romeo.next(), /type='error' id='x'.*<jid-malformed /, place)
      }
      romeo.send(`<iq type='result' to='${jid}' id='x'/><message type='error' to='${jid}'/>`)
      await romeo.settled()
      assert.deepEqual(romeo.takeAll(), [], 'nor is an answer answered')
    })
  }
})

describe('addresses that are the same (RFC 7622 §3.3, §3.2)', () => {
  const spellings = ['JULIET@LocalHost', '\uff4auliet@localhost', 'Juliet@LOCALHOST.']
  for (const jid of spellings) {
    it(`${jid} is juliet@localhost to a message, to presence, to a request and on a roster`, async () => {
      const domain = await testDomain()
      await domain.befriend('romeo', 'juliet')
      const juliet = await domain.available('juliet', 'balcony')
      const romeo = await domain.available('romeo', 'orchard')
      juliet.takeAll()
      romeo.send(`<message to='${jid}/balcony'><body>b</body></message>`)
      romeo.send(`<presence to='${jid}/balcony'/>`)
      romeo.send(`<iq type='get' to='${jid}/balcony' id='x'>${info}</iq>`)
      await domain.settle()
      const got = juliet.takeAll()
      assert.equal(got.length, 3)
      for (const stanza of got) assert.ok(stanza.includes(` to='${jid}/balcony'`), 'as it was written')
      assert.match(serialize(await romeo.ask(roster(jid))), /type='result'/)
      assert.match(romeo.takeAll().join(), /<item jid='juliet@localhost' subscription='both'\/>/)
      assert.match(
        serialize(await romeo.ask(`<iq type='get' to='${jid}' id='y'>${info}</iq>`)),
        /category='account'/,
      )
    })
  }

  it('resources are compared with their case (§3.4)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    await domain.available('juliet', 'Balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.takeAll()
    romeo.send(`<iq type='get' to='juliet@localhost/balcony' id='x'>${info}</iq>`)
    assert.match(await romeo.next(), /<service-unavailable /)
  })
})

describe('escaped addresses (XEP-0106)', () => {
  it('a name that XMPP cannot write is read and written escaped, the same item however it is spelt (§4.1)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    await romeo.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    for (const jid of ['d\\27artagnan@elsewhere.example', 'D\\27Artagnan@elsewhere.example']) {
      assert.match(serialize(await romeo.ask(roster(jid))), /type='result'/)
      assert.match(
        romeo.takeAll().join(),
        /<item jid='d\\27artagnan@elsewhere\.example' subscription='none'\/>/,
      )
    }
    romeo.send("<message id='x' to='d\\27artagnan@elsewhere.example'><body>b</body></message>")
    assert.match(await romeo.next(), /type='error' id='x' from='d\\27artagnan@elsewhere.example'/)
  })

  it('one that stands for a name which no account here can have is nobody (RFC 6121 §8.5.1)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send("<message id='x' to='d\\27artagnan@localhost'><body>b</body></message>")
    assert.match(await romeo.next(), /<service-unavailable /)
  })
})
