// A person's program: messages, presence of others and one's own, over whatever connections it takes.

import { type Clock, randomId, SystemClock } from '#base'
import { type Address, type PresenceDocument, parseAddress, type Report } from '#model'
import { addressOfUrl } from '../codec/index.ts'
import { Refused } from './failures.ts'
import { type HistoryOptions, historyOf, type Remembered } from './history.ts'
import type { ImppSession, Incoming, Outgoing, PublicationLease, SendResult } from './impp-session.ts'
import { type LoginOptions, logIn } from './log-in.ts'
import { Mailbox } from './mailbox.ts'
import {
  AccessList,
  ContactList,
  type FollowedContacts,
  type FollowedWatchers,
  followedContacts,
  followedWatchers,
  type Run,
  type WatcherInfo,
  watchersOf,
} from './own-lists.ts'
import { Publication, type PublishOptions, type Said } from './publication.ts'
import { type ClientState, Reconnection, type ReconnectionOptions } from './reconnection.ts'
import { SecondConnection } from './second-connection.ts'
import { Sending } from './sending.ts'
import type { Dial } from './transport.ts'
import { type Sighting, Watches } from './watches.ts'

export interface ConnectOptions {
  /** `user@domain` */
  readonly address: string
  readonly password: string
  /** A name for this device, the same at each login: letters, digits, `.`, `_`, `-`. Made up when left out. */
  readonly device?: string
  /**
   * Where the server is. A WebSocket's URL, `wss://example.com/impp`, and in Node also `host` or `host:port`. By default found by
   * the domain: in Node by DNS (SRV `_impp._tcp`), in a browser at `wss://` and the domain's name.
   */
  readonly server?: string
  /** Whether messages come to this program, which `messages()` or `onMessage` takes; `closed` for one that only sends or watches. */
  readonly inbox?: 'open' | 'closed'
  /** In the place of `messages()`: a message counts as delivered when this returns or its promise resolves. */
  readonly onMessage?: (incoming: Incoming) => void | Promise<void>
  /** What became known later of a message that was sent: that it failed, was delivered or displayed. */
  readonly onReport?: (report: Report) => void
  /** Connected, reconnecting, closed. */
  readonly onState?: (state: ClientState) => void
  /** Something that is done again after a reconnection failed: a status that could not be said again. */
  readonly onTrouble?: (error: Error) => void
  /** TLS is `required` by default; a connection within the machine needs none. */
  readonly tls?: LoginOptions['tls']
  /** Whether the password may be shown to the server where it has no SCRAM; only under TLS. False by default. */
  readonly plain?: boolean
  /** How a lost connection is made again; `false`: its end is the client's. */
  readonly reconnect?: boolean | ReconnectionOptions
  /**
   * Whether what is long (from 65536 octets) is sent by a second connection, made when it is needed, so that what is short does not wait
   * behind it. True by default. Where the server refuses one, `onTrouble` is told, and the first one serves.
   */
  readonly secondConnection?: boolean
  /** Gives up the first login. */
  readonly signal?: AbortSignal
  /** Opens connections, in the place of what `server` says. */
  readonly dial?: Dial
  readonly clock?: Clock
}

/** Logs in. Rejects with Refused (`isLogin`: the name or the password is wrong) or ConnectionLost. */
export async function connectBy(dial: Dial, options: ConnectOptions): Promise<ImppClient> {
  const client = new ImppClient(dial, options)
  await client.begin(options.signal)
  return client
}

export class ImppClient {
  /** Who may see and reach us. */
  readonly access: AccessList
  readonly contacts: ContactList
  /** Resolves when it is over, with why. */
  readonly closed: Promise<string>
  readonly #mailbox = new Mailbox()
  readonly #watches: Watches
  readonly #publication: Publication
  readonly #reconnection: Reconnection
  readonly #run: Run
  readonly #second: SecondConnection | undefined
  readonly #sending: Sending
  readonly #contacts: FollowedContacts
  readonly #watchers: FollowedWatchers
  readonly #options: ConnectOptions
  readonly #stop = new AbortController()
  #address: Address | undefined

