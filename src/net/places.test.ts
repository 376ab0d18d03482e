// Where a domain's servers are, over every place they may be named in (RFC 2782, RFC 3861, RFC 6120 §3.2, XEP-0368 §3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsError, fixedResolver, type Resolver, type SrvRecord } from './dns.ts'
import { placeOf } from './place-of.ts'
import { onlyPlace, PlaceFinder, type ServiceNames } from './places.ts'

const domain = 'capulet.example'
const plain = `_test-server._tcp.${domain}`
const direct = `_tests-server._tcp.${domain}`
const im = `_im._test.${domain}`
const pres = `_pres._test.${domain}`
const names: ServiceNames = {
  own: [
    { name: '_test-server._tcp', direct: false },
    { name: '_tests-server._tcp', direct: true },
  ],
  label: 'test',
  port: 7000,
  atAddresses: true,
}
const address = { [domain]: ['192.0.2.1'] }
const nowhere = record('.', 0, 0)

function record(target: string, priority: number, port: number): SrvRecord {
  return { target, priority, port, weight: 0 }
}

interface Row {
  readonly what: string
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly servers?: readonly string[]
  readonly isChosen?: boolean
  /** It has no address. */
  readonly bare?: boolean
  readonly names?: ServiceNames
  /** Places of messages; those of presence after a bar where they are others; `?` before what nobody named. */
  readonly expected: string
}

const rows: readonly Row[] = [
  {
    what: 'own records of both kinds are mixed by priority (XEP-0368 §3)',
    srv: {
      [plain]: [record('b', 2, 1), record('d', 9, 1)],
      [direct]: [record('a', 1, 443), record('c', 3, 443)],
    },
    expected: 'a:443 TLS, b:1, c:443 TLS, d:1',
  },
  { what: '"." says that there is none (RFC 2782)', srv: { [plain]: [nowhere] }, expected: '' },
  {
    what: '"." for one kind leaves the other (XEP-0368 §3)',
    srv: { [plain]: [nowhere], [direct]: [record('a', 1, 443)] },
    expected: 'a:443 TLS',
  },
  {
    what: '"." holds though the operator wants the protocol, and the labels are not asked',
    srv: { [plain]: [nowhere], [im]: [record('a', 1, 1)] },
    isChosen: true,
    expected: '',
  },
  {
    what: 'own records come before the labels',
    srv: { [plain]: [record('a', 1, 1)], [im]: [record('b', 1, 1)] },
    expected: 'a:1',
  },
  {
    what: 'labels name each service (RFC 3861 §3)',
    srv: { [im]: [record('a', 1, 1)], [pres]: [record('b', 1, 2), record('a', 0, 1)] },
    expected: 'a:1 | a:1, b:2',
  },
  {
    what: 'a label of one service is silent about the other',
    srv: { [im]: [record('a', 1, 1)] },
    expected: 'a:1 | ',
  },
  { what: 'a label that refuses', srv: { [im]: [nowhere], [pres]: [record('b', 1, 2)] }, expected: ' | b:2' },
  {
    what: 'a protocol without a label is not asked for by one',
    srv: { [im]: [record('a', 1, 1)] },
    names: { ...names, label: '' },
    expected: '?capulet.example:7000',
  },
  {
    what: 'without records its own addresses, which nobody named (RFC 3861 §4)',
    expected: '?capulet.example:7000',
  },
  {
    what: 'the labels before its own names, where the protocol says so',
    srv: { [plain]: [record('b', 0, 1)], [im]: [record('a', 0, 1)], [pres]: [record('a', 0, 1)] },
    names: { ...names, labelFirst: true },
    expected: 'a:1',
  },
  {
    what: 'names of former times, where no other says anything',
    srv: { [`_old._tcp.${domain}`]: [record('a', 0, 1)] },
    names: { ...names, older: [{ name: '_old._tcp', direct: false }] },
    expected: 'a:1',
  },
  {
    what: 'names of former times count for nothing where another says that there is none',
    srv: { [plain]: [nowhere], [`_old._tcp.${domain}`]: [record('a', 0, 1)] },
    names: { ...names, older: [{ name: '_old._tcp', direct: false }] },
    expected: '',
  },
  { what: 'a protocol that is never guessed', names: { ...names, atAddresses: false }, expected: '' },
  { what: 'without records and addresses nothing', bare: true, expected: '' },
  {
    what: 'the operator says that it speaks this',
    isChosen: true,
    bare: true,
    expected: 'capulet.example:7000',
  },
  {
    what: 'records, also where the operator says so',
    srv: { [plain]: [record('a', 1, 1)] },
    isChosen: true,
    expected: 'a:1',
  },
  {
    what: 'the operator says where, and DNS is not asked',
    srv: { [plain]: [record('a', 0, 1)] },
    servers: ['10.0.0.1', '[::1]:5270', 'far.example:5271'],
    expected: '10.0.0.1:7000, ::1:5270, far.example:5271',
  },
]

