// A domain for tests: the real service over the memory store, a virtual clock, and clients joined in memory.
import { BackOff, Derivation, Digest, type Logins, Sasl, StoreAuthenticator } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers, type Peers, type Service, type ServicePolicy, type Store } from '#core'
import { type Address, parseAddress } from '#model'
import { type ConnectionPairOptions, connectionPair, flushConnections } from '#net'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { ClientSession } from '../client-session.ts'
import { reviveStanza } from '../envelope.ts'
import { type XmppMetrics, xmppMetrics } from '../metrics.ts'
import { type Registrations, registrationsOf } from '../registration.ts'
import { Resumptions } from '../resumptions.ts'
import type { SessionEnvironment } from '../session-environment.ts'
import type { XmppSettings } from '../settings.ts'
import { TestClient } from './test-client.ts'

export interface TestDomainOptions {
  readonly settings?: Partial<XmppSettings>
  readonly policy?: Partial<ServicePolicy>
  readonly users?: readonly string[]
  readonly peers?: Peers
  /** What it is called; `localhost` with one beside it where it is left out. */
  readonly domain?: string
  readonly clock?: VirtualClock
  readonly store?: Store
}

export class TestDomain {
  readonly domain: string
  readonly clock: VirtualClock
  readonly store: Store
  readonly service: Service
  readonly logins: Logins
  readonly settings: XmppSettings
  readonly sessions = new Set<ClientSession>()
  readonly metrics: XmppMetrics
  readonly registrations: Registrations | undefined
  readonly resumptions = new Resumptions()

  constructor({ settings, policy, peers, domain, clock, store }: TestDomainOptions) {
    this.domain = domain ?? 'localhost'
    this.clock = clock ?? new VirtualClock(Date.UTC(2026, 0, 1))
    this.store = store ?? createMemoryStore()
    this.settings = { ...plainSettings, ...settings }
    const passwords = new Derivation({ iterations: 4096 })
    const authenticator = new StoreAuthenticator(this.store)
    this.service = createService({
      clock: this.clock,
      log: silentLog,
      metrics: new Metrics(),
      store: this.store,
      peers: peers ?? noPeers,
      domains: domain === undefined ? ['localhost', 'other.example'] : [domain],
      policy: { history: false, undeliveredMax: 100, confirmSameDomain: true, ...policy },
      authenticator,
      passwords,
      revive: (unit) => reviveStanza(unit.head, unit.raw),
    })
    this.metrics = xmppMetrics(this.service.metrics)
    this.registrations = registrationsOf(this.service, this.settings)
    const shared = { authenticator, backOff: new BackOff(this.clock), serverKey: new Uint8Array(32) }
    this.logins = {
      sasl: new Sasl({ ...shared, iterations: 4096 }),
      digest: new Digest({ ...shared, clock: this.clock }),
    }
  }

  /** What each session has around it. */
  get around(): Omit<SessionEnvironment, 'onOver'> {
    return {
      service: this.service,
      settings: this.settings,
      logins: this.logins,
      version: '1.2.3',
      metrics: this.metrics,
      resumptions: this.resumptions,
      registrations: this.registrations,
      tls: {
        secureContext: () => {
          throw new Error('a pair in memory has no certificates')
        },
      },
    }
  }

  /** A connection, before its stream begins. */
  connect(options: Omit<ConnectionPairOptions, 'clock'> = {}): TestClient {
    const [ours, theirs] = connectionPair({ clock: this.clock, ...options })
    const session = new ClientSession(ours, { ...this.around, onOver: () => this.sessions.delete(session) })
    this.sessions.add(session)
    return new TestClient(theirs, options.secure === true)
  }

  /** A client that is logged in with a resource bound. */
  async bound(user: string, resource: string): Promise<TestClient> {
    const client = this.connect()
    await client.logIn(user, this.domain)
    await client.bind(resource)
    return client
  }

  /** The same with its roster asked for and initial presence sent, everything that this brings taken away. */
  async available(user: string, resource: string, presence = '<presence/>'): Promise<TestClient> {
    const client = await this.bound(user, resource)
    await client.ask("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    client.send(presence)
    await this.settle()
    client.takeAll()
    return client
  }

  /** Lets everything that is under way come to its end. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      flushConnections()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  address(user: string): Address {
    return parseAddress(`${user}@${this.domain}`) as Address
  }

  /** Each sees the other (RFC 6121 §3). */
  async befriend(...users: readonly string[]): Promise<void> {
    const pairs = users.flatMap((one) =>
      users.filter((other) => other !== one).map((other) => [one, other] as const),
    )
    const { contacts } = this.service
    for (const [one, other] of pairs)
      contacts.ask(this.address(one), this.address(other), undefined, () => {})
    await this.settle()
    for (const [one, other] of pairs) {
      contacts.approve(this.address(one), this.address(other), undefined, () => {})
    }
    await this.settle()
  }
}

export async function testDomain(options: TestDomainOptions = {}): Promise<TestDomain> {
  const domain = new TestDomain(options)
  const users = options.users ?? ['romeo', 'juliet', 'nurse']
  const outcomes = await domain.service.accounts.add(
    users.map((user) => ({ address: domain.address(user), password: 'secret' })),
  )
  if (outcomes.some(({ kind }) => kind !== 'done')) throw new Error('accounts were refused')
  return domain
}

const plainSettings: XmppSettings = {
  client: undefined,
  clientTls: undefined,
  server: undefined,
  serverTls: undefined,
  component: undefined,
  components: undefined,
  dialback: true,
  dialbackSecret: undefined,
  serverConnectSeconds: 30,
  serverIdleSeconds: 600,
  serverProbeSeconds: 60,
  serverResumptionSeconds: 120,
  serverQueuedMax: 10_000,
  serverStanzasPerSecondMax: 10_000,
  serverStreamsOfDomainMax: 16,
  serverStrangersMax: 1000,
  serverStrangersPerAddressMax: 20,
  plainWithoutTls: true,
  stanzaOctetsMax: 262_144,
  idleSeconds: 300,
  negotiationSecondsMax: 60,
  loginFailuresMax: 3,
  directedPresenceMax: 3,
  resumptionSecondsMax: 600,
  resumptionLocation: undefined,
  acknowledgeStanzas: 10,
  acknowledgeSeconds: 5,
  unacknowledgedStanzasMax: 100,
  unacknowledgedOctetsMax: 1_000_000,
  webSocket: true,
  webSocketUri: undefined,
  seeOtherHost: undefined,
  seeOtherUri: undefined,
  registration: false,
  registrationsAnHourMax: 5,
  passwordChange: false,
  accountRemoval: false,
  vcardOctetsMax: 2000,
  tellVersion: true,
  abuseAddresses: undefined,
  adminAddresses: undefined,
  feedbackAddresses: undefined,
  salesAddresses: undefined,
  securityAddresses: undefined,
  statusAddresses: undefined,
  supportAddresses: undefined,
}
