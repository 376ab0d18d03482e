// A SIP phone in tests: it writes requests, answers challenges and requests, and remembers what came.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Connection, type Endpoint, flushConnections } from '#net'
import { encodeResponse, type ResponseParts } from '../codec/encode.ts'
import { header } from '../codec/header-names.ts'
import { cseqOf } from '../codec/headers.ts'
import {
  bodyOf,
  headerValue,
  headerValuesNamed,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { parseAuth } from './auth-params.ts'

export interface RequestOptions {
  readonly uri?: string
  readonly to?: string
  readonly from?: string
  readonly callId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly headers?: readonly string[]
  readonly body?: string
  /** False: no credentials are sent, a challenge is handed to the test. */
  readonly authenticate?: boolean
}

let ids = 0

export class Phone {
  readonly user: string
  readonly domain: string
  readonly endpoint: Endpoint
  readonly transport: 'UDP' | 'TCP' | 'WS'
  connection: Connection | undefined
  password = 'secret'
  algorithm: 'MD5' | 'SHA-256' = 'MD5'
  /** How it answers requests; undefined: it says nothing. */
  answers: ((request: SipRequest) => ResponseParts | undefined) | undefined = () => ({
    status: 200,
    toTag: 'phone',
  })
  /** Whether its Via has `rport` (RFC 3581). */
  asksRport = true
  readonly requests: SipRequest[] = []
  readonly responses: SipResponse[] = []
  challenges = 0
  /** Answers to keep-alives (RFC 5626 §3.5.1). */
  pongs = 0
  readonly #write: (octets: Buffer) => void
  #nonce: { readonly params: Map<string, string>; count: number; readonly field: string } | undefined

  constructor(
    user: string,
    endpoint: Endpoint,
    transport: 'UDP' | 'TCP' | 'WS',
    write: (octets: Buffer) => void,
    domain = 'example.com',
  ) {
    this.domain = domain
    this.user = user
    this.endpoint = endpoint
    this.transport = transport
    this.#write = write
  }

  get contact(): string {
    const { address, port } = this.endpoint
    return `sip:${this.user}@${address}:${port}${this.transport === 'UDP' ? '' : `;transport=${this.transport.toLowerCase()}`}`
  }

  get aor(): string {
    return `sip:${this.user}@${this.domain}`
  }

  raw(octets: Buffer | string): void {
    this.#write(typeof octets === 'string' ? Buffer.from(octets) : octets)
    if (this.connection !== undefined) flushConnections()
  }

  receive(octets: Uint8Array): void {
    if (octets.length === 2 && octets[0] === 13) {
      this.pongs++
      return
    }
    const message = parseMessage(octets)
    assert(message.kind !== 'fault', `the server sent ${Buffer.from(octets)}`)
    if (message.kind === 'response') {
      this.responses.push(message)
      return
    }
    this.requests.push(message)
    const parts = message.method === 'ACK' ? undefined : this.answers?.(message)
    if (parts === undefined) return
    const via = topVia(message)
    this.raw(encodeResponse(message, via, { received: undefined, rport: undefined }, parts))
  }

  /** The text of a request as it goes out. */
  write(
    method: string,
    options: RequestOptions & { readonly callId: string; readonly cseq: number },
  ): string {
    const { address, port } = this.endpoint
    const body = options.body ?? ''
    const uri = options.uri ?? this.aor
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${this.transport} ${address}:${port}${this.asksRport ? ';rport' : ''};branch=${options.branch ?? `z9hG4bK${++ids}`}`,
      'Max-Forwards: 70',
      `From: ${options.from ?? `<${this.aor}>;tag=${this.user}`}`,
      `To: ${options.to ?? `<${uri}>`}`,
      `Call-ID: ${options.callId}`,
      `CSeq: ${options.cseq} ${method}`,
      ...(options.headers ?? []),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n')
  }

  /** Sends a request, answers a challenge, and gives the final response. */
  async request(method: string, options: RequestOptions = {}): Promise<SipResponse> {
    const callId = options.callId ?? `call-${++ids}`
    let cseq = options.cseq ?? 1
    const uri = options.uri ?? this.aor
    for (let tries = 0; tries < 3; tries++) {
      const credentials = options.authenticate === false ? [] : this.credentials(method, uri)
      const headers = [...(options.headers ?? []), ...credentials]
      this.raw(this.write(method, { ...options, callId, cseq, headers }))
      const response = await this.final(callId, cseq)
      if (options.authenticate === false || !this.#challenged(response)) return response
      cseq++
    }
    return assert.fail(`${method} was challenged again and again`)
  }

  /** Waits for the final response to one of its requests. */
  async final(callId: string, cseq: number): Promise<SipResponse> {
    for (let turn = 0; turn < 2000; turn++) {
      if (this.connection !== undefined) flushConnections()
      const at = this.responses.findIndex(
        (one) =>
          one.status >= 200 && headerValue(one, header.callId) === callId && cseqOf(one)?.number === cseq,
      )
      if (at >= 0) return this.responses.splice(at, 1)[0] as SipResponse
      await new Promise((resolve) => setImmediate(resolve))
    }
    return assert.fail(`no final response to ${callId} ${cseq}`)
  }

  /** The next request of a method; waits for it. */
  async next(method: string): Promise<SipRequest> {
    for (let turn = 0; turn < 2000; turn++) {
      if (this.connection !== undefined) flushConnections()
      const at = this.requests.findIndex((one) => one.method === method)
      if (at >= 0) return this.requests.splice(at, 1)[0] as SipRequest
      await new Promise((resolve) => setImmediate(resolve))
    }
    return assert.fail(`no ${method} came`)
  }

  register(...more: string[]): Promise<SipResponse> {
    return this.request('REGISTER', {
      uri: `sip:${this.domain}`,
      to: `<${this.aor}>`,
      headers: more.some((line) => /^contact:/i.test(line)) ? more : [`Contact: <${this.contact}>`, ...more],
    })
  }

  message(to: string, body: string, ...more: string[]): Promise<SipResponse> {
    return this.request('MESSAGE', { uri: to, body, headers: ['Content-Type: text/plain', ...more] })
  }

  #challenged(response: SipResponse): boolean {
    if (response.status !== 401 && response.status !== 407) return false
    const name = response.status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    for (const value of headerValuesNamed(response, name)) {
      const params = parseAuth(value)
      if (params.get('algorithm') !== this.algorithm) continue
      this.challenges++
      this.#nonce = {
        params,
        count: 0,
        field: response.status === 401 ? 'Authorization' : 'Proxy-Authorization',
      }
      return true
    }
    return assert.fail('no challenge that this phone can answer')
  }

  /** The credentials for one more request, once it was challenged. */
  credentials(method: string, uri: string): string[] {
    if (this.#nonce === undefined) return []
    const { params, field } = this.#nonce
    const nc = (++this.#nonce.count).toString(16).padStart(8, '0')
    const [realm, nonce] = [params.get('realm') ?? '', params.get('nonce') ?? '']
    const hash = (text: string): string =>
      createHash(this.algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex')
    const ha1 = hash(`${this.user}:${realm}:${this.password}`)
    const response = hash(`${ha1}:${nonce}:${nc}:c:auth:${hash(`${method}:${uri}`)}`)
    return [
      `${field}: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${this.algorithm}, qop=auth, nc=${nc}, cnonce="c"`,
    ]
  }
}

export const textOf = (message: SipMessage): string => Buffer.from(bodyOf(message)).toString()
export const fieldOf = (message: SipMessage, name: string): string | undefined =>
  headerValuesNamed(message, name)[0]
