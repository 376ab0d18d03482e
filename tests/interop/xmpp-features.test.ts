// What slixmpp makes of our extensions: what it finds offered it uses by itself, and it reads what it gets by its own code.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const slixmpp = peer('slixmpp')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({
    users: ['romeo', 'juliet', 'nurse', 'tybalt'],
    settings: { xmpp: { registration: true, password_change: true, account_removal: true } },
  })
})
after(() => server?.remove())

const check = (name: string, act: Parameters<typeof scene>[3]): void =>
  scene(name, slixmpp.skip, () => server, act)

check(
  'slixmpp finds roster versions and pre-approval, keeps its roster by version, and groups (RFC 6121 §2.6, §3.4)',
  async (stage) => {
    const romeo = await XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard')
    romeo.do('features')
    const { names } = await romeo.next('features')
    for (const name of ['rosterver', 'preapproval']) assert.ok((names as string[]).includes(name), name)
    romeo.do('groups', { jid: 'juliet@localhost', name: 'Julia', groups: ['Capulets', 'Verona'] })
    assert.deepEqual((await romeo.next('grouped'))['groups'], ['Capulets', 'Verona'])
    romeo.do('version')
    const pushed = await romeo.next('version')
    assert.notEqual(pushed['version'], undefined)
    romeo.do('roster')
    romeo.do('version')
    assert.deepEqual(await romeo.next('version'), pushed)
    romeo.do('remove', { jid: 'juliet@localhost' })
    await romeo.next('removed')
    romeo.do('version')
    assert.notEqual((await romeo.next('version'))['version'], pushed['version'])
    await romeo.leave()
  },
)

check('slixmpp: who was approved before asking is not asked for (RFC 6121 §3.4.2)', async (stage) => {
  const [romeo, juliet] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
    XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
  ])
  juliet.do('presence', { to: 'romeo@localhost', type: 'subscribed' })
  await juliet.next('roster', { jid: 'romeo@localhost', subscription: 'none' })
  romeo.do('presence', { to: 'juliet@localhost', type: 'subscribe' })
  await romeo.next('presence', { type: 'subscribed', sender: 'juliet@localhost' })
  await romeo.next('presence', { sender: 'juliet@localhost/balcony', type: 'available' })
  await juliet.settled()
  assert.ok(!juliet.seen('presence').some(({ type }) => type === 'subscribe'))
  juliet.do('remove', { jid: 'romeo@localhost' })
  await romeo.next('presence', { type: 'unsubscribed', sender: 'juliet@localhost' })
  await Promise.all([romeo.leave(), juliet.leave()])
})

check('slixmpp: receipts and carbons (XEP-0184, XEP-0280)', async (stage) => {
  const [romeo, phone, juliet] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
    XmppClient.online(stage, slixmpp.path, 'romeo@localhost/phone'),
    XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
  ])
  phone.do('carbons')
  await phone.next('carbons-on')
  romeo.do('receipt', { to: 'juliet@localhost', body: 'Guten Abend', id: 'r1' })
  await juliet.next('message', { body: 'Guten Abend' })
  await romeo.next('receipt', { id: 'r1', sender: 'juliet@localhost/balcony' })
  await phone.next('carbon', { way: 'sent', to: 'juliet@localhost', body: 'Guten Abend' })
  juliet.do('message', { to: 'romeo@localhost/orchard', body: 'Gute Nacht' })
  await phone.next('carbon', { way: 'received', sender: 'juliet@localhost/balcony', body: 'Gute Nacht' })
  await Promise.all([romeo.leave(), phone.leave(), juliet.leave()])
})

check('slixmpp: a blocked sender is refused, and no longer (XEP-0191)', async (stage) => {
  const [nurse, tybalt] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, 'nurse@localhost/kitchen'),
    XmppClient.online(stage, slixmpp.path, 'tybalt@localhost/street'),
  ])
  nurse.do('block', { jid: 'tybalt@localhost' })
  assert.deepEqual((await nurse.next('blocked'))['jids'], ['tybalt@localhost'])
  tybalt.do('message', { to: 'nurse@localhost', body: 'one', id: 'b1' })
  await tybalt.next('message', { type: 'error', id: 'b1', error: 'service-unavailable' })
  nurse.do('unblock', { jid: 'tybalt@localhost' })
  await nurse.next('unblocked')
  tybalt.do('message', { to: 'nurse@localhost', body: 'two', id: 'b2' })
  await nurse.next('message', { body: 'two' })
  assert.ok(!nurse.seen('message').some(({ body }) => body === 'one'))
  await Promise.all([nurse.leave(), tybalt.leave()])
})

check('slixmpp: the archive has what was said, in order (XEP-0313)', async (stage) => {
  const [nurse, juliet] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, 'nurse@localhost/kitchen'),
    XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
  ])
  for (const body of ['eins', 'zwei', 'drei']) {
    juliet.do('message', { to: 'nurse@localhost', body })
    await nurse.next('message', { body })
  }
  juliet.do('archive', { with: 'nurse@localhost' })
  assert.deepEqual((await juliet.next('archive'))['bodies'], ['eins', 'zwei', 'drei'])
  await Promise.all([nurse.leave(), juliet.leave()])
})

check('slixmpp makes an account, changes its password and removes it (XEP-0077)', async (stage) => {
  const options = { registers: true, password: 'first of all' }
  const first = new XmppClient(stage, slixmpp.path, 'benvolio@localhost/a', options)
  await first.next('registered')
  await first.next('started')
  first.do('password', { password: 'second of all' })
  await first.next('changed')
  await first.leave()
  const changed = { password: 'second of all' }
  const second = await XmppClient.online(stage, slixmpp.path, 'benvolio@localhost/b', changed)
  second.do('cancel')
  await second.next('cancelled')
  await second.program.ends()
  const gone = new XmppClient(stage, slixmpp.path, 'benvolio@localhost/c', changed)
  await gone.next('failed-auth')
  await gone.program.ends()
})
