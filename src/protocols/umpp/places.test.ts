// Where UMPP goes: by RFC 3861's labels or the operator's word, never by a mere address; and where descriptions may lead.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPeers, type PeerPolicy, type Service } from '#core'
import { DnsError, fixedResolver } from '#net'
import { finderOf, sipPlaces, streamPlaces, withoutAddress } from './places.ts'

const record = (target: string) => [{ priority: 0, weight: 0, target, port: 5061 }]
const resolver = fixedResolver({
  srv: {
    '_im._umpp.both.example': record('sip.both.example'),
    '_pres._umpp.both.example': record('sip.both.example'),
    '_im._umpp.messages.example': record('sip.messages.example'),
    '_sips._tcp.phones.example': record('sip.phones.example'),
  },
  addresses: {
    'phones.example': ['198.51.100.1'],
    'mixed.example': ['10.0.0.1', '198.51.100.1', '::1'],
    'inside.example': ['192.168.0.1'],
    'many.example': ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4', '198.51.100.5'],
  },
})

function finder(chosen?: string, servers?: readonly string[]) {
  const policyFor = (domain: string): PeerPolicy => ({
    ...noPeers.policyFor(domain),
    ...(domain === chosen && { protocol: 'umpp' }),
  })
  const service = { peers: { ...noPeers, policyFor } } as unknown as Service
  return finderOf({ service, resolver, routeTo: () => ({ servers, tls: 'verified' }) })
}

test('the SIP servers of a domain are those of its labels, of messages and presence apart (U24, RFC 3861 §3)', async () => {
  assert.deepEqual(await finder().reaches('both.example'), { messages: true, presence: true, named: true })
  assert.deepEqual(await finder().reaches('messages.example'), {
    messages: true,
    presence: false,
    named: true,
  })
})

test('a domain that names SIP alone, or has but an address, is not tried (decision 0105)', async () => {
  const none = { messages: false, presence: false, named: false }
  assert.deepEqual(await finder().reaches('phones.example'), none)
})

test('an operator may say that a domain speaks it, and where', async () => {
  assert.equal((await finder('phones.example').find('phones.example')).all[0]?.host, 'phones.example')
  const { all } = await finder(undefined, ['192.0.2.9:5071']).find('phones.example')
  assert.deepEqual(sipPlaces(all, { servers: undefined, tls: 'verified' }), [
    { transport: 'TLS', host: '192.0.2.9', port: 5071 },
  ])
  assert.equal(sipPlaces(all, { servers: undefined, tls: 'none' })[0]?.transport, 'TCP')
})

test('of the addresses of a host that a description names, private ones are left out, unless its domain may lead there', async () => {
  const at = (host: string) => ({ host, port: 5269 })
  const hosts = async (host: string, isTrusted = false) =>
    (await streamPlaces(at(host), resolver, isTrusted)).map((place) => place.host)
  assert.deepEqual(await hosts('mixed.example'), ['198.51.100.1'])
  assert.deepEqual(await hosts('inside.example', true), ['192.168.0.1'])
  await assert.rejects(hosts('inside.example'), /private network/)
  await assert.rejects(hosts('127.0.0.1'), /private network/)
  await assert.rejects(hosts('nobody.example'), /no address/)
})

test('LIMIT: four addresses of one host are tried', async () => {
  assert.equal((await streamPlaces({ host: 'many.example', port: 1 }, resolver, false)).length, 4)
})

test('a domain of ours is told of where it is known to have no address', async () => {
  const silent = 'silent.example'
  const addresses = (host: string) =>
    host === silent ? Promise.reject(new DnsError(host, 'ETIMEOUT')) : resolver.addresses(host)
  const ours = ['phones.example', 'both.example', silent]
  assert.deepEqual(await withoutAddress(ours, { ...resolver, addresses }), ['both.example'])
})
