// What is kept for a person and asked of the server, by a client that we did not write: slixmpp's own plugins for it.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const slixmpp = peer('slixmpp')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet', 'nurse'] })
})
after(() => server?.remove())

const check = (name: string, act: Parameters<typeof scene>[3]): void =>
  scene(name, slixmpp.skip, () => server, act)

check(
  'slixmpp pages through the archive both ways, and asks for its ends (XEP-0313, XEP-0059)',
  async (stage) => {
    const [romeo, juliet] = await Promise.all([
      XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
      XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
    ])
    const bodies = Array.from({ length: 23 }, (_, i) => `message ${i} <&> 🌹`)
    for (const body of bodies) romeo.do('message', { to: 'juliet@localhost', body })
    for (const body of bodies) await juliet.next('message', { body })
    juliet.do('pages', { page: 5, reverse: false })
    const found = (await juliet.next('pages'))['found'] as [string, string][]
    assert.deepEqual(
      found.map(([, body]) => body),
      bodies,
    )
    juliet.do('pages', { page: 10, reverse: true })
    const reversed = (await juliet.next('pages'))['found'] as [string, string][]
    assert.deepEqual(reversed.toReversed(), found)
    romeo.do('pages', { page: 100, reverse: false })
    assert.deepEqual((await romeo.next('pages'))['found'], found, 'the same ids for both')
    juliet.do('metadata')
    const { start, end } = await juliet.next('metadata')
    assert.deepEqual([start, end], [found[0]?.[0], found.at(-1)?.[0]])
    await Promise.all([romeo.leave(), juliet.leave()])
  },
)

check(
  'slixmpp publishes a vCard that others read, and asks for last activity (XEP-0054, XEP-0012)',
  async (stage) => {
    const [romeo, nurse] = await Promise.all([
      XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
      XmppClient.online(stage, slixmpp.path, 'nurse@localhost/kitchen'),
    ])
    nurse.do('publish-vcard', { name: 'Angelica <&> 🌹' })
    await nurse.next('vcard-published')
    romeo.do('vcard', { of: 'nurse@localhost' })
    assert.equal((await romeo.next('vcard'))['name'], 'Angelica <&> 🌹')
    romeo.do('vcard', { of: 'juliet@localhost' })
    assert.equal((await romeo.next('refused'))['condition'], 'service-unavailable')
    romeo.do('last', { of: 'nurse@localhost' })
    assert.equal((await romeo.next('refused'))['condition'], 'forbidden')
    nurse.do('last', { of: 'nurse@localhost' })
    assert.equal((await nurse.next('last'))['seconds'], 0)
    romeo.do('last', { of: 'localhost' })
    assert(Number((await romeo.next('last'))['seconds']) >= 0)
    await Promise.all([romeo.leave(), nurse.leave()])
  },
)
