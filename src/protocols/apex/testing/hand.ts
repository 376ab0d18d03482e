// An application by hand, over a pair in memory, apart from the BEEP of ours and from the codec: frames are written and read as text.
import assert from 'node:assert/strict'
import { type Connection, connectionPair } from '#net'
import { type Fixture, settled } from './fixture.ts'

export interface Came {
  readonly type: string
  readonly body: string
}

interface Frame extends Came {
  readonly keyword: string
  readonly channel: number
  readonly number: number
}

const xmlHead = 'Content-Type: application/beep+xml\r\n\r\n'

/** Where it goes: to a relay, or over a connection that leads to one. */
export interface Place {
  readonly clock: Fixture['clock']
  readonly edge?: { serve(connection: Connection): void }
  readonly domain?: string
  readonly connection?: Connection
}

export class Hand {
  /** Data and terminate that the relay sent, in order. */
  readonly came: Came[] = []
  /** How MSGs of the relay are answered; undefined: not at all. */
  answers: string | undefined = '<ok />'
  closed = false
  /** Told of each MSG of the relay on a channel of APEX before it is answered. */
  onMessage: (() => void) | undefined
  /** Called while a reply to what is said does not come: it may be one that takes time. */
  timePasses: () => void = () => {}
  readonly #domain: string
  readonly #connection: Connection
  readonly #replies = new Map<string, (reply: Frame) => void>()
  readonly #sent = new Map<number, number>()
  readonly #received = new Map<number, number>()
  readonly #assembling = new Map<number, string>()
  readonly #due: Frame[] = []
  #rest = ''
  #isSecuring = false
  #lastNumber = 0

  constructor({ edge, clock, domain = 'example.com', connection }: Place) {
    const [ours, theirs] = connection === undefined ? connectionPair({ clock }) : [undefined, connection]
    this.#domain = domain
    this.#connection = theirs
    theirs.start({
      onData: (octets) => {
        this.#rest += Buffer.from(octets).toString('latin1')
        while (this.#next());
      },
      onClose: () => {
        this.closed = true
      },
    })
    if (ours !== undefined) edge?.serve(ours)
    this.#frame('RPY 0 0', `${xmlHead}<greeting />`)
  }

  drop(): void {
    this.#connection.destroy()
  }

  /** TLS by its profile, as the client (RFC 3080 §3.1). */
  async secure(serverName: string): Promise<void> {
    const uri = 'http://iana.org/beep/TLS'
    const inside = "<![CDATA[<ready version='1' />]]>"
    const start = `<start number='1' serverName='${serverName}'><profile uri='${uri}'>${inside}</profile></start>`
    this.#isSecuring = true
    const reply = await this.#ask(0, `${xmlHead}${start}`)
    assert.match(reply.body, /proceed/)
    this.#isSecuring = false
    for (const map of [this.#sent, this.#received, this.#assembling]) map.clear()
    this.#connection.startTls({ secureContext: () => ({}) as never }, { server: false })
    await settled()
    this.#frame('RPY 0 0', `${xmlHead}<greeting />`)
    await settled()
  }

  /** SASL EXTERNAL for that name; answers with the blob or the error. */
  async external(name: string): Promise<string> {
    const blob = `<blob>${Buffer.from(name).toString('base64')}</blob>`
    const uri = 'http://iana.org/beep/SASL/EXTERNAL'
    const start = `<start number='3'><profile uri='${uri}'><![CDATA[${blob}]]></profile></start>`
    return (await this.#ask(0, `${xmlHead}${start}`)).body
  }

  /** Logs in by PLAIN and opens a channel for APEX; `content` rides in its start. Answers with what came back in it. */
  async signIn(user: string, content?: string): Promise<string> {
    await this.login(user)
    return this.open(3, content)
  }

  async login(user: string): Promise<void> {
    const plain = Buffer.from(`\0${user}@${this.#domain}\0secret`).toString('base64')
    const uri = 'http://iana.org/beep/SASL/PLAIN'
    const start = `<start number='1'><profile uri='${uri}'><![CDATA[<blob>${plain}</blob>]]></profile></start>`
    const reply = await this.#ask(0, `${xmlHead}${start}`)
    assert.match(reply.body, /complete/)
    await this.#ask(0, `${xmlHead}<close number='1' code='200' />`)
  }

  async open(number: number, content?: string): Promise<string> {
    const inside = content === undefined ? '' : `<![CDATA[${content}]]>`
    const profile = `<profile uri='http://iana.org/beep/APEX'>${inside}</profile>`
    const reply = await this.#ask(0, `${xmlHead}<start number='${number}'>${profile}</start>`)
    assert.equal(reply.keyword, 'RPY', reply.body)
    return /CDATA\[(.*)\]\]/.exec(reply.body)?.[1] ?? reply.body.replace(/<[^>]*profile[^>]*>/g, '').trim()
  }

  /** A document on the channel; answers with the reply's. */
  async say(document: string, channel = 3): Promise<string> {
    return this.sayPayload(`${xmlHead}${document}`, channel)
  }

  /** A payload whole: its header, an empty line, its body. */
  async sayPayload(payload: string, channel = 3): Promise<string> {
    const reply = await this.#ask(channel, payload, this.timePasses)
    return reply.body.trim()
  }

  /** Answers the oldest MSG that was not. */
  answer(document: string): void {
    const frame = this.#due.shift()
    assert.ok(frame, 'nothing waits for an answer')
    this.#answer(frame.channel, frame.number, document)
  }

  /** All that came since the last time. */
  async hear(): Promise<string[]> {
    await settled()
    return this.came.splice(0).map(({ body }) => body.trim())
  }

  async #ask(channel: number, payload: string, passes = (): void => {}): Promise<Frame> {
    const number = ++this.#lastNumber
    let reply: Frame | undefined
    this.#replies.set(`${channel} ${number}`, (frame) => {
      reply = frame
    })
    this.#frame(`MSG ${channel} ${number}`, payload)
    // Passwords are derived on another thread.
    const begin = performance.now()
    while (reply === undefined && !this.closed && performance.now() - begin < 30_000) {
      await settled()
      if (reply === undefined) passes()
    }
    assert.ok(reply, `no reply to ${payload}`)
    return reply
  }

