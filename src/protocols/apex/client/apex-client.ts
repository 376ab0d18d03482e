// A person's program by APEX: one session, one channel, attached as the person (RFC 3340 §4.4, RFC 3343 §4).

import { type Clock, randomId, type Timer, utf8 } from '#base'
import { type Address, type InstantMessage, type PresenceDocument, parseAddress } from '#model'
import {
  bodyOf,
  documentOf,
  endpointOf,
  infoOfWords,
  type PresenceEntry,
  presenceText,
  publishText,
  readPresence,
  relatedEntity,
  subscribeText,
  talkSubaddress,
  timestampText,
} from '../codec/index.ts'
import type { Conversation } from './conversation.ts'
import { ConnectionLost, NoAddress, Refused } from './failures.ts'
import type { ClientSession } from './log-in.ts'
import { Watch, type WatchHandlers } from './watch.ts'

export interface Outgoing {
  readonly to: string
  readonly text: string
  readonly subject?: string | undefined
}

/** How the person is, until a moment. */
export interface Availability {
  /** Milliseconds since the epoch; in the past: available no more. */
  readonly until: number
  /** Empty: none. */
  readonly words: string
}

/** LIMIT: milliseconds for the last relay to say what became of data: it need not (RFC 3340 §5.1). */
const reportMax = 10_000
/** LIMIT: milliseconds to take leave in order. */
const leaveMax = 2000
/** LIMIT: publishes that another one of the same person came in between of. */
const attemptsMax = 3

export class ApexClient {
  readonly address: Address
  readonly #session: ClientSession
  readonly #conversation: Conversation
  readonly #clock: Clock
  readonly #watches = new Set<Watch>()
  /** Why it is over, when it is. */
  readonly closed: Promise<string>

  constructor(session: ClientSession, conversation: Conversation, address: Address, clock: Clock) {
    this.address = address
    this.#session = session
    this.#conversation = conversation
    this.#clock = clock
    const terminated = new Promise<string>((resolve) => {
      conversation.onTerminated = resolve
    })
    this.closed = Promise.race([terminated, session.closed])
  }

  /** `delivered`: somebody has taken it; `stored`: it is held; `relayed`: nobody said what became of it. */
  async send({
    to,
    text,
    subject,
  }: Outgoing): Promise<{ result: 'delivered' | 'stored' | 'relayed'; id: string }> {
    const target = addressNamed(to)
    const id = `${randomId(16)}@${this.address.domain}`
    const message: InstantMessage = {
      from: this.address,
      to: target,
      id,
      thread: '',
      kind: 'chat',
      subject: subject === undefined ? [] : [{ language: '', text: subject }],
      body: [{ language: '', text }],
    }
    const body = bodyOf(message, { type: 'text/plain; charset=utf-8', bytes: utf8(text), fields: [] })
    if (body === undefined || this.#conversation.endpoint === undefined)
      throw new ConnectionLost('not attached')
    const transId = this.#conversation.freshTransId()
    const entity = relatedEntity(body, {
      originator: this.#conversation.endpoint,
      recipient: endpointOf(target),
      id,
      options: `<option internal='statusRequest' transID='${transId}' /><option internal='hold4Endpoint' />`,
    })
    const report = await this.#session.first(
      this.#conversation.answer(transId, () => this.#conversation.say(entity), reportMax),
    )
    if (report?.kind !== 'statusResponse') return { result: 'relayed', id }
    const { code, text: reason } = report.destinations[0] ?? { code: 250, text: '' }
    if (code >= 400) throw new Refused(code, reason)
    return { result: code >= 300 ? 'stored' : 'delivered', id }
  }

  async fetch(target: string): Promise<PresenceDocument> {
    const presentity = addressNamed(target)
    return documentOf(await this.#entryOf(presentity), presentity, this.#clock.now())
  }

  /** Until the client leaves, or the service ends it. */
  async watch(target: string, handlers: WatchHandlers): Promise<Watch> {
    const watch = new Watch(this.#conversation, addressNamed(target), handlers, this.#clock)
    await this.#session.first(watch.begin())
    this.#watches.add(watch)
    return watch
  }

  /** The person's whole entry, of one tuple (RFC 3343 §4.4). */
  async publish({ until, words }: Availability): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { publisher, lastUpdate } = await this.#entryOf(this.address)
      const entry: PresenceEntry = {
        publisher,
        lastUpdate,
        publisherInfo: '',
        tuples: [
          {
            destination: `apex:${endpointOf(this.address, talkSubaddress).written}`,
            availableUntil: timestampText(until),
            tupleInfo: words === '' ? '' : infoOfWords(words),
            capabilities: [],
          },
        ],
      }
      const transId = this.#conversation.freshTransId()
      const now = timestampText(this.#clock.now())
      const inline = publishText(publisher, transId, now, presenceText(entry))
      const said = await this.#session.first(
        this.#conversation.answer(transId, () =>
          this.#conversation.tell('presence', this.address.domain, inline),
        ),
      )
      if (said?.kind !== 'reply') throw new ConnectionLost('the presence service does not answer')
      if (said.code < 400) return
      // Step 5: somebody changed it since we read it.
      if (said.code !== 555 || attempt === attemptsMax) throw new Refused(said.code, said.text)
    }
  }

  /** Takes leave: subscriptions end, then the session (RFC 3080 §2.4). */
  async close(): Promise<void> {
    const { beep, closed } = this.#session
    let timer: Timer | undefined
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.schedule(leaveMax, resolve)
    })
    // What can't be said any more ends with the session; what is left of it ends with its duration.
    const stopped = Promise.allSettled([...this.#watches].map((watch) => watch.stop()))
    const left = stopped.then(() => {
      beep.release()
      return closed
    })
    await Promise.race([left, late])
    timer?.cancel()
    beep.terminate({ why: 'us' })
  }

  async #entryOf(presentity: Address): Promise<PresenceEntry> {
    const transId = this.#conversation.freshTransId()
    const publisher = endpointOf(presentity).written
    const said = await this.#session.first(
      this.#conversation.answer(transId, () =>
        this.#conversation.tell(
          'presence',
          presentity.domain,
          subscribeText('subscribe', publisher, transId, 0),
        ),
      ),
    )
    if (said?.kind === 'reply') throw new Refused(said.code, said.text)
    const entry = said?.kind === 'publish' ? readPresence(said.presence) : undefined
    if (entry === undefined) throw new ConnectionLost('the presence service does not answer')
    return entry
  }
}

function addressNamed(written: string): Address {
  const address = parseAddress(written)
  if (address === undefined || address.user === '') throw new NoAddress(written)
  return address
}
