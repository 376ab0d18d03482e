import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contactsMax, noAuthorization } from '#core'
import { serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'
import { testDomain } from '../testing/test-domain.ts'

const query = (namespace: string, inside = ''): string => `<query xmlns='${namespace}'>${inside}</query>`

describe('roster (RFC 6121 §2)', () => {
  const set = (item: string, id = 's'): string =>
    `<iq type='set' id='${id}'>${query('jabber:iq:roster', item)}</iq>`
  const get = "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>"

  it('§2.2, §2.3, §2.4, §2.5: items are added, changed and removed, and pushed to interested resources only (§2.1.6)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    const phone = await domain.bound('romeo', 'phone')
    const idle = await domain.bound('romeo', 'idle')
    await romeo.ask(get)
    await phone.ask(get)
    const answer = await romeo.ask(
      set("<item jid='Juliet@localhost/x' name='J &amp; co'><group>A</group><group>B</group></item>"),
    )
    assert.equal(
      serialize(answer, { outer: clientStream }),
      "<iq type='result' id='s' from='romeo@localhost' to='romeo@localhost/orchard'/>",
    )
    const item =
      "<item jid='juliet@localhost' name='J &amp; co' subscription='none'><group>A</group><group>B</group></item>"
    const push = new RegExp(
      `^<iq type='set' id='[^']+' from='romeo@localhost' to='romeo@localhost/(orchard|phone)'><query xmlns='jabber:iq:roster' ver='[^']+'>${item}</query></iq>$`,
    )
    await domain.settle()
    assert.match(romeo.takeAll().join(), push)
    assert.match(phone.takeAll().join(), push)
    assert.deepEqual(idle.takeAll(), [])
    await romeo.ask(set("<item jid='juliet@localhost'/>"))
    assert.match(phone.takeAll().join(), /<item jid='juliet@localhost' subscription='none'\/>/)
    await romeo.ask(set("<item jid='juliet@localhost' subscription='remove'/>"))
    assert.match(phone.takeAll().join(), /<item jid='juliet@localhost' subscription='remove'\/>/)
    romeo.takeAll()
    const empty = await romeo.ask(get)
    assert.equal(empty.elements()[0]?.children.length, 0)
  })

  const manyGroups = Array.from({ length: 65 }, (_, n) => `<group>${n}</group>`).join('')
  const wrong: readonly (readonly [string, string, string])[] = [
    ['no item', '', 'bad-request'],
    ['two items', "<item jid='a@localhost'/><item jid='b@localhost'/>", 'bad-request'],
    ['no jid', '<item/>', 'bad-request'],
    ['a group twice', "<item jid='a@localhost'><group>x</group><group>x</group></item>", 'bad-request'],
    [
      'a group twice, compared as resourceparts are',
      "<item jid='a@localhost'><group>Ami\u00e9</group><group>Amie\u0301</group></item>",
      'bad-request',
    ],
    ['more groups than we keep', `<item jid='a@localhost'>${manyGroups}</item>`, 'not-acceptable'],
    [
      'a group too long',
      `<item jid='a@localhost'><group>${'x'.repeat(2000)}</group></item>`,
      'not-acceptable',
    ],
    ["one's own address", "<item jid='Romeo@localhost/x'/>", 'not-allowed'],
    ["an alias of one's own", "<item jid='montague@localhost'/>", 'not-allowed'],
    ['a group without a name', "<item jid='a@localhost'><group/></item>", 'not-acceptable'],
    ['a name too long', `<item jid='a@localhost' name='${'x'.repeat(2000)}'/>`, 'not-acceptable'],
    ['what is no JID', "<item jid='@localhost'/>", 'jid-malformed'],
    [
      'the removal of what is not there (§2.5.3)',
      "<item jid='a@localhost' subscription='remove'/>",
      'item-not-found',
    ],
  ]
  for (const [what, item, condition] of wrong) {
    it(`§2.3.3: ${what} is ${condition}`, async () => {
      const domain = await testDomain({ users: [] })
      await domain.service.accounts.add([
        { address: domain.address('romeo'), aliases: [domain.address('montague')], password: 'secret' },
      ])
      const romeo = await domain.bound('romeo', 'orchard')
      await romeo.ask(get)
      const answer = await romeo.ask(set(item))
      assert.match(serialize(answer), new RegExp(`type='error'.*<${condition} `))
      await domain.settle()
      assert.deepEqual(romeo.takeAll(), [], 'nothing is pushed')
    })
  }

  it('§2.5.1, §2.5.2: removing a contact ends what was authorized both ways', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    await romeo.ask(set("<item jid='juliet@localhost' subscription='remove'/>"))
    await domain.settle()
    const told = juliet.takeAll().join('\n')
    assert.match(told, /type='unsubscribe'/)
    assert.match(told, /type='unsubscribed'/)
    assert.match(
      told,
      /<presence from='romeo@localhost\/orchard' to='juliet@localhost' type='unavailable'\/>/,
    )
    assert.match(told, /<item jid='romeo@localhost' subscription='none'\/>/)
  })

  it("§2.1.2, §2.1.5: approved, ask and subscription are the server's to say", async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    await romeo.ask(
      set("<item jid='juliet@localhost' approved='true' ask='subscribe' subscription='both' name='J'/>"),
    )
    assert.match(
      serialize(await romeo.ask(get)),
      /<item jid='juliet@localhost' name='J' subscription='none'\/>/,
    )
  })

  it('§2.1.3, §2.1.4: a roster without contacts is an empty query, with a version', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    assert.match(
      serialize(await romeo.ask(get), { outer: clientStream }),
      /^<iq type='result' id='g' from='romeo@localhost' to='romeo@localhost\/orchard'><query xmlns='jabber:iq:roster' ver='[^']+'\/><\/iq>$/,
    )
  })

  it('§2.1.6: a push is answered, or refused, without consequence', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    await romeo.ask(get)
    await romeo.ask(set("<item jid='juliet@localhost'/>"))
    const push = await romeo.nextElement()
    const id = push.attribute('id')
    romeo.send(`<iq type='result' id='${id}'/><iq type='error' id='${id}' to='romeo@localhost'/>`)
    await romeo.settled()
    assert.deepEqual(romeo.takeAll(), [])
  })

  it('§2.3.2, §2.4.2: an item set to what it is already is pushed all the same', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    await romeo.ask(get)
    for (const id of ['1', '2']) await romeo.ask(set("<item jid='juliet@localhost' name='J'/>", id))
    assert.equal(romeo.takeAll().length, 2)
  })

  it('§2.3.3: past the limit of contacts the set is refused (RFC 6120 §8.3.3.18)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    const account = domain.service.directory.resident(domain.address('romeo'))
    assert.ok(account !== undefined)
    for (let n = 0; n < contactsMax; n++) {
      const address = domain.address(`c${n}`)
      account.contacts.set(address.key, {
        address,
        authorization: noAuthorization,
        listed: true,
        name: '',
        groups: [],
      })
    }
    assert.match(serialize(await romeo.ask(set("<item jid='x@localhost'/>"))), /<resource-constraint /)
    assert.match(serialize(await romeo.ask(set("<item jid='c0@localhost'/>"))), /type='result'/)
  })
})

