import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serialize } from '#wire/xml'
import type { TestClient } from './testing/test-client.ts'
import { type TestDomain, testDomain } from './testing/test-domain.ts'

const query = (inside: string): string => `<query xmlns='jabber:iq:register'>${inside}</query>`
const named = (username: string, password: string): string =>
  query(`<username>${username}</username><password>${password}</password>`)

async function ask(client: TestClient, type: 'get' | 'set', inside: string, id = 'r'): Promise<string> {
  return serialize(await client.ask(`<iq type='${type}' id='${id}'>${inside}</iq>`))
}

/** A stream before its login, its features read. */
async function opened(domain: TestDomain, address?: string): Promise<[TestClient, string]> {
  const client = domain.connect(address === undefined ? {} : { remote: { address, port: 5 } })
  client.open()
  return [client, await client.next()]
}

describe('registration before the login (XEP-0077 §3.1)', () => {
  const on = { registration: true, registrationsAnHourMax: 3 }

  it('is not there unless it is switched on', async () => {
    const domain = await testDomain()
    const [client, features] = await opened(domain)
    assert.doesNotMatch(features, /iq-register/)
    assert.match(await ask(client, 'get', query('')), /type='error'.*<service-unavailable /)
  })

  it('§7.1: is a feature of the stream; its form is asked for, filled in, and the account is there', async () => {
    const domain = await testDomain({ settings: on })
    const [client, features] = await opened(domain)
    assert.match(features, /<register xmlns='http:\/\/jabber.org\/features\/iq-register'\/>/)
    assert.match(
      await ask(client, 'get', query('')),
      /type='result'.*<instructions>[^<]+<\/instructions><username\/><password\/><\/query>/,
    )
    assert.match(await ask(client, 'set', named('Benvolio', 'secret')), /^<iq [^>]*type='result' id='r'\/>$/)
    assert.ok((await domain.bound('benvolio', 'x')).headers.length > 0)
  })

  it('is not offered where no password may be carried, and asked for there it ends the stream (RFC 6120 §5.3.1)', async () => {
    const domain = await testDomain({ settings: { ...on, plainWithoutTls: false } })
    const [client, features] = await opened(domain)
    assert.doesNotMatch(features, /iq-register/)
    client.send(`<iq type='get' id='r'>${query('')}</iq>`)
    assert.match(await client.next(), /<not-authorized /)
  })

  const wrong: readonly (readonly [what: string, set: string, condition: string])[] = [
    ['a name that is taken', named('romeo', 'x'), 'conflict'],
    ['no name', query('<password>x</password>'), 'not-acceptable'],
    ['no password', query('<username>x</username>'), 'not-acceptable'],
    ['an empty password', named('x', ''), 'not-acceptable'],
    ['a password that its profile forbids (RFC 8265 §4)', named('x', '&#9;'), 'not-acceptable'],
    ['a name that is none (RFC 7622 §3.3)', named('a b', 'x'), 'not-acceptable'],
    ['a name with another domain', named('a@b', 'x'), 'not-acceptable'],
    ['a name with a resource', named('a/b', 'x'), 'not-acceptable'],
    ['the end of an account that nobody has', query('<remove/>'), 'unexpected-request'],
  ]
  for (const [what, set, condition] of wrong) {
    it(`§3.1: ${what} is ${condition}`, async () => {
      const [client] = await opened(await testDomain({ settings: on }))
      assert.match(await ask(client, 'set', set), new RegExp(`type='error'.*<${condition} `))
    })
  }

  it('without an id it is a bad request (RFC 6120 §8.1.3), and for another domain there is nobody', async () => {
    const [client] = await opened(await testDomain({ settings: on }))
    client.send(`<iq type='get'>${query('')}</iq>`)
    assert.match(await client.next(), /<bad-request /)
    client.send(`<iq type='get' id='r' to='elsewhere.example'>${query('')}</iq>`)
    assert.match(await client.next(), /<service-unavailable /)
  })

  it('has a limit an hour for each address, over all its streams', async () => {
    const domain = await testDomain({ settings: on })
    const attempt = async (name: string, from: string): Promise<string> => {
      const [client] = await opened(domain, from)
      return ask(client, 'set', named(name, 'secret'))
    }
    for (const name of ['a', 'b', 'c']) assert.match(await attempt(name, '192.0.2.1'), /type='result'/)
    assert.match(await attempt('d', '192.0.2.1'), /<error type='wait'><resource-constraint /)
    assert.match(await attempt('e', '192.0.2.2'), /type='result'/)
    domain.clock.advance(20 * 60_000)
    assert.match(await attempt('d', '192.0.2.1'), /type='result'/)
  })

  it('the login goes on after it, and it does not go on after the login began', async () => {
    const domain = await testDomain({ settings: on })
    const [client] = await opened(domain)
    assert.match(await ask(client, 'set', named('mercutio', 'secret')), /type='result'/)
    const data = Buffer.from('\0mercutio\0secret').toString('base64')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    assert.match(await client.next(), /^<success/)
    client.open()
    await client.next()
    client.send(`<iq type='get' id='r'>${query('')}</iq>`)
    assert.match(await client.next(), /<not-authorized /)
  })
})

