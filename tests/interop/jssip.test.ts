// JsSIP in Chromium: a web phone over a web socket (RFC 7118) registers, writes and is written to, and watches; with people of XMPP and of
// another phone.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Baresip } from './baresip.ts'
import { pageBundle } from './page-bundle.ts'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'
import { browse, Site } from './site.ts'
import { XmppClient } from './xmpp-client.ts'

const chromium = peer('chromium')
const slixmpp = peer('slixmpp')
const baresip = peer('baresip')

const page = (at: string): string => `<!doctype html><meta charset="utf-8"><title>SIP</title>
<script src="/script.js"></script>
<script type="module">
const say = (what) => fetch('/said', { method: 'POST', body: JSON.stringify(what) })
window.addEventListener('error', ({ message }) => say({ error: message }))
window.addEventListener('unhandledrejection', ({ reason }) => say({ error: String(reason) }))
const phone = (secret) => new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface('ws://${at}/sip')],
  uri: 'sip:juliet@localhost',
  password: secret,
  register_expires: 300,
})
const once = (source, name) => new Promise((resolve) => source.once(name, resolve))
const stranger = phone('wrong')
stranger.start()
const { cause } = await once(stranger, 'registrationFailed')
await say({ refused: cause })
stranger.stop()

const ua = phone('${password}')
ua.on('newMessage', ({ originator, request }) => {
  if (originator === 'remote') say({ from: request.from.uri.toString(), text: request.body })
})
ua.start()
await once(ua, 'registered')
await say({ registered: true })
const write = (to, text) => new Promise((resolve) => ua.sendMessage('sip:' + to + '@localhost', text, {
  contentType: 'text/plain;charset=utf-8',
  eventHandlers: {
    succeeded: ({ response }) => resolve(response.status_code),
    failed: ({ response, cause }) => resolve(response?.status_code ?? cause),
  },
}))
await say({ romeo: await write('romeo', 'Wherefore? 🌹') })
await say({ tybalt: await write('tybalt', 'Peace?') })
await say({ nobody: await write('nobody', 'who?') })

const watching = ua.subscribe('sip:romeo@localhost', 'presence', 'application/pidf+xml', { expires: 300 })
watching.on('pending', () => say({ state: 'pending' }))
watching.on('active', () => say({ state: 'active' }))
watching.on('notify', (isLast, _request, body, type) => {
  if (!body) return
  const document = new DOMParser().parseFromString(body, 'text/xml')
  const all = (name) => [...document.getElementsByTagNameNS('*', name)].map((one) => one.textContent.trim())
  say({ notify: type, isLast, basic: all('basic'), notes: all('note') })
})
watching.on('terminated', (code, reason) => say({ ended: reason ?? null }))
watching.subscribe()
await fetch('/wait')
watching.terminate()
await once(watching, 'terminated')
ua.unregister()
await once(ua, 'unregistered')
await say({ unregistered: true })
</script>`

const site = new Site()
let server: VeronaServer
before(async () => {
  await site.open(() => page(server.at('http')), pageBundle('jssip', 'JsSIP'))
  server = await VeronaServer.start({
    users: ['juliet', 'romeo', 'tybalt'],
    settings: { http: { origins: [site.origin] } },
  })
})
after(() => server?.remove())
after(() => site.close())

/** Waits until the one who watches is shown Juliet so. */
async function shown(watcher: XmppClient, type: 'available' | 'unavailable'): Promise<void> {
  for (;;) {
    const { sender } = await watcher.next('presence', { type })
    if (String(sender).startsWith('juliet@localhost/')) return
  }
}

scene(
  'a web phone registers, writes and watches over a web socket (RFC 7118, RFC 3428, RFC 3856)',
  chromium.skip || slixmpp.skip || baresip.skip,
  () => server,
  async (stage) => {
    await stage.server.approve('juliet', 'romeo')
    const romeo = await XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard')
    romeo.do('presence', { to: 'juliet@localhost', type: 'subscribe' })
    const tybalt = await Baresip.online(stage, baresip.path, 'tybalt', { contacts: ['juliet'] })
    browse(stage, chromium.path, site)
    assert.deepEqual(await site.next(), { refused: 'Authentication Error' })
    assert.deepEqual(await site.next(), { registered: true })
    await shown(romeo, 'available')
    assert.equal((await romeo.next('message'))['body'], 'Wherefore? 🌹')
    assert.deepEqual(await site.next(), { romeo: 200 })
    await tybalt.program.sees(/sip:juliet@localhost[^\n]*: "Peace\?"/)
    assert.deepEqual(await site.next(), { tybalt: 200 })
    assert.deepEqual(await site.next(), { nobody: 404 })
    assert.deepEqual(await site.next(), { state: 'pending' })
    await romeo.next('presence', { type: 'subscribe', sender: 'juliet@localhost' })
    romeo.do('presence', { to: 'juliet@localhost', type: 'subscribed' })
    assert.deepEqual(await site.next(), { state: 'active' })
    const notified = { notify: 'application/pidf+xml', isLast: false, basic: ['open'] }
    assert.deepEqual(await site.next(), { ...notified, notes: [] })
    romeo.do('presence', { show: 'away', status: 'im Garten 🌹' })
    assert.deepEqual(await site.next(), { ...notified, notes: ['im Garten 🌹'] })
    romeo.do('message', { to: 'juliet@localhost', body: 'hier 🌙' })
    assert.deepEqual(await site.next(), { from: 'sip:romeo@localhost', text: 'hier 🌙' })
    tybalt.say('juliet', 'Have at thee')
    assert.deepEqual(await site.next(), { from: 'sip:tybalt@localhost', text: 'Have at thee' })
    site.goOn()
    // RFC 6665 §4.4.1: the last NOTIFY of a subscription that was taken back has the state once more.
    assert.deepEqual(await site.next(), { ...notified, isLast: true, notes: ['im Garten 🌹'] })
    assert.deepEqual(await site.next(), { ended: 'timeout' })
    assert.deepEqual(await site.next(), { unregistered: true })
    await shown(romeo, 'unavailable')
  },
)
