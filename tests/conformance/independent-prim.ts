// A PRIM client written from docs/specs/prim.md alone: it shares no code with the server, so that two readings of one text meet. It
// takes nothing on trust: what comes and is not of the grammar, or a response that does not repeat its request (§3.1, §5.1), is a fault.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { connect as dial, type Socket } from 'node:net'
import { type TLSSocket, connect as wrap } from 'node:tls'

export type Service = 'PR' | 'IM'
type Lines = readonly (readonly [string, string])[]

export interface Unit {
  /** Of a request; a response has `status`. */
  readonly method: string | undefined
  readonly status: number | undefined
  readonly version: string
  readonly id: string
  readonly lines: Lines
  readonly body: Buffer
}

/** LIMIT: milliseconds of the real world to wait for what must come. */
const patience = 10_000

/** §5.1, and the drafts' list: what goes back as it stood. */
const repeated = new Set(
  'From To Domain Auth-State SASL-Mech Server-Address Class Tuple-ID Duration PI-Type Subscription-ID Message-ID Conversation-ID'.split(
    ' ',
  ),
)
/** Of them, those that a response may say differently, because it grants or chooses. */
const chosen = new Set(['Duration', 'SASL-Mech'])

export class IndependentPrim {
  readonly #socket: Socket
  #secure: TLSSocket | undefined
  #octets: Buffer = Buffer.alloc(0)
  #numbers = 0
  readonly #asked = new Map<string, { line: string; lines: Lines; done: (unit: Unit) => void }>()
  /** Requests of the server that no test has taken yet. */
  readonly inbox: Unit[] = []
  /** What was against the text, in the order of coming. */
  readonly faults: string[] = []
  /** Answers a request at once; a test that wants to answer itself takes it away. */
  onRequest: ((unit: Unit) => void) | undefined = (unit) => this.answer(unit, 200, 'OK')
  closed = false
  #look: (() => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen(socket)
  }

  static connect(port: number): Promise<IndependentPrim> {
    return new Promise((resolve, reject) => {
      const socket = dial({ port, host: '127.0.0.1', noDelay: true }, () =>
        resolve(new IndependentPrim(socket)),
      )
      socket.once('error', reject)
    })
  }

  /** Octets as they are; for what no well-behaved client says. */
  raw(octets: string | Buffer): void {
    ;(this.#secure ?? this.#socket).write(octets)
  }

  /** A request, and its response. */
  ask(version: string, method: string, lines: Lines, body: string | Buffer = ''): Promise<Unit> {
    const id = `q${++this.#numbers}`
    const octets = Buffer.from(body)
    const line = `${method} ${version} ${id} ${octets.length}`
    const response = this.#waits<Unit>(line, (found) => this.#asked.set(id, { line, lines, done: found }))
    this.raw(Buffer.concat([Buffer.from(`${line}\r\n${written(lines)}\r\n`), octets]))
    return response
  }

  /** A request written by hand, and its response; what it repeats is not looked at. */
  askRaw(id: string, octets: string): Promise<Unit> {
    const response = this.#waits<Unit>(id, (found) =>
      this.#asked.set(id, { line: octets.split('\r\n')[0] as string, lines: [], done: found }),
    )
    this.raw(octets)
    return response
  }

  /** A request that nobody answers (§3.1). */
  tell(version: string, method: string): void {
    this.raw(`${method} ${version} - 0\r\n\r\n`)
  }

  answer(unit: Unit, status: number, phrase: string): void {
    if (unit.id === '-') return
    const back = unit.lines.filter(([name]) => repeated.has(name))
    this.raw(`${unit.version} ${unit.id} 0 ${status} ${phrase}\r\n${written(back)}\r\n`)
  }

  /** The next request of the server with this method, that came or comes. */
  next(method: string): Promise<Unit> {
    return this.#waits(method, (found) => {
      const look = (): void => {
        const at = this.inbox.findIndex((unit) => unit.method === method)
        if (at < 0) return void this.#look.push(look)
        found(this.inbox.splice(at, 1)[0] as Unit)
      }
      look()
    })
  }

  ends(): Promise<true> {
    return this.#waits('the end of the connection', (found) => {
      const look = (): void => (this.closed ? found(true) : void this.#look.push(look))
      look()
    })
  }

  /** STARTTLS has no fields and no body; the handshake follows 200 (§4.2). */
  async startTls(authority: Buffer, name: string, service: Service = 'PR'): Promise<Unit> {
    const response = await this.ask(`PRIM-${service}/1.0`, 'STARTTLS', [])
    if (response.status !== 200) return response
    this.#socket.removeAllListeners('data')
    await new Promise<void>((resolve, reject) => {
      const secure = wrap({ socket: this.#socket, ca: authority, servername: name }, resolve)
      secure.once('error', reject)
      this.#secure = secure
      this.#listen(secure)
    })
    return response
  }

  login(service: Service, from: string, state: string, mechanisms: string, body?: Buffer): Promise<Unit> {
    const lines: [string, string][] = [
      ['From', from],
      ['Auth-State', state],
      ['SASL-Mech', mechanisms],
    ]
    if (body !== undefined) lines.push(['Content-Type', 'application/octet-stream'])
    return this.ask(`PRIM-${service}/1.0`, 'LOGIN', lines, body)
  }

  /** PLAIN as the drafts have it, two lines, or as RFC 4616 has it. */
  async logInPlain(
    service: Service,
    address: string,
    secret: string,
    form: 'drafts' | 'RFC 4616' = 'drafts',
  ): Promise<Unit> {
    const from = identifier(service, address)
    const first = await this.login(service, from, 'init', 'PLAIN')
    if (first.status !== 100) return first
    const body = form === 'drafts' ? `${address}\r\n${secret}` : `\0${address}\0${secret}`
    return this.login(service, from, 'continue', 'PLAIN', Buffer.from(body))
  }

  /** SCRAM (RFC 5802), with the binding to TLS (RFC 9266) for the mechanisms -PLUS; octets, not base64, are the bodies. */
  async logInScram(service: Service, address: string, secret: string, mechanism: string): Promise<Unit> {
    const from = identifier(service, address)
    const hash = /SHA-512/.test(mechanism) ? 'sha512' : /SHA-256/.test(mechanism) ? 'sha256' : 'sha1'
    const begun = await this.login(service, from, 'init', mechanism)
    if (begun.status !== 100) return begun
    const binds = mechanism.endsWith('-PLUS')
    const header = binds ? 'p=tls-exporter,,' : 'n,,'
    const proofOfChannel = binds
      ? (this.#secure as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
      : Buffer.alloc(0)
    const own = `n=${address.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(18).toString('base64')}`
    const first = await this.login(service, from, 'continue', mechanism, Buffer.from(header + own))
    if (first.status !== 100) return first
    const challenge = first.body.toString()
    const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
    if (!nonce.startsWith(own.slice(own.indexOf('r=') + 2))) this.faults.push(`a nonce of its own: ${nonce}`)
    const length = createHash(hash).digest().length
    const salted = pbkdf2Sync(secret, Buffer.from(salt, 'base64'), Number(rounds), length, hash)
    const clientKey = hmac(hash, salted, 'Client Key')
    const bare = `c=${Buffer.concat([Buffer.from(header), proofOfChannel]).toString('base64')},r=${nonce}`
    const whole = `${own},${challenge},${bare}`
    const signature = hmac(hash, createHash(hash).update(clientKey).digest(), whole)
    const proof = clientKey.map((octet, at) => octet ^ (signature[at] as number))
    const last = `${bare},p=${Buffer.from(proof).toString('base64')}`
    const done = await this.login(service, from, 'continue', mechanism, Buffer.from(last))
    if (done.status === 200) {
      const wanted = Buffer.from(
        `v=${hmac(hash, hmac(hash, salted, 'Server Key'), whole).toString('base64')}`,
      )
      if (done.body.length !== wanted.length || !timingSafeEqual(done.body, wanted))
        this.faults.push('200 without the proof of the server')
    }
    return done
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => this.#over())
    socket.on('end', () => this.#over())
    socket.on('close', () => this.#over())
  }

  #over(): void {
    this.closed = true
    this.#stir()
  }

  #stir(): void {
    for (const look of this.#look.splice(0)) look()
  }

  #take(chunk: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, chunk])
    for (;;) {
      while (this.#octets[0] === 13 && this.#octets[1] === 10) this.#octets = this.#octets.subarray(2)
      const end = this.#octets.indexOf('\r\n\r\n')
      if (end < 0) return
      const [line = '', ...fields] = this.#octets.subarray(0, end).toString().split('\r\n')
      const start = readStart(line)
      if (start === undefined) {
        this.faults.push(`no start line: ${line}`)
        return this.destroy()
      }
      if (this.#octets.length < end + 4 + start.length) return
      const body = Buffer.from(this.#octets.subarray(end + 4, end + 4 + start.length))
      this.#octets = this.#octets.subarray(end + 4 + start.length)
      this.#unit({ ...start, lines: this.#fields(line, fields, body), body })
    }
  }

  #fields(line: string, fields: readonly string[], body: Buffer): Lines {
    const lines: [string, string][] = []
    for (const field of fields) {
      const [, name, value] = /^([A-Za-z0-9-]+): ([^\u0000-\u001f\u007f]*)$/.exec(field) ?? []
      if (name === undefined || value === undefined) this.faults.push(`${line}: no field: ${field}`)
      else if (lines.some(([other]) => other === name)) this.faults.push(`${line}: ${name} twice`)
      else lines.push([name, value])
    }
    const typed = lines.some(([name]) => name === 'Content-Type')
    const isLogin = lines.some(([name]) => name === 'Auth-State')
    if (body.length > 0 && !typed && !isLogin) this.faults.push(`${line}: a body without Content-Type`)
    return lines
  }

  #unit(unit: Unit): void {
    if (unit.status === undefined) {
      this.inbox.push(unit)
      this.onRequest?.(unit)
    } else {
      const asked = this.#asked.get(unit.id)
      this.#asked.delete(unit.id)
      if (asked === undefined) this.faults.push(`an answer to nothing: ${unit.id}`)
      else {
        this.#compare(asked, unit)
        asked.done(unit)
      }
    }
    this.#stir()
  }

  /** A response has the token of its request, and repeats its fields in their order (§3.2, §5.1). */
  #compare({ line, lines }: { line: string; lines: Lines }, unit: Unit): void {
    const token = unit.version.slice(0, unit.version.indexOf('/') + 1)
    if (!line.includes(` ${token}`)) this.faults.push(`${line}: answered as ${unit.version}`)
    const sent = lines.filter(([name]) => repeated.has(name))
    const back = unit.lines.filter(([name]) => sent.some(([other]) => other === name))
    const shown = (all: Lines): string =>
      all.map(([name, value]) => (chosen.has(name) ? name : `${name}=${value}`)).join(' ')
    if (shown(sent) !== shown(back))
      this.faults.push(`${line}: ${unit.status} repeats ${shown(back)}, not ${shown(sent)}`)
  }

  #waits<T>(what: string, begin: (found: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let isSettled = false
      const late = setTimeout(() => reject(new Error(`nothing came for: ${what}`)), patience)
      const gone = (): void => {
        if (isSettled) return
        if (!this.closed) return void this.#look.push(gone)
        clearTimeout(late)
        reject(new Error(`the connection ended; awaited: ${what}`))
      }
      begin((value) => {
        isSettled = true
        clearTimeout(late)
        resolve(value)
      })
      gone()
    })
  }
}

