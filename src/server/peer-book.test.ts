import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { utf8 } from '#base'
import { relayDefaults, type Store } from '#core'
import { createMemoryStore } from '#store'
import { type Configuration, ConfigurationFault, loadConfiguration } from './configuration.ts'
import { PeerBook, storedDomainsMax } from './peer-book.ts'
import { relayPolicyOf, serverOf } from './peer-settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-peers-'))
after(() => rmSync(directory, { recursive: true }))

function load(toml: string): Promise<Configuration> {
  const file = join(directory, 'verona.toml')
  writeFileSync(file, `domains = ["verona.example"]\n${toml}`)
  return loadConfiguration({ file, directory, environment: {} })
}

const protocols = ['impp', 'sip', 'xmpp']

function bookOf({ config }: Configuration, store: Store = createMemoryStore()): PeerBook {
  return new PeerBook({ config, store, protocols })
}

const all = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}
const nothing = {
  allowed: false,
  protocol: undefined,
  trusted: false,
  messages: false,
  presence: false,
  calls: false,
}

test('without a word of it, every domain that proves its name is spoken with', async () => {
  const configuration = await load('')
  const book = bookOf(configuration)
  assert.deepEqual(book.table, {
    strangers: all,
    domains: new Map(),
    order: ['xmpp', 'impp', 'sip', 'umpp', 'prim', 'apex'],
  })
  assert.deepEqual(book.routeTo('xmpp', 'capulet.example'), {
    servers: undefined,
    tls: 'verified',
    identity: undefined,
    dialback: undefined,
  })
  assert.deepEqual(relayPolicyOf(configuration.config), relayDefaults)
})

const tables = `
[[peer]]
domain = "Capulet.example"
protocol = "xmpp"
presence = false
[[peer]]
domain = "bücher.example"
allowed = false
trusted = false
`
/** [policy, strangers, capulet, bücher] */
const policies = [
  ['open', all, { ...all, protocol: 'xmpp', presence: false }],
  ['listed', nothing, { ...all, protocol: 'xmpp', presence: false }],
  [
    'closed',
    nothing,
    { ...all, protocol: 'xmpp', allowed: false, messages: false, presence: false, calls: false },
  ],
] as const
for (const [policy, strangers, capulet] of policies) {
  test(`policy ${policy}: strangers, and those of the tables`, async () => {
    const { table } = bookOf(await load(`${tables}[peers]\npolicy = "${policy}"\nprotocols = ["sip"]\n`))
    assert.deepEqual(table.strangers, strangers)
    assert.deepEqual(table.domains.get('capulet.example'), capulet)
    assert.deepEqual(table.domains.get('xn--bcher-kva.example'), nothing)
    assert.deepEqual(table.order, ['sip'])
  })
}

test('a domain of ours may hold it differently; what none of ours may do, nobody asks about', async () => {
  const { table } = bookOf(
    await load(`${tables}[peers]
policy = "listed"
[[domain]]
name = "verona.example"
peers = "default"
[[domain]]
name = "open.example"
peers = "open"
[[domain]]
name = "closed.example"
peers = "closed"
`),
  )
  const listed = { ...all, protocol: 'xmpp', presence: false }
  const rows: [string, string, unknown][] = [
    ['verona.example', 'stranger.example', nothing],
    ['open.example', 'stranger.example', all],
    ['closed.example', 'stranger.example', nothing],
    ['verona.example', 'capulet.example', listed],
    ['open.example', 'capulet.example', listed],
    ['closed.example', 'capulet.example', { ...listed, allowed: false, messages: false, calls: false }],
    ['open.example', 'xn--bcher-kva.example', { ...nothing }],
  ]
  for (const [ours, domain, expected] of rows)
    assert.deepEqual(table.policyOf?.(ours, domain), expected, `${ours} and ${domain}`)
  assert.deepEqual([table.strangers, table.domains.get('capulet.example')], [all, listed])
})

test('servers and TLS of a table are for the protocol they name', async () => {
  const book = bookOf(
    await load(`[peers]
tls = "encrypted"
[[peer]]
domain = "capulet.example"
protocol = "xmpp"
servers = ["10.0.0.1:5269", "sip://sip.capulet.example", "[::1]:5270"]
tls = "none"
[[peer]]
domain = "montague.example"
dialback = false
identity = "xmpp.hosting.example"
`),
  )
  const rows: [string, string, readonly string[] | undefined, string, boolean | undefined][] = [
    ['xmpp', 'capulet.example', ['10.0.0.1:5269', '[::1]:5270'], 'none', undefined],
    ['sip', 'capulet.example', ['sip.capulet.example'], 'none', undefined],
    ['impp', 'capulet.example', undefined, 'none', undefined],
    ['xmpp', 'montague.example', undefined, 'encrypted', false],
    ['xmpp', 'elsewhere.example', undefined, 'encrypted', undefined],
  ]
  for (const [protocol, domain, servers, tls, dialback] of rows)
    assert.deepEqual(book.routeTo(protocol, domain), {
      servers,
      tls,
      identity: domain === 'montague.example' ? 'xmpp.hosting.example' : undefined,
      dialback,
    })
})

