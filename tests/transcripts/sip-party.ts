// A SIP user agent for transcripts. `NAME = sip user@domain [tcp]`. It adds what every request must have and the script
// does not say (Via, From, Call-ID, CSeq, ...), answers one challenge, and leaves the rest to the script.
import { createHash, randomBytes } from 'node:crypto'
import { Arrivals, octetsDiffer, octetsOf, type Party, type PartyContext } from './party.ts'
import { filled, unitDiffers } from './pattern.ts'
import { openTcp, openUdp, type SipSocket } from './sip-socket.ts'

type Fields = [string, string][]

interface Unit {
  /** With LF, for comparison. */
  readonly text: string
  readonly body: Buffer
  readonly first: string
  readonly fields: Fields
}

export class SipParty implements Party {
  readonly #address: string
  readonly #context: PartyContext
  readonly #overTcp: boolean
  #socket: SipSocket | undefined
  #cseq = 0
  readonly #requests = new Arrivals<Unit>()
  readonly #responses = new Arrivals<Unit>()
  #lastRequest: Unit | undefined
  /** Requests by their branch, and what they were answered: a retransmission gets the same (RFC 3261 §17.2.2). */
  readonly #answered = new Map<string, Buffer | undefined>()
  /** How to answer the challenge to the request that is under way; once a request. */
  #onChallenge: ((challenge: [string, string]) => void) | undefined
  /** The challenge that came last, and how often its nonce was used. */
  #challenge: [string, string] | undefined
  #nonceCount = 0
  /** Sends the request that was sent last once more, with these credentials. */
  #again: ((authorization: (text: string) => string) => void) | undefined

  constructor(words: readonly string[], context: PartyContext) {
    this.#address = words[0] as string
    this.#overTcp = words[1] === 'tcp'
    this.#context = context
  }

