// An APEX application for transcripts, as RFC 3340 says, apart from the server's codec. `NAME = apex user@domain [as=user/subaddress@domain]`:
// it logs in by PLAIN and attaches as that endpoint. What it sends is a document on one line; behind it may stand the fields and the body
// of the part that its content names, as which they go. What it receives is shown so, too.
import { connect, type Socket } from 'node:net'
import { BeepHand, type BeepMessage, entityOf } from './beep-hand.ts'
import { Arrivals, octetsDiffer, octetsOf, type Party, type PartyContext } from './party.ts'
import { filled, unitDiffers } from './pattern.ts'

interface Unit {
  /** The document, the fields of the part, its body; with LF, for comparison. */
  readonly text: string
  readonly body: Buffer
}

/** A MSG that has not been answered, and all behind it wait. */
interface Due {
  readonly number: number
  answer: string | undefined
}

const xmlHead = 'Content-Type: application/beep+xml\r\n\r\n'
const channel = 3
const ok = '<ok />'

export class ApexParty implements Party {
  readonly #address: string
  readonly #endpoint: string
  readonly #context: PartyContext
  #socket: Socket | undefined
  #beep: BeepHand | undefined
  #number = 0
  #due: Due[] = []
  #silent = false
  #requests = new Arrivals<Unit>()
  #replies = new Arrivals<Unit>()
  #management = new Arrivals<Unit>()

  constructor(words: readonly string[], context: PartyContext) {
    // What other protocols call a device is an attachment here.
    this.#address = (words[0] as string).split('/')[0] as string
    this.#endpoint = words.find((word) => word.startsWith('as='))?.slice('as='.length) ?? this.#address
    this.#context = context
  }

  async act(what: string, block: string): Promise<void> {
    const text = filled(block, this.#context.variables)
    if (what === 'signs in') return this.#signIn()
    if (what === 'sends') return this.#send(text)
    if (what === 'sends octets') return this.#sendOctets(text)
    if (what === 'receives') return this.#receive(block)
    if (what === 'receives nothing') return this.#receiveNothing()
    const of = /^receives the octets of (\w+)$/.exec(what)?.[1]
    if (of !== undefined) return this.#receive(block, of)
    if (what === 'answers ok') return this.#answer(ok)
    const code = /^answers (\d{3})$/.exec(what)?.[1]
    if (code !== undefined) return this.#answer(`<error code='${code}' />`)
    if (what === 'falls silent') {
      this.#silent = true
      return
    }
    if (what === 'disappears') return this.abandon()
    if (what === 'signs out') {
      await this.#receiveNothing()
      await this.#exchange("<terminate transID='1' />", ok)
      return this.abandon()
    }
    throw new Error(`an APEX party can't "${what}"`)
  }

  abandon(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #signIn(): Promise<void> {
    const place = this.#context.places.get('apex.edge')
    if (place === undefined) throw new Error('the server has no listener apex.edge')
    this.#requests = new Arrivals()
    this.#replies = new Arrivals()
    this.#management = new Arrivals()
    this.#due = []
    this.#silent = false
    this.#socket = connect({ ...place, noDelay: true })
    this.#beep = new BeepHand(this.#socket, (message) => this.#took(message))
    this.#beep.send('RPY', 0, 0, Buffer.from(`${xmlHead}<greeting />`))
    await this.#management.next('a greeting')
    const plain = Buffer.from(`\0${this.#address}\0${this.#context.passwordOf(this.#address)}`).toString(
      'base64',
    )
    await this.#manage(start(1, 'SASL/PLAIN', `<blob>${plain}</blob>`), 'complete')
    await this.#manage("<close number='1' code='200' />", ok)
    await this.#manage(start(channel, 'APEX', `<attach endpoint='${this.#endpoint}' transID='1' />`), ok)
  }

  async #manage(document: string, expected: string): Promise<void> {
    this.#beep?.send('MSG', 0, ++this.#number, Buffer.from(`${xmlHead}${document}`))
    const { text } = await this.#management.next(`an answer to ${document}`)
    if (!text.includes(expected)) throw new Error(`${document} was answered:\n${text}`)
  }

