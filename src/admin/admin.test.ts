import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Derivation, StoreAuthenticator } from '#auth'
import { VirtualClock } from '#base'
import { type AccountOutcome, createService, noPeers, type Service, type Store } from '#core'
import { addressOf, conditions } from '#model'
import { askHttp } from '#net'
import { createLog, Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { statusOf } from './errors.ts'
import {
  type AccountInfo,
  ControlClient,
  ControlError,
  Health,
  type HealthReport,
  NotRunning,
  startControl,
  startMonitoring,
} from './index.ts'
import { batchAccountsMax } from './requests.ts'
import { ScriptedPeerTables } from './testing/peer-tables.ts'

const domains = ['example.com', 'example.org']

function serviceOn(store: Store, clock: VirtualClock): Service {
  return createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers: noPeers,
    domains,
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: true },
    authenticator: new StoreAuthenticator(store),
    passwords: new Derivation({ iterations: 4096, digests: ['SHA-256'] }),
    revive: () => undefined,
  })
}

interface Running {
  service: Service
  client: ControlClient
  path: string
  clock: VirtualClock
  stops: number
  /** What was logged, as JSON. */
  lines: string[]
}

async function running(t: { after(run: () => unknown): void }): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-admin-'))
  const path = join(directory, 'control.sock')
  const clock = new VirtualClock()
  const service = serviceOn(createMemoryStore(), clock)
  const all: Running = { service, client: new ControlClient(path), path, clock, stops: 0, lines: [] }
  const control = await startControl({
    path,
    service,
    peers: new ScriptedPeerTables(),
    health: new Health(clock, silentLog, []),
    log: createLog({ format: 'json', write: (line) => void all.lines.push(line) }),
    version: '1.2.3',
    domains,
    listeners: () => [{ setting: 'xmpp.client', purpose: 'XMPP clients', where: '127.0.0.1:5222/tcp' }],
    onStop: () => void all.stops++,
  })
  t.after(async () => {
    await control.close()
    rmSync(directory, { recursive: true })
  })
  return all
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const refusedWith = (condition: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ControlError, String(error))
  assert.equal(error.condition, condition)
  assert.match(error.message, words)
  return true
}

test('an account is added with its aliases, listed, given a password and removed', async (t) => {
  const { client, service } = await running(t)
  await client.addAccount({ address: 'Juliet@Example.COM', password: 'r0m30', aliases: ['1001@example.com'] })
  const [info] = (await allOf(client.accounts())) as [AccountInfo]
  assert.deepEqual(
    { ...info, created: 0 },
    { address: 'juliet@example.com', aliases: ['1001@example.com'], created: 0, disabled: false },
  )
  const address = addressOf('juliet', 'example.com')
  assert.ok(address)
  const before = await service.store.secrets(address)
  await client.setPassword('1001@example.com', 'another')
  assert.notDeepEqual(await service.store.secrets(address), before)
  await client.removeAccount('juliet@example.com')
  assert.deepEqual(await allOf(client.accounts()), [])
})

test('each refusal says what is wrong and what to write', async (t) => {
  const { client } = await running(t)
  const add = (address: string, password = 'x') => client.addAccount({ address, password })
  await add('juliet@example.com')
  await assert.rejects(add('juliet@example.com'), refusedWith('conflict', /the name is taken/))
  await assert.rejects(add('juliet'), refusedWith('address-malformed', /"juliet" is not an address/))
  await assert.rejects(add('a b@example.com'), refusedWith('address-malformed', /"a b@example\.com"/))
  await assert.rejects(add('j@elsewhere.example'), refusedWith('domain-unknown', /not served here/))
  await assert.rejects(add('romeo@example.com', ''), refusedWith('not-acceptable', /the password/))
  const unknown = refusedWith('target-unknown', /no such account/)
  await assert.rejects(client.setPassword('nobody@example.com', 'x'), unknown)
  await assert.rejects(client.removeAccount('nobody@example.com'), unknown)
  await assert.rejects(client.contacts('nobody@example.com'), unknown)
  await assert.rejects(client.decide('nobody@example.com', 'a@b.example', { action: 'approve' }), unknown)
  assert.equal((await allOf(client.accounts())).length, 1)
})

