// A server of another domain that speaks XMPP by hand (RFC 6120 §4, §5, §6; XEP-0178, XEP-0220, XEP-0288), apart from the server's codec.
// `NAME = xmpp_server DOMAIN as=DOMAIN [certificate=DOMAIN|none] [direct]`: it goes to the server of the first domain in the name of the
// second, `direct` by TLS from the first octet. Its stream goes both ways. `{NAME_stream}` is the id of its stream.
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { certificatesOf } from './certificates.ts'
import { Arrivals, type Party, type PartyContext } from './party.ts'
import { filled } from './pattern.ts'
import { type Node, nodeText, readNode, XmlReader } from './xml-text.ts'
import { differs } from './xmpp-party.ts'

const headerOf = (from: string, to: string): string =>
  "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'" +
  ` xmlns:db='jabber:server:dialback' from='${from}' to='${to}' version='1.0'>`

export class XmppServerParty implements Party {
  protected readonly context: PartyContext
  /** Whose server it goes to, and for whom it speaks. */
  protected readonly to: string
  protected readonly as: string
  /** The content namespace of its stream. */
  protected readonly namespace: string = 'jabber:server'
  readonly #certificate: string
  readonly #isDirect: boolean
  #socket: Socket | undefined
  #arrivals = new Arrivals<Node>()
  #ended = false
  #onStream: ((id: string) => void) | undefined

  constructor(words: readonly string[], context: PartyContext) {
    this.to = words[0] as string
    this.as = optionOf(words, 'as') ?? 'nobody.example'
    this.#certificate = optionOf(words, 'certificate') ?? this.as
    this.#isDirect = words.includes('direct')
    this.context = context
  }

  async act(what: string, block: string): Promise<void> {
    const shown = /^is shown the certificate of (\S+)$/.exec(what)?.[1]
    if (shown !== undefined) return this.#isShown(shown)
    switch (what) {
      case 'connects':
        return this.connect()
      case 'signs in':
        return this.signIn()
      case 'opens its stream':
        return void (await this.open())
      case 'sends':
        return this.write(filled(block, this.context.variables))
      case 'receives':
        return this.#receive(block)
      case 'receives nothing':
        return this.#receiveNothing()
      case 'disappears':
        return this.abandon()
      case 'signs out':
        this.write('</stream:stream>')
        return this.#closed()
      case 'is disconnected':
        return this.#closed()
    }
    throw new Error(`a server by hand can't "${what}"`)
  }

  abandon(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  /** It is under TLS, and has proven nothing. */
  protected async connect(): Promise<void> {
    const plain = this.reach(this.#isDirect ? 'xmpp.server_tls' : 'xmpp.server')
    if (!this.#isDirect) {
      this.read(plain)
      await this.open()
      this.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
      await this.expect('proceed')
    }
    const files = this.#certificate === 'none' ? undefined : await certificatesOf(this.#certificate)
    const own = files === undefined ? {} : { cert: pem(files, 'server.crt'), key: pem(files, 'server.key') }
    plain.removeAllListeners('data')
    const secure = tlsConnect({
      socket: plain,
      servername: this.to,
      rejectUnauthorized: false,
      ...own,
      ...(this.#isDirect && { ALPNProtocols: ['xmpp-server'] }),
    })
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
    this.read(secure)
    await this.open()
  }

  /** The same, having proven itself by its certificate, on a stream for both ways. */
  protected async signIn(): Promise<void> {
    await this.connect()
    this.write("<bidi xmlns='urn:xmpp:bidi'/>")
    const who = Buffer.from(this.as).toString('base64')
    this.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${who}</auth>`)
    await this.expect('success')
    this.read(this.#socket as Socket)
    await this.open()
    // Who has sent a stanza is sent some, too: before, the other side waits for a word about acknowledgements.
    await this.#receiveNothing()
  }

  /** A new stream; its features are taken. */
  protected async open(): Promise<Node> {
    this.write(headerOf(this.as, this.to))
    return this.expect('features')
  }

  protected reach(setting: string): Socket {
    const place = this.context.places.get(setting)
    if (place === undefined) throw new Error(`the server has no listener ${setting}`)
    this.#ended = false
    this.#arrivals = new Arrivals()
    return connect({ ...place, noDelay: true })
  }

  /** What comes is read from this socket from now on, as a new stream. */
  protected read(socket: Socket): void {
    this.#socket = socket
    const reader = new XmlReader(
      true,
      (node) => this.#arrivals.push(node),
      () => this.#end(),
    )
    socket.removeAllListeners('data')
    socket.setEncoding('utf8')
    let head = ''
    socket.on('data', (text: string) => {
      if (head.length < 1000) head += text
      const id = /<stream:stream[^>]*\sid='([^']*)'/.exec(head)?.[1]
      if (id !== undefined) {
        this.context.variables.set(`${this.context.name}_stream`, id)
        this.#onStream?.(id)
      }
      reader.read(text)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#socket === socket) this.#end()
    })
  }

  /** The id of the stream that the other side is about to begin. */
  protected nextStream(): Promise<string> {
    return new Promise((resolve) => {
      this.#onStream = resolve
    })
  }

  protected write(text: string): void {
    if (this.#socket === undefined) throw new Error('is not connected')
    this.#socket.write(text)
  }

  protected async expect(name: string): Promise<Node> {
    const node = await this.#arrivals.next(`<${name}/>`)
    if (node.name !== name) throw new Error(`received ${nodeText(node)}`)
    return node
  }

  async #receive(block: string): Promise<void> {
    const { variables } = this.context
    const expected = readNode(filled(block, variables), this.namespace)
    const actual = await this.#arrivals.next(block)
    const difference = differs(expected, actual, variables)
    if (difference !== undefined)
      throw new Error(`${difference}\nexpected ${block}\nreceived ${nodeText(actual)}`)
  }

  /** A ping's answer comes behind all that was under way. */
  async #receiveNothing(): Promise<void> {
    this.write(
      `<iq type='get' id='settled' from='${this.as}' to='${this.to}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
    const node = await this.#arrivals.next('the answer to a ping')
    if (node.attributes.get('id') !== 'settled') throw new Error(`received ${nodeText(node)}`)
  }

  #isShown(domain: string): void {
    const names = (this.#socket as TLSSocket).getPeerCertificate().subjectaltname ?? ''
    if (!names.split(', ').includes(`DNS:${domain}`)) throw new Error(`it is for ${names}`)
  }

  async #closed(): Promise<void> {
    while (!this.#ended) if ((await this.#arrivals.next('the end of the stream')).name === 'end') break
    this.abandon()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#arrivals.push({ name: 'end', namespace: '', attributes: new Map(), children: [], text: '' })
  }
}

export function optionOf(words: readonly string[], name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}

function pem(directory: string, file: string): Buffer {
  return readFileSync(join(directory, file))
}