describe("one's own account, logged in (XEP-0077 §3.2, §3.3)", () => {
  const both = { passwordChange: true, accountRemoval: true }

  it('is not there unless it is switched on, and each is not-allowed without its setting', async () => {
    const off = await (await testDomain()).bound('romeo', 'x')
    assert.match(await ask(off, 'get', query('')), /<service-unavailable /)
    const registrationAlone = await (await testDomain({ settings: { registration: true } })).bound(
      'romeo',
      'x',
    )
    assert.match(await ask(registrationAlone, 'set', named('romeo', 'new')), /<not-allowed /)
    assert.match(await ask(registrationAlone, 'set', query('<remove/>')), /<not-allowed /)
  })

  it('§3.1: who is registered is told so, without the password; discovery names it', async () => {
    const romeo = await (await testDomain({ settings: both })).bound('romeo', 'x')
    assert.match(
      await ask(romeo, 'get', query('')),
      /<registered\/><username>romeo<\/username><password\/><\/query>/,
    )
    romeo.send(
      "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    )
    assert.match(await romeo.next(), /<feature var='jabber:iq:register'\/>/)
  })

  it('§3.3: another password counts from now on, and the session goes on', async () => {
    const domain = await testDomain({ settings: both })
    const romeo = await domain.bound('romeo', 'x')
    assert.match(await ask(romeo, 'set', named('romeo', 'another')), /type='result' id='r'/)
    await romeo.settled()
    await assert.rejects(domain.bound('romeo', 'y'), /not-authorized/)
    await domain.connect().logIn('romeo', 'localhost', 'another')
  })

  const wrong: readonly (readonly [what: string, set: string, condition: string])[] = [
    ['no name', query('<password>x</password>'), 'bad-request'],
    ['no password', query('<username>romeo</username>'), 'bad-request'],
    ['an empty password', named('romeo', ''), 'bad-request'],
    ["another's name", named('juliet', 'x'), 'not-allowed'],
    ['a password that its profile forbids (RFC 8265 §4)', named('romeo', '&#9;'), 'not-acceptable'],
    ['an end with something beside it', query('<remove/><username>romeo</username>'), 'bad-request'],
  ]
  for (const [what, set, condition] of wrong) {
    it(`${what} is ${condition}, and the password stays`, async () => {
      const domain = await testDomain({ settings: both })
      const romeo = await domain.bound('romeo', 'x')
      assert.match(await ask(romeo, 'set', set), new RegExp(`type='error'.*<${condition} `))
      await domain.bound('romeo', 'y')
    })
  }

  it('§3.2: the account ends, all its sessions with it after the answer, and its subscriptions are cancelled', async () => {
    const domain = await testDomain({ settings: both })
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const phone = await domain.available('romeo', 'phone')
    const romeo = await domain.available('romeo', 'x')
    juliet.takeAll()
    assert.match(await ask(romeo, 'set', query('<remove/>')), /type='result' id='r'/)
    await domain.settle()
    for (const client of [romeo, phone]) assert.match(client.takeAll().join(), /<not-authorized /)
    const told = juliet.takeAll().join('\n')
    assert.match(told, /type='unsubscribe'/)
    assert.match(told, /type='unsubscribed'/)
    await assert.rejects(domain.bound('romeo', 'y'), /not-authorized/)
  })

  it("nobody else's: at another person's address it is not answered", async () => {
    const romeo = await (await testDomain({ settings: both })).bound('romeo', 'x')
    romeo.send(`<iq type='set' id='r' to='juliet@localhost'>${query('<remove/>')}</iq>`)
    assert.match(await romeo.next(), /<service-unavailable /)
  })
})
