import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { type HttpListener, listenHttp, WebSockets } from '#net'
import type { TestDomainOptions } from './testing/test-domain.ts'
import { type TestDomain, testDomain } from './testing/test-domain.ts'
import { offerWebSockets } from './web.ts'

const framing = 'urn:ietf:params:xml:ns:xmpp-framing'
const openFrame = `<open xmlns='${framing}' to='localhost' version='1.0'/>`

interface Stand {
  readonly domain: TestDomain
  readonly listener: HttpListener
}

async function stand(t: TestContext, options: TestDomainOptions = {}): Promise<Stand> {
  const domain = await testDomain(options)
  const web = new WebSockets({ name: 'web' })
  offerWebSockets(web, domain.around, domain.sessions)
  const onRequest = () => ({ status: 404, body: '' })
  const listener = await listenHttp({ name: 'http', at: { host: '127.0.0.1', port: 0 }, web, onRequest })
  t.after(async () => {
    await web.close()
    await listener.close()
  })
  return { domain, listener }
}

/** A browser's web socket: what came, a frame at a time. */
class Browser {
  readonly socket: WebSocket
  readonly frames: string[] = []
  code: number | undefined

  constructor({ listener }: Stand) {
    this.socket = new WebSocket(`ws://127.0.0.1:${listener.port}/xmpp-websocket`, 'xmpp')
    this.socket.addEventListener('message', ({ data }) => this.frames.push(String(data)))
    this.socket.addEventListener('close', ({ code }) => {
      this.code = code
    })
  }

  static async open(at: Stand): Promise<Browser> {
    const browser = new Browser(at)
    await once(browser.socket, 'open')
    assert.equal(browser.socket.protocol, 'xmpp')
    return browser
  }

  send(frame: string): void {
    this.socket.send(frame)
  }

  async next(pattern = /^/): Promise<string> {
    for (;;) {
      const at = this.frames.findIndex((frame) => pattern.test(frame))
      if (at >= 0) return this.frames.splice(0, at + 1).at(-1) as string
      assert.equal(this.code, undefined, `closed while waiting for ${pattern}`)
      await once(this.socket, this.socket.readyState === WebSocket.CLOSING ? 'close' : 'message')
    }
  }

  async closed(): Promise<number> {
    if (this.code === undefined) await once(this.socket, 'close')
    return this.code as number
  }

