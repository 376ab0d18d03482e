import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import type { Condition } from '#model'
import { ScriptedPeerProtocol, welcome } from '../testing/peers.ts'
import { settled } from '../testing/world.ts'
import { createPeers, knownDomainsMax, type PeerTable, waitingFindersMax } from './peer-links.ts'
import { noWay, type PeerLink, type PeerService, type Peers, type Way } from './peers.ts'

interface Stage {
  readonly peers: Peers
  readonly clock: VirtualClock
  readonly faults: string[]
}

function stage(table: Partial<PeerTable> = {}): Stage {
  const clock = new VirtualClock()
  const faults: string[] = []
  const fault = (_: unknown, what: string): void => void faults.push(what)
  const whole = { strangers: welcome, domains: new Map(), order: [], ...table, clock, fault }
  return { peers: createPeers(whole), clock, faults }
}

/** What is found, in one word: the protocol of the link, or why there is none. */
const word = (link: PeerLink | Condition): string => (typeof link === 'string' ? link : link.protocol)

async function found(
  peers: Peers,
  domain: string,
  protocol?: string,
  service: PeerService = 'messages',
): Promise<string> {
  return new Promise((resolve) => peers.find(domain, service, protocol, (link) => resolve(word(link))))
}

/** What is answered within the tick; undefined when nothing is. */
function now(peers: Peers, domain: string, protocol?: string): string | undefined {
  let answer: string | undefined
  peers.find(domain, 'messages', protocol, (link) => {
    answer = word(link)
  })
  return answer
}

test('an envelope goes by its own protocol where the domain speaks it, else by the first in order that reaches it', async () => {
  const { peers } = stage({ order: ['impp', 'sip'] })
  peers.add(new ScriptedPeerProtocol(['both.example', 'x.example'], 'xmpp'))
  peers.add(new ScriptedPeerProtocol(['both.example', 's.example'], 'sip'))
  peers.add(new ScriptedPeerProtocol([], 'impp'))
  const rows: [string, string | undefined, string][] = [
    ['both.example', 'xmpp', 'xmpp'],
    ['both.example', 'sip', 'sip'],
    ['both.example', 'impp', 'sip'],
    ['both.example', undefined, 'sip'],
    ['both.example', 'core', 'sip'],
    ['x.example', 'sip', 'xmpp'],
    ['s.example', 'xmpp', 'sip'],
    ['nowhere.example', 'xmpp', 'domain-unknown'],
  ]
  for (const [domain, protocol, expected] of rows) {
    assert.equal(await found(peers, domain, protocol), expected, `${protocol} to ${domain}`)
  }
})

/** The far domain offers messages by one protocol and presence by another, and is implied to speak a third. */
test('each service goes its own way, and what nobody named only where nothing is named (RFC 3861 §3, §4)', async () => {
  const { peers } = stage({ order: ['xmpp', 'sip', 'impp'] })
  const of = (protocol: string, ways: Readonly<Record<string, Partial<Way>>>): void => {
    const scripted = new ScriptedPeerProtocol([], protocol)
    for (const [domain, way] of Object.entries(ways)) scripted.reached.set(domain, { ...noWay, ...way })
    peers.add(scripted)
  }
  const implied = { messages: true, presence: true }
  of('xmpp', { 'split.example': implied, 'implied.example': implied, 'messages.example': implied })
  of('sip', { 'split.example': { presence: true, named: true }, 'implied.example': implied })
  of('impp', {
    'split.example': { messages: true, named: true },
    'messages.example': { messages: true, named: true },
  })
  const rows: [string, PeerService, string | undefined, string][] = [
    ['split.example', 'messages', undefined, 'impp'],
    ['split.example', 'presence', undefined, 'sip'],
    ['split.example', 'messages', 'xmpp', 'impp'],
    ['split.example', 'presence', 'xmpp', 'sip'],
    ['implied.example', 'messages', undefined, 'xmpp'],
    ['implied.example', 'messages', 'sip', 'sip'],
    ['messages.example', 'messages', undefined, 'impp'],
    ['messages.example', 'presence', undefined, 'xmpp'],
  ]
  for (const [domain, service, protocol, expected] of rows)
    assert.equal(
      await found(peers, domain, protocol, service),
      expected,
      `${service} of ${protocol} to ${domain}`,
    )
})

test('the link is the same object each time, and in the tick once the domain is known', async () => {
  const { peers } = stage()
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  peers.add(protocol)
  assert.equal(now(peers, 'capulet.example', 'test'), undefined)
  await settled()
  peers.find('capulet.example', 'messages', 'test', (link) =>
    assert.equal(link, protocol.linkTo('capulet.example')),
  )
  assert.equal(now(peers, 'capulet.example', 'test'), 'test')
  assert.deepEqual(protocol.asked, ['capulet.example'])
})

test('those that wait for one domain share one look-up and are served in their order', async () => {
  const { peers } = stage()
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  peers.add(protocol)
  const served: number[] = []
  for (let n = 0; n < 5; n++) peers.find('capulet.example', 'messages', 'test', () => served.push(n))
  await settled()
  assert.deepEqual([protocol.asked.length, served], [1, [0, 1, 2, 3, 4]])
})

test('a finder whose own protocol has answered does not wait for the others', async () => {
  const { peers } = stage({ order: ['sip'] })
  const slow = new ScriptedPeerProtocol(['capulet.example'], 'sip')
  const answer = Promise.withResolvers<void>()
  slow.delay = () => answer.promise
  peers.add(slow)
  peers.add(new ScriptedPeerProtocol(['capulet.example'], 'xmpp'))
  assert.equal(await found(peers, 'capulet.example', 'xmpp'), 'xmpp')
  const other = found(peers, 'capulet.example', 'impp')
  answer.resolve()
  assert.equal(await other, 'sip')
})

