// An APEX application written from RFC 3340 to 3343 alone, on the BEEP of independent-beep.ts. Each element that the relay says is held
// against the DTDs (RFC 3340 §9, RFC 3341 §6, RFC 3343 §6), read from the texts a second time.
import type { IndependentBeep } from './independent-beep.ts'
import { beepXml, type Entity, xmlEntity } from './independent-entity.ts'
import { Waiting } from './independent-waiting.ts'
import { elementsOf, type Node, quoted, readXml, textOf } from './independent-xml.ts'

const profile = 'http://iana.org/beep/APEX'

export interface Received {
  readonly originator: string
  readonly recipients: readonly string[]
  readonly options: readonly Node[]
  /** What `content` names: the element in data-content, or a part. */
  readonly inside: Node | undefined
  readonly part: Part | undefined
  /** The document as it came. */
  readonly document: string
  /** The payload's body as it came. */
  readonly body: Buffer
}

export interface Part {
  readonly type: string
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

export class IndependentApex {
  readonly beep: IndependentBeep
  /** The channel of the profile. */
  channel = 0
  /** Data and terminate of the relay that no test has taken yet. */
  readonly inbox: Received[] = []
  readonly terminated: Node[] = []
  /** What is answered to data; undefined: nothing, the test answers. */
  answers: ((data: Received) => string) | undefined = () => '<ok />'
  readonly #unanswered: number[] = []
  readonly #waiting = new Waiting()
  #lastId = Math.floor(Math.random() * 1_000_000)

  constructor(beep: IndependentBeep) {
    this.beep = beep
    beep.onMessage = (channel, number, entity) => this.#message(channel, number, entity)
  }

  get faults(): string[] {
    return this.beep.faults
  }

  /** "Application programs should choose these transaction-identifiers unpredictably" (RFC 3340 §6.1.1), and never twice. */
  transId(): number {
    this.#lastId += 1 + Math.floor(Math.random() * 1000)
    return this.#lastId
  }

  /** Opens a channel with an operation in its start (§4.2). Its word: 250 for ok, or the error's code. */
  async open(operation?: string, serverName?: string): Promise<number> {
    const started = await this.beep.start(profile, operation, serverName)
    if (typeof started === 'number') return started
    this.channel = started.number
    if (operation === undefined) return 250
    return this.#word(readXml(started.content))
  }

  attach(endpoint: string, options = ''): Promise<number> {
    return this.operate(attachText(endpoint, this.transId(), options))
  }

  /** A document on the channel. 250 for ok, or the error's code. */
  operate(document: string): Promise<number> {
    return this.#say(xmlEntity(document))
  }

  /** Data with XML inside (§4.1). */
  inline(from: string, to: readonly string[], element: string, options = ''): Promise<number> {
    const recipients = to.map((one) => `<recipient identity='${quoted(one)}' />`).join('')
    return this.operate(
      `<data content='#Content'><originator identity='${quoted(from)}' />${recipients}${options}<data-content Name='Content'>${element}</data-content></data>`,
    )
  }

  /** Data with a part beside it (§4.1). */
  related(from: string, to: readonly string[], part: Part, options = ''): Promise<number> {
    const recipients = to.map((one) => `<recipient identity='${quoted(one)}' />`).join('')
    const document = `<data content='cid:2@example.com'><originator identity='${quoted(from)}' />${recipients}${options}</data>`
    return this.#say(relatedEntity(document, part))
  }