test('what is set while the server runs holds at once, is kept, and is taken out again', async () => {
  const configuration = await load('')
  const store = createMemoryStore()
  const book = bookOf(configuration, store)
  const { table } = book
  assert.equal(
    await book.set('capulet.example', {
      protocol: 'xmpp',
      servers: '10.0.0.1:5269, 10.0.0.2',
      tls: 'none',
      calls: 'false',
    }),
    undefined,
  )
  assert.deepEqual(table.domains.get('capulet.example'), { ...all, protocol: 'xmpp', calls: false })
  assert.equal(await book.set('capulet.example', { calls: null, presence: 'false' }), undefined)
  const again = bookOf(configuration, store)
  await again.load((domain, why) => assert.fail(`${domain} ${why}`))
  for (const one of [book, again]) {
    assert.deepEqual(one.table.domains.get('capulet.example'), { ...all, protocol: 'xmpp', presence: false })
    assert.deepEqual(one.routeTo('xmpp', 'capulet.example').servers, ['10.0.0.1:5269', '10.0.0.2'])
    assert.deepEqual(one.describe('capulet.example'), {
      source: 'stored',
      settings: { protocol: 'xmpp', servers: '10.0.0.1:5269, 10.0.0.2', tls: 'none', presence: 'false' },
    })
  }
  assert.equal(await again.unset('capulet.example'), undefined)
  assert.equal(again.table.domains.get('capulet.example'), undefined)
  assert.match((await again.unset('capulet.example')) ?? '', /nothing was set/)
  const empty = bookOf(configuration, store)
  await empty.load((domain, why) => assert.fail(`${domain} ${why}`))
  assert.equal(empty.table.domains.size, 0)
})

test('what is wrong is refused and changes nothing; a domain of the file is changed in the file', async () => {
  const book = bookOf(await load('[[peer]]\ndomain = "a.example"\n[peers]\n'))
  const rows: [string, Record<string, string>, RegExp][] = [
    ['b.example', { tsl: 'none' }, /"tsl" is no setting of a domain; name one of allowed, /],
    ['b.example', { domain: 'c.example' }, /"domain" is no setting/],
    ['b.example', { tls: 'maybe' }, /^tls: /],
    ['b.example', { presence: 'perhaps' }, /^presence: /],
    ['b.example', { protocol: 'smtp' }, /names the protocol "smtp"/],
    ['b.example', { servers: '10.0.0.1' }, /of no protocol/],
    ['a.example', { tls: 'none' }, /has a \[\[peer\]\] table in .*verona.toml: change it there/],
  ]
  for (const [domain, settings, said] of rows) {
    assert.match((await book.set(domain, settings)) ?? 'taken', said)
    assert.notEqual(book.describe(domain).source, 'stored')
  }
  assert.match((await book.unset('a.example')) ?? '', /change it there/)
})

test('what another version had set and this one does not understand is told and left out', async () => {
  const store = createMemoryStore()
  await store.putSetting('peers', utf8('{"a.example":{"colour":"red"},"b.example":{"allowed":"false"}}'))
  const book = bookOf(await load(''), store)
  const told: string[] = []
  await book.load((domain) => told.push(domain))
  assert.deepEqual([told, [...book.table.domains.keys()]], [['a.example'], ['b.example']])
})

test('LIMIT: domains that are set', async () => {
  const store = createMemoryStore()
  const many = Array.from({ length: storedDomainsMax }, (_, at) => [`d${at}.example`, {}])
  await store.putSetting('peers', utf8(JSON.stringify(Object.fromEntries(many))))
  const book = bookOf(await load(''), store)
  await book.load((domain, why) => assert.fail(`${domain} ${why}`))
  assert.match((await book.set('one-more.example', {})) ?? '', /take one out first/)
  assert.equal(await book.set('d1.example', { allowed: 'false' }), undefined)
})

