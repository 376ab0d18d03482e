// SIP load over UDP: pairs of registered user agents; a message is MESSAGE in, MESSAGE out, 200 in, 200 out. `--sender xmpp` takes the
// senders' side by XMPP (at --other-port), and the SIP side only receives.
import { createHash } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { finish, loadOptions, Meter } from './load.ts'

const options = loadOptions(process.argv)
const fromXmpp = process.argv.includes('xmpp')
const meter = new Meter(options)
const body = `The quick brown fox jumps over the lazy dog, ${'x'.repeat(55)}`

interface Nonce {
  readonly realm: string
  readonly value: string
  readonly ha1: string
  count: number
}

class Agent {
  readonly user: string
  #socket!: UdpSocket
  #port = 0
  #nonce: Nonce | undefined
  #cseq = 0
  #branch = 0
  #pending = new Map<string, (status: number) => void>()
  onMessage: () => void = () => undefined

  constructor(user: string) {
    this.user = user
  }

  async register(): Promise<void> {
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => this.#socket.connect(options.port, options.host, resolve))
    this.#port = this.#socket.address().port
    this.#socket.on('error', () => meter.errors++)
    this.#socket.on('message', (bytes) => this.#arrived(bytes))
    const contact = `Contact: <sip:${this.user}@127.0.0.1:${this.#port}>\r\nExpires: 3600\r\n`
    const status = await this.#request('REGISTER', `sip:${options.domain}`, this.user, contact, '')
    if (status !== 200) throw new Error(`${this.user} could not register: ${status}`)
  }

  send(to: string, done: (status: number) => void): void {
    const uri = `sip:${to}@${options.domain}`
    void this.#request('MESSAGE', uri, to, 'Content-Type: text/plain\r\n', body).then(done)
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
      `From: <sip:${this.user}@${options.domain}>;tag=t${this.user}\r\nTo: <sip:${to}@${options.domain}>\r\n` +
      `Call-ID: c${branch}\r\nCSeq: ${++this.#cseq} ${method}\r\n${this.#authorization(method, uri)}${extra}` +
      `Content-Length: ${content.length}\r\n\r\n${content}`
    )
  }

  #authorization(method: string, uri: string): string {
    const nonce = this.#nonce
    if (nonce === undefined) return ''
    const nc = (++nonce.count).toString(16).padStart(8, '0')
    const response = md5(`${nonce.ha1}:${nonce.value}:${nc}:c:auth:${md5(`${method}:${uri}`)}`)
    const header = method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization'
    return `${header}: Digest username="${this.user}",realm="${nonce.realm}",nonce="${nonce.value}",uri="${uri}",response="${response}",algorithm=MD5,qop=auth,nc=${nc},cnonce="c"\r\n`
  }

  #arrived(bytes: Buffer): void {
    const text = bytes.toString('latin1')
    if (text.startsWith('SIP/2.0')) return this.#answered(text)
    if (!text.startsWith('MESSAGE')) return
    const head = text.slice(text.indexOf('\r\n') + 2, text.indexOf('\r\n\r\n'))
    const copied = head.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq|v|f|t|i):/i.test(line))
    this.#socket.send(
      `SIP/2.0 200 OK\r\n${copied.join('\r\n').replace(/^(to:.*>)$/im, '$1;tag=b')}\r\nContent-Length: 0\r\n\r\n`,
    )
    this.onMessage()
  }

  #answered(text: string): void {
    const status = Number(text.slice(8, 11))
    if (status < 200) return
    const branch = /branch=([^;\r\n]+)/.exec(text)?.[1] ?? ''
    const challenge = /^(?:www|proxy)-authenticate: *digest (?=[^\r\n]*md5)([^\r\n]*)/im.exec(text)?.[1]
    if (challenge !== undefined) {
      const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? ''
      const value = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''
      this.#nonce = { realm, value, count: 0, ha1: md5(`${this.user}:${realm}:${options.password}`) }
    }
    const done = this.#pending.get(branch)
    this.#pending.delete(branch)
    done?.(status)
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function loop(from: Agent, to: string): void {
  const one = (): void => {
    if (!meter.running) return
    from.send(to, (status) => {
      if (status >= 200 && status < 300) meter.messages++
      else meter.errors++
      one()
    })
  }
  for (let n = 0; n < options.window; n++) one()
}

async function xmppSender(user: string): Promise<Socket> {
  const socket = connect({ host: options.host, port: options.otherPort, noDelay: true })
  const expect = (mark: string): Promise<void> =>
    new Promise((resolve) => {
      let seen = ''
      const look = (chunk: Buffer): void => {
        seen += chunk.toString('latin1')
        if (!seen.includes(mark)) return
        socket.off('data', look)
        resolve()
      }
      socket.on('data', look)
    })
  const header = `<?xml version='1.0'?><stream:stream to='${options.domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
  socket.write(header)
  await expect('</stream:features>')
  socket.write(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from(`\0${user}\0${options.password}`).toString('base64')}</auth>`,
  )
  await expect('<success')
  socket.write(header)
  await expect('</stream:features>')
  socket.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
  await expect('</iq>')
  return socket
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) {
  const to = new Agent(`u${2 * at + 2}`)
  await to.register()
  if (fromXmpp) {
    const socket = await xmppSender(`u${2 * at + 1}`)
    const stanza = `<message to='${to.user}@${options.domain}' type='chat' id='m1'><body>${body}</body></message>`
    to.onMessage = () => {
      meter.messages++
      if (meter.running) socket.write(stanza)
    }
    starts.push(() => socket.write(stanza.repeat(options.window)))
  } else {
    const from = new Agent(`u${2 * at + 1}`)
    await from.register()
    starts.push(() => loop(from, to.user))
  }
}
for (const start of starts) start()
finish(await meter.measure())
