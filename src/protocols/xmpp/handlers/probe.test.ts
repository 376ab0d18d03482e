import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestClient } from '../testing/test-client.ts'
import { type TestDomain, testDomain } from '../testing/test-domain.ts'

/** What romeo is told when he probes; juliet's devices are there as each row says. */
async function probed(domain: TestDomain, romeo: TestClient, to: string): Promise<string[]> {
  await domain.settle()
  romeo.takeAll()
  romeo.send(`<presence type='probe' id='p' to='${to}'/>`)
  await domain.settle()
  return romeo.takeAll()
}

describe('presence probes (RFC 6121 §4.3)', () => {
  it('§4.3.2 rule 4: of each available resource the last presence, whole, with its own id (§4.3.2.1)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    await domain.available(
      'juliet',
      'balcony',
      "<presence id='j1'><show>away</show><x xmlns='y'/></presence>",
    )
    await domain.available('juliet', 'chamber')
    await domain.bound('juliet', 'connected')
    const romeo = await domain.available('romeo', 'orchard')
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost'), [
      "<presence from='juliet@localhost/balcony' to='romeo@localhost' id='j1'><show>away</show><x xmlns='y'/></presence>",
      "<presence from='juliet@localhost/chamber' to='romeo@localhost'/>",
    ])
  })

  it('§4.3.2 rule 3: nobody there is unavailable from the bare address, with the id of the probe (§4.3.2.1)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const romeo = await domain.available('romeo', 'orchard')
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost'), [
      "<presence from='juliet@localhost' to='romeo@localhost' id='p' type='unavailable'/>",
    ])
  })

  it('§4.3.2: a full address tells of that device alone, and only whether it is here', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    await domain.available('juliet', 'balcony', '<presence><show>dnd</show></presence>')
    await domain.available('juliet', 'chamber')
    const romeo = await domain.available('romeo', 'orchard')
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/balcony'), [
      "<presence from='juliet@localhost/balcony' to='romeo@localhost'/>",
    ])
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/gone'), [
      "<presence from='juliet@localhost/gone' to='romeo@localhost' id='p' type='unavailable'/>",
    ])
  })

  it('§4.3.2 rule 1: who may not see is told nothing of it; who believed so is told that it may not', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    for (const to of ['juliet@localhost', 'juliet@localhost/balcony', 'nobody@localhost'])
      assert.deepEqual(await probed(domain, romeo, to), [])
    await domain.befriend('romeo', 'juliet')
    const account = domain.service.directory.resident(domain.address('juliet'))
    account?.contacts.delete('romeo@localhost')
    assert.match((await probed(domain, romeo, 'juliet@localhost')).join(), /type='unsubscribed'/)
    assert.deepEqual(
      juliet.takeAll().filter((text) => text.includes('probe')),
      [],
      'a probe is never shown',
    )
  })

  it('§4.6.6: who got directed presence learns of that device, and of no other', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony', '<presence><show>dnd</show></presence>')
    await domain.available('juliet', 'chamber')
    const romeo = await domain.available('romeo', 'orchard')
    juliet.send("<presence to='romeo@localhost/orchard'><status>hi</status></presence>")
    const mere = ["<presence from='juliet@localhost/balcony' to='romeo@localhost/orchard'/>"]
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/balcony'), mere)
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost'), mere)
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/chamber'), [])
    const { contacts } = domain.service
    const block = { subject: 'romeo@localhost', action: 'block', visibility: 'full' } as const
    contacts.setRule(domain.address('juliet'), block, () => {})
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/balcony'), [], 'blocked since')
    contacts.removeRule(domain.address('juliet'), block.subject, () => {})
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/balcony'), mere)
    juliet.send("<presence to='romeo@localhost/orchard' type='unavailable'/>")
    assert.deepEqual(await probed(domain, romeo, 'juliet@localhost/balcony'), [])
  })

  it('§4.3: one that is politely blocked sees an absence, of the device that it names too (RFC 2779 5.1.15)', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    domain.service.contacts.setRule(
      domain.address('juliet'),
      { subject: 'romeo@localhost', action: 'polite-block', visibility: 'full' },
      () => {},
    )
    for (const to of ['juliet@localhost', 'juliet@localhost/balcony'])
      assert.match((await probed(domain, romeo, to)).join(), /^<presence [^>]*type='unavailable'\/>$/)
  })

  it('§4.3.2 rule 2: of who has moved, to whom may see: where to, for a while or for good', async () => {
    const domain = await testDomain({ users: ['romeo', 'juliet', 'tybalt'] })
    await domain.befriend('romeo', 'juliet')
    const romeo = await domain.available('romeo', 'orchard')
    const tybalt = await domain.available('tybalt', 'street')
    for (const [permanent, condition] of [
      [false, 'redirect'],
      [true, 'gone'],
    ] as const) {
      await domain.service.accounts.setForward(domain.address('juliet'), {
        location: 'xmpp:juliet@mantua.example',
        permanent,
      })
      assert.match(
        (await probed(domain, romeo, 'juliet@localhost')).join(),
        new RegExp(
          `^<presence type='error' id='p' from='juliet@localhost' .*<${condition} [^>]*>xmpp:juliet@mantua.example<`,
        ),
      )
    }
    assert.deepEqual(await probed(domain, tybalt, 'juliet@localhost'), [])
  })

  it('§4.3: one without an address is ignored, and none ends the stream', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence type='probe'/><presence type='probe' to='nobody@else.example'/>")
    await romeo.settled()
    assert.deepEqual(romeo.takeAll(), [])
  })
})