test('accounts are listed page by page through all domains, in order, none twice', async (t) => {
  const { client, service, path } = await running(t)
  const wanted: string[] = []
  for (const domain of domains) {
    for (let i = 0; i < 7; i++) wanted.push(`user${i}@${domain}`)
  }
  const accounts = wanted.map((address) => ({ address, password: 'x' }))
  for await (const results of client.importAccounts(accounts)) {
    assert.ok(results.every(({ added }) => added))
  }
  assert.equal(await service.store.countAccounts(), 14)
  const seen: string[] = []
  let after = ''
  for (let page = 0; page < 10; page++) {
    const answer = await askHttp({ at: { path }, method: 'GET', target: `/accounts?limit=3&after=${after}` })
    const value = JSON.parse(Buffer.from(answer.body).toString())
    seen.push(...value.accounts.map(({ address }: AccountInfo) => address))
    if (value.next === undefined) break
    after = encodeURIComponent(value.next)
  }
  assert.deepEqual(seen, wanted)
  assert.equal((await allOf(client.accounts('example.org'))).length, 7)
  await assert.rejects(allOf(client.accounts('elsewhere.example')), refusedWith('domain-unknown', /./))
})

test('a batch adds all that can be added, and says of each other why not', async (t) => {
  const { client } = await running(t)
  await client.addAccount({ address: 'taken@example.com', password: 'x' })
  const addresses = [
    'new@example.com',
    'taken@example.com',
    'nonsense',
    'a@elsewhere.example',
    'new@example.com',
  ]
  const accounts = addresses.map((address) => ({ address, password: 'x' }))
  const [results] = await allOf(client.importAccounts(accounts))
  assert.deepEqual(
    results?.map((result) => (result.added ? 'added' : result.condition)),
    ['added', 'conflict', 'address-malformed', 'domain-unknown', 'conflict'],
  )
})

test('a body that does not fit is refused with its place, and never repeats what was in it', async (t) => {
  const { path } = await running(t)
  const post = async (target: string, body: string | Uint8Array) => {
    const answer = await askHttp({ at: { path }, method: 'POST', target, body })
    return { status: answer.status, text: Buffer.from(answer.body).toString() }
  }
  for (const [body, words] of [
    ['{"address":"a@example.com","password":{"TOPSECRET":1}}', /password: expected string/],
    ['{"password":"TOPSECRET"}', /address: expected/],
    ['{"address":"a@example.com","password":"x","TOPSECRET":1}', /expected never/],
    ['{"password":"TOPSECRET', /not JSON/],
    ['"TOPSECRET"', /the body: expected Object/],
    [new Uint8Array([0xff, 0xfe]), /not UTF-8/],
  ] as const) {
    const { status, text } = await post('/accounts', body)
    assert.equal(status, 400, text)
    assert.match(text, words)
    assert.match(text, /"condition":"malformed"/)
    // The name of a field that should not be there is told; a value never.
    if (!String(body).includes('"TOPSECRET":1}') || String(body).includes('{"TOPSECRET"')) {
      assert.doesNotMatch(text, /TOPSECRET/)
    }
  }
  const many = {
    accounts: Array.from({ length: batchAccountsMax + 1 }, () => ({ address: 'a', password: 'b' })),
  }
  const { status, text } = await post('/accounts/batch', JSON.stringify(many))
  assert.deepEqual([status, /at most 500 accounts/.test(text)], [400, true])
  assert.equal((await post('/accounts', 'x'.repeat(5 * 1024 * 1024))).status, 413)
})

test('a path or a method that is not there is told as such (RFC 9110 §15.5.5, §15.5.6)', async (t) => {
  const { path } = await running(t)
  const ask = (method: string, target: string) => askHttp({ at: { path }, method, target })
  assert.equal((await ask('GET', '/nowhere')).status, 404)
  assert.equal((await ask('GET', '/accounts/')).status, 404)
  assert.equal((await ask('DELETE', '/accounts/%zz')).status, 404)
  const wrong = await ask('DELETE', '/accounts')
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers['allow'], 'GET, POST')
  assert.equal((await ask('GET', '/accounts?limit=0')).status, 400)
  assert.equal((await ask('GET', '/accounts?after=x@elsewhere.example')).status, 400)
})

