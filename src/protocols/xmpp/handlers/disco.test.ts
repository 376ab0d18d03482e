import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serialize } from '#wire/xml'
import { verificationOf } from '../codec/service-info.ts'
import type { TestClient } from '../testing/test-client.ts'
import { testDomain } from '../testing/test-domain.ts'

const info = 'http://jabber.org/protocol/disco#info'
const items = 'http://jabber.org/protocol/disco#items'

async function ask(client: TestClient, what: string, to: string, node = ''): Promise<string> {
  const nodeText = node === '' ? '' : ` node='${node}'`
  return serialize(
    await client.ask(`<iq type='get' id='d' to='${to}'><query xmlns='${what}'${nodeText}/></iq>`),
  )
}

describe('service discovery (XEP-0030)', () => {
  it('§3: names each feature of the server once, and each that is named is there', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    const features = [...(await ask(romeo, info, 'localhost')).matchAll(/<feature var='([^']+)'/g)].map(
      ([, name]) => name as string,
    )
    assert.equal(new Set(features).size, features.length)
    for (const expected of [
      info,
      items,
      'jabber:iq:roster',
      'jabber:iq:version',
      'urn:xmpp:ping',
      'urn:xmpp:time',
      'urn:xmpp:carbons:2',
      'msgoffline',
      'http://jabber.org/protocol/caps',
    ])
      assert.ok(features.includes(expected), expected)
    assert.ok(!features.includes('jabber:iq:register'), 'what the settings leave out')
  })

  it('§8: a person is known to those who may see them, and to others there is nobody', async () => {
    const domain = await testDomain({ users: ['romeo', 'juliet', 'tybalt'] })
    await domain.befriend('romeo', 'juliet')
    await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    const tybalt = await domain.bound('tybalt', 'street')
    assert.match(
      await ask(romeo, info, 'juliet@localhost'),
      /from='juliet@localhost'.*category='account' type='registered'/,
    )
    assert.match(await ask(romeo, items, 'juliet@localhost'), /<item jid='juliet@localhost\/balcony'\/>/)
    for (const what of [info, items]) {
      const refusal = await ask(tybalt, what, 'juliet@localhost')
      assert.match(refusal, /<service-unavailable /)
      assert.equal((await ask(tybalt, what, 'nobody@localhost')).replaceAll('nobody', 'juliet'), refusal)
    }
  })

  it('§8.2: nothing of a person who blocks the asker (XEP-0191 §3)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const romeo = await domain.bound('romeo', 'orchard')
    domain.service.contacts.setRule(
      domain.address('juliet'),
      { subject: 'romeo@localhost', action: 'block', visibility: 'full' },
      () => {},
    )
    await domain.settle()
    assert.match(await ask(romeo, info, 'juliet@localhost'), /<service-unavailable /)
  })

  it('a device is asked itself, by transit, and answers itself (RFC 6121 §8.5.3.1)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.send(`<iq type='get' id='d' to='juliet@localhost/balcony'><query xmlns='${info}'/></iq>`)
    assert.equal(
      await juliet.next(),
      `<iq from='romeo@localhost/orchard' type='get' id='d' to='juliet@localhost/balcony'><query xmlns='${info}'/></iq>`,
    )
  })

  it("an alias of one's own is oneself", async () => {
    const domain = await testDomain()
    await domain.service.accounts.add([
      {
        address: domain.address('benvolio'),
        aliases: [domain.address('ben')],
        password: 'secret',
      },
    ])
    const ben = await domain.bound('benvolio', 'x')
    assert.match(await ask(ben, info, 'ben@localhost'), /category='account'/)
  })
})

describe('entity capabilities of the server (XEP-0115)', () => {
  it('§6.3: stand in the stream features, and are the hash of what is discovered (§5.1)', async () => {
    const domain = await testDomain({ settings: { adminAddresses: ['mailto:admin@example.org'] } })
    const client = domain.connect()
    client.open()
    await client.next()
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    await client.next()
    client.open()
    const features = await client.next()
    assert.match(features, /<sub xmlns='urn:xmpp:features:pre-approval'\/>/, 'RFC 6121 §3.4')
    assert.match(features, /<ver xmlns='urn:xmpp:features:rosterver'\/>/, 'RFC 6121 §2.6.1')
    const [, node, verification] =
      /<c xmlns='http:\/\/jabber.org\/protocol\/caps' hash='sha-1' node='([^']+)' ver='([^']+)'\/>/.exec(
        features,
      ) ?? []
    await client.bind('x')
    const answer = await ask(client, info, 'localhost', `${node}#${verification}`)
    assert.ok(answer.includes(`node='${node}#${verification}'`))
    const names = [...answer.matchAll(/<feature var='([^']+)'/g)].map(([, name]) => name as string)
    assert.equal(
      verificationOf({
        identities: [{ category: 'server', type: 'im', name: 'Verona' }],
        features: names,
        forms: [
          {
            type: 'http://jabber.org/network/serverinfo',
            fields: [['admin-addresses', ['mailto:admin@example.org']]],
          },
        ],
      }),
      verification,
    )
    assert.match(await ask(client, info, 'localhost', `${node}#other`), /<item-not-found /)
  })

  it("what a client says of itself passes untouched, verified by nobody and trusted by nobody (§5.4 is its readers')", async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    const caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1'  node='n' ver='a lie'></c>"
    romeo.send(`<presence>${caps}<x xmlns='vcard-temp:x:update'><photo/></x></presence>`)
    assert.equal(
      await juliet.next(),
      "<presence from='romeo@localhost/orchard' to='juliet@localhost'>" +
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='a lie'/><x xmlns='vcard-temp:x:update'><photo/></x></presence>",
    )
  })
})

describe('contact addresses (XEP-0157)', () => {
  it('§3: those that are set are told as a form, and no form where none is', async () => {
    const domain = await testDomain({
      settings: { abuseAddresses: ['mailto:abuse@example.org', 'xmpp:abuse@example.org'] },
    })
    const romeo = await domain.bound('romeo', 'orchard')
    assert.ok(
      (await ask(romeo, info, 'localhost')).includes(
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>" +
          "<field var='abuse-addresses'><value>mailto:abuse@example.org</value><value>xmpp:abuse@example.org</value></field></x>",
      ),
    )
    const other = await (await testDomain()).bound('romeo', 'orchard')
    assert.doesNotMatch(await ask(other, info, 'localhost'), /jabber:x:data/)
  })
})
