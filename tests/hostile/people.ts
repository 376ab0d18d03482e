// Well-behaved and less well-behaved people, each logged in by one protocol over a real socket.
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { Raw } from './raw.ts'
import { password, patience, type Stand } from './stand.ts'

export const xmppHeader =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

export function plainText(user: string, secret: string): string {
  return Buffer.from(`\0${user}\0${secret}`).toString('base64')
}

/** An XMPP client that is bound. */
export class XmppPerson extends Raw {
  readonly jid: string
  #ids = 0

  private constructor(stand: Stand, jid: string) {
    super(stand, 'xmpp.client')
    this.jid = jid
  }

  static async logIn(stand: Stand, user: string, resource = 'x', presence = true): Promise<XmppPerson> {
    const person = new XmppPerson(stand, `${user}@localhost/${resource}`)
    person.send(xmppHeader)
    await person.expect(/<\/stream:features>/)
    person.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plainText(user, password)}</auth>`,
    )
    await person.expect(/<success/)
    person.send(xmppHeader)
    await person.expect(/<\/stream:features>/)
    person.send(
      `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
    )
    await person.expect(/<jid>[^<]*<\/jid>.*?<\/iq>/s)
    if (presence) {
      person.send('<presence/>')
      await person.roundTrip()
    }
    return person
  }

  /** Milliseconds until a ping is answered; everything that came before stays to be looked at. */
  async roundTrip(): Promise<number> {
    const id = `rt${++this.#ids}`
    const begin = performance.now()
    this.send(`<iq type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await this.pluck(new RegExp(`<iq [^>]*id=['"]${id}['"][^>]*/?>`))
    return performance.now() - begin
  }

  message(to: string, id: string, body: string): void {
    this.send(`<message type='chat' to='${to}' id='${id}'><body>${body}</body></message>`)
  }
}

/** An IMPP client that is logged in. It answers nothing of itself. */
export class ImppPerson extends Raw {
  readonly url: string
  connectionId = ''
  #ids = 0

  private constructor(stand: Stand, user: string) {
    super(stand, 'impp.client')
    this.url = `impp://localhost/${user}`
  }

  static async logIn(stand: Stand, user: string, device = 'd'): Promise<ImppPerson> {
    const person = new ImppPerson(stand, user)
    person.send('HELLO h impp/1.0\r\nDomain: localhost\r\n\r\n')
    await person.expect(/OK \(HELLO\)[\s\S]*?\r\n\r\n/)
    person.send(
      `AUTH a impp/1.0\r\nMechanism: PLAIN\r\nData: ${plainText(user, password)}\r\nDevice: ${device}\r\n\r\n`,
    )
    person.connectionId = (
      await person.expect(/OK \(AUTH\)[\s\S]*?Connection-ID: (\S+)[\s\S]*?\r\n\r\n/)
    )[1] as string
    return person
  }

  /** A request of its own, with From and Connection-ID unless the fields have them. Gives its id. */
  request(method: string, fields: readonly string[], body: string | Buffer = ''): string {
    const id = `q${++this.#ids}`
    const octets = Buffer.from(body)
    const lines = [...fields]
    if (!lines.some((line) => /^From:/i.test(line))) lines.push(`From: ${this.url}`)
    if (!lines.some((line) => /^Connection-ID:/i.test(line)))
      lines.push(`Connection-ID: ${this.connectionId}`)
    if (octets.length > 0) lines.push(`Content-Length: ${octets.length}`)
    this.send(
      Buffer.concat([Buffer.from(`${method} ${id} impp/1.0\r\n${lines.join('\r\n')}\r\n\r\n`), octets]),
    )
    return id
  }

  /** The first line and header fields of the response to a request. */
  async answer(id: string): Promise<string> {
    return (
      await this.pluck(new RegExp(`(OK|ERROR) \\([A-Z-]+\\) ${id} impp/1\\.0\\r\\n[\\s\\S]*?\\r\\n\\r\\n`))
    )[0]
  }

  async roundTrip(): Promise<number> {
    const begin = performance.now()
    await this.answer(this.request('PING', []))
    return performance.now() - begin
  }
}

export interface SipUnit {
  readonly first: string
  readonly status: number
  readonly head: string
  readonly body: string
  readonly raw: Buffer
}

/** A SIP phone over UDP. */
export class SipPerson {
  readonly user: string
  readonly socket: Socket
  readonly arrived: SipUnit[] = []
  /** The status that it answers requests with; undefined: it says nothing. */
  answers: string | undefined = '200 OK'
  secret = password
  #look: (() => void) | undefined
  #cseq = 0
  #closed = false

  private constructor(user: string, socket: Socket) {
    this.user = user
    this.socket = socket
    socket.on('message', (octets) => this.#arrive(octets))
    socket.on('error', () => {})
  }

  /** A socket of its own towards the server. Registers unless told not to. */
  static async open(stand: Stand, user: string, registers = true): Promise<SipPerson> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => socket.connect(stand.port('sip.udp'), '127.0.0.1', resolve))
    const person = new SipPerson(user, socket)
    stand.atEnd(() => person.close())
    if (registers) {
      const { status } = await person.request('REGISTER', 'sip:localhost', [`Contact: ${person.contact}`])
      if (status !== 200) throw new Error(`REGISTER was answered ${status}`)
    }
    return person
  }

  get contact(): string {
    return `<sip:${this.user}@127.0.0.1:${this.socket.address().port}>`
  }

  get aor(): string {
    return `sip:${this.user}@localhost`
  }

  /** Sends a request and gives its final response; answers one challenge. */
  async request(
    method: string,
    uri: string,
    fields: readonly string[] = [],
    body: string | Buffer = '',
  ): Promise<SipUnit> {
    const callId = has(fields, 'Call-ID') ?? randomBytes(8).toString('hex')
    const first = await this.#exchange(method, uri, callId, fields, body)
    if (first.status !== 401 && first.status !== 407) return first
    return this.#exchange(method, uri, callId, [...fields, this.#credentials(method, uri, first)], body)
  }

  #exchange(
    method: string,
    uri: string,
    callId: string,
    fields: readonly string[],
    body: string | Buffer,
  ): Promise<SipUnit> {
    const branch = `z9hG4bK${randomBytes(8).toString('hex')}`
    this.socket.send(this.written(method, uri, callId, branch, fields, body))
    return this.expect(
      `a final response to ${method}`,
      (unit) => unit.status >= 200 && unit.head.includes(branch),
    )
  }

  written(
    method: string,
    uri: string,
    callId: string,
    branch: string,
    fields: readonly string[],
    body: string | Buffer = '',
  ): Buffer {
    const octets = Buffer.from(body)
    const add = (name: string, value: string): string[] =>
      has(fields, name) === undefined ? [`${name}: ${value}`] : []
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.socket.address().port};rport;branch=${branch}`,
      'Max-Forwards: 70',
      ...add('From', `<${this.aor}>;tag=${this.user}`),
      ...add('To', `<${method === 'REGISTER' ? this.aor : uri}>`),
      ...add('Call-ID', callId),
      `CSeq: ${++this.#cseq} ${method}`,
      ...fields,
      `Content-Length: ${octets.length}`,
    ]
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), octets])
  }

  /** Takes the first that came, or will come, of which `fits` holds. */
  expect(what: string, fits: (unit: SipUnit) => boolean): Promise<SipUnit> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#look = undefined
        reject(
          new Error(`nothing came; expected ${what}; there is: ${this.arrived.map(({ first }) => first)}`),
        )
      }, patience)
      const step = (): void => {
        const at = this.arrived.findIndex(fits)
        if (at < 0) return
        clearTimeout(late)
        this.#look = undefined
        resolve(this.arrived.splice(at, 1)[0] as SipUnit)
      }
      this.#look = step
      step()
    })
  }

  message(to: string, body: string, ...fields: string[]): Promise<SipUnit> {
    const type = has(fields, 'Content-Type') === undefined ? ['Content-Type: text/plain'] : []
    return this.request('MESSAGE', `sip:${to}`, [...type, ...fields], body)
  }

  async roundTrip(): Promise<number> {
    const begin = performance.now()
    await this.request('OPTIONS', 'sip:localhost')
    return performance.now() - begin
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.socket.close()
  }

  #arrive(octets: Buffer): void {
    const text = octets.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = text.slice(0, end + 2)
    const first = head.slice(0, head.indexOf('\r\n'))
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(first)?.[1] ?? 0)
    if (status === 0 && this.answers !== undefined && !first.startsWith('ACK '))
      this.#answer(head, this.answers)
    this.arrived.push({ first, status, head, body: octets.subarray(end + 4).toString('utf8'), raw: octets })
    this.#look?.()
  }

  #answer(head: string, status: string): void {
    const copied = head.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line))
    const lines = copied.map((line) =>
      /^to:/i.test(line) && !line.includes(';tag=') ? `${line};tag=phone` : line,
    )
    this.socket.send(`SIP/2.0 ${status}\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
  }

  #credentials(method: string, uri: string, { head, status }: SipUnit): string {
    const challenge =
      head.split('\r\n').find((line) => /-authenticate:/i.test(line) && /MD5/.test(line)) ?? ''
    const parameter = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const [realm, nonce] = [parameter('realm'), parameter('nonce')]
    const proof = md5(
      `${md5(`${this.user}:${realm}:${this.secret}`)}:${nonce}:00000001:c:auth:${md5(`${method}:${uri}`)}`,
    )
    const name = status === 401 ? 'Authorization' : 'Proxy-Authorization'
    return `${name}: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${proof}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`
  }
}

function has(fields: readonly string[], name: string): string | undefined {
  const field = fields.find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return field?.slice(name.length + 1).trim()
}