test('a pending request is seen, and approved or refused by the owner’s word (RFC 6121 Appendix A)', async (t) => {
  const { client, service } = await running(t)
  for (const user of ['juliet', 'romeo', 'paris']) {
    await client.addAccount({ address: `${user}@example.com`, password: 'x' })
  }
  const person = (user: string) => addressOf(user, 'example.com') as NonNullable<ReturnType<typeof addressOf>>
  for (const user of ['romeo', 'paris']) {
    await new Promise((resolve) => service.contacts.ask(person(user), person('juliet'), undefined, resolve))
  }
  const pending = async () => {
    const { contacts } = await client.contacts('juliet@example.com')
    return contacts.filter(({ pendingIn }) => pendingIn).map(({ address }) => address)
  }
  assert.deepEqual(await pending(), ['paris@example.com', 'romeo@example.com'])
  await client.decide('juliet@example.com', 'romeo@example.com', { action: 'approve' })
  await client.decide('juliet@example.com', 'paris@example.com', { action: 'refuse' })
  assert.deepEqual(await pending(), [])
  const { contacts } = await client.contacts('juliet@example.com')
  assert.deepEqual(
    contacts.map(({ address, subscription, listed }) => ({ address, subscription, listed })),
    [{ address: 'romeo@example.com', subscription: 'from', listed: true }],
  )
  assert.equal((await client.contacts('romeo@example.com')).contacts[0]?.subscription, 'to')
})

test('rules are set for an address, a domain or everybody, shown, replaced and taken away', async (t) => {
  const { client } = await running(t)
  const owner = 'juliet@example.com'
  await client.addAccount({ address: owner, password: 'x' })
  await client.decide(owner, 'Paris@example.com', { action: 'polite-block' })
  for (const each of ['spam.example', '*.Far.example']) await client.decide(owner, each, { action: 'block' })
  await client.decide(owner, '*', { action: 'allow', visibility: 'basic' })
  await client.decide(owner, 'paris@example.com', { action: 'block' })
  const { rules } = await client.contacts(owner)
  assert.deepEqual(
    rules.map(({ subject, action, visibility }) => [subject, action, visibility]),
    [
      ['paris@example.com', 'block', 'full'],
      ['spam.example', 'block', 'full'],
      ['*.far.example', 'block', 'full'],
      ['*', 'allow', 'basic'],
    ],
  )
  for (const subject of ['*', '*.far.example']) await client.decide(owner, subject, { action: 'no-rule' })
  const none = client.decide(owner, 'a.*.example', { action: 'block' })
  await assert.rejects(none, refusedWith('address-malformed', /nor \*\.domain/))
  await assert.rejects(
    client.decide(owner, '*', { action: 'no-rule' }),
    refusedWith('not-found', /nothing of that name/),
  )
  await assert.rejects(
    client.decide(owner, '*', { action: 'approve' }),
    refusedWith('address-malformed', /"\*" is not/),
  )
  const wrong = client.decide(owner, 'x@y.example', { action: 'hug' } as never)
  await assert.rejects(wrong, refusedWith('malformed', /action: expected .*"polite-block"/))
})

test('status tells what runs; stop stops it, after its answer', async (t) => {
  const all = await running(t)
  await all.client.addAccount({ address: 'juliet@example.com', password: 'x' })
  all.clock.advance(61_500)
  const status = await all.client.status()
  assert.deepEqual(
    [status.version, status.uptimeSeconds, status.domains, status.accounts, status.agentsOnline, status.pid],
    ['1.2.3', 61, domains, 1, 0, process.pid],
  )
  assert.equal(status.listeners[0]?.where, '127.0.0.1:5222/tcp')
  await all.client.stop()
  assert.equal(all.stops, 1)
})

test('the control socket is the server’s user’s alone, and its absence is told in words', async (t) => {
  const { path } = await running(t)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await assert.rejects(new ControlClient(`${path}.none`).status(), (error) => {
    assert.ok(error instanceof NotRunning)
    assert.match(error.message, /no server runs here/)
    return true
  })
})

