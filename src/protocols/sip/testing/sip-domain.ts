// A domain with accounts and SIP in memory, for tests: datagrams go by function call, time is virtual.

import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, StoreAuthenticator, serverKeyOf } from '#auth'
import { ownBytes, VirtualClock } from '#base'
import { createService, noPeers, type Service, type Store } from '#core'
import { type Address, parseAddress, TimeZone } from '#model'
import { type Connection, connectionPair, type Endpoint, type UdpListener } from '#net'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { readCpl } from '#wire/cpl'
import { revive } from '../binding.ts'
import type { SipContext } from '../context.ts'
import type { SipSettings } from '../settings.ts'
import { composeSip } from '../sip-server.ts'
import { Phone } from './phone.ts'

export const settings: SipSettings = {
  udp: undefined,
  tcp: undefined,
  tls: undefined,
  host: undefined,
  registrationSecondsMin: 60,
  registrationSecondsDefault: 3600,
  registrationSecondsMax: 7200,
  contactsMax: 4,
  subscriptionSecondsMin: 60,
  subscriptionSecondsDefault: 3600,
  subscriptionSecondsMax: 7200,
  notifySecondsMin: 0,
  messageBytesMax: 60_000,
  answerSeconds: 15,
  foreignSenders: false,
  otherDomains: false,
  domainLeaseSeconds: 3600,
  domainAnswerSeconds: 15,
  transactionsMax: 65_536,
  ringSecondsMax: 185,
  forkSeconds: 20,
  requestsPendingMax: 4,
  messagesPendingMax: 100,
  datagramsPerSourceMax: 0,
  partialSecondsMax: 30,
  idleSecondsMax: 7200,
  strangerSecondsMax: 60,
  flowTimerSeconds: 120,
  serviceRoute: false,
  webSocket: true,
}

/** Where the server listens. */
export const serverAt: Endpoint = { address: '192.0.2.254', port: 5060 }

export const at = (written: string): Address => parseAddress(written) ?? assert.fail(`no address: ${written}`)

export interface DomainOptions {
  readonly settings?: Partial<SipSettings>
  readonly confirmSameDomain?: boolean
  /** False unless it is said. */
  readonly history?: boolean
  readonly users?: readonly string[]
  readonly password?: string
  /** That of an earlier domain, as after a restart. */
  readonly store?: Store
}

export class SipDomain {
  readonly clock: VirtualClock
  readonly service: Service
  readonly context: SipContext
  readonly store: Store
  readonly #phones = new Map<string, Phone>()
  /** Told of every datagram that the server sends, beside the phone it goes to. */
  onDatagram: ((octets: Uint8Array, port: number, host: string) => void) | undefined

  private constructor(clock: VirtualClock, service: Service, context: SipContext, store: Store) {
    this.store = store
    this.clock = clock
    this.service = service
    this.context = context
    const listener: UdpListener = {
      name: 'sip udp',
      host: serverAt.address,
      port: serverAt.port,
      local: serverAt,
      send: (octets, port, host) => {
        this.onDatagram?.(octets, port, host)
        this.#phones.get(`${host} ${port}`)?.receive(ownBytes(octets))
        return true
      },
      close: () => Promise.resolve(),
    }
    // Unless the test opens sockets.
    if (context.settings.udp === undefined) context.transport.useDatagrams(listener)
  }

  static async make(options: DomainOptions = {}): Promise<SipDomain> {
    const clock = new VirtualClock()
    const store = options.store ?? createMemoryStore()
    const authenticator = new StoreAuthenticator(store)
    const service = createService({
      clock,
      log: silentLog,
      metrics: new Metrics(),
      store,
      peers: noPeers,
      domains: ['example.com'],
      policy: {
        history: options.history ?? false,
        undeliveredMax: 100,
        confirmSameDomain: options.confirmSameDomain ?? false,
      },
      authenticator,
      passwords: new Derivation({ iterations: 4096 }),
      readScript: (document) => readCpl(document, TimeZone.named('UTC') as TimeZone),
      revive: (unit) => (unit.head.protocol === 'sip' ? revive(unit.head, unit.raw) : undefined),
    })
    const users = options.users ?? ['alice', 'bob', 'carol']
    await service.accounts.add(
      users.map((user) => ({ address: at(`${user}@example.com`), password: options.password ?? 'secret' })),
    )
    const serverKey = await serverKeyOf(store)
    const digest = new Digest({
      authenticator,
      clock,
      backOff: new BackOff(clock),
      serverKey,
      withoutQop: true,
    })
    const context = composeSip(service, { ...settings, ...options.settings }, digest, undefined, serverKey)
    return new SipDomain(clock, service, context, store)
  }

  /** A phone at an address of its own; by TCP where asked. */
  phone(user: string, address: string, port = 5060, transport: 'UDP' | 'TCP' = 'UDP'): Phone {
    if (transport === 'TCP') {
      const [ours, theirs] = connectionPair({ clock: this.clock, remote: { address, port }, local: serverAt })
      this.context.transport.connected(ours, 'TCP')
      return this.#overConnection(user, { address, port }, theirs)
    }
    const phone = new Phone(user, { address, port }, 'UDP', (octets) => {
      this.context.transport.datagram(Buffer.from(octets), { address, port })
    })
    this.#phones.set(`${address} ${port}`, phone)
    return phone
  }

  #overConnection(user: string, endpoint: Endpoint, connection: Connection): Phone {
    const phone = new Phone(user, endpoint, 'TCP', (octets) => void connection.write(octets))
    phone.connection = connection
    connection.start({ onData: (octets) => phone.receive(ownBytes(octets)), onClose: () => undefined })
    return phone
  }
}
