// A person's program by PRIM: one connection, logged in (docs/specs/prim.md §6).

import { randomId, utf8 } from '#base'
import {
  type Address,
  type InstantMessage,
  type PresenceDocument,
  type PresenceTuple,
  parseAddress,
  presUri,
} from '#model'
import {
  addressOfId,
  bodyOf,
  dateOf,
  dateText,
  decimal,
  field,
  idOf,
  messageOf,
  type PrimRequest,
  type PrimResponse,
  parsePresenceBody,
  presenceBody,
  type Scheme,
  statusOf,
  tokenText,
} from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { tokens } from './log-in.ts'
import { Watch, type WatchHandlers } from './watch.ts'
import type { ClientWire } from './wire.ts'

export interface Incoming {
  readonly message: InstantMessage
  /** Milliseconds since the epoch: Date, as the sender or its server wrote it. */
  readonly at: number | undefined
}

export interface Outgoing {
  readonly to: string
  readonly text: string
  readonly subject?: string | undefined
  readonly thread?: string | undefined
}

export class PrimClient {
  readonly address: Address
  readonly #wire: ClientWire
  readonly #onMessage: ((incoming: Incoming) => void) | undefined
  readonly #watches = new Map<string, Watch>()

  private constructor(wire: ClientWire, address: Address, onMessage?: (incoming: Incoming) => void) {
    this.address = address
    this.#wire = wire
    this.#onMessage = onMessage
    wire.onRequest = (request) => this.#take(request)
  }

  /** Opens the inbox where messages are taken (§6.1). */
  static async begin(
    wire: ClientWire,
    address: Address,
    { onMessage }: { readonly onMessage?: (incoming: Incoming) => void },
  ): Promise<PrimClient> {
    const client = new PrimClient(wire, address, onMessage)
    if (onMessage !== undefined) await client.#ask('LISTEN', 'im', [])
    return client
  }

  /** Resolves when the connection is over, with why. */
  get closed(): Promise<string> {
    return this.#wire.closed
  }

  /** `delivered`: a device has taken it (200); `unknown`: it is kept, or nobody will say (101). */
  async send({
    to,
    text,
    subject,
    thread,
  }: Outgoing): Promise<{ result: 'delivered' | 'unknown'; id: string }> {
    const target = addressOf(to)
    const id = `${randomId(16)}@${this.address.domain}`
    const said: InstantMessage = {
      from: this.address,
      to: target,
      id,
      thread: '',
      kind: 'chat',
      subject: subject === undefined ? [] : [{ language: '', text: subject }],
      body: [{ language: '', text }],
    }
    const body = bodyOf(said, { type: 'text/plain; charset=UTF-8', bytes: utf8(text), fields: [] })
    const more: [string, string | undefined][] = [
      ['To', idOf(target, 'im')],
      ['Message-ID', id],
      ['Conversation-ID', thread === undefined ? undefined : tokenText(thread)],
      ['Date', dateText(Date.now())],
    ]
    const { status } = await this.#ask('SEND', 'im', more, body)
    return { result: status === 200 ? 'delivered' : 'unknown', id }
  }

  async fetch(target: string): Promise<PresenceDocument> {
    return documentOf(await this.#ask('FETCH', 'pres', [['To', idOf(addressOf(target), 'pres')]]))
  }

  /** Subscribes in the newer style (§6.3), and renews until the connection ends. */
  async watch(target: string, handlers: WatchHandlers): Promise<Watch> {
    const address = addressOf(target)
    const id = randomId(16)
    const watch = new Watch(handlers, async (seconds) => {
      const { headers } = await this.#ask('SUBSCRIBE', 'pres', [
        ['To', idOf(address, 'pres')],
        ['Duration', String(seconds)],
        ['Subscription-ID', id],
      ])
      return decimal(field(headers, 'Duration') ?? '') ?? seconds
    })
    this.#watches.set(id, watch)
    try {
      await watch.begin()
      return watch
    } catch (error) {
      this.#watches.delete(id)
      throw error
    }
  }

  /** One tuple (§6.2). `lease`: seconds, 0 takes the leased value back; `permanent` shows when no lease does. Answers the lease granted. */
  async publish(tuple: PresenceTuple, lease: number | 'permanent'): Promise<number | 'permanent'> {
    const type = lease === 'permanent' ? lease : lease === 0 ? 'revert' : 'leased'
    const document = { entity: presUri(this.address), tuples: [tuple], notes: [], extensions: [] }
    const fields: [string, string | undefined][] = [
      ['PI-Type', type],
      ['Tuple-ID', tokenText(tuple.id)],
      ['Duration', type === 'leased' ? String(lease) : undefined],
    ]
    const body = type === 'revert' ? undefined : presenceBody(document)
    const { headers } = await this.#ask('PUBLISH', 'pres', fields, body)
    return type === 'leased' ? (decimal(field(headers, 'Duration') ?? '') ?? lease) : lease
  }

  /** Takes leave. */
  close(): void {
    this.#over()
    this.#wire.close()
  }

  #ask(
    method: string,
    service: Scheme,
    fields: [string, string | undefined][],
    body?: Parameters<ClientWire['request']>[3],
  ): Promise<PrimResponse> {
    return this.#wire.request(
      method,
      tokens[service],
      [['From', idOf(this.address, service)], ...fields],
      body,
    )
  }

  /** A request of the server: the status that answers it. */
  #take(request: PrimRequest): number {
    switch (request.method) {
      case 'PING':
        return 200
      case 'SEND':
        return this.#message(request)
      case 'NOTIFY':
        return this.#notify(request)
      case 'CANCELSUBSCRIPTION':
        this.#end(field(request.headers, 'Subscription-ID') ?? '')
        return 200
      default:
        return statusOf['operation-not-supported']
    }
  }

  #message({ headers, body }: PrimRequest): number {
    const from = addressOfId(field(headers, 'From') ?? '', 'im')
    if (this.#onMessage === undefined) return statusOf['mailbox-unavailable']
    if (from === undefined) return statusOf.malformed
    // The octets are a loan.
    const message = messageOf(headers, body.slice(), from, this.address)
    this.#onMessage({ message, at: dateOf(field(headers, 'Date')) })
    return 200
  }

  #notify({ headers, body }: PrimRequest): number {
    const id = field(headers, 'Subscription-ID') ?? ''
    const watch = this.#watches.get(id)
    if (watch === undefined) return statusOf['target-unknown']
    const document = parsePresenceBody(field(headers, 'Content-Type') ?? '', body, Date.now())
    if (typeof document === 'string') return statusOf.malformed
    watch.tell(document, body)
    if (field(headers, 'Duration') === '0') this.#end(id)
    return 200
  }

  #end(id: string): void {
    this.#watches.get(id)?.end()
    this.#watches.delete(id)
  }

  #over(): void {
    for (const watch of this.#watches.values()) watch.stop()
    this.#watches.clear()
  }
}

function addressOf(written: string): Address {
  const address = parseAddress(written)
  if (address === undefined || address.user === '')
    throw new Refused(400, `${written} is no address`, 'address-malformed')
  return address
}

function documentOf({ headers, body }: PrimResponse): PresenceDocument {
  const document = parsePresenceBody(field(headers, 'Content-Type') ?? '', body, Date.now())
  if (typeof document === 'string') throw new ConnectionLost('the server’s presence cannot be read')
  return document
}
