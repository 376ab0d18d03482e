// An XMPP client for transcripts. `NAME = xmpp user@domain/resource`.
import { connect, type Socket } from 'node:net'
import { Arrivals, octetsDiffer, type Party, type PartyContext } from './party.ts'
import { filled, matches, type Variables } from './pattern.ts'
import { type Node, nodeText, readNode, XmlReader } from './xml-text.ts'

const clientNamespace = 'jabber:client'
const contentNamespace = 'urn:verona:content:0'

export class XmppParty implements Party {
  readonly #jid: string
  readonly #context: PartyContext
  #socket: Socket | undefined
  #arrivals = new Arrivals<Node>()
  #iqs = 0
  #ended = false
  #silent = false
  #lastStanza: Node | undefined

  constructor(words: readonly string[], context: PartyContext) {
    this.#jid = words[0] as string
    this.#context = context
  }

  async act(what: string, block: string): Promise<void> {
    const text = filled(block, this.#context.variables)
    const octetsOf = /^(sends|receives) the octets of (\w+)$/.exec(what)
    if (octetsOf?.[1] === 'sends') return this.#sendOctets(octetsOf[2] as string, text)
    if (octetsOf !== null) return this.#receiveOctets(octetsOf[2] as string, block)
    switch (what) {
      case 'connects':
        return this.#connect()
      case 'signs in':
        await this.#connect()
        return this.#becomeAvailable()
      case 'sends':
        this.#write(text)
        return
      case 'receives':
        return this.#receive(block)
      case 'receives in any order':
        return this.#receiveAll(block)
      case 'falls silent':
        this.#silent = true
        return
      case 'receives nothing':
        return this.#receiveNothing()
      case 'disappears':
        return this.abandon()
      case 'signs out':
        this.#write("<presence type='unavailable'/></stream:stream>")
        await this.#closed()
        return
      case 'is disconnected':
        return this.#closed()
    }
    throw new Error(`an XMPP party can't "${what}"`)
  }

  abandon(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #connect(): Promise<void> {
    const place = this.#context.places.get('xmpp.client')
    if (place === undefined) throw new Error('the server has no listener for XMPP clients')
    const socket = connect(place)
    this.#socket = socket
    this.#ended = false
    this.#silent = false
    this.#arrivals = new Arrivals()
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#socket === socket) this.#end()
    })
    const [bare, resource] = this.#jid.split('/') as [string, string | undefined]
    const [user, domain] = bare.split('@') as [string, string]
    await this.#open(socket, domain)
    const secret = Buffer.from(`\0${user}\0${this.#context.passwordOf(bare)}`).toString('base64')
    this.#write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`)
    await this.#expect('success')
    await this.#open(socket, domain)
    const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`
    this.#write(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`,
    )
    await this.#expect('iq')
  }

  async #open(socket: Socket, domain: string): Promise<void> {
    const reader = new XmlReader(
      true,
      (node) => this.#arrived(node),
      () => this.#end(),
    )
    socket.removeAllListeners('data')
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => reader.read(text))
    this.#write(
      `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    )
    await this.#expect('features')
  }

  async #becomeAvailable(): Promise<void> {
    this.#write("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    await this.#expect('iq')
    this.#write('<presence/>')
    await this.#settled()
  }

  /** Pings are answered here, and a party's own presence, which comes back (RFC 6121 §4.2.2, §4.4.2), is not told. */
  #arrived(node: Node): void {
    if (node.name === 'presence' && node.attributes.get('from') === this.#jid) return
    const ping = node.children.find((child) => child.namespace === 'urn:xmpp:ping')
    if (node.name === 'iq' && node.attributes.get('type') === 'get' && ping !== undefined) {
      if (!this.#silent) this.#write(`<iq type='result' id='${node.attributes.get('id')}'/>`)
    } else this.#arrivals.push(node)
  }

  async #receive(block: string): Promise<void> {
    const expected = this.#expected(block)
    const actual = await this.#arrivals.next(block)
    this.#lastStanza = actual
    const difference = differs(expected, actual, this.#context.variables)
    if (difference !== undefined)
      throw new Error(`${difference}\nexpected ${block}\nreceived ${nodeText(actual)}`)
  }

  #expected(block: string): Node {
    return readNode(filled(block, this.#context.variables), clientNamespace)
  }

  /** As many stanzas as the block has, each of which one of them is. */
  async #receiveAll(block: string): Promise<void> {
    const expected = [...this.#expected(`<all>${block}</all>`).children]
    while (expected.length > 0) {
      const actual = await this.#arrivals.next(expected.map(nodeText).join('\n'))
      const at = expected.findIndex((node) => differs(node, actual, this.#context.variables) === undefined)
      if (at < 0)
        throw new Error(`expected one of\n${expected.map(nodeText).join('\n')}\nreceived ${nodeText(actual)}`)
      expected.splice(at, 1)
    }
  }

  /** `{octets}` stands for them in base64. */
  #sendOctets(of: string, text: string): void {
    const octets = this.#context.octets.get(of)
    if (octets === undefined) throw new Error(`${of} sent no octets`)
    this.#write(text.replaceAll('{octets}', octets.toString('base64')))
  }

  async #receiveOctets(of: string, block: string): Promise<void> {
    await this.#receive(block)
    const content = this.#lastStanza?.children.find((child) => child.namespace === contentNamespace)
    const octets = content === undefined ? undefined : Buffer.from(content.text, 'base64')
    const difference = octetsDiffer(this.#context, of, octets)
    if (difference !== undefined) throw new Error(difference)
  }

  async #receiveNothing(): Promise<void> {
    await this.#settled()
    const first = this.#arrivals.waiting[0]
    if (first !== undefined) throw new Error(`received ${nodeText(first)}`)
  }

  /** Everything that the server had to say before now has come when its answer to a ping has. */
  async #settled(): Promise<void> {
    const id = `settled-${++this.#iqs}`
    this.#write(`<iq type='get' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    const before: Node[] = []
    for (;;) {
      const node = await this.#arrivals.next(`the answer to ${id}`)
      if (node.attributes.get('id') === id) break
      before.push(node)
    }
    this.#arrivals.putBack(before)
  }

  async #expect(name: string): Promise<Node> {
    const node = await this.#arrivals.next(`<${name}/>`)
    if (node.name !== name || node.attributes.get('type') === 'error')
      throw new Error(`received ${nodeText(node)}`)
    return node
  }

  async #closed(): Promise<void> {
    while (!this.#ended) {
      const node = await this.#arrivals.next('the end of the stream')
      if (node.name === 'end') break
    }
    this.abandon()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#arrivals.push({ name: 'end', namespace: '', attributes: new Map(), children: [], text: '' })
  }

  #write(text: string): void {
    if (this.#socket === undefined) throw new Error('is not connected')
    this.#socket.write(text)
  }
}

