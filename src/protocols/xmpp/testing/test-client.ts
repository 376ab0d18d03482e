// The other end of a client session in tests: writes text, reads elements.
import { ownBytes } from '#base'
import type { CloseReason, Connection } from '#net'
import { flushConnections } from '#net'
import { type Element, elementOf, type Frame, Framer, serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'

const headerOf = (domain: string, lang: string): string =>
  `<?xml version='1.0'?><stream:stream to='${domain}'${lang} version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`

export class TestClient {
  readonly connection: Connection
  readonly received: Element[] = []
  readonly #framer = new Framer()
  /** Stream headers that the server sent. */
  readonly headers: Frame[] = []
  ended = false
  closed: CloseReason | undefined
  /** What came, as it lay on the wire. */
  octets = ''
  #ids = 0

  constructor(connection: Connection, startsSecure: boolean) {
    this.connection = connection
    if (startsSecure !== (connection.tls !== undefined))
      throw new Error('the pair is not as it was asked for')
    connection.start({
      onData: (bytes) => this.#read(ownBytes(bytes)),
      onSecure: () => {
        this.secured = true
        this.#onSecured?.()
      },
      onClose: (reason) => {
        this.closed = reason
      },
    })
  }

  secured = false
  #onSecured: (() => void) | undefined

  /** Resolves when the handshake that is about to begin is done. */
  whenSecured(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSecured = resolve
    })
  }

  #read(bytes: Uint8Array): void {
    this.octets += Buffer.from(bytes).toString('utf8')
    this.#framer.feed(bytes)
    for (;;) {
      const event = this.#framer.next()
      if (event === 'more') return
      if (event === 'fault') throw new Error(`the server sent bad XML: ${this.#framer.fault?.reason}`)
      if (event === 'end') {
        this.ended = true
        this.#framer.discardUnread()
        return
      }
      const frame = event === 'header' ? this.#framer.header : this.#framer.frame
      if (frame === undefined) throw new Error('no frame')
      if (event === 'header') this.headers.push(frame)
      else {
        this.received.push(elementOf(frame))
        // RFC 6120 §5.4.3.3, §6.4.6: a new stream follows.
        if (frame.name === 'proceed' || frame.name === 'success') this.#framer.restart()
      }
    }
  }

  send(text: string): void {
    this.connection.writeUtf8(text)
    flushConnections()
  }

  open(domain = 'localhost', lang = ''): void {
    this.send(headerOf(domain, lang === '' ? '' : ` xml:lang='${lang}'`))
  }

  /** The next element, as text with the stream's namespaces understood; waits for it. */
  async next(): Promise<string> {
    return serialize(await this.nextElement(), { outer: clientStream })
  }

  async nextElement(): Promise<Element> {
    const deadline = performance.now() + 20_000
    while (performance.now() < deadline) {
      flushConnections()
      const element = this.received.shift()
      if (element !== undefined) return element
      if (this.closed !== undefined) throw new Error(`the connection is closed (${this.closed.why})`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('nothing came')
  }

  /** What came and was not read, as text. */
  takeAll(): string[] {
    flushConnections()
    return this.received.splice(0).map((element) => serialize(element, { outer: clientStream }))
  }

  /** Sends a request with an id and returns the answer; what comes before it stays to be read. */
  async ask(iq: string): Promise<Element> {
    this.send(iq)
    const id = / id='([^']*)'/.exec(iq)?.[1]
    const before: Element[] = []
    for (;;) {
      const element = await this.nextElement()
      if (element.name === 'iq' && element.attribute('id') === id) {
        this.received.unshift(...before)
        return element
      }
      before.push(element)
    }
  }

  /** A ping of the server: whatever was to come before it is here afterwards. */
  async settled(): Promise<void> {
    await this.ask(
      `<iq type='get' id='settled-${++this.#ids}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
  }

  async logIn(user: string, domain: string, password = 'secret', lang = ''): Promise<void> {
    this.open(domain, lang)
    await this.next()
    const data = Buffer.from(`\0${user}\0${password}`).toString('base64')
    this.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    const answer = await this.next()
    if (!answer.startsWith('<success')) throw new Error(answer)
    this.open(domain, lang)
    await this.next()
  }

  async bind(resource: string): Promise<string> {
    const wanted = resource === '' ? '' : `<resource>${resource}</resource>`
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind>`
    const answer = await this.ask(`<iq type='set' id='bind'>${bind}</iq>`)
    const jid = answer.elements()[0]?.childText('jid')
    if (jid === undefined) throw new Error(serialize(answer))
    return jid
  }
}
