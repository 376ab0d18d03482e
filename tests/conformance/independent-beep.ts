// A BEEP peer written from RFC 3080 and 3081 alone, an initiator: it shares no code with the server, so that two readings of one text meet.
// It takes nothing on trust: what comes and is not of the grammar, out of its order, beyond the window or without its trailer is a fault.
import { connect as dial, type Socket } from 'node:net'
import { type TLSSocket, connect as wrap } from 'node:tls'
import { beepXml, type Entity, nothing, octetsOf, readEntity, xmlEntity } from './independent-entity.ts'
import { type Frame, readFrame, type Seq } from './independent-frames.ts'
import { Waiting } from './independent-waiting.ts'
import { elementsOf, type Node, quoted, readXml, textOf } from './independent-xml.ts'

export interface Reply {
  readonly keyword: 'RPY' | 'ERR' | 'NUL'
  readonly entity: Entity
  /** Of a one-to-many exchange (§2.1.1). */
  readonly answers: readonly Entity[]
}

export interface Started {
  readonly number: number
  readonly uri: string
  readonly content: string
}

/** RFC 3081 §3.1.4: what each side may send before the first SEQ. */
const firstWindow = 4096
const registered = 'http://iana.org/beep/'

interface Assembly {
  readonly keyword: string
  readonly msgno: number
  readonly octets: Buffer[]
}

interface Lane {
  /** What comes: its next sequence number, and the first that may not come. */
  expected: number
  granted: number
  assembly: Assembly | undefined
  readonly answers: Map<number, Buffer[]>
  readonly finished: Entity[]
  /** What leaves. */
  sent: number
  edge: number
  readonly queue: { readonly head: string; octets: Buffer }[]
  lastNumber: number
  /** Our MSGs whose replies are due, in their order. */
  readonly due: { readonly number: number; readonly done: (reply: Reply) => void }[]
  /** MSGs of the peer that have no whole reply yet. */
  readonly asked: Set<number>
}

