// One login, from AUTH to the end of its connection: messages, presence of others, one's own (IMPP §18).

import { type Bytes, type Clock, randomId, type Timer } from '#base'
import {
  type Address,
  type Condition,
  type InstantMessage,
  type PresenceDocument,
  parseAddress,
  presUri,
  type Report,
} from '#model'
import {
  addressOfUrl,
  type Body,
  conditionOf,
  type Fields,
  type ImppRequest,
  type ImppResponse,
  leaseTimeOf,
  leaseTimeText,
  messageBody,
  messageFields,
  messageOf,
  parsePresenceBody,
  presenceBody,
  textField,
  urlOf,
} from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { Watch, type WatchHandlers } from './watch.ts'
import { type Answer, type ClientWire, unitOctetsMax } from './wire.ts'

export interface Incoming {
  readonly message: InstantMessage
  /** RFC 3339, when it was stored for us while we were away. */
  readonly stored: string | undefined
  /** True when we sent it from another device. */
  readonly sent: boolean
}

export interface ClientHandlers {
  /**
   * A message came; it counts as delivered when this returns, or its promise resolves. Throwing says that we could not take it: the
   * server keeps it. Absent: this login takes none.
   */
  readonly onMessage?: (incoming: Incoming) => void | Promise<void>
  /** What became known of a message that we sent. */
  readonly onReport?: (report: Report) => void
  /** One of our lists that we follow changed; false: the octets are no such list. `overflow`: it is to be asked for again. */
  readonly onList?: (list: 'contacts' | 'watchers', body: Bytes, overflow: boolean) => boolean
}

/** What is given of a message; the rest is filled in. */
export type Outgoing = { readonly to: string } & Partial<Omit<InstantMessage, 'from' | 'to'>>

export interface SendResult {
  /** `stored`: the recipient is away, and it will be delivered; `relayed`: another domain has it, and no more will be known. */
  readonly result: 'delivered' | 'stored' | 'relayed'
  readonly id: string
  /** What the recipient's side gave along (IMPP §18.4: "on vacation"). */
  readonly presence: PresenceDocument | undefined
}

/** Seconds, `Infinity` for the permanent value, or as long as the connection lives. */
export type PublicationLease = number | 'connection'

export class ImppSession {
  readonly address: Address
  readonly connectionId: string
  /** Resolves when the connection is over, with why. */
  readonly closed: Promise<string>
  readonly #wire: ClientWire
  readonly #clock: Clock
  readonly #handlers: ClientHandlers
  readonly #watches = new Map<string, Watch>()
  /** Ours, as the server writes it. */
  readonly url: string
  #ping: Timer | undefined

