// The contract of a protocol folder's door. The server lists src/protocols/, reads `settings` of each door and starts those
// that are configured. `Settings`, `Tls`, `Logins`, `Web` and `Resolver` are `#config`'s, `#net`'s (TlsContexts, WebOffers, Resolver)
// and `#auth`'s (Logins) types, which the core does not know.
import type { Bytes } from '#base'
import type { Envelope, Head, ProtocolName } from '#model'
import type { PeerProtocol, PeerRoute } from './peers/peers.ts'
import type { Service } from './service.ts'

export interface Protocol<Settings, Tls, Logins, Web = unknown, Resolver = unknown> {
  /** The name of its folder, and of its settings' table. */
  readonly name: ProtocolName
  /** Its settings, as `#config` defines a section. */
  readonly settings: unknown
  /**
   * Protocols that it drives by their doors: it is started after them, stopped before them, and finds them in `Environment.others`.
   * Whether it may import them at all is the layer rule's business.
   */
  readonly standsOn?: readonly ProtocolName[]
  /** Where it opens no listener of its own: whether these settings turn it on. */
  isOn?(settings: Settings): boolean
  /** Asked where it is on: what in the settings of those that it stands on keeps it from running, in words for the operator; undefined: nothing. */
  misses?(settingsOf: (name: ProtocolName) => Readonly<Record<string, unknown>>): string | undefined
  /** Makes an envelope again of what the store or another machine held. Throws ServiceError when the octets are not its own. */
  revive(head: Head, raw: Bytes): Envelope
  /** Starts its listeners; rejects when one can't be opened, having closed the others. */
  start(
    service: Service,
    environment: Environment<Settings, Tls, Logins, Web, Resolver>,
  ): Promise<RunningProtocol>
}

export interface Environment<Settings, Tls, Logins, Web = unknown, Resolver = unknown> {
  readonly settings: Settings
  readonly tls: Tls
  /** SASL and Digest over one back-off, shared by all protocols. */
  readonly logins: Logins
  /** Where browsers come in: paths of the HTTP listeners. */
  readonly web?: Web
  /** What it needs to reach other domains; without it, it reaches none. */
  readonly domains?: PeerEnvironment<Resolver>
  /** A protocol that it stands on, where that runs. Its door says what more than this it is. */
  readonly others?: (name: ProtocolName) => RunningProtocol | undefined
  /** The version of the package, for those who ask by protocol (XEP-0092). */
  readonly version?: string
}

export interface PeerEnvironment<Resolver> {
  readonly resolver: Resolver
  /** How this protocol gets to the domain. */
  routeTo(domain: string): PeerRoute
}

export interface Listener {
  /** The setting that opened it: `xmpp.client`, `sip.udp`. */
  readonly setting: string
  /** What it is for: `XMPP clients (STARTTLS)`. */
  readonly purpose: string
  /** Where it really listens, the port chosen where 0 was asked: `127.0.0.1:5222/tcp`, `127.0.0.1:5060/udp`. */
  readonly where: string
}

export interface RunningProtocol {
  readonly listeners: readonly Listener[]
  /** How it reaches other domains, where it does. */
  readonly peers?: PeerProtocol
  /** Says goodbye to every party, waits a bounded time, and closes. */
  stop(): Promise<void>
}
