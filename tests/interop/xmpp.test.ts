// XMPP clients that we did not write: slixmpp and go-sendxmpp.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const slixmpp = peer('slixmpp')
const goSendXmpp = peer('go-sendxmpp')
const hard = 'Grüße, Romeo\n\n  zwei Zeilen & <Zeichen> "🌹" \u{1f468}‍\u{1f469}‍\u{1f467}'

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet', 'nurse', 'tybalt'] })
})
after(() => server?.remove())

const check = (name: string, act: Parameters<typeof scene>[3]): void =>
  scene(name, slixmpp.skip, () => server, act)

check(
  'slixmpp logs in by SCRAM bound to the channel over STARTTLS, and trusts our authority (RFC 5802 §6)',
  async (stage) => {
    const romeo = new XmppClient(stage, slixmpp.path, 'romeo@localhost/orchard')
    await romeo.next('tls')
    const { jid, mechanism } = await romeo.next('started')
    assert.deepEqual([jid, mechanism], ['romeo@localhost/orchard', 'SCRAM-SHA-512-PLUS'])
    romeo.do('disco', { to: 'localhost' })
    const { features } = await romeo.next('disco')
    assert.ok((features as string[]).includes('urn:xmpp:ping'))
    await romeo.leave()
  },
)

check('slixmpp logs in over TLS 1.3 and over TLS from the first octet', async (stage) => {
  for (const options of [{ tls: 'tls1.3' }, { security: 'tls' }] as const) {
    const romeo = await XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard', options)
    await romeo.settled()
    await romeo.leave()
  }
})

check(
  'slixmpp does not trust us without our authority, nor do we a wrong password (RFC 6120 §13.7, §6.5.10)',
  async (stage) => {
    const elsewhere = join(stage.directory(), 'other.crt')
    writeFileSync(elsewhere, readFileSync(join(stage.server.directory, 'data', 'tls', 'server.crt')))
    const [suspicious, wrong] = [
      new XmppClient(stage, slixmpp.path, 'romeo@localhost/a', { authority: elsewhere }),
      new XmppClient(stage, slixmpp.path, 'tybalt@localhost/b', { password: 'a wrong one' }),
    ]
    await wrong.next('failed-auth')
    assert.deepEqual(wrong.seen('started'), [])
    await suspicious.program.ends()
    assert.deepEqual(suspicious.seen('started'), [])
  },
)

check(
  'slixmpp: a roster item, a subscription, its approval, three changes, its end (RFC 6121 §3)',
  async (stage) => {
    const [romeo, juliet] = await Promise.all([
      XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
      XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
    ])
    romeo.do('name', { jid: 'juliet@localhost', name: 'Julia' })
    await romeo.next('roster', { jid: 'juliet@localhost', name: 'Julia', subscription: 'none' })
    romeo.do('presence', { to: 'juliet@localhost', type: 'subscribe' })
    await juliet.next('presence', { type: 'subscribe', sender: 'romeo@localhost' })
    juliet.do('presence', { to: 'romeo@localhost', type: 'subscribed' })
    await romeo.next('presence', { type: 'subscribed', sender: 'juliet@localhost' })
    await romeo.next('presence', { sender: 'juliet@localhost/balcony' })
    for (const [show, status] of [
      ['away', 'zu Tisch'],
      ['dnd', 'mit Amme 🌙'],
      ['chat', 'am Fenster'],
    ]) {
      juliet.do('presence', { show, status })
      await romeo.next('presence', { sender: 'juliet@localhost/balcony', show, status })
    }
    juliet.do('presence', { to: 'romeo@localhost', type: 'unsubscribed' })
    await romeo.next('presence', { type: 'unsubscribed', sender: 'juliet@localhost' })
    await Promise.all([romeo.leave(), juliet.leave()])
  },
)

check('slixmpp: messages both ways, octet for octet (RFC 6121 §5)', async (stage) => {
  const [romeo, juliet] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
    XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony'),
  ])
  romeo.do('message', { to: 'juliet@localhost', body: hard, id: 'm1', thread: 't1' })
  const first = await juliet.next('message')
  assert.deepEqual(
    [first['sender'], first['id'], first['thread'], first['body']],
    ['romeo@localhost/orchard', 'm1', 't1', hard],
  )
  juliet.do('message', { to: 'romeo@localhost/orchard', body: 'Gute Nacht', id: 'm2' })
  assert.equal((await romeo.next('message'))['body'], 'Gute Nacht')
  await Promise.all([romeo.leave(), juliet.leave()])
})

check(
  'slixmpp: an absent recipient gets it once, stamped; an unknown one is an error (XEP-0160, RFC 6121 §8.1)',
  async (stage) => {
    const romeo = await XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard')
    romeo.do('message', { to: 'nurse@localhost', body: hard, id: 'o1' })
    romeo.do('message', { to: 'nobody@localhost', body: 'who?', id: 'u1' })
    const refused = await romeo.next('message', { type: 'error' })
    assert.deepEqual([refused['id'], refused['error']], ['u1', 'service-unavailable'])
    await romeo.settled()
    const nurse = await XmppClient.online(stage, slixmpp.path, 'nurse@localhost/kitchen')
    const late = await nurse.next('message')
    assert.deepEqual([late['id'], late['body']], ['o1', hard])
    assert.match(String(late['delay']), /^\d{4}-\d\d-\d\d/)
    await nurse.leave()
    const again = await XmppClient.online(stage, slixmpp.path, 'nurse@localhost/kitchen')
    await again.settled()
    assert.deepEqual(again.seen('message'), [])
    await Promise.all([again.leave(), romeo.leave()])
  },
)

scene(
  'go-sendxmpp sends over STARTTLS and over TLS, and listens (RFC 6120 §5, XEP-0368)',
  goSendXmpp.skip,
  () => server,
  async (stage) => {
    // COMPAT: go-sendxmpp 0.5 looks SRV records up unless it is told where to connect.
    const start = (user: string, ...more: string[]) =>
      stage.start(
        `go-sendxmpp ${user} ${more.join(' ')}`,
        goSendXmpp.path,
        ['-u', `${user}@localhost`, '-p', password, ...more],
        {
          environment: { SSL_CERT_FILE: stage.server.authority, HOME: stage.directory() },
        },
      )
    const listener = start('juliet', '-j', `localhost:${stage.server.port('xmpp')}`, '-d', '-l')
    await listener.sees(/<presence from=/)
    for (const [where, more] of [
      [stage.server.port('xmpp'), []],
      [stage.server.port('xmppTls'), ['-t']],
    ] as const) {
      const sender = start('romeo', '-j', `localhost:${where}`, ...more, 'juliet@localhost')
      sender.write(`Grüße von ${where} 🌹\nund mehr\n`)
      sender.closeInput()
      await sender.succeeds()
      await listener.sees(new RegExp(`romeo@localhost[^\\n]*: *Grüße von ${where} 🌹\\nund mehr`))
    }
  },
)
