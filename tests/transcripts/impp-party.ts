// An IMPP/1.0 client for transcripts, as the protocol's document says, apart from the server's codec.
// `NAME = impp user@domain/device [largest=octets] [inbox=closed]`. It adds From, Connection-ID and Content-Length, and leaves the rest to the script.
import { connect, type Socket } from 'node:net'
import { Arrivals, octetsDiffer, octetsOf, type Party, type PartyContext, patience } from './party.ts'
import { filled, unitDiffers } from './pattern.ts'

export interface Unit {
  /** With LF, for comparison. */
  readonly text: string
  readonly body: Buffer
  readonly first: string
  readonly fields: ReadonlyMap<string, string>
}

export class ImppParty implements Party {
  readonly #address: string
  readonly #device: string | undefined
  /** Octets of a unit that it says it takes. */
  readonly #largest: string | undefined
  readonly #inbox: string | undefined
  protected readonly context: PartyContext
  protected socket: Socket | undefined
  protected connectionId = ''
  #rest: Buffer = Buffer.alloc(0)
  #silent = false
  #ids = 0
  #requests = new Arrivals<Unit>()
  #responses = new Arrivals<Unit>()
  #lastRequest: Unit | undefined

  constructor(words: readonly string[], context: PartyContext) {
    const [address, device] = (words[0] as string).split('/')
    this.#address = address as string
    this.#device = device
    const option = (name: string): string | undefined =>
      words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
    this.#largest = option('largest')
    this.#inbox = option('inbox')
    this.context = context
  }

  async act(what: string, block: string): Promise<void> {
    const text = filled(block, this.context.variables)
    if (what === 'signs in') return this.signIn()
    if (what === 'sends') return this.send(text)
    if (what === 'receives') return this.#receive(block)
    if (what === 'receives nothing') return this.#receiveNothing()
    const of = /^receives the octets of (\w+)$/.exec(what)?.[1]
    if (of !== undefined) return this.#receive(block, of)
    if (what === 'sends octets') return this.#sendOctets(text)
    if (what === 'falls silent') {
      this.#silent = true
      return
    }
    if (what === 'disappears') return this.abandon()
    if (what === 'is disconnected') return this.#closed()
    if (what === 'signs out') {
      await this.exchange('QUIT', '')
      return this.abandon()
    }
    const answer = /^answers (OK|ERROR .*)$/.exec(what)?.[1]
    if (answer !== undefined) return this.#answer(answer, text)
    throw new Error(`an IMPP party can't "${what}"`)
  }

