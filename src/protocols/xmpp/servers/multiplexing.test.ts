// More domains by one stream (XEP-0220 §2.6, XEP-0288 §2.2): what is asked and answered on a stream that we opened, and which stream is asked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { fixedResolver, PlaceFinder } from '#net'
import type { Dialback } from '../codec/server-stream.ts'
import { tlsOf } from '../testing/two-servers.ts'
import type { Channel } from './channel.ts'
import { DialbackKeys } from './dialback-key.ts'
import type { ReceivingPolicy } from './dialback-requests.ts'
import type { ServersEnvironment } from './environment.ts'
import { Multiplexing, type MultiplexingParts } from './multiplexing.ts'
import type { ServerPair } from './pair.ts'
import { serverNames } from './places.ts'
import { Sharing } from './sharing.ts'

const montague = 'montague.example'
const verona = 'verona.example'
const capulet = 'capulet.example'
const padua = 'padua.example'
const mantua = 'mantua.example'
const policy: ReceivingPolicy = {
  isOurs: (domain) => domain === montague || domain === verona,
  isAllowed: (domain) => domain !== 'tybalt.example',
  proofOf: () => ({ tls: 'verified', dialback: true }),
}

interface Stage {
  readonly clock: VirtualClock
  readonly written: string[]
  readonly admitted: string[]
  readonly refused: string[]
  /** Answers the verification that is under way. */
  readonly verdicts: ((answer: 'valid' | 'invalid') => void)[]
  readonly environment: ServersEnvironment
  readonly multiplexing: Multiplexing
  isOpen: boolean
}

/** @param certificates of one certificate of ours: the domains that it is shown for */
function stage(more: Partial<MultiplexingParts> = {}, certificates: readonly string[] = []): Stage {
  const clock = new VirtualClock(0)
  const one = {}
  const environment = {
    service: { clock },
    settings: { dialback: true },
    tls: { secureContext: (domain: string) => (certificates.includes(domain) ? one : {}) },
    resolver: fixedResolver({
      srv: Object.fromEntries(
        [capulet, padua, mantua].map((domain) => [
          `_xmpp-server._tcp.${domain}`,
          [{ priority: 0, weight: 0, target: domain === mantua ? 'far' : 'near', port: 5269 }],
        ]),
      ),
      addresses: { near: ['192.0.2.1'], far: ['192.0.2.9'] },
    }),
    routeTo: () => ({ servers: undefined, tls: 'verified' }),
    keys: new DialbackKeys('secret'),
  } as unknown as ServersEnvironment
  const made = { clock, written: [], admitted: [], refused: [], verdicts: [], environment, isOpen: true }
  const set = made as unknown as { -readonly [K in keyof Stage]: Stage[K] }
  const octets = {
    connection: {
      tls: tlsOf({ names: [capulet, padua], trusted: true }),
      remote: { address: '192.0.2.1', port: 5269 },
    },
    get isOpen() {
      return set.isOpen
    },
    writeUtf8: (text: string) => set.written.push(text),
  }
  set.multiplexing = new Multiplexing({
    octets: octets as never,
    environment,
    policy,
    ours: montague,
    theirs: capulet,
    streamId: 's1',
    provenBy: 'dialback',
    hasDialback: true,
    hasErrors: true,
    isBothWays: true,
    verify: (_question, onAnswer) =>
      void set.verdicts.push((answer) => onAnswer(answer, `it says ${answer}`)),
    onAdmitted: (ours, theirs) => void set.admitted.push(`${ours} ${theirs}`),
    onRefused: (theirs) => void set.refused.push(theirs),
    ...more,
  })
  return set
}

const said = (more: Partial<Dialback>): Dialback => ({
  kind: 'result',
  from: padua,
  to: montague,
  id: '',
  type: 'request',
  key: 'k',
  condition: 'undefined-condition',
  ...more,
})

/** [what, what comes, on a stream for both ways, what is written, who is admitted] */
const rows: [string, Partial<Dialback>, boolean, RegExp, string[]][] = [
  [
    'another domain of theirs that their certificate names is believed at once',
    {},
    true,
    /^<db:result from='montague.example' to='padua.example' type='valid'\/>$/,
    [`${montague} ${padua}`],
  ],
  [
    'on a stream that goes one way nobody need prove anything',
    {},
    false,
    /type='error'.*<feature-not-implemented/,
    [],
  ],
  ['for a domain that is not ours', { to: 'nowhere.example' }, true, /type='error'.*<item-not-found/, []],
  ['in the name of a domain of ours', { from: verona }, true, /type='error'.*<policy-violation/, []],
  [
    'in the name of one that is not spoken with',
    { from: 'tybalt.example' },
    true,
    /type='error'.*<policy-violation/,
    [],
  ],
  [
    'a question about a key that is not ours is answered, whichever way it comes (XEP-0220 §2.2.2)',
    { kind: 'verify', id: 'x', from: capulet },
    false,
    /^<db:verify from='montague.example' to='capulet.example' id='x' type='invalid'\/>$/,
    [],
  ],
]
for (const [what, came, isBothWays, written, admitted] of rows)
  test(`dialback that comes on a stream of ours: ${what}`, () => {
    const { multiplexing, ...seen } = stage({ isBothWays })
    multiplexing.take(said(came))
    assert.match(seen.written.join(), written)
    assert.deepEqual(seen.admitted, admitted)
  })

