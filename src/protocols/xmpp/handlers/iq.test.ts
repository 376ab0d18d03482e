import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDomain } from '../testing/test-domain.ts'

const query = (namespace: string, inside = ''): string => `<query xmlns='${namespace}'>${inside}</query>`

describe('iq (RFC 6120 §8.2.3, RFC 6121 §8.5)', () => {
  const rows: readonly (readonly [section: string, iq: string, answer: RegExp | undefined])[] = [
    ['§8.2.3 no id', "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", /<bad-request /],
    ['§8.2.3 no type', "<iq id='1'><ping xmlns='urn:xmpp:ping'/></iq>", /<bad-request /],
    ['§8.2.3 another type', "<iq id='1' type='put'><ping xmlns='urn:xmpp:ping'/></iq>", /<bad-request /],
    ['§8.2.3 no child', "<iq id='1' type='get'/>", /<bad-request /],
    ['§8.2.3 two children', "<iq id='1' type='get'><a xmlns='x'/><b xmlns='x'/></iq>", /<bad-request /],
    ['§8.2.3 an answer is not answered', "<iq id='1' type='result'/>", undefined],
    ['§8.2.3 an error is not answered', "<iq id='1' type='error' to='tybalt@localhost'/>", undefined],
    ['§8.3.3.8 no JID', "<iq id='1' type='get' to='@'><a xmlns='x'/></iq>", /<jid-malformed /],
    [
      '§8.4 not understood',
      "<iq id='1' type='get'><a xmlns='x'/></iq>",
      /from='romeo@localhost' .*<service-unavailable /,
    ],
    [
      '§8.4 not understood by the server',
      "<iq id='1' type='set' to='localhost'><a xmlns='x'/></iq>",
      /from='localhost' .*<service-unavailable /,
    ],
    [
      '§8.5.1 no such user',
      "<iq id='1' type='get' to='tybalt@localhost'><a xmlns='x'/></iq>",
      /<service-unavailable /,
    ],
    [
      '§8.5.2.1.3 another user',
      "<iq id='1' type='get' to='juliet@localhost'><a xmlns='x'/></iq>",
      /<service-unavailable /,
    ],
    [
      "§2.3.3 another's roster",
      `<iq id='1' type='set' to='juliet@localhost'>${query('jabber:iq:roster', "<item jid='a@localhost'/>")}</iq>`,
      /from='juliet@localhost' .*<error type='auth'><forbidden /,
    ],
    [
      "§2.3.3 nobody's roster reads the same",
      `<iq id='1' type='set' to='tybalt@localhost'>${query('jabber:iq:roster', "<item jid='a@localhost'/>")}</iq>`,
      /from='tybalt@localhost' .*<error type='auth'><forbidden /,
    ],
    [
      '§8.5.3.2.3 no such resource',
      "<iq id='1' type='get' to='juliet@localhost/x'><a xmlns='x'/></iq>",
      /<service-unavailable /,
    ],
    [
      '§8.5.3.2.3 an answer to no such resource',
      "<iq id='1' type='result' to='juliet@localhost/x'/>",
      undefined,
    ],
    [
      'another domain',
      "<iq id='1' type='get' to='x.example'><a xmlns='x'/></iq>",
      /<remote-server-not-found /,
    ],
    [
      'XEP-0199 §4.2',
      "<iq id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
      /^<iq type='result' id='1' from='romeo@localhost' to='romeo@localhost\/orchard'\/>$/,
    ],
    [
      'XEP-0199 §4.2 server',
      "<iq id='1' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
      /^<iq type='result' id='1' from='localhost'/,
    ],
    [
      'XEP-0199 a set',
      "<iq id='1' type='set'><ping xmlns='urn:xmpp:ping'/></iq>",
      /<feature-not-implemented /,
    ],
    [
      'XEP-0030 §3.1 server',
      `<iq id='1' type='get' to='localhost'>${query('http://jabber.org/protocol/disco#info')}</iq>`,
      /<identity category='server' type='im' name='Verona'\/>.*<feature var='urn:xmpp:carbons:2'\/>/,
    ],
    [
      'XEP-0030 §3.1 account',
      `<iq id='1' type='get'>${query('http://jabber.org/protocol/disco#info')}</iq>`,
      /<identity category='account' type='registered'\/>/,
    ],
    [
      'XEP-0030 §3.2 node',
      "<iq id='1' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>",
      /<item-not-found /,
    ],
    [
      'XEP-0030 §4.1',
      `<iq id='1' type='get' to='localhost'>${query('http://jabber.org/protocol/disco#items')}</iq>`,
      /<query xmlns='http:\/\/jabber.org\/protocol\/disco#items'\/>/,
    ],
    [
      'XEP-0092',
      `<iq id='1' type='get' to='localhost'>${query('jabber:iq:version')}</iq>`,
      /<name>Verona<\/name><version>1\.2\.3</,
    ],
    [
      'XEP-0202',
      "<iq id='1' type='get' to='localhost'><time xmlns='urn:xmpp:time'/></iq>",
      /<tzo>\+00:00<\/tzo><utc>2026-01-01T00:00:00.000Z</,
    ],
    [
      '§7.1 a second resource',
      "<iq id='1' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
      /<not-allowed /,
    ],
    [
      'RFC 3921 §3 session',
      "<iq id='1' type='set'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
      /type='result'/,
    ],
  ]
  for (const [section, iq, answer] of rows) {
    it(`${section}: ${iq.slice(0, 70)}`, async () => {
      const domain = await testDomain()
      const romeo = await domain.bound('romeo', 'orchard')
      await domain.bound('juliet', 'balcony')
      romeo.send(iq)
      await domain.settle()
      const answers = romeo.takeAll()
      assert.equal(answers.length, answer === undefined ? 0 : 1)
      if (answer !== undefined) assert.match(answers[0] ?? '', answer)
    })
  }

  it('§8.5.3.1: a request reaches a device only from those who may see it, an answer always', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    const request = "<iq id='1' type='get' to='juliet@localhost/balcony'><a xmlns='x'/></iq>"
    romeo.send(request)
    assert.match(await romeo.next(), /<service-unavailable /)
    juliet.send("<presence to='romeo@localhost/orchard'/>")
    await domain.settle()
    romeo.takeAll()
    romeo.send(request)
    assert.equal(
      await juliet.next(),
      "<iq from='romeo@localhost/orchard' id='1' type='get' to='juliet@localhost/balcony'><a xmlns='x'/></iq>",
    )
    juliet.send("<iq id='1' type='result' to='romeo@localhost/orchard'/>")
    assert.match(await romeo.next(), /^<iq from='juliet@localhost\/balcony' id='1' type='result'/)
  })

  it('unknown first-level elements end the stream (RFC 6120 §4.9.3.24, §4.9.3.10)', async () => {
    for (const [element, condition] of [
      ['<query/>', 'unsupported-stanza-type'],
      ["<message xmlns='jabber:server'/>", 'invalid-namespace'],
    ] as const) {
      const domain = await testDomain()
      const romeo = await domain.bound('romeo', 'orchard')
      romeo.send(element)
      assert.match(await romeo.next(), new RegExp(`<${condition} `))
    }
  })
})