  #frame(head: string, payload: string): void {
    const channel = Number(head.split(' ')[1])
    const sent = this.#sent.get(channel) ?? 0
    const octets = Buffer.from(payload, 'latin1')
    this.#sent.set(channel, sent + octets.length)
    this.#connection.write(Buffer.from(`${head} . ${sent} ${octets.length}\r\n${payload}END\r\n`, 'latin1'))
  }

  #next(): boolean {
    const end = this.#rest.indexOf('\r\n')
    if (end < 0) return false
    const words = this.#rest.slice(0, end).split(' ')
    if (words[0] === 'SEQ') {
      this.#rest = this.#rest.slice(end + 2)
      return true
    }
    const [keyword = '', channelText, numberText, more, , sizeText] = words
    const size = Number(sizeText)
    if (this.#rest.length < end + 2 + size + 5) return false
    const payload = this.#rest.slice(end + 2, end + 2 + size)
    this.#rest = this.#rest.slice(end + 2 + size + 5)
    const channel = Number(channelText)
    const received = (this.#received.get(channel) ?? 0) + size
    this.#received.set(channel, received)
    // Behind `ready` nothing is said (§3.1.3).
    if (size > 0 && !this.closed && !this.#isSecuring)
      this.#connection.write(Buffer.from(`SEQ ${channel} ${received} 65536\r\n`))
    const whole = (this.#assembling.get(channel) ?? '') + payload
    if (more === '*') {
      this.#assembling.set(channel, whole)
      return true
    }
    this.#assembling.delete(channel)
    this.#took({ keyword, channel, number: Number(numberText), ...entityOf(whole) })
    return true
  }

  /** Answers what was not answered, and all that follows. */
  answerAll(answer: string): void {
    this.answers = answer
    for (const { channel, number } of this.#due.splice(0)) this.#answer(channel, number, answer)
  }

  #took(frame: Frame): void {
    const { keyword, channel, number, type, body } = frame
    if (keyword !== 'MSG') return this.#replies.get(`${channel} ${number}`)?.(frame)
    this.came.push({ type, body })
    if (channel !== 0) this.onMessage?.()
    const answer = channel === 0 ? '<ok />' : this.answers
    if (answer === undefined) this.#due.push(frame)
    else this.#answer(channel, number, answer)
  }

  #answer(channel: number, number: number, answer: string): void {
    this.#frame(`${answer.startsWith('<error') ? 'ERR' : 'RPY'} ${channel} ${number}`, `${xmlHead}${answer}`)
  }
}

function entityOf(payload: string): Came {
  const end = payload.indexOf('\r\n\r\n')
  if (end < 0) return { type: '', body: payload.slice(2) }
  const type = /^content-type: (.*)$/im.exec(payload.slice(0, end))?.[1] ?? ''
  return { type: type.trim(), body: payload.slice(end + 4) }
}

/** Data with plain XML in it. */
export function data(from: string, to: string, inline: string, options = ''): string {
  const recipients = to.split(' ').map((identity) => `<recipient identity='${identity}' />`)
  return `<data content='#Content'><originator identity='${from}' />${recipients.join('')}${options}<data-content Name='Content'>${inline}</data-content></data>`
}

/** Data with text beside it. */
export function talk(from: string, to: string, text: string, options = ''): string {
  return [
    'Content-Type: multipart/related; boundary="boundary"; start="<1@example.com>"; type="application/beep+xml"',
    '',
    '--boundary',
    'Content-Type: application/beep+xml',
    'Content-ID: <1@example.com>',
    '',
    `<data content='cid:2@example.com'><originator identity='${from}' /><recipient identity='${to}' />${options}</data>`,
    '--boundary',
    'Content-Type: text/plain; charset=utf-8',
    'Content-ID: <2@example.com>',
    '',
    text,
    '--boundary--',
    '',
  ].join('\r\n')
}
