// A phone of a simulation: it registers, publishes and watches as RFC 3261 §10.2, RFC 3903 §4 and §5, and RFC 6665 §4.1 say, and goes on whatever
// happens to it.
import { type Timer, utf8 } from '#base'
import { parsePidf } from '#wire/pidf'
import type { Chance } from './random.ts'
import { type Incoming, UserAgent } from './sip-user-agent.ts'

/** Seconds that everything a phone asks for lasts. */
export const leaseSeconds = 60
/** When it is asked for again, and how soon after a failure. */
const refreshMilliseconds = 30_000
const retryMilliseconds = 4000

interface Watching {
  readonly presentity: string
  callId: string
  tag: string
  remoteTag: string | undefined
  lastSequence: number
  underWay: boolean
  timer: Timer | undefined
}

let ids = 0

export class Phone {
  readonly agent: UserAgent
  readonly name: string
  readonly registers: boolean
  /** What it means to say; undefined: nothing. */
  note: string | undefined
  /** By presentity, the notes that the last NOTIFY had, in order; `-` for a service without one. */
  readonly sees = new Map<string, readonly string[]>()
  readonly faults: string[] = []
  readonly #chance: Chance
  readonly #watching = new Map<string, Watching>()
  #etag: string | undefined
  #said: string | undefined
  #publishing = false
  #publishTimer: Timer | undefined
  #registerTimer: Timer | undefined
  #registering = false
  readonly #callId = `reg${++ids}`

  constructor(
    name: string,
    parts: Omit<ConstructorParameters<typeof UserAgent>[0], never>,
    registers: boolean,
    chance: Chance,
  ) {
    this.name = name
    this.registers = registers
    this.#chance = chance
    this.agent = new UserAgent(
      parts,
      (request) => this.#requested(request),
      () => this.#closed(),
    )
  }

  start(): void {
    if (this.registers) this.#register()
    if (this.note !== undefined) this.#publish()
  }

  /** What everybody should see of it. */
  get shows(): string | undefined {
    return this.note ?? (this.registers ? '-' : undefined)
  }

  say(note: string | undefined): void {
    this.note = note
    this.#publish()
  }