  async logIn(user: string): Promise<void> {
    this.send(openFrame)
    await this.next(/features/)
    const data = Buffer.from(`\0${user}\0secret`).toString('base64')
    this.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    await this.next(/^<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'\/>$/)
    this.send(openFrame)
    await this.next(/features/)
  }

  async bind(resource: string): Promise<void> {
    this.send(
      `<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
    )
    await this.next(/^<iq xmlns='jabber:client'.*<jid>/)
  }

  async available(user: string, resource: string): Promise<void> {
    await this.logIn(user)
    await this.bind(resource)
    this.send("<presence xmlns='jabber:client'/>")
    await this.settled()
  }

  async settled(): Promise<void> {
    this.send("<iq xmlns='jabber:client' type='get' id='s' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    await this.next(/id='s'/)
  }
}

describe('XMPP over web sockets (RFC 7395)', () => {
  it('opens, offers no TLS, restarts after login, binds (§3.4, §3.7, §3.9)', async (t) => {
    const browser = await Browser.open(await stand(t))
    browser.send(openFrame)
    const opened = await browser.next()
    assert.match(
      opened,
      new RegExp(`^<open xmlns='${framing}' id='[\\w-]{22}' from='localhost' version='1.0' xml:lang='en'/>$`),
    )
    const features = await browser.next()
    assert.match(
      features,
      /^<stream:features xmlns:stream='http:\/\/etherx.jabber.org\/streams'><mechanisms /,
    )
    assert.doesNotMatch(features, /starttls/)
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    browser.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    await browser.next(/^<success/)
    browser.send(openFrame)
    assert.match(await browser.next(), /^<open /)
    assert.match(await browser.next(), /^<stream:features .*<bind .*<sm xmlns='urn:xmpp:sm:3'\/>/)
    await browser.bind('browser')
    browser.send(`<close xmlns='${framing}'/>`)
    assert.equal(await browser.next(), `<close xmlns='${framing}'/>`)
    assert.equal(await browser.closed(), 1000)
  })

  it('carries messages to and from clients over TCP, each in a frame that stands alone (§3.3.3)', async (t) => {
    const at = await stand(t)
    const browser = await Browser.open(at)
    await browser.available('romeo', 'browser')
    const juliet = await at.domain.available('juliet', 'balcony')
    browser.send(
      "<x:message xmlns:x='jabber:client' xmlns='jabber:client' to='juliet@localhost' type='chat'><body>to TCP</body></x:message>",
    )
    assert.match(await juliet.next(), /to TCP/)
    for (const text of [
      "<message to='romeo@localhost' type='chat' id='1'><body>one</body></message>",
      "<message\n to='romeo@localhost/browser' id='2' a='x>y xmlns=' xmlns='jabber:client'><body>two</body></message>",
      "<message to='romeo@localhost/browser' id='3'><stream:error/></message>",
    ])
      juliet.send(text)
    assert.match(
      await browser.next(/id='1'/),
      /^<message xmlns='jabber:client' from='juliet@localhost\/balcony' to=/,
    )
    assert.match(
      await browser.next(/id='2'/),
      /^<message from='juliet@localhost\/balcony'\n to=[\s\S]* xmlns='jabber:client'>/,
    )
    assert.match(await browser.next(/id='3'/), /xmlns:stream='http:\/\/etherx.jabber.org\/streams'/)
  })

  it('tells each stanza of a presence broadcast in its own frame', async (t) => {
    const at = await stand(t)
    await at.domain.befriend('romeo', 'juliet')
    const browser = await Browser.open(at)
    await browser.available('romeo', 'browser')
    const juliet = await at.domain.available('juliet', 'balcony')
    juliet.send('<presence><show>away</show></presence>')
    juliet.send('<presence><show>dnd</show></presence>')
    assert.match(
      await browser.next(/away/),
      /^<presence [^>]*xmlns='jabber:client'[^>]*>[\s\S]*<\/presence>$/,
    )
    assert.match(await browser.next(/dnd/), /^<presence [^>]*xmlns='jabber:client'[^>]*>[\s\S]*<\/presence>$/)
  })

  const bad: readonly (readonly [string, string, string])[] = [
    ['§3.3.3 two elements', "<iq xmlns='jabber:client'/><iq xmlns='jabber:client'/>", 'not-well-formed'],
    ['§3.3.3 a part of one', "<iq xmlns='jabber:client'>", 'not-well-formed'],
    ['§3.8 whitespace', ' ', 'bad-format'],
    ['§3.3.3 whitespace first', " <iq xmlns='jabber:client'/>", 'bad-format'],
    ['§3.3.3 nothing', '', 'bad-format'],
    ['§3.3.3 a stanza that declares nothing', "<iq type='get' id='x'/>", 'invalid-namespace'],
    [
      '§3.3.2 a header of octets',
      "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>",
      'invalid-namespace',
    ],
    ['§3.3.2 an open of another namespace', "<open xmlns='jabber:client'/>", 'invalid-namespace'],
    ['§3.4 a second open', openFrame, 'bad-format'],
    ['RFC 6120 §11.1 a comment', '<!-- x -->', 'restricted-xml'],
    ['§3.9 STARTTLS', "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 'policy-violation'],
  ]
  for (const [what, frame, condition] of bad) {
    it(`ends the stream with ${condition}: ${what}`, async (t) => {
      const browser = await Browser.open(await stand(t))
      browser.send(openFrame)
      await browser.next(/features/)
      browser.send(frame)
      assert.match(
        await browser.next(),
        new RegExp(`^<stream:error xmlns:stream='http://etherx.jabber.org/streams'><${condition} `),
      )
      assert.equal(await browser.next(), `<close xmlns='${framing}'/>`)
      await browser.closed()
    })
  }

  it('answers an error before the stream with an open, the error and a close (§3.5)', async (t) => {
    const browser = await Browser.open(await stand(t))
    browser.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    assert.match(await browser.next(), /^<open /)
    assert.match(await browser.next(), /<bad-format/)
    assert.match(await browser.next(), /^<close /)
  })

  it('sends clients elsewhere (§3.6.1)', async (t) => {
    const at = await stand(t, { settings: { seeOtherUri: 'wss://elsewhere.example/x?a=1&b=2' } })
    const browser = await Browser.open(at)
    browser.send(openFrame)
    await browser.next(/^<open /)
    assert.equal(
      await browser.next(),
      `<close xmlns='${framing}' see-other-uri='wss://elsewhere.example/x?a=1&amp;b=2'/>`,
    )
    assert.equal(await browser.closed(), 1000)
  })

  it('resumes a session over another transport (§3.10)', async (t) => {
    const at = await stand(t)
    const browser = await Browser.open(at)
    await browser.available('romeo', 'browser')
    browser.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    const id = / id='([^']*)'/.exec(await browser.next(/^<enabled/))?.[1] as string
    const juliet = await at.domain.available('juliet', 'balcony')
    browser.socket.close()
    await browser.closed()
    await at.domain.settle()
    juliet.send("<message to='romeo@localhost' type='chat' id='1'><body>late</body></message>")
    await juliet.settled()
    const again = at.domain.connect()
    await again.logIn('romeo', 'localhost')
    again.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`)
    assert.match(await again.next(), /^<resumed/)
    assert.match(await again.next(), /<body>late<\/body>/)
    // And back.
    const third = await Browser.open(at)
    await third.logIn('romeo')
    third.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`)
    assert.match(await third.next(), /^<resumed xmlns='urn:xmpp:sm:3'/)
    assert.match(await third.next(), /^<message xmlns='jabber:client'.*late/)
  })

  it('holds presence back from a browser that nobody looks at (XEP-0352)', async (t) => {
    const at = await stand(t)
    await at.domain.befriend('romeo', 'juliet')
    const browser = await Browser.open(at)
    await browser.available('romeo', 'browser')
    const juliet = await at.domain.available('juliet', 'balcony')
    await browser.settled()
    browser.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    await browser.settled()
    for (const show of ['away', 'dnd', 'xa']) juliet.send(`<presence><show>${show}</show></presence>`)
    await juliet.settled()
    assert.deepEqual(browser.frames, [])
    browser.send("<active xmlns='urn:xmpp:csi:0'/>")
    assert.match(await browser.next(), /<show>xa<\/show>/)
  })

  for (const [path, type, body] of [
    [
      'host-meta',
      'application/xrd+xml; charset=utf-8',
      "<Link rel='urn:xmpp:alt-connections:websocket' href='wss://HOST/xmpp-websocket'/>",
    ],
    [
      'host-meta.json',
      'application/json; charset=utf-8',
      '{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://HOST/xmpp-websocket"}]}',
    ],
  ] as const) {
    it(`is found by /.well-known/${path}, from any site (XEP-0156 §2)`, async (t) => {
      const { listener } = await stand(t)
      const answer = await fetch(`http://127.0.0.1:${listener.port}/.well-known/${path}`)
      assert.equal(answer.headers.get('content-type'), type)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.ok((await answer.text()).includes(body.replace('HOST', `127.0.0.1:${listener.port}`)))
      const other = await stand(t, { settings: { webSocketUri: 'wss://chat.example/ws' } })
      const told = await fetch(`http://127.0.0.1:${other.listener.port}/.well-known/${path}`)
      assert.match(await told.text(), /wss:\/\/chat\.example\/ws/)
    })
  }
})
