// A SIP user agent for loads, over UDP. Digest with one nonce and a growing count.
import { createHash } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import type { LoadOptions } from './load.ts'

/** About a hundred octets of text. */
export const loadBody = `The quick brown fox jumps over the lazy dog, ${'x'.repeat(55)}`

interface Nonce {
  readonly realm: string
  readonly value: string
  readonly ha1: string
  count: number
}

/** A registered user agent over UDP. */
export class SipUser {
  readonly user: string
  readonly #options: LoadOptions
  #socket!: UdpSocket
  #port = 0
  #nonce: Nonce | undefined
  #cseq = 0
  #branch = 0
  #pending = new Map<string, (status: number) => void>()
  onMessage: () => void = () => undefined
  onNotify: () => void = () => undefined

  constructor(options: LoadOptions, user: string) {
    this.#options = options
    this.user = user
  }

  async register(): Promise<void> {
    await this.open()
    const contact = `${this.#contact}Expires: 3600\r\n`
    const status = await this.#request('REGISTER', `sip:${this.#options.domain}`, this.user, contact, '')
    if (status !== 200) throw new Error(`${this.user} could not register: ${status}`)
  }

  /** Watches somebody's presence for an hour. */
  async watch(presentity: string): Promise<void> {
    const uri = `sip:${presentity}@${this.#options.domain}`
    const fields = `Event: presence\r\n${this.#contact}Expires: 3600\r\n`
    const status = await this.#request('SUBSCRIBE', uri, presentity, fields, '')
    if (status !== 200) throw new Error(`${this.user} could not subscribe: ${status}`)
  }

  /** A document of its own as an initial publication, which takes the place of its last one. */
  async publish(document: string): Promise<void> {
    const uri = `sip:${this.user}@${this.#options.domain}`
    const fields = 'Event: presence\r\nExpires: 3600\r\nContent-Type: application/pidf+xml\r\n'
    const status = await this.#request('PUBLISH', uri, this.user, fields, document)
    if (status !== 200) throw new Error(`${this.user} could not publish: ${status}`)
  }

  get #contact(): string {
    return `Contact: <sip:${this.user}@127.0.0.1:${this.#port}>\r\n`
  }

  async open(): Promise<void> {
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) =>
      this.#socket.connect(this.#options.port, this.#options.host, resolve),
    )
    this.#port = this.#socket.address().port
    this.#socket.on('error', (error) => {
      throw error
    })
    this.#socket.on('message', (bytes) => this.#arrived(bytes))
  }

  send(to: string, done: (status: number) => void): void {
    const uri = `sip:${to}@${this.#options.domain}`
    void this.#request('MESSAGE', uri, to, 'Content-Type: text/plain\r\n', loadBody).then(done)
  }

  #request(method: string, uri: string, to: string, extra: string, content: string): Promise<number> {
    return new Promise((resolve) => {
      const attempt = (again: boolean): void => {
        const branch = `z9hG4bK${this.user}-${++this.#branch}`
        this.#pending.set(branch, (status) => {
          if ((status === 401 || status === 407) && again) attempt(false)
          else resolve(status)
        })
        this.#socket.send(this.#unit(method, uri, to, extra, content, branch))
      }
      attempt(true)
    })
  }

  #unit(method: string, uri: string, to: string, extra: string, content: string, branch: string): string {
    return (
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.#port};rport;branch=${branch}\r\nMax-Forwards: 70\r\n` +
      `From: <sip:${this.user}@${this.#options.domain}>;tag=t${this.user}\r\nTo: <sip:${to}@${this.#options.domain}>\r\n` +
      `Call-ID: c${branch}\r\nCSeq: ${++this.#cseq} ${method}\r\n${this.#authorization(method, uri)}${extra}` +
      `Content-Length: ${content.length}\r\n\r\n${content}`
    )
  }

  #authorization(method: string, uri: string): string {
    const nonce = this.#nonce
    if (nonce === undefined) return ''
    const nc = (++nonce.count).toString(16).padStart(8, '0')
    const response = md5(`${nonce.ha1}:${nonce.value}:${nc}:c:auth:${md5(`${method}:${uri}`)}`)
    const header = method !== 'MESSAGE' ? 'Authorization' : 'Proxy-Authorization'
    return `${header}: Digest username="${this.user}",realm="${nonce.realm}",nonce="${nonce.value}",uri="${uri}",response="${response}",algorithm=MD5,qop=auth,nc=${nc},cnonce="c"\r\n`
  }

  #arrived(bytes: Buffer): void {
    const text = bytes.toString('latin1')
    if (text.startsWith('SIP/2.0')) return this.#answered(text)
    const isNotify = text.startsWith('NOTIFY')
    if (!isNotify && !text.startsWith('MESSAGE')) return
    const head = text.slice(text.indexOf('\r\n') + 2, text.indexOf('\r\n\r\n'))
    const copied = head.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq|v|f|t|i):/i.test(line))
    this.#socket.send(
      `SIP/2.0 200 OK\r\n${copied.join('\r\n').replace(/^(to:.*>)$/im, '$1;tag=b')}\r\nContent-Length: 0\r\n\r\n`,
    )
    if (isNotify) this.onNotify()
    else this.onMessage()
  }

  #answered(text: string): void {
    const status = Number(text.slice(8, 11))
    if (status < 200) return
    const branch = /branch=([^;\r\n]+)/.exec(text)?.[1] ?? ''
    const challenge = /^(?:www|proxy)-authenticate: *digest (?=[^\r\n]*md5)([^\r\n]*)/im.exec(text)?.[1]
    if (challenge !== undefined) {
      const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? ''
      const value = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''
      this.#nonce = { realm, value, count: 0, ha1: md5(`${this.user}:${realm}:${this.#options.password}`) }
    }
    const done = this.#pending.get(branch)
    this.#pending.delete(branch)
    done?.(status)
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