for (const row of rows) {
  test(row.what, async () => {
    const finder = new PlaceFinder({
      resolver: fixedResolver({ srv: row.srv ?? {}, addresses: row.bare === true ? {} : address }),
      names: row.names ?? names,
      serversOf: () => row.servers,
      isChosen: () => row.isChosen === true,
    })
    const { all, messages, presence, named } = await finder.find(domain)
    const text = (places: typeof all): string =>
      places.map(({ host, port, direct: isDirect }) => `${host}:${port}${isDirect ? ' TLS' : ''}`).join(', ')
    const found = text(messages) === text(presence) ? text(messages) : `${text(messages)} | ${text(presence)}`
    assert.equal(`${all.length > 0 && !named ? '?' : ''}${found}`, row.expected)
    assert.deepEqual(
      new Set(all.map((place) => text([place]))),
      new Set([...messages, ...presence].map((place) => text([place]))),
    )
    assert.deepEqual(await finder.reaches(domain), {
      messages: messages.length > 0,
      presence: presence.length > 0,
      named,
    })
  })
}

test('while DNS is silent nobody can say, but of whom the operator named', async () => {
  const resolver: Resolver = {
    ...fixedResolver({}),
    srv: (question) => Promise.reject(new DnsError(question, 'ETIMEOUT')),
    naptr: (question) => Promise.reject(new DnsError(question, 'ETIMEOUT')),
    addresses: (host) => Promise.reject(new DnsError(host, 'ETIMEOUT')),
  }
  const finder = (servers?: string[]): PlaceFinder =>
    new PlaceFinder({ resolver, names, serversOf: () => servers, isChosen: () => false })
  assert.equal(await finder().reaches(domain), 'unanswered')
  assert.deepEqual(await finder(['c']).reaches(domain), { messages: true, presence: true, named: true })
})

test('a place is a host or an address, with a port or without', () => {
  const written: Record<string, readonly [string, number]> = {
    'a.example': ['a.example', 7411],
    'a.example:99': ['a.example', 99],
    '192.0.2.1:99': ['192.0.2.1', 99],
    '2001:db8::1': ['2001:db8::1', 7411],
    '[2001:db8::1]': ['2001:db8::1', 7411],
    '[2001:db8::1]:99': ['2001:db8::1', 99],
  }
  for (const [text, [host, port]] of Object.entries(written))
    assert.deepEqual(placeOf(text, 7411), { host, port, direct: false }, text)
})

test('an examination tries every address of every place, and tells of each what became of it', async () => {
  const finder = new PlaceFinder({
    resolver: fixedResolver({
      srv: { [plain]: [record('a', 1, 1), record('gone', 2, 2)], [direct]: [record('b', 3, 443)] },
      addresses: { a: ['192.0.2.1', '2001:db8::1'], b: ['192.0.2.2'] },
    }),
    names,
    serversOf: () => undefined,
    isChosen: () => false,
  })
  const found = await finder.examine(
    domain,
    async ({ host }, signal) => {
      assert.equal(signal.aborted, false)
      if (host === '192.0.2.1') throw new Error('192.0.2.1:1: connection refused')
      return `who is at ${host}`
    },
    1000,
  )
  assert.deepEqual(found, {
    reached: { messages: true, presence: true, named: true },
    source: `SRV ${plain} and ${direct}`,
    tries: [
      { where: 'a:1 (192.0.2.1)', isGood: false, outcome: 'connection refused' },
      { where: 'a:1 (2001:db8::1)', isGood: true, outcome: 'who is at 2001:db8::1' },
      { where: 'gone:2', isGood: false, outcome: 'gone has no address' },
      { where: 'b:443, TLS at once (192.0.2.2)', isGood: true, outcome: 'who is at 192.0.2.2' },
    ],
  })
  const resolver: Resolver = {
    ...fixedResolver({}),
    srv: (question) => Promise.reject(new DnsError(question, 'ETIMEOUT')),
  }
  const silent = new PlaceFinder({ resolver, names, serversOf: () => undefined, isChosen: () => false })
  const nothing = await silent.examine(domain, () => assert.fail('nothing is tried'), 1000)
  assert.deepEqual([nothing.reached, nothing.tries], ['unanswered', []])
  assert.match(nothing.source, /DNS gave no answer for _test-server._tcp.capulet.example/)
  const [place] = (await onlyPlace({ host: 'x', port: 1, direct: true }).find(domain)).all
  assert.deepEqual(place, { host: 'x', port: 1, direct: true })
})

/** [what, records, whether a name server validated them, what is told] */
const sources: [string, Record<string, readonly SrvRecord[]>, boolean, string][] = [
  ['one name of two', { [plain]: [record('a', 0, 1)] }, false, `SRV ${plain}`],
  [
    'both names',
    { [plain]: [record('a', 0, 1)], [direct]: [record('b', 0, 1)] },
    false,
    `SRV ${plain} and ${direct}`,
  ],
  ['validated', { [plain]: [record('a', 0, 1)] }, true, `SRV ${plain}, validated by DNSSEC`],
  ['refused', { [plain]: [nowhere] }, false, `SRV ${plain} says that it is not offered`],
  ['a label', { [im]: [record('a', 0, 1)] }, true, `SRV ${im}, validated by DNSSEC`],
]
for (const [what, srv, secure, told] of sources)
  test(`a person is told where places are known from: ${what}`, async () => {
    const said = Object.entries(srv).map(([name, all]) => [name, all.map((one) => ({ ...one, secure }))])
    const resolver = fixedResolver({ srv: Object.fromEntries(said), addresses: address })
    const finder = new PlaceFinder({ resolver, names, serversOf: () => undefined, isChosen: () => false })
    assert.equal((await finder.find(domain)).source, told)
  })
