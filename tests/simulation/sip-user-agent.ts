// How a phone of a simulation speaks: requests with credentials, sent again until they are answered (RFC 3261 §17.1.2), and answers to NOTIFY that
// are the same for a request that comes again (§17.2.2). What it does is in `sip-phone.ts`.
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '#base'
import type { Connection, Endpoint } from '#net'
import { parseAuth } from '../../src/protocols/sip/testing/auth-params.ts'
import type { Network } from './sip-network.ts'

export interface Incoming {
  /** Method or status. */
  readonly first: string
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
}

export interface Outgoing {
  readonly method: string
  readonly uri: string
  readonly callId: string
  readonly fromTag: string
  readonly to?: string
  readonly fields: readonly string[]
  readonly body?: string
}

/** The answer; undefined when none came in 32 seconds. */
type OnAnswer = (answer: { readonly status: number; readonly message: Incoming } | undefined) => void

interface Transaction {
  readonly request: Outgoing
  readonly onAnswer: OnAnswer
  readonly text: string
  challenges: number
  resend: Timer | undefined
  timeout: Timer | undefined
}

const t1 = 500
const t2 = 4000
const timerF = 64 * t1
/** A request that overtakes another one of the same nonce costs that one a challenge. */
const challengesMax = 8

let branches = 0

export class UserAgent {
  readonly user: string
  readonly domain: string
  readonly place: Endpoint
  readonly overTcp: boolean
  readonly #clock: Clock
  readonly #network: Network
  readonly #onRequest: (request: Incoming) => number
  readonly #onClosed: () => void
  readonly #waiting = new Map<string, Transaction>()
  readonly #answered = new Map<string, string>()
  readonly #timers = new Set<Timer>()
  #connection: Connection | undefined
  #text = ''
  #cseq = 0
  #nonce: { readonly params: ReadonlyMap<string, string>; count: number } | undefined
  #isOff = false

  constructor(
    parts: {
      readonly user: string
      readonly domain: string
      readonly place: Endpoint
      readonly overTcp: boolean
      readonly clock: Clock
      readonly network: Network
    },
    onRequest: (request: Incoming) => number,
    onClosed: () => void,
  ) {
    this.user = parts.user
    this.domain = parts.domain
    this.place = parts.place
    this.overTcp = parts.overTcp
    this.#clock = parts.clock
    this.#network = parts.network
    this.#onRequest = onRequest
    this.#onClosed = onClosed
    this.#network.attach(this.place, { receive: (octets) => this.#message(Buffer.from(octets).toString()) })
  }

  get aor(): string {
    return `sip:${this.user}@${this.domain}`
  }

  get contact(): string {
    const { address, port } = this.place
    return `<sip:${this.user}@${address}:${port}${this.overTcp ? ';transport=tcp' : ''}>`
  }

