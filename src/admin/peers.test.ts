import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Derivation, StoreAuthenticator } from '#auth'
import { utf8, VirtualClock } from '#base'
import {
  createPeers,
  createService,
  namedWay,
  noWay,
  type PeerLink,
  type PeerPolicy,
  type PeerStatus,
  type Store,
} from '#core'
import { addressOf, type Head } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { ControlClient, Health, startControl } from './index.ts'
import { ScriptedPeerTables } from './testing/peer-tables.ts'

const domains = ['example.com']
const policy: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}
const link: PeerStatus = {
  protocol: 'xmpp',
  domain: 'capulet.example',
  state: 'connected',
  connections: ['out to 192.0.2.1:5269'],
  identity: 'certificate of capulet.example',
  lastError: '',
}

const strange = { source: 'strangers', settings: {} } as const

test('domains with a link or a queue are listed, any domain is shown', async (t) => {
  const { client, clock } = await control(t)
  const oldest = clock.now()
  const queue = { length: 2, oldest, condition: 'connection-failed', nextTry: clock.nextDue() }
  // What is undefined is not in JSON.
  const { protocol: _, ...told } = policy
  const peers = [
    { domain: 'capulet.example', policy: told, ...strange, links: [link] },
    { domain: 'montague.example', policy: told, ...strange, links: [], queue },
  ]
  assert.deepEqual(await client.peers(), peers)
  assert.deepEqual(await client.peer('Montague.example'), peers[1])
  assert.deepEqual(await client.peer('elsewhere.example'), {
    domain: 'elsewhere.example',
    policy: told,
    ...strange,
    links: [],
  })
})

test('a domain is tried at once, its queue is given up, once', async (t) => {
  const { client, store, clock } = await control(t)
  const due = clock.nextDue()
  await client.retryPeer('montague.example')
  assert.notEqual(clock.nextDue(), due, 'the retry that was set is not waited for')
  assert.equal(await client.dropPeerQueue('montague.example'), 2)
  assert.deepEqual(await store.queuedDomains(), [])
  await assert.rejects(client.dropPeerQueue('montague.example'), { condition: 'not-found' })
  await assert.rejects(client.retryPeer('montague.example'), { condition: 'not-found' })
})

test('what holds for a domain is set, shown and taken out; a refusal tells why', async (t) => {
  const { client, tables } = await control(t)
  assert.deepEqual(await client.setPeer('Capulet.example', { tls: 'none', presence: 'false' }), {
    source: 'stored',
    settings: { tls: 'none', presence: 'false' },
  })
  assert.deepEqual((await client.setPeer('capulet.example', { tls: null })).settings, { presence: 'false' })
  assert.deepEqual((await client.peer('capulet.example')).settings, { presence: 'false' })
  assert.deepEqual(await client.unsetPeer('capulet.example'), strange)
  await assert.rejects(client.unsetPeer('capulet.example'), { condition: 'not-found' })
  tables.refusal = 'tls: write default, verified, encrypted or none'
  await assert.rejects(client.setPeer('capulet.example', { tls: 'x' }), { message: tables.refusal })
  await assert.rejects(client.setPeer('example.com', {}), { condition: 'conflict' })
  await assert.rejects(client.setPeer('capulet.example', { servers: 'x'.repeat(5000) }), {
    condition: 'malformed',
  })
})

test('a domain is examined: what every protocol finds, and how it would go', async (t) => {
  const { client } = await control(t)
  const { policy: _, ...found } = await client.examinePeer('capulet.example')
  const tries = [{ where: 'a:1', isGood: false, outcome: 'connection refused' }]
  assert.deepEqual(found, {
    domain: 'capulet.example',
    protocols: [{ protocol: 'xmpp', reached: namedWay, source: 'SRV', tries }],
    goes: { messages: 'xmpp', presence: 'xmpp' },
  })
})

test('what is no domain, or one of ours, is refused', async (t) => {
  const { client } = await control(t)
  await assert.rejects(client.peer('a b'), { condition: 'address-malformed' })
  await assert.rejects(client.peer('example.com'), { condition: 'conflict' })
})

interface Running {
  readonly client: ControlClient
  readonly store: Store
  readonly clock: VirtualClock
  readonly tables: ScriptedPeerTables
}

async function control(t: { after(run: () => unknown): void }): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-peers-'))
  const path = join(directory, 'control.sock')
  const clock = new VirtualClock()
  const store = createMemoryStore()
  const peers = createPeers({
    strangers: policy,
    domains: new Map(),
    order: [],
    clock,
    fault: (cause) => assert.fail(String(cause)),
  })
  peers.add({
    protocol: 'xmpp',
    reaches: () => Promise.resolve(noWay),
    linkTo: () => ({ protocol: 'xmpp' }) as PeerLink,
    status: () => [link],
    examine: async () => ({
      reached: namedWay,
      source: 'SRV',
      tries: [{ where: 'a:1', isGood: false, outcome: 'connection refused' }],
    }),
  })
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers,
    domains,
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: true },
    authenticator: new StoreAuthenticator(store),
    passwords: new Derivation({ iterations: 4096, digests: ['SHA-256'] }),
    revive: ({ head, raw }) => ({
      head,
      raw,
      content: () => undefined,
      view: () => assert.fail('nobody looks'),
      keep: () => assert.fail('it is its own'),
    }),
  })
  for (const id of ['m1', 'm2']) {
    await new Promise<void>((resolve) => {
      store.enqueue('montague.example', { head: headOf(id), raw: utf8(id) }, clock.now(), () => resolve())
    })
  }
  await service.relay.load()
  service.relay.start()
  const health = new Health(clock, silentLog, [])
  const listeners = (): [] => []
  const tables = new ScriptedPeerTables()
  const all = {
    path,
    service,
    peers: tables,
    health,
    log: silentLog,
    version: '0',
    domains,
    listeners,
    onStop: () => {},
  }
  const opened = await startControl(all)
  t.after(async () => {
    await opened.close()
    rmSync(directory, { recursive: true })
  })
  return { client: new ControlClient(path), store, clock, tables }
}

function headOf(id: string): Head {
  const [from, to] = [addressOf('juliet', 'example.com'), addressOf('romeo', 'montague.example')]
  assert(from !== undefined && to !== undefined)
  return {
    protocol: 'xmpp',
    kind: 'message',
    from,
    fromAgent: '',
    to,
    toAgent: '',
    id,
    hops: 110,
    size: id.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
  }
}