  /** The next data of the relay that fits. */
  next(fits: (data: Received) => boolean = () => true): Promise<Received> {
    return this.#waiting.for('data', () => {
      const at = this.inbox.findIndex(fits)
      return at < 0 ? undefined : this.inbox.splice(at, 1)[0]
    })
  }

  /** The next element of a service. */
  async said(service: string, name: string): Promise<Node> {
    const { inside } = await this.next(
      ({ originator, inside }) => originator.startsWith(`apex=${service}@`) && inside?.name === name,
    )
    return inside as Node
  }

  nextTerminate(): Promise<Node> {
    return this.#waiting.for('terminate', () => this.terminated.shift())
  }

  /** Answers the oldest data that has no answer. */
  answer(document: string): void {
    const number = this.#unanswered.shift()
    if (number === undefined) throw new Error('nothing waits for an answer')
    this.beep.answer(this.channel, number, xmlEntity(document), keywordOf(document))
  }

  get unanswered(): number {
    return this.#unanswered.length
  }

  /** What was said before has been worked through: the answer to something that nobody can mean. */
  async settled(): Promise<void> {
    await this.operate(`<terminate transID='2147483646' />`)
  }

  async #say(entity: Entity): Promise<number> {
    const { keyword, entity: answer } = await this.beep.ask(this.channel, entity)
    if (answer.type !== beepXml) this.faults.push(`answered in ${answer.type}`)
    const node = readXml(answer.body.toString())
    if ((keyword === 'ERR') !== (node.name === 'error')) this.faults.push(`${keyword} with <${node.name}>`)
    return this.#word(node)
  }

  #word(node: Node): number {
    this.#check(node)
    if (node.name === 'ok') return 250
    if (node.name !== 'error') this.faults.push(`neither ok nor error: ${node.source}`)
    return Number(node.attributes.get('code'))
  }

  #message(channel: number, number: number, entity: Entity): void {
    const { document, parts } = this.#payload(entity)
    const node = readXml(document)
    this.#check(node)
    if (node.name === 'terminate') {
      this.terminated.push(node)
      this.beep.answer(channel, number, xmlEntity('<ok />'))
    } else if (node.name === 'data') this.#data(channel, number, node, { document, parts, body: entity.body })
    else this.faults.push(`the relay sent <${node.name}>`)
    this.#waiting.stir()
  }

  #data(channel: number, number: number, node: Node, came: Payload & { readonly body: Buffer }): void {
    const children = elementsOf(node)
    const identities = (name: string): string[] =>
      children.filter((child) => child.name === name).map((child) => child.attributes.get('identity') ?? '')
    const content = node.attributes.get('content') ?? ''
    const inside = children.find((child) => child.name === 'data-content')
    const part = content.startsWith('cid:') ? came.parts.get(decodeURIComponent(content.slice(4))) : undefined
    if (content.startsWith('#') && inside?.attributes.get('Name') !== content.slice(1))
      this.faults.push(`${content} names nothing`)
    if (content.startsWith('cid:') && part === undefined) this.faults.push(`${content} names no part`)
    const [element] = inside === undefined ? [] : elementsOf(inside)
    if (element !== undefined && /^apex=/.test(identities('originator')[0] ?? '')) this.#check(element)
    const received: Received = {
      originator: identities('originator')[0] ?? '',
      recipients: identities('recipient'),
      options: children.filter((child) => child.name === 'option'),
      inside: element,
      part,
      document: came.document,
      body: came.body,
    }
    this.inbox.push(received)
    const answer = this.answers?.(received)
    if (answer === undefined) this.#unanswered.push(number)
    else this.beep.answer(channel, number, xmlEntity(answer), keywordOf(answer))
  }

  #payload({ type, body }: Entity): Payload {
    if (type === beepXml) return { document: body.toString(), parts: new Map() }
    const boundary = parameter(type, 'boundary')
    const start = parameter(type, 'start')
    if (!/^multipart\/related\b/i.test(type) || boundary === undefined) {
      this.faults.push(`a payload in ${type}`)
      return { document: '<nothing />', parts: new Map() }
    }
    if (parameter(type, 'type') !== beepXml) this.faults.push(`multipart without its type: ${type}`)
    const parts = new Map<string, Part>()
    for (const part of partsOf(body, boundary)) {
      const id = part.fields.get('content-id')?.replace(/^<|>$/g, '')
      if (id === undefined) this.faults.push('a part without Content-ID')
      parts.set(id ?? '', part)
    }
    const root = start === undefined ? [...parts.values()][0] : parts.get(start.replace(/^<|>$/g, ''))
    if (root?.type !== beepXml) this.faults.push(`the root is in ${root?.type}`)
    return { document: root?.body.toString() ?? '', parts }
  }

  /** Holds an element against its DTD. */
  #check(node: Node): void {
    const rule = rules[node.name]
    if (rule === undefined) return void this.faults.push(`of no DTD: ${node.source}`)
    for (const name of rule.needs)
      if (!node.attributes.has(name)) this.faults.push(`without ${name}: ${node.source}`)
    for (const [name, value] of node.attributes) {
      if (!rule.needs.includes(name) && rule.may?.includes(name) !== true)
        this.faults.push(`with ${name}: ${node.source}`)
      if (forms[name]?.test(value) === false) this.faults.push(`${name}='${value}': ${node.source}`)
    }
    if (rule.holds === 'anything') return
    const order = elementsOf(node).map(({ name }) => `${name} `)
    const form = new RegExp(`^${rule.holds === 'text' ? '' : (rule.holds ?? '')}$`)
    if (!form.test(order.join(''))) this.faults.push(`holds ${order.join('')}: ${node.source}`)
    if (rule.holds !== 'text' && textOf(node).trim() !== '') this.faults.push(`with text: ${node.source}`)
    for (const child of elementsOf(node)) this.#check(child)
  }
}

interface Payload {
  readonly document: string
  readonly parts: ReadonlyMap<string, Part>
}

interface Rule {
  readonly needs: readonly string[]
  readonly may?: readonly string[]
  /** Children in their order, as a regular expression over names with a space behind; or what else is in it. */
  readonly holds?: string
}

