// A page in Chromium that speaks XMPP over a web socket by hand (RFC 7395), with slixmpp at the other end: login, chat, a connection that
// breaks, resumption.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'
import { browse, Site } from './site.ts'
import { XmppClient } from './xmpp-client.ts'

const chromium = peer('chromium')
const slixmpp = peer('slixmpp')

const page = (at: string): string => `<!doctype html><meta charset="utf-8"><title>XMPP</title>
<script type="module">
const say = (what) => fetch('/said', { method: 'POST', body: JSON.stringify(what) })
window.addEventListener('error', ({ message }) => say({ error: message }))
window.addEventListener('unhandledrejection', ({ reason }) => say({ error: String(reason) }))
const links = (await (await fetch('http://${at}/.well-known/host-meta.json')).json()).links
await say({ link: links.find(({ rel }) => rel === 'urn:xmpp:alt-connections:websocket').href.replace(/^wss:..[^/]*/, '') })
const open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"
let handled = 0
class Stream {
  frames = []
  constructor() {
    this.socket = new WebSocket('ws://${at}/xmpp-websocket', 'xmpp')
    this.socket.onmessage = ({ data }) => {
      const element = new DOMParser().parseFromString(data, 'text/xml').documentElement
      if (element.localName === 'parsererror') return say({ error: 'not XML: ' + data })
      if (element.localName === 'r') return this.send("<a xmlns='urn:xmpp:sm:3' h='" + handled + "'/>")
      if (['message', 'presence', 'iq'].includes(element.localName)) {
        if (element.namespaceURI !== 'jabber:client') say({ error: 'namespace ' + element.namespaceURI })
        handled++
      }
      this.frames.push(element)
      this.wake?.()
    }
  }
  send(text) { this.socket.send(text) }
  async next(name) {
    for (;;) {
      const element = this.frames.shift()
      if (element?.localName === name) return element
      if (element === undefined) await new Promise((resolve) => { this.wake = resolve })
    }
  }
  async logIn() {
    await new Promise((resolve) => { this.socket.onopen = resolve })
    this.send(open)
    await this.next('features')
    this.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + btoa('\\0juliet\\0${password}') + '</auth>')
    await this.next('success')
    this.send(open)
    await this.next('features')
  }
}
const first = new Stream()
await first.logIn()
first.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>browser</resource></bind></iq>")
const jid = (await first.next('iq')).textContent
handled = 0
first.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
const id = (await first.next('enabled')).getAttribute('id')
first.send("<presence xmlns='jabber:client'/>")
await say({ ready: jid })
const heard = await first.next('message')
first.send("<message xmlns='jabber:client' type='chat' to='" + heard.getAttribute('from') + "'><body>" + heard.querySelector('body').textContent + ' \\u2713</body></message>')
const gone = new Promise((resolve) => { first.socket.onclose = resolve })
// No <close/>: the stream is unfinished (XEP-0198 §7).
first.socket.close()
await gone
await say({ cut: true })
await fetch('/wait')
const second = new Stream()
await second.logIn()
second.send("<resume xmlns='urn:xmpp:sm:3' previd='" + id + "' h='" + handled + "'/>")
const resumed = await second.next('resumed')
const late = await second.next('message')
await say({ resumed: resumed.getAttribute('h'), late: late.querySelector('body').textContent, stamped: late.querySelector('delay') !== null })
second.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
await second.next('close')
await say({ closed: true })
</script>`

const site = new Site()
let server: VeronaServer
before(async () => {
  await site.open(() => page(server.at('http')))
  server = await VeronaServer.start({
    users: ['juliet', 'romeo'],
    settings: { http: { origins: [site.origin] }, xmpp: { plain_without_tls: true } },
  })
})
after(() => server?.remove())
after(() => site.close())

scene(
  'a page chats by XMPP over a web socket, loses it, and comes back (RFC 7395, XEP-0198 §5)',
  chromium.skip || slixmpp.skip,
  () => server,
  async (stage) => {
    const romeo = await XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard')
    browse(stage, chromium.path, site)
    assert.deepEqual(await site.next(), { link: '/xmpp-websocket' })
    assert.deepEqual(await site.next(), { ready: 'juliet@localhost/browser' })
    romeo.do('message', { to: 'juliet@localhost', body: 'Wherefore? 🌹', id: 'm1' })
    assert.equal((await romeo.next('message'))['body'], 'Wherefore? 🌹 ✓')
    assert.deepEqual(await site.next(), { cut: true })
    romeo.do('message', { to: 'juliet@localhost', body: 'still there?', id: 'm2' })
    await romeo.settled()
    site.goOn()
    assert.deepEqual(await site.next(), { resumed: '2', late: 'still there?', stamped: false })
    assert.deepEqual(await site.next(), { closed: true })
    await romeo.leave()
  },
)