export class IndependentBeep {
  readonly #socket: Socket
  #secure: TLSSocket | undefined
  #octets: Buffer = Buffer.alloc(0)
  #lanes = new Map<number, Lane>()
  #lastChannel = -1
  /** What the peer said of itself, last. */
  greeting: Node | undefined
  /** What was against the text, in the order of coming. */
  readonly faults: string[] = []
  /** A MSG of the peer on a channel of ours; channel 0 is answered here. */
  onMessage: (channel: number, number: number, entity: Entity) => void = () => {}
  /** Octets that the peer may have under way on a channel, once it has used up the first ones. */
  window = 16_384
  /** SEQ goes out as octets come; without it a test says itself when. */
  acknowledges = true
  closed = false
  readonly #waiting = new Waiting()

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#begin(socket)
  }

  static connect(port: number): Promise<IndependentBeep> {
    return new Promise((resolve, reject) => {
      const socket = dial({ port, host: '127.0.0.1', noDelay: true }, () =>
        resolve(new IndependentBeep(socket)),
      )
      socket.once('error', reject)
    })
  }

  /** Octets as they are; for what no well-behaved peer says. */
  raw(octets: string | Buffer): void {
    ;(this.#secure ?? this.#socket).write(octets)
  }

  /** The profiles that the peer offers (§2.3.1.1). */
  async offered(): Promise<string[]> {
    const greeting = await this.#waiting.for('the greeting', () => this.greeting)
    return elementsOf(greeting).map((profile) => profile.attributes.get('uri') ?? '')
  }

  /** §2.3.1.2. The channel, or the code of the error. */
  async start(uri: string, content?: string, serverName?: string): Promise<Started | number> {
    await this.offered()
    this.#lastChannel += 2
    const number = this.#lastChannel
    const inside = content === undefined ? '' : `<![CDATA[${content}]]>`
    const name = serverName === undefined ? '' : ` serverName='${quoted(serverName)}'`
    // MSGs of the peer may come behind its reply in the same octets.
    this.#lanes.set(number, laneNew())
    const reply = await this.manage(
      `<start number='${number}'${name}><profile uri='${uri}'>${inside}</profile></start>`,
    )
    if (reply.name === 'error') {
      this.#lanes.delete(number)
      return codeOf(reply)
    }
    if (reply.name !== 'profile' || reply.attributes.get('uri') !== uri)
      this.faults.push(`start of ${uri} is answered with ${reply.source}`)
    return { number, uri, content: textOf(reply) }
  }

  /** §2.3.1.3: of a channel, or with 0 of the session. 0 where it is agreed, else the code. */
  async close(number: number, code = 200): Promise<number> {
    const reply = await this.manage(`<close number='${number}' code='${code}' />`)
    if (reply.name !== 'ok') return codeOf(reply)
    this.#lanes.delete(number)
    return 0
  }

  /** A message on channel 0, and the element of its reply. */
  async manage(document: string): Promise<Node> {
    return this.#elementOf((await this.ask(0, xmlEntity(document))).entity)
  }

  /** A MSG, and the whole of its reply. */
  ask(channel: number, entity: Entity, number?: number): Promise<Reply> {
    const lane = this.#lane(channel)
    const msgno = number ?? ++lane.lastNumber
    let reply: Reply | undefined
    lane.due.push({
      number: msgno,
      done: (found) => {
        reply = found
      },
    })
    this.#queue(channel, `MSG ${channel} ${msgno}`, octetsOf(entity))
    return this.#waiting.for(`the reply to MSG ${channel} ${msgno}`, () => reply)
  }

  answer(channel: number, number: number, entity: Entity, keyword: 'RPY' | 'ERR' = 'RPY'): void {
    this.#lane(channel).asked.delete(number)
    this.#queue(channel, `${keyword} ${channel} ${number}`, octetsOf(entity))
  }

  /** RFC 3081 §3.1.3, by hand. */
  acknowledge(channel: number, window = this.window): void {
    const lane = this.#lane(channel)
    // §3.1.4: what was granted is not taken back.
    lane.granted = Math.max(lane.granted, lane.expected + window)
    this.raw(`SEQ ${channel} ${lane.expected} ${lane.granted - lane.expected}\r\n`)
  }

  /** §3.1: `ready` rides in the start, `proceed` in its reply. 0 where TLS is there, else the code. */
  async startTls(authority: Buffer, name: string): Promise<number> {
    await this.offered()
    const number = this.#lastChannel + 2
    this.#lastChannel = number
    const start = `<start number='${number}' serverName='${quoted(name)}'><profile uri='${registered}TLS'><![CDATA[<ready />]]></profile></start>`
    const reply = await this.manage(start)
    if (reply.name === 'error') return codeOf(reply)
    const inside = readXml(textOf(reply))
    if (inside.name === 'error') return codeOf(inside)
    if (inside.name !== 'proceed') this.faults.push(`ready is answered with ${inside.source}`)
    this.#socket.removeAllListeners('data')
    if (this.#octets.length > 0) this.faults.push('octets behind proceed')
    // §3: channels are gone, and both greet anew.
    this.greeting = undefined
    this.#lanes = new Map()
    this.#lastChannel = -1
    await new Promise<void>((resolve, reject) => {
      const secure = wrap({ socket: this.#socket, ca: authority, servername: name }, resolve)
      secure.once('error', reject)
      this.#secure = secure
      this.#begin(secure)
    })
    return 0
  }

  /** What the login is bound to (RFC 9266). */
  exporter(): Buffer {
    return (this.#secure as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  ends(): Promise<true> {
    return this.#waiting.for('the end of the connection', () => this.closed || undefined)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** MSGs of ours without their reply. */
  outstanding(channel: number): number {
    return this.#lanes.get(channel)?.due.length ?? 0
  }

  /** Octets that came on a channel. */
  received(channel: number): number {
    return this.#lanes.get(channel)?.expected ?? 0
  }

  /** Both sides greet at once, unasked (§2.3.1.1). */
  #begin(socket: Socket): void {
    const zero = laneNew()
    // "msgno 0": the greeting is the reply to a message that nobody sent.
    zero.asked.add(0)
    zero.due.push({ number: 0, done: (reply) => this.#greeted(reply) })
    this.#lanes.set(0, zero)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => this.#over())
    socket.on('close', () => this.#over())
    this.answer(0, 0, xmlEntity('<greeting />'))
  }

  #greeted({ keyword, entity }: Reply): void {
    const node = this.#elementOf(entity)
    if (keyword === 'RPY' && node.name !== 'greeting') this.faults.push(`greeted with ${node.source}`)
    this.greeting = node
  }

  #elementOf({ type, body }: Entity): Node {
    if (type !== beepXml) this.faults.push(`channel 0 or tuning in ${type}`)
    return readXml(body.toString())
  }

  #lane(channel: number): Lane {
    const lane = this.#lanes.get(channel)
    if (lane === undefined) throw new Error(`channel ${channel} is not open`)
    return lane
  }

  // --- what leaves

  #queue(channel: number, head: string, octets: Buffer): void {
    this.#lane(channel).queue.push({ head, octets })
    this.#flush(channel)
  }

  /** As many frames as the peer's window takes. */
  #flush(channel: number): void {
    const lane = this.#lane(channel)
    for (;;) {
      const [first] = lane.queue
      if (first === undefined) return
      const room = lane.edge - lane.sent
      if (room === 0 && first.octets.length > 0) return
      const now = first.octets.subarray(0, room)
      first.octets = first.octets.subarray(now.length)
      const more = first.octets.length > 0 ? '*' : '.'
      const line = `${first.head} ${more} ${lane.sent % 2 ** 32} ${now.length}\r\n`
      this.raw(Buffer.concat([Buffer.from(line), now, Buffer.from('END\r\n')]))
      lane.sent += now.length
      if (first.octets.length === 0) lane.queue.shift()
    }
  }

  // --- what comes

  #over(): void {
    this.closed = true
    this.#waiting.over()
  }

  #fault(text: string): void {
    this.faults.push(text)
    this.destroy()
  }

  #take(chunk: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, chunk])
    while (!this.closed && this.#frame());
    this.#waiting.stir()
  }

  #frame(): boolean {
    try {
      const read = readFrame(this.#octets)
      if (read === undefined) return false
      this.#octets = read.rest
      if (read.frame.kind === 'SEQ') this.#acknowledged(read.frame)
      else this.#payload(read.frame)
      return true
    } catch (error) {
      this.#fault((error as Error).message)
      return false
    }
  }

  #acknowledged({ line, channel, ackno, window }: Seq): void {
    const lane = this.#lanes.get(channel)
    if (lane === undefined) return void this.faults.push(`for no channel: ${line}`)
    if (ackno > lane.sent) this.faults.push(`what was not sent: ${line}`)
    if (ackno + window < lane.edge) this.faults.push(`a window that shrinks: ${line}`)
    lane.edge = Math.max(lane.edge, ackno + window)
    this.#flush(channel)
  }

  #payload({ line, keyword, channel, msgno, more, seqno, payload, ansno }: Frame): void {
    const lane = this.#lanes.get(channel)
    if (lane === undefined) return this.#fault(`for no channel: ${line}`)
    if (seqno !== lane.expected) this.#fault(`expected ${lane.expected}: ${line}`)
    lane.expected += payload.length
    if (lane.expected > lane.granted) this.#fault(`beyond the window, ${lane.granted}: ${line}`)
    if (this.acknowledges && payload.length > 0 && lane.granted - lane.expected < this.window / 2)
      this.acknowledge(channel)
    if (keyword === 'NUL' && (more || payload.length > 0)) this.#fault(`NUL with more: ${line}`)
    if (keyword !== 'MSG' && lane.due[0]?.number !== msgno) this.#fault(`a reply out of its turn: ${line}`)
    if (keyword === 'ANS') return this.#answer(lane, ansno, payload, more)
    const before = lane.assembly
    if (before !== undefined && (before.keyword !== keyword || before.msgno !== msgno))
      this.#fault(`within another message: ${line}`)
    const assembly = before ?? { keyword, msgno, octets: [] }
    assembly.octets.push(payload)
    lane.assembly = more ? assembly : undefined
    if (!more) this.#whole(lane, channel, assembly)
  }

  #answer(lane: Lane, ansno: number, payload: Buffer, more: boolean): void {
    const octets = [...(lane.answers.get(ansno) ?? []), payload]
    if (more) lane.answers.set(ansno, octets)
    else {
      lane.answers.delete(ansno)
      lane.finished.push(this.#entity(Buffer.concat(octets)))
    }
  }

  #whole(lane: Lane, channel: number, { keyword, msgno, octets }: Assembly): void {
    const payload = Buffer.concat(octets)
    const entity = keyword === 'NUL' ? nothing : this.#entity(payload)
    if (keyword === 'MSG') {
      if (lane.asked.has(msgno)) this.#fault(`a number in use: MSG ${channel} ${msgno}`)
      lane.asked.add(msgno)
      if (channel === 0) this.#managed(msgno, entity)
      else this.onMessage(channel, msgno, entity)
    } else {
      const due = lane.due.shift()
      const answers = lane.finished.splice(0)
      due?.done({ keyword: keyword as Reply['keyword'], entity, answers })
    }
  }

  /** What the server may ask of us: the end of a channel, or of the session (§2.3.1.3). */
  #managed(number: number, entity: Entity): void {
    const node = this.#elementOf(entity)
    if (node.name !== 'close') {
      this.answer(0, number, xmlEntity("<error code='550'>nothing is offered here</error>"), 'ERR')
      return
    }
    this.answer(0, number, xmlEntity('<ok />'))
    const closed = Number(node.attributes.get('number') ?? 0)
    if (closed > 0) this.#lanes.delete(closed)
  }

  #entity(payload: Buffer): Entity {
    try {
      return readEntity(payload)
    } catch (error) {
      this.#fault((error as Error).message)
      return nothing
    }
  }
}

export function codeOf(error: Node): number {
  return Number(error.attributes.get('code') ?? Number.NaN)
}

function laneNew(): Lane {
  return {
    expected: 0,
    granted: firstWindow,
    assembly: undefined,
    answers: new Map(),
    finished: [],
    sent: 0,
    edge: firstWindow,
    queue: [],
    lastNumber: 0,
    due: [],
    asked: new Set(),
  }
}