test('metrics are OpenMetrics text, and nothing can be changed where they are', async (t) => {
  const metrics = new Metrics()
  metrics.counter({ name: 'a', help: 'A' }).add()
  const clock = new VirtualClock()
  const listener = await startMonitoring({
    host: '127.0.0.1',
    port: 0,
    metrics,
    health: new Health(clock, silentLog, []),
    log: silentLog,
  })
  t.after(() => listener.close())
  const url = `http://127.0.0.1:${listener.port}`
  const answer = await fetch(`${url}/metrics`)
  assert.equal(
    answer.headers.get('content-type'),
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  assert.equal(await answer.text(), '# TYPE a counter\n# HELP a A\na_total 1\n# EOF\n')
  assert.equal((await fetch(`${url}/metrics`, { method: 'HEAD' })).status, 200)
  assert.equal((await fetch(`${url}/accounts`)).status, 404)
  assert.equal((await fetch(`${url}/stop`, { method: 'POST' })).status, 404)
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status, 413)
})

test('health is 200 while all is well, 503 with what is not, and asked at most once a second', async (t) => {
  const clock = new VirtualClock()
  let looks = 0
  let well = true
  const stuck = Promise.withResolvers<void>()
  const lines: string[] = []
  const log = createLog({ format: 'json', write: (line) => void lines.push(line) })
  const health = new Health(clock, log, [
    {
      name: 'store',
      check: async () => {
        looks++
        if (!well) throw new Error('a reason for the log')
      },
    },
    { name: 'listeners', check: () => well },
    { name: 'slow', check: () => (well ? true : stuck.promise) },
  ])
  const listener = await startMonitoring({
    host: '127.0.0.1',
    port: 0,
    metrics: new Metrics(),
    health,
    log: silentLog,
  })
  t.after(() => listener.close())
  const ask = () => fetch(`http://127.0.0.1:${listener.port}/health`)
  assert.equal((await ask()).status, 200)
  well = false
  assert.equal((await ask()).status, 200)
  assert.equal(looks, 1)
  clock.advance(1000)
  const asked = health.report()
  await new Promise(setImmediate)
  clock.advance(5000)
  const report: HealthReport = await asked
  assert.deepEqual(report, {
    status: 'failing',
    checks: [
      { name: 'store', ok: false, detail: 'it failed' },
      { name: 'listeners', ok: false, detail: 'not ready' },
      { name: 'slow', ok: false, detail: 'no answer in 5 s' },
    ],
  })
  assert.match(lines[0] as string, /"check":"(store|listeners)"/)
  assert.equal(lines.length, 3)
  stuck.resolve()
  assert.equal((await ask()).status, 503)
  assert.equal(lines.length, 4)
  assert.match(lines[3] as string, /"check":"slow","msg":"a health check is well again"/)
  assert.equal((await fetch(`http://127.0.0.1:${listener.port}/health/live`)).status, 200)
})

test('a fault of the store is a 500 in general words, told to the log', async (t) => {
  const all = await running(t)
  const accounts = all.service.accounts as unknown as { setPassword(): Promise<AccountOutcome> }
  accounts.setPassword = () => Promise.reject(new Error('the disk is full'))
  await assert.rejects(all.client.setPassword('a@example.com', 'x'), (error) => {
    assert.ok(error instanceof ControlError)
    assert.equal(error.condition, 'internal-fault')
    assert.doesNotMatch(error.message, /disk/)
    return true
  })
  assert.match(all.lines.join(''), /the disk is full/)
})

test('every condition has an HTTP status of an error', () => {
  for (const condition of conditions) {
    const status = statusOf(condition)
    assert.ok(status >= 400 && status <= 599, condition)
  }
})

test('a control socket whose path no socket may have is told, and is no fault of ours', async () => {
  const path = join(tmpdir(), 'd'.repeat(120), 'control.sock')
  await assert.rejects(new ControlClient(path).status(), (error: unknown) => {
    assert.ok(error instanceof NotRunning)
    assert.equal(error.code, 'EINVAL')
    assert.match(error.message, /is too long for a Unix socket.*choose a shorter data directory/)
    return true
  })
})