/** What the relay may say. `reply` inside `destination` and options go without transID in the examples of the RFCs. */
const rules: Readonly<Record<string, Rule>> = {
  ok: { needs: [] },
  error: { needs: ['code'], may: ['xml:lang'], holds: 'text' },
  terminate: { needs: ['transID'], may: ['code', 'xml:lang'], holds: 'text' },
  data: { needs: ['content'], holds: 'originator (recipient )+(option )*(data-content )?' },
  originator: { needs: ['identity'], holds: '(option )*' },
  recipient: { needs: ['identity'], holds: '(option )*' },
  'data-content': { needs: ['Name'], holds: 'anything' },
  option: {
    needs: [],
    may: ['internal', 'external', 'targetHop', 'mustUnderstand', 'transID', 'localize'],
    holds: 'anything',
  },
  statusResponse: { needs: ['transID'], holds: '(destination )+' },
  destination: { needs: ['identity'], holds: '(reply )+' },
  reply: { needs: ['code'], may: ['transID', 'xml:lang'], holds: 'text' },
  allow: { needs: ['transID'] },
  deny: { needs: ['transID'] },
  set: { needs: ['transID'], holds: 'access ' },
  access: { needs: ['owner', 'actor'], may: ['actions', 'lastUpdate'] },
  publish: { needs: ['publisher', 'transID', 'timeStamp'], holds: 'presence ' },
  notify: { needs: ['subscriber', 'transID'], may: ['duration', 'action'] },
  presence: { needs: ['publisher', 'lastUpdate'], may: ['publisherInfo'], holds: '(tuple )+' },
  tuple: { needs: ['destination', 'availableUntil'], may: ['tupleInfo'], holds: '(capability )*' },
  capability: { needs: ['baseline'], holds: 'text' },
  // What an application asks another one's service, seen where data is passed on.
  subscribe: { needs: ['publisher', 'transID', 'duration'] },
}

const endpoint = /^[^@/]+(\/[^@/]+)?@[^@/]+$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const forms: Readonly<Record<string, RegExp>> = {
  code: /^[1-5]\d\d$/,
  transID: /^(0|[1-9]\d{0,9})$/,
  identity: endpoint,
  owner: endpoint,
  publisher: endpoint,
  subscriber: endpoint,
  duration: /^\d{1,10}$/,
  action: /^(subscribe|terminate)$/,
  lastUpdate: time,
  timeStamp: time,
  availableUntil: time,
  actions: /^[a-z]+:[a-z]+( [a-z]+:[a-z]+)*$/,
  targetHop: /^(this|final|all)$/,
  mustUnderstand: /^(true|false)$/,
}

export function attachText(who: string, transId: number, options = ''): string {
  return `<attach endpoint='${quoted(who)}' transID='${transId}'>${options}</attach>`
}

/** An option without content, or around one. */
export function option(name: string, attributes: string, content = ''): string {
  return `<option internal='${name}' ${attributes}>${content}</option>`
}

export function relatedEntity(document: string, { type, fields, body }: Part): Entity {
  const boundary = 'a-boundary'
  const own = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return {
    type: `multipart/related; boundary="${boundary}"; start="<1@example.com>"; type="${beepXml}"`,
    fields: [],
    body: Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Type: ${beepXml}\r\nContent-ID: <1@example.com>\r\n\r\n${document}\r\n` +
          `--${boundary}\r\nContent-Type: ${type}\r\n${own}Content-ID: <2@example.com>\r\n\r\n`,
      ),
      body,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  }
}

export function textPart(text: string): Part {
  return { type: 'text/plain; charset=utf-8', fields: new Map(), body: Buffer.from(text) }
}

function keywordOf(document: string): 'RPY' | 'ERR' {
  return document.startsWith('<error') ? 'ERR' : 'RPY'
}

/** RFC 2046 §5.1.1: what stands between delimiters, without the line ends that belong to them. */
function partsOf(body: Buffer, boundary: string): Part[] {
  const text = `\r\n${body.toString('latin1')}`
  const pieces = text.split(new RegExp(`\r\n--${boundary.replace(/[^\w]/g, '\\$&')}(?:--)?[ \t]*(?=\r\n|$)`))
  return pieces.slice(1, -1).map((piece) => {
    const end = piece.indexOf('\r\n\r\n')
    const fields = new Map<string, string>()
    for (const line of piece
      .slice(2, end)
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')) {
      const colon = line.indexOf(':')
      fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
    }
    const type = fields.get('content-type') ?? 'text/plain'
    return { type, fields, body: Buffer.from(piece.slice(end + 4), 'latin1') }
  })
}

function parameter(type: string, name: string): string | undefined {
  const [, inQuotes, bare] = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;\\s]+))`, 'i').exec(type) ?? []
  return inQuotes ?? bare
}
