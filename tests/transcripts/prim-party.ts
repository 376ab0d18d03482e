// A PRIM client for transcripts, as the protocol's document says, apart from the server's codec.
// `NAME = prim user@domain [largest=octets] [inbox=closed]`. It logs in to both services over one connection and listens. It adds From by
// the service and the lengths, and leaves the rest to the script.
import { connect, type Socket } from 'node:net'
import { Arrivals, octetsDiffer, octetsOf, type Party, type PartyContext } from './party.ts'
import { filled, unitDiffers } from './pattern.ts'

interface Unit {
  /** With LF, for comparison. */
  readonly text: string
  readonly body: Buffer
  readonly first: string
}

const ofMessages = /^(SEND|LISTEN|SILENCE)$/

export class PrimParty implements Party {
  readonly #address: string
  readonly #largest: string | undefined
  readonly #listens: boolean
  readonly #context: PartyContext
  #socket: Socket | undefined
  #rest: Buffer = Buffer.alloc(0)
  #silent = false
  #ids = 0
  #requests = new Arrivals<Unit>()
  #responses = new Arrivals<Unit>()
  #lastRequest: Unit | undefined

  constructor(words: readonly string[], context: PartyContext) {
    // What other protocols call a device is a connection here.
    this.#address = (words[0] as string).split('/')[0] as string
    this.#largest = words.find((word) => word.startsWith('largest='))?.slice('largest='.length)
    this.#listens = !words.includes('inbox=closed')
    this.#context = context
  }

  async act(what: string, block: string): Promise<void> {
    const text = filled(block, this.#context.variables)
    if (what === 'signs in') return this.#signIn()
    if (what === 'sends') return this.#send(text)
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
    if (what === 'signs out') {
      await this.#receiveNothing()
      this.#write('LOGOUT PRIM/1.0 -', [], '')
      return this.abandon()
    }
    const status = /^answers (\d{3})$/.exec(what)?.[1]
    if (status !== undefined) return this.#answer(status)
    throw new Error(`a PRIM party can't "${what}"`)
  }

  abandon(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #signIn(): Promise<void> {
    const place = this.#context.places.get('prim.im')
    if (place === undefined) throw new Error('the server has no listener prim.im')
    this.#requests = new Arrivals()
    this.#responses = new Arrivals()
    this.#silent = false
    this.#rest = Buffer.alloc(0)
    this.#socket = connect({ ...place, noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes) => this.#read(bytes))
    await this.#logIn('PRIM-PR', 'pres')
    await this.#logIn('PRIM-IM', 'im')
    if (this.#listens) await this.#exchange('LISTEN PRIM-IM/1.0', [`From: im:${this.#address}`], '', '200')
  }

  async #logIn(token: string, scheme: string): Promise<void> {
    const lines = [`From: ${scheme}:${this.#address}`, 'SASL-Mech: PLAIN']
    const limit = this.#largest === undefined ? [] : [`Max-Content-Length: ${this.#largest}`]
    await this.#exchange(`LOGIN ${token}/1.0`, [...lines, 'Auth-State: init', ...limit], '', '100')
    const [user] = this.#address.split('@')
    const body = `${user}\r\n${this.#context.passwordOf(this.#address)}`
    await this.#exchange(`LOGIN ${token}/1.0`, [...lines, 'Auth-State: continue'], body, '200')
  }

  /** A request of the party's own, which must be answered so. */
  async #exchange(first: string, lines: readonly string[], body: string, status: string): Promise<void> {
    this.#write(`${first} x${++this.#ids}`, lines, body)
    const response = await this.#responses.next(`an answer to ${first}`)
    if (response.first.split(' ')[3] !== status) throw new Error(`${first} was answered:\n${response.text}`)
  }

  #sendOctets(text: string): void {
    const at = text.indexOf('\n\n')
    const body = octetsOf(text.slice(at + 2))
    this.#context.octets.set(this.#context.name, body)
    this.#send(text.slice(0, at), body)
  }

  /** `METHOD id`, fields, and a body after an empty line. */
  #send(text: string, octets?: Buffer): void {
    const at = text.indexOf('\n\n')
    const [first = '', ...fields] = (at < 0 ? text : text.slice(0, at)).split('\n').filter(Boolean)
    const [method = '', id = `r${++this.#ids}`, token] = first.split(' ')
    const service = token ?? (ofMessages.test(method) ? 'PRIM-IM' : 'PRIM-PR')
    const scheme = service === 'PRIM-IM' ? 'im' : 'pres'
    if (!fields.some((line) => line.startsWith('From: '))) fields.unshift(`From: ${scheme}:${this.#address}`)
    const body = octets ?? (at < 0 ? '' : text.slice(at + 2))
    this.#write(`${method} ${service}/1.0 ${id}`, fields, body)
  }

  #write(first: string, fields: readonly string[], body: string | Buffer): void {
    if (this.#socket === undefined) throw new Error('is not connected')
    const octets = Buffer.from(body as string)
    const head = [`${first} ${octets.length}`, ...fields, '', ''].join('\r\n')
    this.#socket.write(Buffer.concat([Buffer.from(head), octets]))
  }

  async #receive(block: string, octetsOf?: string): Promise<void> {
    const isResponse = /^(PRIM|\*)/.test(block)
    const unit = await (isResponse ? this.#responses : this.#requests).next(block)
    if (!isResponse) this.#lastRequest = unit
    const difference =
      unitDiffers(block, unit.text, this.#context.variables) ??
      (octetsOf === undefined ? undefined : octetsDiffer(this.#context, octetsOf, unit.body))
    if (difference !== undefined) throw new Error(`${difference}\nreceived:\n${unit.text}`)
  }

  #answer(status: string): void {
    const [, version = '', id = ''] = this.#lastRequest?.first.split(' ') ?? []
    if (id === '') throw new Error('nothing to answer')
    this.#socket?.write(`${version} ${id} 0 ${status} So\r\n\r\n`)
  }

  async #receiveNothing(): Promise<void> {
    await this.#exchange('GETCLASSTABLE PRIM-PR/1.0', [`From: pres:${this.#address}`], '', '200')
    const [first] = this.#requests.waiting
    if (first !== undefined) throw new Error(`received:\n${first.text}`)
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (let unit = this.#next(); unit !== undefined; unit = this.#next()) {
      if (this.#silent || unit.first.startsWith('PING ')) continue
      if (unit.first.startsWith('PRIM')) this.#responses.push(unit)
      else this.#requests.push(unit)
    }
  }

  #next(): Unit | undefined {
    const at = this.#rest.indexOf('\r\n\r\n')
    if (at < 0) return undefined
    const head = this.#rest.subarray(0, at).toString('utf8').replaceAll('\r\n', '\n')
    const first = head.split('\n')[0] as string
    const words = first.split(' ')
    const length = Number(first.startsWith('PRIM') ? words[2] : words[3])
    if (this.#rest.length < at + 4 + length) return undefined
    const body = this.#rest.subarray(at + 4, at + 4 + length)
    this.#rest = this.#rest.subarray(at + 4 + length)
    return { text: `${head}\n\n${body.toString('utf8').replaceAll('\r\n', '\n')}`, body, first }
  }
}