  watch(presentity: string): void {
    if (this.#watching.has(presentity)) return
    const watching = { presentity, underWay: false, timer: undefined, ...this.#freshDialog() }
    this.#watching.set(presentity, watching)
    this.#subscribe(watching)
  }

  get watched(): string[] {
    return [...this.#watching.keys()]
  }

  /** Its connection is over: it registers again at once (RFC 5626 §4.4), and the rest when it is due. */
  #closed(): void {
    if (!this.registers) return
    this.#registerTimer?.cancel()
    this.#registerTimer = this.agent.later(1000 + this.#chance.below(3000), () => this.#register())
  }

  #register(): void {
    if (this.#registering) return
    this.#registering = true
    const { domain, aor, contact } = this.agent
    this.agent.request(
      {
        method: 'REGISTER',
        uri: `sip:${domain}`,
        to: `<${aor}>`,
        callId: this.#callId,
        fromTag: 'reg',
        fields: [`Contact: ${contact}`, `Expires: ${leaseSeconds}`],
      },
      (answer) => {
        this.#registering = false
        if (answer !== undefined && answer.status !== 200 && answer.status < 500)
          this.faults.push(`REGISTER was answered ${answer.status}`)
        const wait = answer?.status === 200 ? refreshMilliseconds : retryMilliseconds
        this.#registerTimer?.cancel()
        this.#registerTimer = this.agent.later(wait, () => this.#register())
      },
    )
  }

  /** RFC 3903 §4: "MUST NOT send a new PUBLISH request [...] until they have received a final response". */
  #publish(): void {
    if (this.#publishing) return
    if (this.note === undefined && this.#etag === undefined) return
    this.#publishTimer?.cancel()
    this.#publishing = true
    const { note } = this
    const body =
      note === undefined || (this.#etag !== undefined && note === this.#said) ? '' : this.#document(note)
    this.agent.request(
      {
        method: 'PUBLISH',
        uri: this.agent.aor,
        callId: `${this.#callId}p`,
        fromTag: 'pub',
        fields: [
          'Event: presence',
          `Expires: ${note === undefined ? 0 : leaseSeconds}`,
          ...(this.#etag === undefined ? [] : [`SIP-If-Match: ${this.#etag}`]),
          ...(body === '' ? [] : ['Content-Type: application/pidf+xml']),
        ],
        body,
      },
      (answer) => this.#published(note, answer),
    )
  }

  #published(note: string | undefined, answer: { status: number; message: Incoming } | undefined): void {
    this.#publishing = false
    const again = (milliseconds: number): void => {
      this.#publishTimer = this.agent.later(milliseconds, () => this.#publish())
    }
    if (answer?.status === 200) {
      this.#etag = note === undefined ? undefined : answer.message.fields.get('sip-etag')
      this.#said = note
      return this.note === note ? again(refreshMilliseconds) : this.#publish()
    }
    // RFC 3903 §5: "the EPA MUST also discard the entity-tag that produced this error response".
    if (answer?.status === 412) {
      this.#etag = undefined
      return this.#publish()
    }
    if (answer !== undefined && answer.status < 500) this.faults.push(`PUBLISH was answered ${answer.status}`)
    again(retryMilliseconds)
  }

  #document(note: string): string {
    return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${this.agent.aor}"><tuple id="own"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`
  }

  #freshDialog(): Pick<Watching, 'callId' | 'tag' | 'remoteTag' | 'lastSequence'> {
    return { callId: `sub${++ids}`, tag: `t${ids}`, remoteTag: undefined, lastSequence: 0 }
  }

  #subscribe(watching: Watching): void {
    if (watching.underWay) return
    watching.underWay = true
    watching.timer?.cancel()
    const { presentity, callId, tag, remoteTag } = watching
    const uri = `sip:${presentity}@${this.agent.domain}`
    this.agent.request(
      {
        method: 'SUBSCRIBE',
        uri,
        callId,
        fromTag: tag,
        to: remoteTag === undefined ? `<${uri}>` : `<${uri}>;tag=${remoteTag}`,
        fields: [
          'Event: presence',
          'Accept: application/pidf+xml',
          `Expires: ${leaseSeconds}`,
          `Contact: ${this.agent.contact}`,
        ],
      },
      (answer) => {
        watching.underWay = false
        // It was given up or terminated meanwhile.
        if (watching.callId !== callId) return this.#subscribe(watching)
        if (answer?.status === 200) {
          watching.remoteTag ??= /tag=([^;]+)/.exec(answer.message.fields.get('to') ?? '')?.[1]
          return this.#subscribeAfter(watching, refreshMilliseconds)
        }
        if (answer !== undefined && answer.status !== 481 && answer.status < 500)
          this.faults.push(`SUBSCRIBE was answered ${answer.status}`)
        Object.assign(watching, this.#freshDialog())
        this.#subscribeAfter(watching, answer?.status === 481 ? 0 : retryMilliseconds)
      },
    )
  }

  #subscribeAfter(watching: Watching, milliseconds: number): void {
    watching.timer?.cancel()
    watching.timer = this.agent.later(milliseconds, () => this.#subscribe(watching))
  }

  #requested({ first, fields, body }: Incoming): number {
    if (!first.startsWith('NOTIFY')) return 405
    const tag = /tag=([^;]+)/.exec(fields.get('to') ?? '')?.[1]
    const watching = [...this.#watching.values()].find(
      (one) => one.callId === fields.get('call-id') && one.tag === tag,
    )
    if (watching === undefined) return 481
    const remoteTag = /tag=([^;]+)/.exec(fields.get('from') ?? '')?.[1]
    watching.remoteTag ??= remoteTag
    if (watching.remoteTag !== remoteTag) return 481
    const sequence = Number.parseInt(fields.get('cseq') ?? '', 10)
    // RFC 3261 §12.2.2.
    if (sequence <= watching.lastSequence) return 500
    watching.lastSequence = sequence
    const state = fields.get('subscription-state') ?? ''
    if (state.startsWith('active')) this.#see(watching.presentity, body)
    if (state.startsWith('terminated')) {
      Object.assign(watching, this.#freshDialog())
      this.#subscribeAfter(watching, retryMilliseconds)
    }
    return 200
  }

  #see(presentity: string, body: string): void {
    this.sees.set(presentity, notesOf(body))
  }
}

/** The notes of the open services of a document, in order. */
export function notesOf(body: string): readonly string[] {
  const document = parsePidf(utf8(body), { now: 0 })
  if ('fault' in document) return [`${JSON.stringify(document)} ${body}`]
  return document.tuples.map(({ notes }) => notes[0]?.text ?? '-').toSorted()
}
