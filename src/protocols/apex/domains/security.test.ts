// Who may speak for a domain (RFC 3340 §4.4.2, §4.5.2, §11): by which certificate, in whose name, to whom; and what the operator is told of those
// who may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TlsInfo } from '#net'
import { type Domains, domainsOf, everything, welcome } from '../testing/domains.ts'
import { data, type Hand, talk } from '../testing/hand.ts'
import { send } from '../testing/people.ts'

const fred = 'fred@example.com'
const wilma = 'wilma@example.net'
const names = ['example.com', 'example.net', 'example.org']

type Certificate = Partial<TlsInfo> & { names: readonly string[] }

const bad: readonly (readonly [string, Certificate, RegExp])[] = [
  ['of another domain', { names: ['rubble.com'] }, /is for DNS:rubble.com, not for example.net/],
  ['of a host of it', { names: ['relay.example.net'] }, /not for example.net/],
  [
    'that has expired',
    { names: ['example.net'], authorized: false, authorizationError: 'CERT_HAS_EXPIRED' },
    /it has expired \(CERT_HAS_EXPIRED\)/,
  ],
  [
    'signed by itself',
    { names: ['example.net'], authorized: false, authorizationError: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    /it is signed by itself/,
  ],
  [
    'of an authority that nobody trusts',
    { names: ['example.net'], authorized: false, authorizationError: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
    /its authority is not one of those that are trusted here/,
  ],
  ['that it does not show', { names: [], peerCertificate: () => undefined }, /showed no certificate/],
]

const bindNet = "<bind relay='example.net' transID='1' />"
const lastError = (all: Domains): string =>
  all
    .of('example.com')
    .mesh.status()
    .find(({ domain }) => domain === 'example.net')?.lastError ?? ''

async function relay(all: Domains, certificate: string): Promise<Hand> {
  const hand = all.strike('example.com', certificate)
  await hand.secure('example.com')
  return hand
}

for (const [what, certificate, why] of bad) {
  test(`a certificate ${what}: no bind (537), no EXTERNAL (537), and the operator reads why`, async () => {
    const all = await domainsOf(names)
    // We have to do with that domain.
    all.up.delete('example.net')
    await send(all, fred, wilma, 'm1')
    all.certificates.set('impostor', certificate)
    const hand = await relay(all, 'impostor')
    const answer = await hand.external('example.net')
    assert.match(answer, certificate.names.length > 0 ? /code='537'/ : /code='(538|550)'/)
    assert.match(await hand.open(5, bindNet), /code='537'/)
    assert.match(lastError(all), why)
    assert.match(lastError(all), /from 192.0.2.99/)
    assert.match(await hand.say(data(wilma, fred, '<a />'), 5), /code='537'/)
  })

  test(`a relay with a certificate ${what} is told nothing: what waits goes on waiting, and doctor says why`, async () => {
    const all = await domainsOf(names)
    all.certificates.set('example.net', certificate)
    assert.equal((await send(all, fred, wilma, 'm1')).kind, 'stored')
    assert.match(lastError(all), why)
    assert.ok(!all.wires.said.includes('m1'))
    const { tries } = await all.of('example.com').mesh.examine('example.com', 'example.net')
    assert.deepEqual(
      tries.map(({ isGood }) => isGood),
      [false],
    )
    assert.match(tries[0]?.outcome ?? '', why)
  })
}

test('with its certificate a domain logs in by EXTERNAL and binds, and what it says is heard', async () => {
  const all = await domainsOf(names)
  const reader = await all.application(fred)
  const hand = await relay(all, 'example.net')
  assert.match(await hand.external('example.net'), /status='complete'/)
  assert.equal(await hand.open(5, bindNet), '<ok />')
  assert.equal(await hand.sayPayload(talk(wilma, fred, 'hello'), 5), '<ok />')
  assert.match((await reader.hear()).join(), /hello/)
  const [status] = all.of('example.com').mesh.status()
  assert.equal(status?.domain, 'example.net')
  assert.match(status?.identity ?? '', /certificate of example.net/)
})

test('EXTERNAL names one domain: a person, nobody and a domain that is ours are refused', async () => {
  const all = await domainsOf(names)
  for (const name of ['wilma@example.net', '', 'example.com', 'example.org']) {
    const hand = await relay(all, 'example.net')
    assert.match(await hand.external(name), /code='537'/, name)
  }
})

test('nobody binds in the clear', async () => {
  const all = await domainsOf(names)
  const hand = all.strike('example.com', 'example.net')
  assert.match(await hand.open(1, bindNet), /code='537'/)
})

const spoofed: readonly (readonly [string, string, string])[] = [
  ['of a domain that it is not', 'barney@example.org', fred],
  ['of a service of that', 'apex=presence@example.org', fred],
  ['of ours', 'wilma@example.com', fred],
  ['for another domain: no open relay (§4.5.2)', wilma, 'barney@example.org'],
  ['for several, one of another domain', wilma, `${fred} barney@example.org`],
]

for (const [what, from, to] of spoofed) {
  test(`data ${what}: 537`, async () => {
    const all = await domainsOf(names)
    const reader = await all.application(fred)
    const other = await all.application('barney@example.org')
    const hand = await relay(all, 'example.net')
    await hand.open(5, bindNet)
    assert.match(await hand.say(data(from, to, '<a />'), 5), /code='537'/)
    assert.deepEqual([...(await reader.hear()), ...(await other.hear())], [])
  })
}

test('a relay of several domains binds for each that its certificate names, and for no other', async () => {
  const all = await domainsOf(names)
  all.certificates.set('two', { names: ['example.net', 'example.org'] })
  const hand = await relay(all, 'two')
  assert.equal(await hand.open(5, bindNet), '<ok />')
  assert.equal(await hand.say("<bind relay='example.org' transID='2' />", 5), '<ok />')
  assert.match(await hand.say("<bind relay='rubble.com' transID='3' />", 5), /code='537'/)
  assert.equal(await hand.say(data('barney@example.org', fred, '<a />'), 5), '<ok />')
  // §4.4.3: what is bound no more is not believed.
  assert.equal(await hand.say("<terminate transID='2' />", 5), '<ok />')
  assert.match(await hand.say(data('barney@example.org', fred, '<a />'), 5), /code='537'/)
})

test('terminate with 0 ends what was bound on every channel of the session, and no other session (§4.4.3 step 1)', async () => {
  const all = await domainsOf(names)
  all.certificates.set('two', { names: ['example.net', 'example.org'] })
  const hand = await relay(all, 'two')
  const other = await relay(all, 'two')
  for (const channel of [5, 7]) assert.equal(await hand.open(channel, bindNet), '<ok />')
  assert.equal(await other.open(5, bindNet), '<ok />')
  assert.equal(await hand.say("<terminate transID='0' />", 5), '<ok />')
  const said = data('barney@example.net', fred, '<a />')
  for (const channel of [5, 7]) assert.match(await hand.say(said, channel), /code='537'/)
  assert.equal(await other.say(said, 5), '<ok />')
})

test('our policy for the domain: not allowed, no messages, no presence, not trusted', async () => {
  const say = async (policy: Partial<typeof welcome>, to: string): Promise<string> => {
    const all = await domainsOf(names)
    all.of('example.com').policy.current = { ...welcome, ...policy }
    const hand = await relay(all, 'example.net')
    const bound = await hand.open(5, bindNet)
    if (bound !== '<ok />') return bound
    return hand.say(data(wilma, to, `<subscribe publisher='${fred}' duration='0' transID='1' />`), 5)
  }
  const presence = 'apex=presence@example.com'
  assert.match(await say({ allowed: false }, fred), /537/)
  assert.match(await say({ messages: false }, fred), /537/)
  assert.match(await say({ presence: false }, presence), /537/)
  assert.match(await say({ trusted: false }, fred), /537/)
  assert.equal(await say({ messages: false }, presence), '<ok />')
  assert.equal(await say({ presence: false }, fred), '<ok />')
})

test('LIMIT: connections of one source that have bound for nobody', async () => {
  const all = await domainsOf(names, { domainStrangersPerAddressMax: 2 })
  const strangers = ['192.0.2.99', '192.0.2.99', '192.0.2.99', '192.0.2.98'].map((address) =>
    all.strike('example.com', 'example.net', address),
  )
  await everything()
  assert.deepEqual(
    strangers.map(({ closed }) => closed),
    [false, false, true, false],
  )
  const [first] = strangers as [Hand]
  await first.secure('example.com')
  assert.equal(await first.open(5, bindNet), '<ok />')
  const next = all.strike('example.com', 'example.net', '192.0.2.99')
  await everything()
  assert.equal(next.closed, false)
})