  async #closed(): Promise<void> {
    const socket = this.socket
    if (socket !== undefined && !socket.closed) {
      const late = setTimeout(() => socket.destroy(new Error('late')), patience)
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
      clearTimeout(late)
      if (socket.errored?.message === 'late') throw new Error('the connection goes on')
    }
    this.abandon()
  }

  abandon(): void {
    this.socket?.destroy()
    this.socket = undefined
  }

  protected get url(): string {
    const [user, domain] = this.#address.split('@')
    return `impp://${domain}/${user}`
  }

  protected async signIn(): Promise<void> {
    this.open('impp.client')
    const [user, domain] = this.#address.split('@') as [string, string]
    const limit = this.#largest === undefined ? '' : `\nMax-Message-Size: ${this.#largest}`
    await this.exchange('HELLO', `Domain: ${domain}${limit}`)
    const plain = Buffer.from(`\0${user}\0${this.context.passwordOf(this.#address)}`).toString('base64')
    const device = this.#device === undefined ? '' : `\nDevice: ${this.#device}`
    const inbox = this.#inbox === undefined ? '' : `\nInbox: ${this.#inbox}`
    const done = await this.exchange('AUTH', `Mechanism: PLAIN\nData: ${plain}${device}${inbox}`)
    this.connectionId = done.fields.get('connection-id') ?? ''
  }

  /** A new connection to a listener, and everything from the beginning. */
  protected open(setting: string): Socket {
    const place = this.context.places.get(setting)
    if (place === undefined) throw new Error(`the server has no listener ${setting}`)
    this.#requests = new Arrivals()
    this.#responses = new Arrivals()
    this.connectionId = ''
    this.#silent = false
    return this.readFrom(connect({ ...place, noDelay: true }))
  }

  /** What comes is read from this socket from now on. */
  protected readFrom<S extends Socket>(socket: S): S {
    this.socket?.removeAllListeners('data')
    this.socket = socket
    this.#rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (bytes) => this.#read(bytes))
    return socket
  }

  /** A request of the set-up, which must succeed. */
  protected async exchange(method: string, fields: string): Promise<Unit> {
    this.write(`${method} setup-${++this.#ids} impp/1.0`, fields === '' ? [] : fields.split('\n'), '')
    const response = await this.#responses.next(`an answer to ${method}`)
    if (!response.first.startsWith('OK')) throw new Error(`${method} was answered:\n${response.text}`)
    return response
  }

  #sendOctets(text: string): void {
    const at = text.indexOf('\n\n')
    const body = octetsOf(text.slice(at + 2))
    this.context.octets.set(this.context.name, body)
    this.send(text.slice(0, at), body)
  }

  /** `METHOD id` or `METHOD` alone, fields, and a body after an empty line. */
  protected send(text: string, octets?: Buffer): void {
    const at = text.indexOf('\n\n')
    const [first = '', ...fields] = (at < 0 ? text : text.slice(0, at))
      .split('\n')
      .filter((line) => line !== '')
    const [method = '', id = `r${++this.#ids}`] = first.split(' ')
    const has = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`))
    if (!has('from')) fields.unshift(`From: ${this.url}`)
    if (!has('connection-id')) fields.splice(1, 0, `Connection-ID: ${this.connectionId}`)
    this.write(`${method} ${id} impp/1.0`, fields, octets ?? (at < 0 ? '' : text.slice(at + 2)))
  }

  protected write(first: string, fields: readonly string[], body: string | Buffer): void {
    if (this.socket === undefined) throw new Error('is not connected')
    const octets = Buffer.from(body as string)
    const length = octets.length === 0 ? [] : [`Content-Length: ${octets.length}`]
    const head = `${[first, ...fields, ...length].join('\r\n')}\r\n\r\n`
    this.socket.write(Buffer.concat([Buffer.from(head), octets]))
  }

  async #receive(block: string, octetsOf?: string): Promise<void> {
    const isResponse = /^(OK|ERROR) /.test(block)
    const unit = await (isResponse ? this.#responses : this.#requests).next(block)
    if (!isResponse) this.#lastRequest = unit
    const difference =
      unitDiffers(block, unit.text, this.context.variables) ??
      (octetsOf === undefined ? undefined : octetsDiffer(this.context, octetsOf, unit.body))
    if (difference !== undefined) throw new Error(`${difference}\nreceived:\n${unit.text}`)
  }

  #answer(answer: string, extra: string): void {
    const request = this.#lastRequest
    if (request === undefined) throw new Error('nothing to answer')
    const [method, id] = request.first.split(' ')
    const [kind, reason] = answer.split(' ')
    const at = extra.indexOf('\n\n')
    const fields = (at < 0 ? extra : extra.slice(0, at)).split('\n').filter(Boolean)
    const from = request.fields.get('from')
    const connection = request.fields.get('connection-id')
    if (from !== undefined) fields.unshift(`To: ${from}`)
    if (connection !== undefined) fields.push(`Connection-ID: ${connection}`)
    if (reason !== undefined) fields.push(`Reason: ${reason}`)
    this.write(`${kind} (${method}) ${id} impp/1.0`, fields, at < 0 ? '' : extra.slice(at + 2))
  }

  async #receiveNothing(): Promise<void> {
    await this.exchange('PING', '')
    const [first] = this.#requests.waiting
    if (first !== undefined) throw new Error(`received:\n${first.text}`)
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (let unit = this.#next(); unit !== undefined; unit = this.#next()) {
      if (/^(OK|ERROR) /.test(unit.first)) this.#responses.push(unit)
      // The transport's own, not the script's.
      else if (unit.first.startsWith('PING ')) this.#pong(unit)
      else this.#requests.push(unit)
    }
  }

  #pong(ping: Unit): void {
    if (this.#silent) return
    this.write(`OK (PING) ${ping.first.split(' ')[1]} impp/1.0`, [], '')
  }

  /** A whole unit, with the envelope before it, which has no body. */
  #next(): Unit | undefined {
    let start = 0
    let envelope = ''
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n', start)
      if (end < 0) return undefined
      const head = this.#rest.subarray(start, end).toString('utf8').replaceAll('\r\n', '\n')
      if (head.startsWith('ENVELOPE ')) {
        envelope = head.slice(head.indexOf('\n') + 1)
        start = end + 4
        continue
      }
      const [first = '', ...lines] = head.split('\n')
      const fields = new Map(
        lines.map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      )
      const length = Number(fields.get('content-length') ?? 0)
      if (this.#rest.length < end + 4 + length) return undefined
      const body = this.#rest.subarray(end + 4, end + 4 + length)
      const bodyText = body.toString('utf8').replaceAll('\r\n', '\n')
      this.#rest = this.#rest.subarray(end + 4 + length)
      const whole = [first, ...lines, ...(envelope === '' ? [] : envelope.split('\n'))].join('\n')
      return { text: `${whole}\n\n${bodyText}`, body, first, fields }
    }
  }
}