export function fieldOf(unit: Unit, name: string): string | undefined {
  return unit.lines.find(([other]) => other === name)?.[1]
}

export function identifier(service: Service, address: string): string {
  return `${service === 'PR' ? 'pres' : 'im'}:${address}`
}

function written(lines: Lines): string {
  return lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

function hmac(hash: string, key: Uint8Array, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}

type Start = Pick<Unit, 'method' | 'status' | 'version' | 'id'> & { readonly length: number }

function readStart(line: string): Start | undefined {
  const version = '((?:PRIM|PRIM-PR|PRIM-IM)/[0-9]{1,2}\\.[0-9]{1,2})'
  const request = new RegExp(`^([A-Z]{1,32}) ${version} ([A-Za-z0-9]{1,32}|-) ([0-9]{1,10})$`).exec(line)
  if (request !== null) {
    const [, method, token = '', id = '', length] = request
    return { method, status: undefined, version: token, id, length: Number(length) }
  }
  const response = new RegExp(`^${version} ([A-Za-z0-9]{1,32}) ([0-9]{1,10}) ([0-9]{3}) .*$`).exec(line)
  if (response === null) return undefined
  const [, token = '', id = '', length, status] = response
  return { method: undefined, status: Number(status), version: token, id, length: Number(length) }
}