test('a way is remembered for minutes, that there is none for one minute, that DNS was silent for seconds', async () => {
  const { peers, clock } = stage()
  const protocol = new ScriptedPeerProtocol(['way.example'])
  protocol.reached.set('silent.example', 'unanswered')
  peers.add(protocol)
  const rows: [string, string, number][] = [
    ['way.example', 'test', 300_000],
    ['none.example', 'domain-unknown', 60_000],
    ['silent.example', 'connection-failed', 5_000],
  ]
  for (const [domain, expected, life] of rows) {
    assert.equal(await found(peers, domain, 'test'), expected)
    clock.advance(life - 1)
    assert.equal(now(peers, domain, 'test'), expected, `${domain} is still known`)
    clock.advance(1)
    assert.equal(now(peers, domain, 'test'), undefined, `${domain} is asked about again`)
    await settled()
  }
})

test('a protocol that rejects is told as a fault and the domain is tried again soon', async () => {
  const { peers, faults } = stage()
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  protocol.delay = () => Promise.reject(new Error('broken'))
  peers.add(protocol)
  assert.equal(await found(peers, 'capulet.example'), 'connection-failed')
  assert.equal(faults.length, 1)
})

test('policy: a domain that is not allowed is reached by nobody, a named protocol is used unasked, and no other', async () => {
  const { peers } = stage({
    strangers: { ...welcome, allowed: false },
    domains: new Map([
      ['sip.example', { ...welcome, protocol: 'sip' }],
      ['impp.example', { ...welcome, protocol: 'impp' }],
    ]),
  })
  const xmpp = new ScriptedPeerProtocol(['sip.example', 'impp.example', 'stranger.example'], 'xmpp')
  const sip = new ScriptedPeerProtocol([], 'sip')
  peers.add(xmpp)
  peers.add(sip)
  assert.equal(now(peers, 'stranger.example', 'xmpp'), 'permission-denied')
  assert.equal(now(peers, 'sip.example', 'xmpp'), 'sip')
  assert.equal(now(peers, 'impp.example', 'xmpp'), 'domain-unknown')
  assert.deepEqual([xmpp.asked, sip.asked], [[], []])
})

test('what one of our domains may do is its own; the way there is looked for when any of them may', async () => {
  const closed = { ...welcome, allowed: false }
  const { peers } = stage({ policyOf: (ours) => (ours === 'ours.example' ? closed : welcome) })
  assert.equal(peers.policyFor('capulet.example', 'ours.example').allowed, false)
  assert.equal(peers.policyFor('capulet.example', 'other.example').allowed, true)
  assert.equal(peers.policyFor('capulet.example').allowed, true)
})

test('without a protocol no domain is known; one that is added later is asked at once', async () => {
  const { peers } = stage()
  assert.equal(now(peers, 'capulet.example'), 'domain-unknown')
  peers.add(new ScriptedPeerProtocol([], 'xmpp'))
  assert.equal(await found(peers, 'capulet.example'), 'domain-unknown')
  peers.add(new ScriptedPeerProtocol(['capulet.example'], 'sip'))
  assert.equal(await found(peers, 'capulet.example'), 'sip')
})

test('LIMIT: finders of one domain, domains under look-up, and domains remembered', async () => {
  const { peers } = stage()
  const protocol = new ScriptedPeerProtocol(['first.example'])
  const answer = Promise.withResolvers<void>()
  protocol.delay = () => answer.promise
  peers.add(protocol)
  const words: string[] = []
  for (let n = 0; n <= waitingFindersMax; n++)
    peers.find('first.example', 'messages', 'test', (link) => words.push(word(link)))
  assert.deepEqual(words, ['resource-limit'])
  for (let n = 1; n < knownDomainsMax; n++) peers.find(`d${n}.example`, 'messages', 'test', () => {})
  assert.equal(now(peers, 'one-more.example', 'test'), 'resource-limit')
  answer.resolve()
  await settled()
  assert.equal(words.length, waitingFindersMax + 1)
  assert.equal(await found(peers, 'one-more.example', 'test'), 'domain-unknown')
  assert.equal(now(peers, 'first.example', 'test'), undefined, 'the longest known was forgotten')
})

test('one that fails with its link does not take the answer from those behind it', async () => {
  const { peers, faults } = stage()
  peers.add(new ScriptedPeerProtocol(['capulet.example']))
  peers.find('capulet.example', 'messages', 'test', () => {
    throw new Error('broken')
  })
  assert.equal(await found(peers, 'capulet.example', 'test'), 'test')
  assert.equal(faults.length, 1)
})

test('a way that was known holds while DNS is silent, and no longer than until DNS says otherwise', async () => {
  const { peers, clock } = stage()
  const protocol = new ScriptedPeerProtocol(['known.example'], 'xmpp')
  peers.add(protocol)
  assert.equal(await found(peers, 'known.example'), 'xmpp')
  protocol.reached.set('known.example', 'unanswered')
  clock.advance(3_600_000)
  assert.equal(await found(peers, 'known.example'), 'xmpp')
  protocol.reached.set('known.example', noWay)
  clock.advance(3_600_000)
  assert.equal(await found(peers, 'known.example'), 'domain-unknown')
})