/** Every attribute, child and text that is expected is there; `!name` as a child says that there is none of it. */
export function differs(expected: Node, actual: Node, variables: Variables): string | undefined {
  if (expected.name !== actual.name || expected.namespace !== actual.namespace) {
    return `it is <${actual.name} xmlns='${actual.namespace}'>, not <${expected.name} xmlns='${expected.namespace}'>`
  }
  for (const [key, value] of expected.attributes) {
    const found = actual.attributes.get(key)
    if (value === '!' ? found !== undefined : !matches(value, found ?? '', variables))
      return `${key} is "${found}"`
  }
  for (const child of expected.children) {
    const candidates = actual.children.filter(
      (other) => other.name === child.name && other.namespace === child.namespace,
    )
    if (child.attributes.get('absent') === 'true') {
      if (candidates.length > 0) return `<${child.name}/> is there`
    } else if (!candidates.some((other) => differs(child, other, variables) === undefined)) {
      const [only] = candidates
      return `no <${child.name}/> matches${only === undefined ? '' : `: ${differs(child, only, variables)}`}`
    }
  }
  const wanted = expected.children.length > 0 ? expected.text.trim() : expected.text
  if (wanted !== '' && !matches(wanted, actual.text, variables)) return `its text is "${actual.text}"`
  return undefined
}