  /** @internal by connect() */
  constructor(dial: Dial, options: ConnectOptions) {
    this.#options = options
    const clock = options.clock ?? new SystemClock()
    const closed = Promise.withResolvers<string>()
    this.closed = closed.promise
    const trouble = options.onTrouble ?? (() => {})
    const reconnect = options.reconnect ?? true
    const again = reconnect === true ? {} : reconnect === false ? undefined : reconnect
    this.#reconnection = new Reconnection({
      clock,
      again,
      logIn: (location) => this.#logIn(dial, location, this.#login(clock)),
      onSession: (session) => {
        this.#address = session.address
        this.#publication.restore()
        this.#watches.restore()
        this.#contacts.restore()
        this.#watchers.restore()
      },
      onState: (state) => options.onState?.(state),
      onOver: (why, error) => {
        this.#stop.abort()
        this.#publication.stop()
        this.#watches.end(error)
        this.#contacts.end(error)
        this.#watchers.end(error)
        this.#mailbox.feed.end(error)
        void this.#second?.close()
        closed.resolve(why)
      },
    })
    this.#watches = new Watches(() => this.#reconnection.session, trouble)
    const unlessOver = (error: Error): void => {
      if (!this.#reconnection.isOver) trouble(error)
    }
    this.#run = (use, signal) => this.#reconnection.run(use, signal)
    if (options.secondConnection ?? true) {
      this.#second = new SecondConnection({
        clock,
        first: this.#run,
        again,
        logIn: (location) => this.#logIn(dial, location, this.#loginForSending(clock)),
        onTrouble: unlessOver,
      })
    }
    this.#sending = new Sending(this.#run, this.#second)
    this.#publication = new Publication(this.#run, clock, unlessOver)
    this.access = new AccessList(this.#run)
    this.#contacts = followedContacts(this.#run, unlessOver)
    this.#watchers = followedWatchers(this.#run, unlessOver)
    this.contacts = new ContactList(this.#run, this.#contacts)
  }

  /** @internal */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    const abort = (): void => this.#stop.abort(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      await this.#reconnection.begin()
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Who we are, as the server writes it: `user@domain`. */
  get address(): string {
    return this.#address?.key ?? this.#options.address
  }

  /** Octets of a whole request that the server takes: a message must fit with its header. */
  get requestOctetsMax(): number | undefined {
    return this.#reconnection.session?.requestOctetsMax
  }

  /**
   * Sends a text, or a message with all there is to it. Resolves when it was delivered or is stored for who is away; rejects with
   * Refused. When the connection is lost before the answer, it is asked for again over the next one: the server knows the sending
   * by its mark and delivers nothing twice; one that was restarted meanwhile may, with the same id.
   */
  send(
    to: string,
    said: string | Omit<Outgoing, 'to'>,
    options: { signal?: AbortSignal } = {},
  ): Promise<SendResult> {
    const message = typeof said === 'string' ? { body: [{ language: '', text: said }] } : said
    const outgoing = { ...message, to, id: message.id ?? randomId() }
    return this.#sending.send(outgoing, options.signal)
  }

  /** Sends a text to who sent `incoming`, in the same conversation. */
  reply({ message }: Incoming, text: string): Promise<SendResult> {
    const { from, thread } = message
    return this.send(from.key, { body: [{ language: '', text }], ...(thread !== '' && { thread }) })
  }

  /**
   * Messages as they come, and those that waited. Each goes to one taker, and counts as delivered when it is taken. Ends in order with
   * `signal` or close(); throws ConnectionLost or Refused when the client is over otherwise.
   */
  messages(options: { signal?: AbortSignal } = {}): AsyncGenerator<Incoming, void, undefined> {
    return this.#mailbox.feed.iterate(options.signal)
  }

  /** What we may see of somebody now. */
  fetch(target: string, options: { signal?: AbortSignal } = {}): Promise<PresenceDocument> {
    return this.#reconnection.run((session) => session.fetch(target), options.signal)
  }

  /**
   * How somebody is, now and at each change; to a slow reader only the latest. The subscription is renewed by itself and made again after a
   * reconnection. Throws Refused when it is refused, SubscriptionEnded when it is withdrawn.
   */
  watch(target: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<Sighting, void, undefined> {
    const address = addressOfUrl(target) ?? parseAddress(target)
    if (address === undefined) throw malformed(target)
    return this.#watches.watch(address.key, options.signal)
  }

  /** Says how we are; `undefined` takes back what was said. Resolves with the lease that was granted. */
  publish(said: Said | undefined, options: PublishOptions = {}): Promise<PublicationLease> {
    return this.#publication.publish(said, options)
  }

  /** Who watches us now, and who asks to. */
  watchers(): Promise<WatcherInfo[]> {
    return watchersOf(this.#run)
  }

  /** Who watches us, now and after each change. */
  followWatchers(
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<readonly WatcherInfo[], void, undefined> {
    return this.#watchers.follow(options.signal)
  }

  /** What was said, in all protocols, oldest first; asked for page by page as it is iterated over. */
  history(options: HistoryOptions = {}): AsyncGenerator<Remembered, void, undefined> {
    return historyOf(this.#run, options)
  }

  /** Leaves in order; who iterates comes to an end. */
  async close(): Promise<void> {
    await Promise.all([this.#second?.close(), this.#reconnection.leave()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #logIn(dial: Dial, location: string | undefined, login: LoginOptions): Promise<ImppSession> {
    const domain = parseAddress(this.#options.address)?.domain
    if (domain === undefined) throw malformed(this.#options.address)
    const transport = await dial({ domain, location, signal: this.#stop.signal })
    return logIn(transport, login)
  }

  /** Without an inbox, and as another device. */
  #loginForSending(clock: Clock): LoginOptions {
    const { address, password, plain, tls = 'required' } = this.#options
    return { address, password, tls, clock, ...(plain !== undefined && { plain }) }
  }

  #login(clock: Clock): LoginOptions {
    const { address, password, device, plain, onMessage, onReport, tls = 'required' } = this.#options
    const takes = (this.#options.inbox ?? 'open') === 'open'
    return {
      address,
      password,
      tls,
      clock,
      ...(device !== undefined && { device }),
      ...(plain !== undefined && { plain }),
      ...(onReport !== undefined && { onReport }),
      onList: (list, body, overflow) =>
        (list === 'contacts' ? this.#contacts : this.#watchers).told(body, overflow),
      ...(takes && { onMessage: onMessage ?? this.#mailbox.put }),
    }
  }
}

function malformed(written: string): Error {
  return new Refused('address-malformed', `${written} is no address`, undefined)
}