  /** A timer of this phone, which ends with it. */
  later(milliseconds: number, fire: () => void): Timer {
    const timer = this.#clock.schedule(milliseconds, () => {
      this.#timers.delete(timer)
      if (!this.#isOff) fire()
    })
    this.#timers.add(timer)
    return timer
  }

  /** Power is off: it says and hears nothing any more. */
  off(): void {
    this.#isOff = true
    for (const timer of this.#timers) timer.cancel()
    this.#network.detach(this.place)
  }

  request(request: Outgoing, onAnswer: OnAnswer): void {
    this.#begin(request, onAnswer, 0)
  }

  #begin(request: Outgoing, onAnswer: OnAnswer, challenges: number): void {
    const branch = `z9hG4bKsim${++branches}`
    const text = this.#write(request, branch)
    const transaction: Transaction = {
      request,
      onAnswer,
      text,
      challenges,
      resend: undefined,
      timeout: undefined,
    }
    this.#waiting.set(branch, transaction)
    transaction.timeout = this.later(timerF, () => this.#settled(branch, undefined))
    if (!this.#send(text)) return
    if (!this.overTcp) this.#resendAfter(transaction, t1)
  }

  #resendAfter(transaction: Transaction, milliseconds: number): void {
    transaction.resend = this.later(milliseconds, () => {
      this.#send(transaction.text)
      this.#resendAfter(transaction, Math.min(t2, milliseconds * 2))
    })
  }

  #write(request: Outgoing, branch: string): string {
    const { address, port } = this.place
    const body = request.body ?? ''
    return [
      `${request.method} ${request.uri} SIP/2.0`,
      `Via: SIP/2.0/${this.overTcp ? 'TCP' : 'UDP'} ${address}:${port};rport;branch=${branch}`,
      'Max-Forwards: 70',
      `From: <${this.aor}>;tag=${request.fromTag}`,
      `To: ${request.to ?? `<${request.uri}>`}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${++this.#cseq} ${request.method}`,
      ...request.fields,
      ...this.#credentials(request),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n')
  }

  #credentials({ method, uri }: Outgoing): string[] {
    if (this.#nonce === undefined) return []
    const nc = (++this.#nonce.count).toString(16).padStart(8, '0')
    const { params } = this.#nonce
    const [realm, nonce] = [params.get('realm') ?? '', params.get('nonce') ?? '']
    const hash = (text: string): string => createHash('md5').update(text).digest('hex')
    const ha1 = hash(`${this.user}:${realm}:secret`)
    const response = hash(`${ha1}:${nonce}:${nc}:c:auth:${hash(`${method}:${uri}`)}`)
    return [
      `Authorization: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="c"`,
    ]
  }

  /** False where there is no way: the connection could not be made. */
  #send(text: string): boolean {
    if (this.#isOff) return false
    if (!this.overTcp) {
      this.#network.toServer(Buffer.from(text), this.place)
      return true
    }
    this.#connection ??= this.#connect()
    return this.#connection?.write(Buffer.from(text)) !== undefined
  }

  #connect(): Connection | undefined {
    const connection = this.#network.connect(this.place)
    this.#text = ''
    connection?.start({
      onData: (octets) => this.#stream(Buffer.from(octets).toString()),
      onClose: () => {
        if (this.#connection !== connection) return
        this.#connection = undefined
        if (!this.#isOff) this.#onClosed()
      },
    })
    return connection
  }

  /** A connection on which nothing is answered is given up. */
  #hangUp(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.destroy()
    if (connection !== undefined) this.#onClosed()
  }

  #stream(text: string): void {
    this.#text += text
    for (;;) {
      const end = this.#text.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = end + 4 + Number(/^content-length: *(\d+)/im.exec(this.#text.slice(0, end))?.[1] ?? 0)
      if (this.#text.length < length) return
      const whole = this.#text.slice(0, length)
      this.#text = this.#text.slice(length)
      this.#message(whole)
    }
  }

  #message(text: string): void {
    if (this.#isOff) return
    const message = messageOf(text)
    const branch = /branch=([^;,\s]+)/.exec(message.fields.get('via') ?? '')?.[1] ?? ''
    const status = /^SIP\/2\.0 (\d+)/.exec(message.first)?.[1]
    if (status !== undefined) {
      if (Number(status) >= 200) this.#settled(branch, { status: Number(status), message })
      return
    }
    // A request that comes again gets the same answer.
    const before = this.#answered.get(branch)
    const answer = before ?? this.#answerTo(message, this.#onRequest(message))
    this.#answered.set(branch, answer)
    this.#send(answer)
  }

  #answerTo({ fields }: Incoming, status: number): string {
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${fields.get(name)}`)
    return [`SIP/2.0 ${status} Said`, ...copied, 'Content-Length: 0', '', ''].join('\r\n')
  }

  #settled(branch: string, answer: { status: number; message: Incoming } | undefined): void {
    const transaction = this.#waiting.get(branch)
    if (transaction === undefined) return
    this.#waiting.delete(branch)
    transaction.resend?.cancel()
    transaction.timeout?.cancel()
    if (answer?.status === 401 && transaction.challenges < challengesMax) {
      this.#nonce = { params: challengeOf(answer.message), count: 0 }
      return this.#begin(transaction.request, transaction.onAnswer, transaction.challenges + 1)
    }
    if (answer === undefined && this.overTcp) this.#hangUp()
    transaction.onAnswer(answer)
  }
}

function challengeOf({ fields }: Incoming): ReadonlyMap<string, string> {
  const all = (fields.get('www-authenticate') ?? '').split('\n')
  return parseAuth(all.find((one) => /algorithm=MD5/i.test(one)) ?? '')
}

/** Fields by lower-case name; those that stand there twice are joined by a line end. */
function messageOf(text: string): Incoming {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}\n${value}`)
  }
  return { first, fields, body: text.slice(end + 4) }
}