test('one whose certificate is not theirs is asked about by another stream, and believed when its server says so (XEP-0288 §2.2)', () => {
  const { multiplexing, verdicts, written, admitted, refused } = stage()
  multiplexing.take(said({ from: mantua }))
  multiplexing.take(said({ from: mantua }))
  assert.deepEqual([written, verdicts.length], [[], 1])
  verdicts[0]?.('valid')
  assert.match(written.join(), /^<db:result from='montague.example' to='mantua.example' type='valid'\/>$/)
  assert.deepEqual([admitted, refused], [[`${montague} ${mantua}`], []])
  multiplexing.take(said({ from: mantua, to: verona }))
  verdicts[1]?.('invalid')
  assert.match(written.at(-1) ?? '', /from='verona.example' to='mantua.example' type='invalid'/)
  assert.deepEqual([admitted.length, refused.includes(mantua)], [1, true])
})

test('an answer that comes when the stream is gone changes nothing', () => {
  const seen = stage()
  seen.multiplexing.take(said({ from: mantua }))
  seen.isOpen = false
  seen.verdicts[0]?.('valid')
  assert.deepEqual([seen.written, seen.admitted], [[], []])
})

test('what we ask is answered, or is not: by a word, by time, by the end of the stream', () => {
  const { multiplexing, clock, written } = stage()
  const answers: [string, boolean][] = []
  const ask = (ours: string, theirs: string): void =>
    multiplexing.ask(ours, theirs, (isValid) => answers.push([`${ours} ${theirs}`, isValid]))
  // XEP-0220 §3.1: nobody asked.
  multiplexing.take(said({ from: capulet, to: verona, type: 'valid' }))
  ask(verona, capulet)
  assert.match(
    written.join(),
    /^<db:result from='verona.example' to='capulet.example'>[0-9a-f]{64}<\/db:result>$/,
  )
  multiplexing.take(said({ from: padua, to: verona, type: 'valid' }))
  assert.deepEqual(answers, [])
  multiplexing.take(said({ from: capulet, to: verona, type: 'valid' }))
  multiplexing.take(said({ from: capulet, to: verona, type: 'invalid' }))
  assert.deepEqual(answers.splice(0), [[`${verona} ${capulet}`, true]])
  ask(montague, padua)
  multiplexing.take(said({ from: padua, type: 'error' }))
  ask(montague, mantua)
  clock.advance(10_000)
  ask(verona, padua)
  multiplexing.over()
  assert.deepEqual(answers, [
    [`${montague} ${padua}`, false],
    [`${montague} ${mantua}`, false],
    [`${verona} ${padua}`, false],
  ])
})

/** [what, stream, our one certificate is for, the pair, which stream carries it] */
const shared: [string, Partial<MultiplexingParts>, readonly string[], readonly [string, string], boolean][] =
  [
    ['another of ours by a stream of dialback (XEP-0220 §2.6.1)', {}, [], [verona, capulet], true],
    [
      'another of ours where certificates prove them',
      { provenBy: 'certificate' },
      [],
      [verona, capulet],
      false,
    ],
    [
      'another of ours in the same certificate',
      { provenBy: 'certificate' },
      [montague, verona],
      [verona, capulet],
      true,
    ],
    ['where the other side knows no dialback', { hasDialback: false }, [], [verona, capulet], false],
    [
      'another of theirs at the same address, by the same certificate (XEP-0220 §2.6.2)',
      {},
      [],
      [montague, padua],
      true,
    ],
    [
      'another of theirs where errors would end the stream',
      { hasErrors: false },
      [],
      [montague, padua],
      false,
    ],
    ['another of theirs that the certificate does not name', {}, [], [montague, mantua], false],
    ['another of both', {}, [], [verona, padua], false],
  ]
for (const [what, parts, certificates, [ours, theirs], isShared] of shared)
  test(`a stream that is there ${isShared ? 'carries' : 'does not carry'} ${what}`, async () => {
    const { environment, multiplexing, written } = stage(parts, certificates)
    const { channel, sharing, pair } = scene(environment, multiplexing)
    const asked = sharing.ask(pair(ours, theirs))
    await new Promise((resolve) => setImmediate(resolve))
    if (written.length > 0) multiplexing.take(said({ from: theirs, to: ours, type: 'valid' }))
    assert.equal(await asked, isShared ? channel : undefined)
    assert.equal(channel.outward.has(`${ours} ${theirs}`), isShared)
  })

test('a domain whose server would not have more by one stream is left alone for an hour', async () => {
  const { environment, multiplexing, written, clock } = stage()
  const { sharing, pair } = scene(environment, multiplexing)
  const asked = sharing.ask(pair(verona, capulet))
  multiplexing.take(said({ from: capulet, to: verona, type: 'error' }))
  assert.equal(await asked, undefined)
  assert.equal(sharing.ask(pair(verona, capulet)), undefined)
  assert.equal(written.length, 1)
  clock.advance(3_600_000)
  assert.notEqual(sharing.ask(pair(verona, capulet)), undefined)
})

function scene(environment: ServersEnvironment, multiplexing: Multiplexing) {
  const channel = {
    multiplexing,
    outward: new Set(),
    admitted: new Set(),
    identities: new Map(),
  } as unknown as Channel
  const places = new PlaceFinder({
    resolver: environment.resolver,
    names: serverNames,
    serversOf: () => undefined,
    isChosen: () => false,
  })
  const served = new Map([[channel, new Set<ServerPair>()]])
  const sharing = new Sharing({ environment, places, served, onShared: () => {} })
  const pair = (ours: string, theirs: string): ServerPair =>
    ({ ours, theirs, key: `${ours} ${theirs}` }) as unknown as ServerPair
  return { channel, sharing, pair }
}