test('how long is tried, and how much may wait', async () => {
  const { config } = await load(`[peers]
retry_first_seconds = 60
retry_max_seconds = 10
expiry_hours = 24
queue_length_max = 5
queues_length_max = 6
sender_length_max = 4
queue_octets_max = 700
queues_octets_max = 800
sender_octets_max = 600
hand_over_per_second_max = 7
`)
  assert.deepEqual(relayPolicyOf(config), {
    retryFirst: 60_000,
    retryMax: 60_000,
    expiry: 24 * 3600 * 1000,
    queueLengthMax: 5,
    queuesLengthMax: 6,
    senderLengthMax: 4,
    queueOctetsMax: 700,
    queuesOctetsMax: 800,
    senderOctetsMax: 600,
    handOverPerSecondMax: 7,
  })
})

test('what a domain may send and be sent: for all, and for one by its table or while the server runs', async () => {
  const configuration = await load(`[peers]
from_per_second_max = 100
to_octets_per_second_max = 5000
[[peer]]
domain = "capulet.example"
from_per_second_max = 20
to_per_second_max = 3
`)
  const book = bookOf(configuration)
  const { domains, strangers } = book.table
  const side = (perSecondMax?: number, octetsPerSecondMax?: number) => ({ perSecondMax, octetsPerSecondMax })
  assert.deepEqual(strangers.shares, { from: side(100), to: side(undefined, 5000) })
  assert.deepEqual(domains.get('capulet.example')?.shares, { from: side(20), to: side(3, 5000) })
  assert.equal(await book.set('mantua.example', { from_octets_per_second_max: '9000' }), undefined)
  assert.deepEqual(domains.get('mantua.example')?.shares, {
    from: side(100, 9000),
    to: side(undefined, 5000),
  })
  assert.match((await book.set('mantua.example', { to_per_second_max: 'many' })) ?? '', /to_per_second_max/)
  assert.equal(bookOf(await load('')).table.strangers.shares, undefined)
})

/** [file, what is said] */
const wrong: [string, RegExp][] = [
  ['[peers]\nprotocols = ["smtp"]\n', /\[peers\] protocols: "smtp" is no protocol; name one of .*xmpp/],
  ['[[peer]]\ndomain = "verona.example"\n', /\[\[peer\]\] "verona.example" is a domain of this server/],
  ['[[peer]]\ndomain = "a.example"\n[[peer]]\ndomain = "A.example"\n', /"A.example" has two tables/],
  ['[[peer]]\ndomain = "a.example"\nprotocol = "smtp"\n', /names the protocol "smtp"/],
  [
    '[[peer]]\ndomain = "a.example"\nservers = ["10.0.0.1:1"]\n',
    /names the server "10.0.0.1:1" of no protocol/,
  ],
  ['[[peer]]\ndomain = "a.example"\nservers = ["smtp://h:1"]\n', /names a server of the protocol "smtp"/],
  ['[[peer]]\ndomain = "a b"\n', /line 3, \[peer\] domain: "a b" is not a domain name/],
  ['[[peer]]\ndomain = "a.example"\nservers = ["a b"]\n', /servers: "a b" is no server/],
  ['[[peer]]\ndomain = "a.example"\nservers = []\n', /servers: names no server/],
  ['[dns]\nservers = ["ns.example"]\n', /\[dns\] servers: \["ns.example"\] are not addresses/],
]
for (const [toml, said] of wrong) {
  test(`${said.source} is said of ${JSON.stringify(toml)}`, async () => {
    await assert.rejects(load(toml), (error: Error) => {
      assert.match(error.message, said)
      return error instanceof ConfigurationFault || error.name === 'ConfigError'
    })
  })
}

test('a name server of a laboratory may be named', async () => {
  await load('[dns]\nservers = ["127.0.0.1:5353", "[::1]:53", "9.9.9.9"]\n')
})

/** [written, protocol, where] */
const servers: [string, string | undefined, string | undefined][] = [
  ['a.example:1', undefined, 'a.example:1'],
  ['a.example', undefined, 'a.example'],
  ['xmpp://[::1]:5269', 'xmpp', '[::1]:5269'],
  ['a.example:0', undefined, undefined],
  ['a.example:65536', undefined, undefined],
  ['::1', undefined, undefined],
  ['', undefined, undefined],
  ['xmpp://', undefined, undefined],
  ['xmpp://a/b', undefined, undefined],
]
for (const [written, protocol, where] of servers) {
  test(`the server "${written}" is ${where === undefined ? 'none' : `${where} of ${protocol}`}`, () => {
    assert.deepEqual(serverOf(written), where === undefined ? undefined : { protocol, where })
  })
}
