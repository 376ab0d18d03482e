import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDomain } from '../testing/test-domain.ts'

describe('directed presence (RFC 6121 §4.6)', () => {
  it('§4.6.3, §4.6.4: goes to whom it is addressed, and so does the end of it', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='juliet@localhost/balcony'><status>hi</status></presence>")
    assert.equal(
      await juliet.next(),
      "<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony'><status>hi</status></presence>",
    )
    romeo.send("<presence type='unavailable'/>")
    assert.equal(
      await juliet.next(),
      "<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='unavailable'/>",
    )
    romeo.connection.destroy()
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [])
  })

  it('§8.5.2.1.2: to a bare address goes to all available resources; to nobody it is silent (§8.5.1)', async () => {
    const domain = await testDomain()
    const balcony = await domain.available('juliet', 'balcony')
    const connected = await domain.bound('juliet', 'connected')
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send(
      "<presence to='juliet@localhost'/><presence to='tybalt@localhost'/><presence to='nurse@localhost/x'/>",
    )
    await domain.settle()
    assert.deepEqual(balcony.takeAll(), ["<presence from='romeo@localhost/orchard' to='juliet@localhost'/>"])
    assert.deepEqual(connected.takeAll(), [])
    assert.deepEqual(romeo.takeAll(), [])
  })

  it('has a limit', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    for (const n of [1, 2, 3, 3, 4]) romeo.send(`<presence to='room@localhost/${n}'/>`)
    assert.match(await romeo.next(), /from='room@localhost\/4'.*<resource-constraint /)
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [])
  })

  it('§4.6.3 rule 1: a contact that sees the broadcast gets the directed one, and the end once', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.send("<presence to='juliet@localhost'><show>chat</show></presence>")
    romeo.send("<presence type='unavailable'><status>bye</status></presence>")
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost/orchard' to='juliet@localhost'><show>chat</show></presence>",
      "<presence from='romeo@localhost/orchard' to='juliet@localhost' type='unavailable'><status>bye</status></presence>",
    ])
  })

  it('§4.6.3 rule 2: who got it gets no broadcast, and the end in the words of the client', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='juliet@localhost/balcony'/><presence><show>away</show></presence>")
    romeo.send("<presence type='unavailable'><status>bye</status></presence>")
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [
      "<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony'/>",
      "<presence from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='unavailable'><status>bye</status></presence>",
    ])
  })

  it('§4.6.3 rule 2: not after a directed goodbye', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='juliet@localhost'/><presence type='unavailable' to='juliet@localhost'/>")
    await domain.settle()
    assert.equal(juliet.takeAll().length, 2)
    romeo.connection.destroy()
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [])
  })

  it('§4.6.3 rule 3: from a session that is not available it is told of the end, contact or not', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    for (const end of ['goodbye', 'cut'] as const) {
      const juliet = await domain.available('juliet', 'balcony')
      const romeo = await domain.bound('romeo', 'orchard')
      romeo.send("<presence to='juliet@localhost'/>")
      await domain.settle()
      juliet.takeAll()
      if (end === 'cut') romeo.connection.destroy()
      else romeo.send("<presence type='unavailable'/>")
      await domain.settle()
      assert.deepEqual(juliet.takeAll(), [
        "<presence from='romeo@localhost/orchard' to='juliet@localhost' type='unavailable'/>",
      ])
    }
  })

  it('§4.6.1: who says goodbye itself need not hear the end', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence to='juliet@localhost/balcony'/>")
    await domain.settle()
    juliet.send("<presence to='romeo@localhost/orchard' type='unavailable'/>")
    await domain.settle()
    juliet.takeAll()
    romeo.send("<presence type='unavailable'/>")
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [])
  })

  it('§4.6.1: the subscription takes precedence: its end is told to who got directed presence too', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.takeAll()
    romeo.send("<presence to='juliet@localhost'/><presence to='juliet@localhost' type='unsubscribed'/>")
    await domain.settle()
    const told = juliet.takeAll()
    assert.match(told[1] ?? '', /from='romeo@localhost\/orchard' to='juliet@localhost' type='unavailable'/)
    assert.match(told[2] ?? '', /from='romeo@localhost' to='juliet@localhost' type='unsubscribed'/)
  })
})