  constructor(
    wire: ClientWire,
    clock: Clock,
    session: { readonly url: string; readonly connectionId: string; readonly leaseSeconds: number },
    handlers: ClientHandlers,
  ) {
    const address = addressOfUrl(session.url)
    if (address === undefined) throw new ConnectionLost('the server gave no address')
    this.address = address
    this.connectionId = session.connectionId
    this.closed = wire.closed
    this.#wire = wire
    this.#clock = clock
    this.#handlers = handlers
    this.url = session.url
    wire.identity = { url: session.url, connectionId: session.connectionId }
    wire.onRequest = (request, answer) => this.#answer(request, answer)
    this.#pingEvery(session.leaseSeconds * 500)
    void wire.closed.then(() => this.#end())
  }

  /** False once the connection is over. */
  get isOpen(): boolean {
    return !this.#wire.isOver
  }

  /** Octets of a whole request that the server takes. */
  get requestOctetsMax(): number {
    return this.#wire.serverUnitOctetsMax
  }

  /** Octets of a whole response that we take. */
  get unitOctetsMax(): number {
    return unitOctetsMax
  }

  /** Any request that has an OK: for what is not a method here. Rejects with Refused or ConnectionLost. */
  ask(method: string, fields: Fields, body?: Body): Promise<ImppResponse> {
    return this.#wire.request(method, fields, body)
  }

  /**
   * Sends a message; resolves when it is delivered or durable (IMPP §18.4). What is sent again by another connection with the same
   * `transmission` is answered again, and not delivered again (docs/specs/impp-1.0.md §7.5).
   */
  async send(outgoing: Outgoing, transmission?: string): Promise<SendResult> {
    const to = this.#addressOf(outgoing.to)
    const message: InstantMessage = {
      thread: '',
      kind: 'chat',
      subject: [],
      body: [],
      ...outgoing,
      id: outgoing.id || randomId(),
      from: this.address,
      to,
    }
    const body = messageBody(message)
    const fields: Fields = [
      ['Target', urlOf(to)],
      ['Transmission', transmission],
      ...messageFields(message),
      ...(body?.fields ?? []),
    ]
    const response = await this.#wire.request('SEND', fields, body)
    const told = response.headers.get('result')
    const result = told === 'stored' || told === 'relayed' ? told : 'delivered'
    return { result, id: message.id, presence: this.#presenceOf(response) }
  }

  /** What we may see of somebody now (IMPP §18.3). */
  async fetch(target: string): Promise<PresenceDocument> {
    const presentity = this.#addressOf(target)
    return this.#given(await this.#wire.request('FETCH', [['Target', urlOf(presentity)]]), presentity)
  }

  /** Watches somebody until `stop` or the end; the lease is renewed meanwhile (IMPP §14). Resolves when it is granted. */
  async watch(target: string, handlers: WatchHandlers): Promise<Watch> {
    const presentity = this.#addressOf(target)
    this.#watches.get(presentity.key)?.end(undefined)
    const watch = new Watch(this.#clock, handlers, {
      subscribe: (use) =>
        this.#wire.ask('SUBSCRIBE', [['Target', urlOf(presentity)]], undefined, (response) => {
          const seconds = leaseTimeOf(response.headers.get('lease-time') ?? '')
          use({
            presence: this.#given(response, presentity),
            pending: response.headers.get('subscription-state') === 'pending',
            seconds: typeof seconds === 'number' ? seconds : 3600,
          })
        }),
      unsubscribe: async () => {
        await this.#wire.request('UNSUBSCRIBE', [['Target', urlOf(presentity)]])
      },
      onOver: () => this.#forget(presentity, watch),
    })
    this.#watches.set(presentity.key, watch)
    await watch.begin()
    return watch
  }

  /**
   * Says how we are (IMPP §18.5): tuples and notes in place of what this device said before. Resolves with the lease granted.
   * `undefined` takes back what was said.
   */
  async publish(
    said: (Pick<PresenceDocument, 'tuples'> & Partial<PresenceDocument>) | undefined,
    lease: PublicationLease,
  ): Promise<PublicationLease> {
    const document: PresenceDocument | undefined = said && {
      notes: [],
      extensions: [],
      ...said,
      entity: presUri(this.address),
    }
    const wish = document === undefined && lease !== Number.POSITIVE_INFINITY ? 0 : lease
    const fields = [
      ['Target', this.url],
      ['Lease-Time', leaseTimeText(wish)],
    ] as const
    const response = await this.#wire.request('CHANGE', fields, document && presenceBody(document, 'pidf'))
    return leaseTimeOf(response.headers.get('lease-time') ?? '') ?? wish
  }

  /** Leaves in order. Resolves when the connection is over. */
  async quit(): Promise<void> {
    await this.#wire.request('QUIT', []).catch((error: unknown) => {
      // The server may close before we hear its OK: that is the end we asked for.
      if (!(error instanceof ConnectionLost)) throw error
    })
    this.#wire.close('we left')
    await this.closed
  }

  #addressOf(target: string): Address {
    const address = addressOfUrl(target) ?? parseAddress(target)
    if (address === undefined) throw new Refused('address-malformed', `${target} is no address`, undefined)
    return address
  }

  #presenceOf({ headers, body }: ImppResponse): PresenceDocument | undefined {
    const type = headers.get('content-type')
    const document = type === undefined ? 'malformed' : parsePresenceBody(type, body, this.#clock.now())
    return typeof document === 'string' ? undefined : document
  }

  #given(response: ImppResponse, presentity: Address): PresenceDocument {
    const absent = { entity: presUri(presentity), tuples: [], notes: [], extensions: [] }
    return this.#presenceOf(response) ?? absent
  }

  #answer(request: ImppRequest, answer: Answer): void {
    switch (request.method) {
      case 'PING':
        return answer()
      case 'SEND':
        return this.#incoming(request, answer)
      case 'CHANGE-NOTIFY':
        return answer(this.#notified(request))
      case 'CONTACTS-NOTIFY':
        return answer(this.#listed('contacts', request))
      case 'WATCHERS-NOTIFY':
        return answer(this.#listed('watchers', request))
      case 'TERMINATE-SUBSCRIPTION': {
        const watch = this.#watchOf(request)
        watch?.end(request.headers.get('text') ?? 'the subscription was ended')
        return answer(watch === undefined ? 'subscription-unknown' : undefined)
      }
      default:
        return answer('operation-not-supported')
    }
  }

  #incoming(request: ImppRequest, answer: Answer): void {
    const { headers, body, envelope } = request
    if (headers.find('report') !== -1) return answer(this.#reported(request))
    const { onMessage } = this.#handlers
    if (onMessage === undefined) return answer('operation-not-supported')
    const from = addressOfUrl(headers.get('from') ?? '')
    const to = addressOfUrl(headers.get('target') ?? '')
    if (from === undefined || to === undefined) return answer('malformed')
    const said = messageOf(headers, body.slice(), from, to)
    const message = said.id === '' ? { ...said, id: request.id } : said
    // What could not be taken is said to the server, which keeps the message.
    const failed = (): void => answer('internal-fault')
    try {
      const taken = onMessage({
        message,
        stored: envelope?.get('stored'),
        sent: envelope?.get('copy') === 'sent',
      })
      if (taken === undefined) answer()
      else taken.then(() => answer(), failed)
    } catch {
      failed()
    }
  }

  #reported({ headers }: ImppRequest): Condition | undefined {
    const event = headers.get('report')
    if (event !== 'failed' && event !== 'delivered' && event !== 'displayed') return 'malformed'
    const reason = headers.get('reason')
    const about = textField(headers, 'about')
    this.#handlers.onReport?.({
      about,
      event,
      ...(reason !== undefined && { condition: conditionOf(reason) }),
    })
    return undefined
  }

  #listed(list: 'contacts' | 'watchers', { headers, body }: ImppRequest): Condition | undefined {
    const { onList } = this.#handlers
    if (onList === undefined) return 'operation-not-supported'
    return onList(list, body, headers.get('overflow') === 'yes') ? undefined : 'malformed'
  }

  #notified(request: ImppRequest): Condition | undefined {
    const watch = this.#watchOf(request)
    if (watch === undefined) return 'subscription-unknown'
    const type = request.headers.get('content-type')
    const document =
      type === undefined ? 'malformed' : parsePresenceBody(type, request.body, this.#clock.now())
    if (document === 'malformed') return 'malformed'
    if (document === 'not-understood') return 'content-not-understood'
    watch.told(document)
    return undefined
  }

  #watchOf({ headers }: ImppRequest): Watch | undefined {
    const origin = addressOfUrl(headers.get('origin') ?? '')
    return origin && this.#watches.get(origin.key)
  }

  #forget(presentity: Address, watch: Watch): void {
    if (this.#watches.get(presentity.key) === watch) this.#watches.delete(presentity.key)
  }

  /** docs/specs/impp-1.0.md §8.4: at half of the connection's lease. */
  #pingEvery(milliseconds: number): void {
    this.#ping = this.#clock.schedule(milliseconds, () => {
      this.#wire.request('PING', []).catch((error: Error) => this.#wire.close(error.message))
      this.#pingEvery(milliseconds)
    })
  }

  #end(): void {
    this.#ping?.cancel()
    for (const watch of [...this.#watches.values()]) watch.end(undefined)
  }
}
