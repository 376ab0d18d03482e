import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDomain } from '../testing/test-domain.ts'

describe('presence (RFC 6121 §4)', () => {
  it("§4.2.2, §4.2.3, §4.3.1: is broadcast to contacts, to one's other resources and to itself; contacts' presence comes back", async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony', '<presence><show>away</show></presence>')
    const orchard = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    const phone = await domain.bound('romeo', 'phone')
    phone.send("<presence><priority>3</priority><c xmlns='urn:caps' node='n'/></presence>")
    await domain.settle()
    const own =
      "<presence from='romeo@localhost/phone' to='X'><priority>3</priority><c xmlns='urn:caps' node='n'/></presence>"
    assert.deepEqual(juliet.takeAll(), [own.replace('X', 'juliet@localhost')])
    assert.deepEqual(orchard.takeAll(), [own.replace('X', 'romeo@localhost')])
    assert.deepEqual(phone.takeAll().sort(), [
      "<presence from='juliet@localhost/balcony' to='romeo@localhost'><show>away</show></presence>",
      "<presence from='romeo@localhost/orchard' to='romeo@localhost'/>",
      own.replace('X', 'romeo@localhost'),
    ])
  })

  it('§4.4.2, §4.4.3: a change goes to the same; the same again to nobody', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.send("<presence><show>dnd</show><status xml:lang='en'>busy</status></presence>".repeat(2))
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost/orchard' to='juliet@localhost'><show>dnd</show><status xml:lang='en'>busy</status></presence>",
    ])
  })

  it('§4.5.2, §4.5.3: a goodbye goes to contacts, with its words', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.send("<presence type='unavailable'><status>gone home</status></presence>")
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost/orchard' to='juliet@localhost' type='unavailable'><status>gone home</status></presence>",
    ])
    assert.deepEqual(
      romeo.takeAll(),
      [
        "<presence from='romeo@localhost/orchard' to='romeo@localhost' type='unavailable'><status>gone home</status></presence>",
      ],
      'to itself too',
    )
    juliet.send("<message to='romeo@localhost' type='chat'><body>x</body></message>")
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [], 'a resource that said goodbye gets no messages')
  })

  it('§4.5.1: where a session ends without one, the server says it', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.connection.destroy()
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost/orchard' to='juliet@localhost' type='unavailable'/>",
    ])
  })

  it('§4.3.2: who probes an absent contact learns that nobody is there', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send('<presence/>')
    await domain.settle()
    assert.deepEqual(romeo.takeAll().sort(), [
      "<presence from='juliet@localhost' to='romeo@localhost' type='unavailable'/>",
      "<presence from='romeo@localhost/orchard' to='romeo@localhost'/>",
    ])
    romeo.send("<presence type='probe' to='juliet@localhost'/>")
    assert.match(await romeo.next(), /from='juliet@localhost' .*type='unavailable'/)
  })

  it('§4.7.2.3: priorities outside -128 to 127, and types that do not exist, are bad requests', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    for (const presence of [
      '<presence><priority>128</priority></presence>',
      '<presence><priority>-129</priority></presence>',
      '<presence><priority>high</priority></presence>',
      "<presence type='here'/>",
    ]) {
      romeo.send(presence)
      assert.match(await romeo.next(), /<presence type='error'.*<bad-request /)
    }
  })

  it('§8.5.2: a priority that turns negative takes messages away, and back', async () => {
    const domain = await testDomain()
    const juliet = await domain.bound('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send('<presence><priority>-5</priority></presence>')
    await domain.settle()
    romeo.takeAll()
    juliet.send("<message to='romeo@localhost'><body>kept</body></message>")
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [])
    romeo.send('<presence><priority>0</priority></presence>')
    await domain.settle()
    assert.equal(romeo.takeAll().filter((text) => text.includes('kept')).length, 1)
  })
})

describe('subscriptions (RFC 6121 §3)', () => {
  it('§3.1: asked, approved and seen on both sides, with the pushes in between', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    const juliet = await domain.available('juliet', 'balcony')
    romeo.send(
      "<presence to='juliet@localhost/ignored' type='subscribe' id='s'><status>let me</status></presence>",
    )
    await domain.settle()
    assert.match(
      romeo.takeAll().join(),
      /^<iq type='set'.*<item jid='juliet@localhost' subscription='none' ask='subscribe'\/>/,
    )
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost' to='juliet@localhost' type='subscribe' id='s'><status>let me</status></presence>",
    ])
    juliet.send("<presence to='romeo@localhost' type='subscribed'/>")
    await domain.settle()
    assert.match(juliet.takeAll().join(), /<item jid='romeo@localhost' subscription='from'\/>/)
    const told = romeo.takeAll()
    assert.equal(told[0], "<presence from='juliet@localhost' to='romeo@localhost' type='subscribed'/>")
    assert.match(told[1] ?? '', /<item jid='juliet@localhost' subscription='to'\/>/)
    assert.equal(told[2], "<presence from='juliet@localhost/balcony' to='romeo@localhost'/>")
  })

  it('§3.1.3: a request waits for who is away, with its octets, and is not in the roster', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='juliet@localhost' type='subscribe'><nick xmlns='urn:nick'>R</nick></presence>")
    await domain.settle()
    for (const resource of ['balcony', 'phone']) {
      const juliet = await domain.bound('juliet', resource)
      const roster = await juliet.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
      assert.equal(roster.elements()[0]?.elements().length, 0)
      juliet.send('<presence/>')
      await domain.settle()
      assert.ok(
        juliet
          .takeAll()
          .includes(
            "<presence from='romeo@localhost' to='juliet@localhost' type='subscribe'><nick xmlns='urn:nick'>R</nick></presence>",
          ),
      )
    }
  })

  it('§3.2: refused, and §3.3: given up', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    juliet.send("<presence to='romeo@localhost' type='unsubscribed'/>")
    await domain.settle()
    const told = romeo.takeAll()
    assert.ok(
      told.includes("<presence from='juliet@localhost/balcony' to='romeo@localhost' type='unavailable'/>"),
    )
    assert.ok(told.includes("<presence from='juliet@localhost' to='romeo@localhost' type='unsubscribed'/>"))
    juliet.takeAll()
    juliet.send("<presence to='romeo@localhost' type='unsubscribe'/>")
    await domain.settle()
    assert.match(juliet.takeAll().join(), /<item jid='romeo@localhost' subscription='none'\/>/)
    assert.match(romeo.takeAll().join(), /type='unsubscribe'/)
  })

  it('§3.1.2: to nobody is an error', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='tybalt@localhost' type='subscribe' id='1'/>")
    assert.match(await romeo.next(), /<presence type='error' id='1' from='tybalt@localhost'/)
    romeo.send("<presence type='subscribe' id='2'/>")
    assert.match(await romeo.next(), /<bad-request /)
  })
})
