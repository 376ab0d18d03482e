// Somebody with PRIM over a socket, who writes to several people as fast as their answers come, comes back when the server does, asks again what was not
// answered, and watches.
import { connect, type Socket } from 'node:net'
import { password } from './server.ts'

/** Messages to one person that are not answered. */
const windowMax = 5

export class PrimWriter {
  readonly address: string
  /** By Message-ID: how it was answered, and undefined until it is. */
  readonly sent = new Map<string, number | undefined>()
  /** What was asked again by another connection. */
  askedAgain = 0
  /** The last note of each person that it watches. */
  readonly seen = new Map<string, string>()
  /** Reports, and refusals. */
  readonly failures: string[] = []
  readonly #port: number
  readonly #to: readonly string[]
  readonly #watched: readonly string[]
  #socket: Socket | undefined
  #rest = Buffer.alloc(0)
  #count = 0
  #writes = false
  #note = ''
  #isOver = false
  #lastId = 0

  /** @param to to whom it writes */
  constructor(address: string, port: number, to: readonly string[], watched: readonly string[]) {
    this.address = address
    this.#port = port
    this.#to = to
    this.#watched = watched
    this.#connect()
  }

  get unanswered(): readonly string[] {
    return [...this.sent].filter(([, status]) => status === undefined).map(([id]) => id)
  }

  /** Those that it was told are delivered or kept. */
  get accepted(): readonly string[] {
    return [...this.sent].filter(([, status]) => status === 200 || status === 101).map(([id]) => id)
  }

  write(isOn: boolean): void {
    this.#writes = isOn
    this.#more()
  }

  publish(note: string): void {
    this.#note = note
    this.#publish()
  }

  end(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #connect(): void {
    if (this.#isOver) return
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
    this.#rest = Buffer.alloc(0)
    socket.on('connect', () => {
      this.#socket = socket
      this.#login('im', 'init')
    })
    socket.on('data', (octets: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, octets])
      for (let unit = this.#next(); unit !== undefined; unit = this.#next()) this.#take(unit)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#socket = undefined
      // The server is away: a place that waits for time.
      setTimeout(() => this.#connect(), 50)
    })
  }

  #login(service: 'im' | 'pres', state: 'init' | 'continue'): void {
    const [user = ''] = this.address.split('@')
    const body = state === 'init' ? '' : `${user}\r\n${password}`
    this.#say(
      `LOGIN ${token(service)}/1.0 L${service}${state}`,
      service,
      ['SASL-Mech: PLAIN', `Auth-State: ${state}`],
      body,
    )
  }

  #ready(): void {
    for (const person of this.#watched)
      this.#say('SUBSCRIBE PRIM-PR/1.0 w', 'pres', [
        `To: pres:${person}`,
        'Duration: 3600',
        'Subscription-ID: w',
      ])
    this.#publish()
    for (const id of this.unanswered) {
      this.askedAgain++
      this.#send(id)
    }
    this.#more()
  }

  #publish(): void {
    if (this.#note === '') return
    const document = `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${this.address}"><tuple id="x"><status><basic>open</basic></status><note>${this.#note}</note></tuple></presence>`
    const fields = ['PI-Type: permanent', 'Tuple-ID: im', 'Content-Type: application/pidf+xml']
    this.#say('PUBLISH PRIM-PR/1.0 p', 'pres', fields, document)
  }

  #more(): void {
    if (!this.#writes || this.#socket === undefined) return
    while (this.unanswered.length < windowMax * this.#to.length) {
      const id = `${this.address.replace('@', '.')}-${++this.#count}-${this.#count % this.#to.length}`
      this.sent.set(id, undefined)
      this.#send(id)
    }
  }

  #send(id: string): void {
    const to = this.#to[Number(id.slice(id.lastIndexOf('-') + 1))]
    this.#say(
      `SEND PRIM-IM/1.0 M${id.replace(/\W/g, '')}`,
      'im',
      [`To: im:${to}`, `Message-ID: ${id}`, 'Content-Type: text/plain'],
      id,
    )
  }

  #say(line: string, service: 'im' | 'pres', fields: readonly string[], body = ''): void {
    const all = [`From: ${service}:${this.address}`, ...fields].map((field) => `${field}\r\n`).join('')
    const named = / [wp]$/.test(line) ? `${line}${++this.#lastId}` : line
    this.#socket?.write(`${named} ${Buffer.byteLength(body)}\r\n${all}\r\n${body}`)
  }

  #next(): Unit | undefined {
    const at = this.#rest.indexOf('\r\n\r\n')
    if (at < 0) return undefined
    const [first = '', ...lines] = this.#rest.subarray(0, at).toString('utf8').split('\r\n')
    const words = first.split(' ')
    const length = Number(first.startsWith('PRIM') ? words[2] : words[3])
    if (this.#rest.length < at + 4 + length) return undefined
    const body = this.#rest.subarray(at + 4, at + 4 + length).toString('utf8')
    this.#rest = this.#rest.subarray(at + 4 + length)
    const fields = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
    )
    return { words, fields, body }
  }

  #take({ words, fields, body }: Unit): void {
    const [first = '', second = '', third = '', fourth = ''] = words
    if (!first.startsWith('PRIM')) return this.#request(first, `${second} ${third}`, fields, body)
    const status = Number(fourth)
    const id = fields.get('Message-ID')
    if (id !== undefined) {
      if (status !== 200 && status !== 101) this.failures.push(`${id}: ${status}`)
      this.sent.set(id, status)
      return this.#more()
    }
    if (second === 'Liminit') return this.#login('im', 'continue')
    if (second === 'Limcontinue') return this.#login('pres', 'init')
    if (second === 'Lpresinit') return this.#login('pres', 'continue')
    if (second === 'Lprescontinue') this.#ready()
  }

  #request(method: string, version: string, fields: ReadonlyMap<string, string>, body: string): void {
    if (method === 'NOTIFY') {
      const from = fields.get('From')?.slice('pres:'.length) ?? ''
      this.seen.set(from, /<note>(.*?)<\/note>/.exec(body)?.[1] ?? '')
    }
    if (fields.has('Report')) this.failures.push(`${fields.get('About')}: reported`)
    if (!version.endsWith(' -')) this.#socket?.write(`${version} 0 200 OK\r\n\r\n`)
  }
}

interface Unit {
  readonly words: readonly string[]
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
}

function token(service: 'im' | 'pres'): string {
  return service === 'im' ? 'PRIM-IM' : 'PRIM-PR'
}