  async act(what: string, block: string): Promise<void> {
    const [verb = '', ...rest] = what.split(' ')
    if (what === 'registers') return this.#register(filled(block, this.#context.variables))
    if (what === 'unregisters') return this.#register('Expires: 0')
    if (what === 'sends octets') return this.#sendOctets(filled(block, this.#context.variables))
    if (what === 'sends unproven')
      return this.#request(filled(block, this.#context.variables), undefined, 'unproven')
    if (what === 'sends proven')
      return this.#request(filled(block, this.#context.variables), undefined, 'proven')
    if (verb === 'proves') return this.#prove(/^proves it with (.+)$/.exec(what)?.[1])
    if (verb === 'sends') return this.#request(filled(block, this.#context.variables))
    if (what === 'receives nothing') return this.#nothing()
    if (what === 'disappears') return this.abandon()
    if (verb === 'receives') {
      const unit = await this.#receive(block, /^\s*SIP\/2\.0/.test(block))
      const of = /^receives the octets of (\w+)$/.exec(what)?.[1]
      const difference = of === undefined ? undefined : octetsDiffer(this.#context, of, unit.body)
      if (difference !== undefined) throw new Error(difference)
      return
    }
    if (verb === 'answers') return this.#answer(rest.join(' '), filled(block, this.#context.variables))
    throw new Error(`a SIP party can't "${what}"`)
  }

  abandon(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  /** The request that came last, whole. */
  get lastReceived(): string {
    return this.#lastRequest?.text ?? ''
  }

  get #user(): string {
    return this.#address.split('@')[0] as string
  }

  async #open(): Promise<SipSocket> {
    if (this.#socket !== undefined) return this.#socket
    const setting = this.#overTcp ? 'sip.tcp' : 'sip.udp'
    const place = this.#context.places.get(setting)
    if (place === undefined) throw new Error(`the server has no listener ${setting}`)
    const open = this.#overTcp ? openTcp : openUdp
    this.#socket = await open(place, (octets) => this.#arrived(octets))
    return this.#socket
  }

  #arrived(octets: Buffer): void {
    const text = octets.toString('utf8').replaceAll('\r\n', '\n')
    if (text.trim() === '') return
    const [head = ''] = text.split('\n\n')
    const [first = '', ...lines] = head.split('\n')
    const fields = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
    })
    const unit = { text, body: octets.subarray(octets.indexOf('\r\n\r\n') + 4), first, fields }
    if (!first.startsWith('SIP/2.0')) this.#requested(unit)
    else if (!/^SIP\/2\.0 1/.test(first)) this.#responded(unit)
  }

  #requested(unit: Unit): void {
    const branch = branchOf(unit)
    if (!this.#answered.has(branch)) {
      this.#answered.set(branch, undefined)
      return this.#requests.push(unit)
    }
    const answer = this.#answered.get(branch)
    if (answer !== undefined) this.#socket?.send(answer)
  }

  #responded(unit: Unit): void {
    const challenge = unit.fields.find(
      ([name, value]) => /^(www|proxy)-authenticate$/.test(name) && /MD5|^(?!.*algorithm)/i.test(value),
    )
    if (challenge !== undefined) {
      this.#challenge = challenge
      this.#nonceCount = 0
    }
    if (challenge !== undefined && this.#onChallenge !== undefined) this.#onChallenge(challenge)
    else this.#responses.push(unit)
  }

  async #register(extra: string): Promise<void> {
    const domain = this.#address.split('@')[1]
    await this.#request(
      `REGISTER sip:${domain} SIP/2.0\nTo: <sip:${this.#address}>\nContact: {contact}\n${extra}`,
    )
    await this.#receive('SIP/2.0 200 *', true)
  }

  async #sendOctets(text: string): Promise<void> {
    const at = text.indexOf('\n\n')
    const body = octetsOf(text.slice(at + 2))
    this.#context.octets.set(this.#context.name, body)
    await this.#request(text.slice(0, at), body)
  }

  /** With the party's own password, or another. */
  #prove(password: string | undefined): void {
    const challenge = this.#challenge
    if (challenge === undefined || this.#again === undefined) throw new Error('nobody asked')
    this.#again((text) => this.#credentials(challenge, text, password))
  }

  /**
   * Sends a request, and once more with credentials when it is challenged; unproven, a challenge waits to be received like any answer;
   * proven, it has credentials for the challenge that came last. What it is answered waits to be received.
   */
  async #request(text: string, octets?: Buffer, how?: 'unproven' | 'proven'): Promise<void> {
    const socket = await this.#open()
    const at = text.indexOf('\n\n')
    const head = at < 0 ? text : text.slice(0, at)
    const body = octets ?? Buffer.from(at < 0 ? '' : text.slice(at + 2))
    const callId = randomBytes(8).toString('hex')
    const tag = randomBytes(4).toString('hex')
    this.#again = (authorization) => {
      socket.send(this.#complete(socket, head, body, callId, tag, authorization(text)))
    }
    this.#onChallenge =
      how !== undefined
        ? undefined
        : (challenge) => {
            this.#onChallenge = undefined
            this.#again?.(() => this.#credentials(challenge, text))
          }
    const known = how === 'proven' ? this.#challenge : undefined
    const proof = known === undefined ? '' : this.#credentials(known, text)
    socket.send(this.#complete(socket, head, body, callId, tag, proof))
  }

  #complete(
    { transport, port }: SipSocket,
    head: string,
    body: Buffer,
    callId: string,
    tag: string,
    authorization: string,
  ): Buffer {
    const [first = '', ...lines] = head.split('\n').filter((line) => line !== '')
    const [method = '', target = ''] = first.split(' ')
    const parameter = transport === 'TCP' ? ';transport=tcp' : ''
    const contact = `<sip:${this.#user}@127.0.0.1:${port}${parameter}>`
    const has = (name: string): boolean => lines.some((line) => line.toLowerCase().startsWith(`${name}:`))
    const add = (name: string, value: string): void => {
      if (!has(name.toLowerCase())) lines.push(`${name}: ${value}`)
    }
    const branch = `z9hG4bK${randomBytes(6).toString('hex')}`
    lines.unshift(`Via: SIP/2.0/${transport} 127.0.0.1:${port};rport;branch=${branch}`)
    add('From', `<sip:${this.#address}>;tag=${tag}`)
    add('To', `<${target.replace(/;.*/, '')}>`)
    add('Call-ID', callId)
    add('CSeq', `${++this.#cseq} ${method}`)
    add('Max-Forwards', '70')
    if (method === 'SUBSCRIBE') add('Contact', contact)
    if (authorization !== '') lines.push(authorization)
    lines.push(`Content-Length: ${body.length}`)
    const fields = [first, ...lines].join('\r\n').replaceAll('{contact}', contact)
    return Buffer.concat([Buffer.from(`${fields}\r\n\r\n`), body])
  }

  #credentials([name, value]: [string, string], text: string, password?: string): string {
    const nc = (++this.#nonceCount).toString(16).padStart(8, '0')
    const parameter = (key: string): string => new RegExp(`${key}="?([^",]+)"?`).exec(value)?.[1] ?? ''
    const [method = '', uri = ''] = text.split(' ')
    const md5 = (data: string): string => createHash('md5').update(data).digest('hex')
    const realm = parameter('realm')
    const nonce = parameter('nonce')
    const ha1 = md5(`${this.#user}:${realm}:${password ?? this.#context.passwordOf(this.#address)}`)
    const ha2 = md5(`${method}:${uri}`)
    const response = md5(`${ha1}:${nonce}:${nc}:c0:auth:${ha2}`)
    const header = name === 'www-authenticate' ? 'Authorization' : 'Proxy-Authorization'
    return `${header}: Digest username="${this.#user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="c0"`
  }

  async #receive(block: string, isResponse: boolean): Promise<Unit> {
    const unit = await (isResponse ? this.#responses : this.#requests).next(block)
    if (!isResponse) this.#lastRequest = unit
    const difference = unitDiffers(block, unit.text, this.#context.variables)
    if (difference !== undefined) throw new Error(`${difference}\nreceived:\n${unit.text}`)
    return unit
  }

  /** Answers the request that was received last, with the fields that RFC 3261 §8.2.6 copies. */
  async #answer(status: string, extra: string): Promise<void> {
    const request = this.#lastRequest
    if (request === undefined) throw new Error('nothing to answer')
    const copied = request.fields.filter(([name]) => ['via', 'from', 'to', 'call-id', 'cseq'].includes(name))
    const tag = randomBytes(4).toString('hex')
    const lines = copied.map(
      ([name, value]) =>
        `${name}: ${name === 'to' && !value.includes('tag=') ? `${value};tag=${tag}` : value}`,
    )
    const [code, ...words] = status.split(' ')
    const reason = words.join(' ') || (code?.startsWith('2') ? 'OK' : 'No')
    const fields = [...lines, ...extra.split('\n').filter(Boolean), 'Content-Length: 0']
    const response = Buffer.from(`SIP/2.0 ${code} ${reason}\r\n${fields.join('\r\n')}\r\n\r\n`)
    this.#answered.set(branchOf(request), response)
    this.#socket?.send(response)
  }

  /** An OPTIONS goes round: what the server sent before its answer has come, if UDP on loopback keeps order. */
  async #nothing(): Promise<void> {
    const domain = this.#address.split('@')[1]
    await this.#request(`OPTIONS sip:${domain} SIP/2.0`)
    await this.#responses.next('an answer to OPTIONS')
    const [first] = this.#requests.waiting
    if (first !== undefined) throw new Error(`received:\n${first.text}`)
  }
}

function branchOf({ fields }: Unit): string {
  const via = fields.find(([name]) => name === 'via')?.[1] ?? ''
  return /branch=([^;,]+)/.exec(via)?.[1] ?? via
}