  async #exchange(document: string, expected: string): Promise<void> {
    this.#write(Buffer.from(`${xmlHead}${document}`))
    const { text } = await this.#replies.next(`an answer to ${document}`)
    if (!text.startsWith(expected)) throw new Error(`${document} was answered:\n${text}`)
  }

  #send(text: string, octets?: Buffer): void {
    const [document = '', ...lines] = text.split('\n')
    if (lines.every((line) => line === '') && octets === undefined)
      return this.#write(Buffer.from(`${xmlHead}${document}`))
    const end = lines.indexOf('')
    const fields = end < 0 ? lines : lines.slice(0, end)
    const body = octets ?? Buffer.from(end < 0 ? '' : lines.slice(end + 1).join('\r\n'))
    const id = /content='cid:([^']*)'/.exec(document)?.[1]
    const head = [
      'Content-Type: multipart/related; boundary="parts"; start="<control@localhost>"; type="application/beep+xml"',
      '',
      '--parts',
      'Content-Type: application/beep+xml',
      'Content-ID: <control@localhost>',
      '',
      document,
      '--parts',
      ...fields,
      `Content-ID: <${id}>`,
      '',
      '',
    ]
    this.#write(Buffer.concat([Buffer.from(head.join('\r\n')), body, Buffer.from('\r\n--parts--\r\n')]))
  }

  #sendOctets(text: string): void {
    const at = text.indexOf('\n\n')
    const body = octetsOf(text.slice(at + 2))
    this.#context.octets.set(this.#context.name, body)
    this.#send(text.slice(0, at), body)
  }

  #write(payload: Buffer): void {
    if (this.#beep === undefined) throw new Error('is not connected')
    this.#beep.send('MSG', channel, ++this.#number, payload)
  }

  async #receive(block: string, octetsOf?: string): Promise<void> {
    const isReply = /^<(ok|error)\b/.test(block)
    const unit = await (isReply ? this.#replies : this.#requests).next(block)
    const difference =
      unitDiffers(block, unit.text, this.#context.variables) ??
      (octetsOf === undefined ? undefined : octetsDiffer(this.#context, octetsOf, unit.body))
    if (difference !== undefined) throw new Error(`${difference}\nreceived:\n${unit.text}`)
  }

  async #receiveNothing(): Promise<void> {
    await this.#exchange("<terminate transID='999' />", "<error code='550'")
    const [first] = this.#requests.waiting
    if (first !== undefined) throw new Error(`received:\n${first.text}`)
  }

  #answer(document: string): void {
    const due = this.#due.find(({ answer }) => answer === undefined)
    if (due === undefined) throw new Error('nothing to answer')
    due.answer = document
    this.#answerDue()
  }

  /** RFC 3080 §2.6.1: replies go in the order of their messages. */
  #answerDue(): void {
    for (let next = this.#due[0]; next?.answer !== undefined; next = this.#due[0]) {
      this.#due.shift()
      const keyword = next.answer === ok ? 'RPY' : 'ERR'
      this.#beep?.send(keyword, channel, next.number, Buffer.from(`${xmlHead}${next.answer}`))
    }
  }

  #took(message: BeepMessage): void {
    if (this.#silent) return
    const unit = unitOf(message.payload)
    if (message.channel === 0) return this.#management.push(unit)
    if (message.keyword !== 'MSG') return this.#replies.push(unit)
    // What services and the relay say is answered at once; what people say, by the script.
    const isOfService = !unit.text.startsWith('<data ') || /<originator identity='apex=/.test(unit.text)
    this.#due.push({ number: message.number, answer: isOfService ? ok : undefined })
    this.#answerDue()
    this.#requests.push(unit)
  }
}

function start(number: number, profile: string, content: string): string {
  const uri = `http://iana.org/beep/${profile}`
  return `<start number='${number}'><profile uri='${uri}'><![CDATA[${content}]]></profile></start>`
}

function unitOf(payload: Buffer): Unit {
  const { fields, body } = entityOf(payload)
  const type = fields.find((field) => /^content-type:/i.test(field)) ?? ''
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1]
  if (boundary === undefined) return { text: oneLine(body), body }
  const [control, part] = partsOf(body, boundary).map((each) => entityOf(each))
  if (control === undefined || part === undefined) throw new Error(`no parts in\n${body.toString('utf8')}`)
  const content = part.body.toString('utf8').replaceAll('\r\n', '\n')
  return { text: [oneLine(control.body), ...part.fields, '', content].join('\n'), body: part.body }
}

function partsOf(body: Buffer, boundary: string): Buffer[] {
  const text = body.toString('latin1')
  const pieces = `\r\n${text}`.split(`\r\n--${boundary}`).slice(1, -1)
  return pieces.map((piece) => Buffer.from(piece.replace(/^\r\n/, ''), 'latin1'))
}

function oneLine(document: Buffer): string {
  return document
    .toString('utf8')
    .replace(/\s*\r?\n\s*/g, ' ')
    .trim()
}