describe('roster versions (RFC 6121 §2.6)', () => {
  const ask = (version?: string): string =>
    `<iq type='get' id='v'><query xmlns='jabber:iq:roster'${version === undefined ? '' : ` ver='${version}'`}/></iq>`
  const set = (item: string): string =>
    `<iq type='set' id='s'><query xmlns='jabber:iq:roster'>${item}</query></iq>`
  const versionIn = (text: string): string => / ver='([^']+)'/.exec(text)?.[1] ?? ''

  it('§2.6.3: who knows the newest is told nothing; who knows an older one, what changed since, in order', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    const whole = serialize(await romeo.ask(ask('')))
    assert.match(whole, /<query /, 'an empty version asks for the whole (§2.6.2)')
    for (const name of ['a', 'b', 'c']) await romeo.ask(set(`<item jid='${name}@localhost'/>`))
    const known = versionIn(romeo.takeAll().at(-1) ?? '')
    romeo.connection.destroy()
    await domain.settle()

    const phone = await domain.bound('romeo', 'phone')
    assert.equal(
      serialize(await phone.ask(ask(known)), { outer: clientStream }),
      "<iq type='result' id='v' from='romeo@localhost' to='romeo@localhost/phone'/>",
    )
    await phone.ask(set("<item jid='a@localhost' name='A'/>"))
    await phone.ask(set("<item jid='b@localhost' subscription='remove'/>"))
    await phone.ask(set("<item jid='a@localhost' name='AA'/>"))
    const newest = versionIn(phone.takeAll().at(-1) ?? '')

    const orchard = await domain.bound('romeo', 'orchard')
    assert.doesNotMatch(serialize(await orchard.ask(ask(known))), /<query/)
    await domain.settle()
    const pushes = orchard.takeAll()
    assert.deepEqual(
      pushes.map((push) => /<item [^>]*>/.exec(push)?.[0]),
      [
        "<item jid='b@localhost' subscription='remove'/>",
        "<item jid='a@localhost' name='AA' subscription='none'/>",
      ],
    )
    const versions = pushes.map(versionIn)
    assert.equal(new Set(versions).size, 2, 'each push has a version of its own')
    assert.equal(versions.at(-1), newest)
    assert.equal(versionIn(serialize(await orchard.ask(ask()))), newest)
  })

  it('§2.6.3: a version that we do not know brings the whole; and it outlives the account in memory', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    await romeo.ask(ask('of another life'))
    await romeo.ask(set("<item jid='a@localhost'/>"))
    const known = versionIn(romeo.takeAll().at(-1) ?? '')
    romeo.connection.destroy()
    await domain.settle()
    const account = domain.service.directory.resident(domain.address('romeo'))
    assert.ok(account !== undefined)
    domain.service.directory.forget(account)
    const again = await domain.bound('romeo', 'orchard')
    assert.doesNotMatch(serialize(await again.ask(ask(known))), /<query/)
    assert.match(serialize(await again.ask(ask('of another life'))), /<item jid='a@localhost'/)
  })

  it('§2.6.3: what is not shown to a client makes no push and no version', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    const juliet = await domain.available('juliet', 'balcony')
    await romeo.ask(set("<item jid='juliet@localhost'/>"))
    const version = versionIn(romeo.takeAll().join())
    juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [
      "<presence from='juliet@localhost' to='romeo@localhost' type='subscribe'/>",
    ])
    assert.equal(versionIn(serialize(await romeo.ask(ask()))), version)
  })
})
