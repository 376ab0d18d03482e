// A whole core upon a memory store and a clock that stands still: accounts, and the questions that tests ask of it.
import assert from 'node:assert/strict'
import { VirtualClock } from '#base'
import { type Outcome, TimeZone } from '#model'
import { type Log, Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { readCpl } from '#wire/cpl'
import type { InboxAgent } from '../agents.ts'
import { createPeers, type PeerTable } from '../peers/peer-links.ts'
import type { PeerProtocol } from '../peers/peers.ts'
import type { Account } from '../people/account.ts'
import { createService, type Service, type ServicePolicy } from '../service.ts'
import type { Store } from '../store.ts'
import { at, reviveTest, type TestEnvelope } from './envelopes.ts'
import { welcome } from './peers.ts'

export interface World {
  readonly service: Service
  readonly clock: VirtualClock
  readonly store: Store
  /** What was logged as a fault. */
  readonly faults: string[]
}

export interface WorldOptions {
  readonly accounts: readonly string[]
  /** Aliases by account. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  readonly policy?: Partial<ServicePolicy>
  /** Puts something in front of the store, to make it fail or wait. */
  readonly store?: (store: Store) => Store
  /** Our own domains; verona.example and mantua.example unless it says otherwise. */
  readonly domains?: readonly string[]
  /** One that goes on from another world; else a new one. */
  readonly clock?: VirtualClock
  /** What reaches other domains; without it none is reached. */
  readonly peers?: readonly PeerProtocol[]
  /** With whom we speak: everybody, unless it says otherwise. */
  readonly peerTable?: Partial<PeerTable>
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const clock = options.clock ?? new VirtualClock()
  const memory = createMemoryStore()
  await addAccounts(memory, options.accounts, options.aliases ?? {})
  const store = options.store?.(memory) ?? memory
  const faults: string[] = []
  const log: Log = { ...silentLog, error: (...said: unknown[]) => faults.push(said.map(String).join(' ')) }
  const fault = (cause: unknown, what: string): void => void faults.push(`${what} ${cause}`)
  const peers = createPeers({
    strangers: welcome,
    domains: new Map(),
    order: [],
    ...options.peerTable,
    clock,
    fault,
  })
  for (const protocol of options.peers ?? []) peers.add(protocol)
  const service = createService({
    clock,
    log,
    metrics: new Metrics(),
    store,
    peers,
    domains: options.domains ?? ['verona.example', 'mantua.example'],
    policy: { history: true, undeliveredMax: 1000, confirmSameDomain: true, ...options.policy },
    authenticator: { credentials: () => Promise.resolve(undefined) },
    passwords: {
      derive: () => Promise.reject(new Error('no passwords here')),
      adopt: () => ({ refused: 'not-acceptable' }),
    },
    revive: reviveTest,
    readScript: (document) => readCpl(document, TimeZone.named('UTC') as TimeZone),
    random: () => 0.5,
  })
  return { service, clock, store, faults }
}

export async function addAccounts(
  store: Store,
  accounts: readonly string[],
  aliases: Readonly<Record<string, readonly string[]>> = {},
): Promise<void> {
  await store.addAccounts(
    accounts.map((name) => ({
      record: { address: at(name), aliases: (aliases[name] ?? []).map(at), created: 0, disabled: false },
      secrets: { scram: {}, ha1: {} },
    })),
  )
}

/** All that follows from what was asked: several turns of the event loop, no time. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function resident(world: World, name: string): Promise<Account> {
  return new Promise((resolve, reject) => {
    world.service.directory.find(at(name), (found) =>
      typeof found === 'string' ? reject(new Error(`${name}: ${found}`)) : resolve(found),
    )
  })
}

/** Signs a device in and lets it take what waits. */
export async function signIn(world: World, agent: InboxAgent): Promise<Account> {
  const account = await new Promise<Account>((resolve, reject) => {
    world.service.messages.attach(agent, (attached) =>
      'kind' in attached ? reject(new Error(attached.condition)) : resolve(attached),
    )
  })
  world.service.messages.ready(account)
  return account
}

/** Sends and, as the tick's end would, overwrites the octets; the outcome comes once. */
export function send(world: World, envelope: TestEnvelope): Promise<Outcome> {
  return new Promise((resolve) => {
    let told = 0
    world.service.messages.send(envelope, (outcome) => {
      assert.equal(++told, 1, `the outcome of ${envelope.head.id} came twice`)
      resolve(outcome)
    })
    envelope.poison()
  })
}

/** An outcome in one word. */
export function wordOf(outcome: { kind: string; condition?: string }): string {
  return outcome.kind === 'refused' ? (outcome.condition ?? '') : outcome.kind
}

/** The outcome of an operation that tells it to its last argument. */
export function outcomeOf(
  operation: (onOutcome: (outcome: { kind: string; condition?: string }) => void) => void,
): Promise<string> {
  return new Promise((resolve) => operation((outcome) => resolve(wordOf(outcome))))
}
