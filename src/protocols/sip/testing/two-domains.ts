// Two servers with SIP, each with a domain, in memory: connections between them are pairs, DNS is a table, time is virtual. Without TLS,
// which needs sockets: `tests/transcripts/between` has it.

import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, StoreAuthenticator, serverKeyOf } from '#auth'
import { ownBytes, VirtualClock } from '#base'
import { createPeers, createService, type PeerPolicy, type Service } from '#core'
import {
  type Connection,
  type ConnectTcpOptions,
  connectionPair,
  fixedResolver,
  flushConnections,
  type SrvRecord,
  type TlsContext,
} from '#net'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { revive } from '../binding.ts'
import type { UserAgent } from '../client/user-agent.ts'
import type { SipContext } from '../context.ts'
import type { Domains } from '../domains/domains.ts'
import type { SipSettings } from '../settings.ts'
import { composeSip } from '../sip-server.ts'
import { Phone } from './phone.ts'
import { at, settings } from './sip-domain.ts'

const policy: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

/** A server: its name, where it listens, and its parts. */
export interface Side {
  readonly domain: string
  readonly address: string
  readonly service: Service
  readonly context: SipContext
  readonly domains: Domains
  readonly agent: UserAgent
}

/** What listens at an address: a server's transport, or a test. */
export type Listener = (connection: Connection) => void

export class TwoDomains {
  readonly clock = new VirtualClock()
  /** `address:port` by TCP. */
  readonly listeners = new Map<string, Listener>()
  readonly srv: Record<string, readonly SrvRecord[]> = {}
  readonly addresses: Record<string, readonly string[]> = {}
  /** Connections that were asked for: `address:port`. */
  readonly dialled: string[] = []
  readonly #phones: Phone[] = []

  static async make(): Promise<{ town: TwoDomains; here: Side; there: Side }> {
    const town = new TwoDomains()
    const here = await town.settle('montague.example', '192.0.2.1', ['romeo', 'benvolio'])
    const there = await town.settle('capulet.example', '192.0.2.2', ['juliet', 'nurse'])
    return { town, here, there }
  }

  async settle(
    domain: string,
    address: string,
    users: readonly string[],
    more: Partial<SipSettings> = {},
  ): Promise<Side> {
    const store = createMemoryStore()
    const authenticator = new StoreAuthenticator(store)
    const service = createService({
      clock: this.clock,
      log: silentLog,
      metrics: new Metrics(),
      store,
      peers: createPeers({
        clock: this.clock,
        fault: (error) => assert.fail(error as Error),
        strangers: policy,
        domains: new Map(),
        order: [],
      }),
      domains: [domain],
      policy: { history: false, undeliveredMax: 100, confirmSameDomain: false },
      authenticator,
      passwords: new Derivation({ iterations: 4096 }),
      revive: (unit) => (unit.head.protocol === 'sip' ? revive(unit.head, unit.raw) : undefined),
    })
    await service.accounts.add(
      users.map((user) => ({ address: at(`${user}@${domain}`), password: 'secret' })),
    )
    const digest = new Digest({
      authenticator,
      clock: this.clock,
      backOff: new BackOff(this.clock),
      serverKey: await serverKeyOf(store),
      withoutQop: true,
    })
    const context = composeSip(
      service,
      { ...settings, otherDomains: true, subscriptionSecondsMin: 60, ...more },
      digest,
      {
        tls: {} as TlsContext,
        resolver: fixedResolver({ srv: this.srv, addresses: this.addresses }),
        routeTo: () => ({ servers: undefined, tls: 'none' }),
        connect: (options) => this.#connect(address, options),
      },
    )
    this.srv[`_sip._tcp.${domain}`] = [{ priority: 0, weight: 0, target: `sip.${domain}`, port: 5060 }]
    this.addresses[`sip.${domain}`] = [address]
    this.listeners.set(`${address}:5060`, (connection) => void context.transport.connected(connection, 'TCP'))
    const { domains } = context
    assert(domains !== undefined)
    service.peers.add(domains)
    return { domain, address, service, context, domains, agent: domains.agent }
  }

  /** A phone at its server, by TCP. */
  phone(side: Side, user: string, address: string): Phone {
    const [ours, theirs] = connectionPair({
      clock: this.clock,
      remote: { address, port: 5060 },
      local: { address: side.address, port: 5060 },
    })
    side.context.transport.connected(ours, 'TCP')
    const phone = new Phone(
      user,
      { address, port: 5060 },
      'TCP',
      (octets) => void theirs.write(octets),
      side.domain,
    )
    phone.connection = theirs
    theirs.start({ onData: (octets) => phone.receive(ownBytes(octets)), onClose: () => undefined })
    this.#phones.push(phone)
    return phone
  }

  /** Lets all that is on its way arrive. */
  async settled(turns = 60): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      flushConnections()
      await new Promise(setImmediate)
    }
  }

  /** In steps, for what a timer begins is to be done before much more time has passed. */
  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 10) {
      this.clock.advance(Math.min(left, 10) * 1000)
      await this.settled(15)
    }
    await this.settled()
  }

  #connect(from: string, { host, port }: ConnectTcpOptions): Promise<Connection> {
    this.dialled.push(`${host}:${port}`)
    const listener = this.listeners.get(`${host}:${port}`)
    if (listener === undefined) return Promise.reject(new Error('connection refused'))
    const remote = { address: host, port }
    const [ours, theirs] = connectionPair({
      clock: this.clock,
      remote,
      local: { address: from, port: 40_000 + this.dialled.length },
    })
    listener(theirs)
    return Promise.resolve(ours)
  }
}
