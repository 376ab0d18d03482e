// The streams that others open, as a table: what is there, what comes, what follows (RFC 6120 §4.3, §4.9.3, §5.4; XEP-0178, XEP-0220).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialback, ServerHeader } from '../codec/server-stream.ts'
import { pairsMax, type ReceivingPolicy } from './dialback-requests.ts'
import {
  type ReceivingEffect,
  type ReceivingInput,
  type ReceivingState,
  receivingStart,
  receivingStep,
} from './receiving.ts'

const ours = 'capulet.example'
const theirs = 'montague.example'
const policyOf = (tls: 'verified' | 'encrypted' | 'none', dialback = true): ReceivingPolicy => ({
  isOurs: (domain) => domain === ours,
  isAllowed: (domain) => domain !== 'tybalt.example',
  proofOf: () => ({ tls, dialback }),
})
const header = (more: Partial<ServerHeader> = {}, proves = true): ReceivingInput => ({
  kind: 'header',
  header: {
    isStream: true,
    isServer: true,
    from: theirs,
    to: ours,
    id: '',
    version: '1.0',
    hasDialback: true,
    ...more,
  },
  proves,
})
const dialback = (more: Partial<Dialback> = {}, proves = false): ReceivingInput => ({
  kind: 'dialback',
  dialback: {
    kind: 'result',
    from: theirs,
    to: ours,
    id: '',
    type: 'request',
    key: 'k',
    condition: 'undefined-condition',
    ...more,
  },
  proves,
})
const external = (domain = theirs, proves = true): ReceivingInput => ({ kind: 'external', domain, proves })

function textOf(effect: ReceivingEffect): string {
  switch (effect.do) {
    case 'close':
      return `close ${effect.error}`
    case 'send-features': {
      const { startTls, external: hasExternal, dialback: hasDialback } = effect.features
      return `features ${startTls}${hasExternal ? ' EXTERNAL' : ''}${hasDialback ? ' dialback' : ''}`
    }
    case 'send-dialback':
      return `${effect.answer.kind} ${effect.answer.type}${effect.answer.condition === undefined ? '' : ` ${effect.answer.condition}`}`
    case 'send-failure':
      return `failure ${effect.condition}`
    case 'authorize':
      return `authorize ${effect.theirs} by ${effect.by}`
    default:
      return effect.do
  }
}

function play(
  inputs: readonly ReceivingInput[],
  policy: ReceivingPolicy,
  secure: boolean,
): [ReceivingState, string[]] {
  let state = receivingStart(secure)
  const done: string[] = []
  for (const input of inputs) {
    const [next, effects] = receivingStep(policy, state, input)
    state = next
    done.push(...effects.map(textOf))
  }
  return [state, done]
}

const verified = policyOf('verified')
const encrypted = policyOf('encrypted')

/** [what, what comes, policy, TLS is there, the last effects] */
const rows: [string, ReceivingInput[], ReceivingPolicy, boolean, string[]][] = [
  ['TLS is required (RFC 6120 §5.3.1)', [header()], verified, false, ['send-header', 'features required']],
  ['in a laboratory it is offered', [header()], policyOf('none'), false, ['features offered dialback']],
  ['STARTTLS', [header(), { kind: 'starttls', unread: 0 }], verified, false, ['proceed']],
  [
    'words behind <starttls/> (RFC 6120 §5.4.3.3)',
    [header(), { kind: 'starttls', unread: 3 }],
    verified,
    false,
    ['close policy-violation'],
  ],
  [
    'EXTERNAL is offered to whom it will do good (XEP-0178 §3)',
    [header()],
    verified,
    true,
    ['features no EXTERNAL dialback'],
  ],
  ['and to nobody else', [header({}, false)], verified, true, ['features no dialback']],
  [
    'without dialback there is nothing else',
    [header({}, false)],
    policyOf('verified', false),
    true,
    ['features no'],
  ],
  [
    'EXTERNAL',
    [header(), external()],
    verified,
    true,
    ['send-success', `authorize ${theirs} by certificate`],
  ],
  [
    'EXTERNAL for another name than the stream (XEP-0178 §3)',
    [header(), external('padua.example')],
    verified,
    true,
    ['failure invalid-authzid', 'refused'],
  ],
  [
    'EXTERNAL without a proof',
    [header(), external(theirs, false)],
    verified,
    true,
    ['failure not-authorized', 'refused'],
  ],
  [
    'EXTERNAL in the clear',
    [header(), external()],
    policyOf('none'),
    false,
    ['failure not-authorized', 'refused'],
  ],
  [
    'the stream after it in another name (RFC 6120 §4.3.3)',
    [header(), external(), header({ from: 'padua.example' })],
    verified,
    true,
    ['send-header', 'close invalid-from'],
  ],
  [
    'another mechanism',
    [header(), { kind: 'other-mechanism' }],
    verified,
    true,
    ['failure invalid-mechanism', 'refused'],
  ],
  [
    'a stream to nobody (RFC 6120 §4.9.3.8)',
    [header({ to: undefined })],
    verified,
    true,
    ['send-header', 'close improper-addressing'],
  ],
  [
    'a stream to a domain that is not ours (RFC 6120 §4.9.3.6)',
    [header({ to: 'padua.example' })],
    verified,
    true,
    ['send-header', 'close host-unknown'],
  ],
  ['a stream in our own name', [header({ from: ours })], verified, true, ['close invalid-from']],
  [
    'a stream of a domain that is not spoken with',
    [header({ from: 'tybalt.example' })],
    verified,
    true,
    ['close policy-violation'],
  ],
  [
    'no version (RFC 6120 §4.7.5)',
    [header({ version: undefined })],
    verified,
    true,
    ['close unsupported-version'],
  ],
  [
    "a client's stream (RFC 6120 §4.8.2)",
    [header({ isServer: false })],
    verified,
    true,
    ['close invalid-namespace'],
  ],
  [
    'a dialback key is verified (XEP-0220 §2.2.1)',
    [header({}, false), dialback()],
    encrypted,
    true,
    ['check-key'],
  ],
  [
    'the same key twice is asked about once',
    [header({}, false), dialback(), dialback()],
    encrypted,
    true,
    ['check-key'],
  ],
  [
    'a certificate that proves it needs no question',
    [header({}, false), dialback({}, true)],
    encrypted,
    true,
    ['result valid', `authorize ${theirs} by certificate`],
  ],
  [
    'a key that is right',
    [header({}, false), dialback(), { kind: 'verified', from: theirs, to: ours, answer: 'valid' }],
    encrypted,
    true,
    ['check-key', 'result valid', `authorize ${theirs} by dialback`],
  ],
  [
    'a key that is wrong ends the stream',
    [header({}, false), dialback(), { kind: 'verified', from: theirs, to: ours, answer: 'invalid' }],
    encrypted,
    true,
    ['result invalid', 'refused', 'close undefined'],
  ],
  [
    'a key that nobody could verify does not (XEP-0220 §2.4)',
    [
      header({}, false),
      dialback(),
      { kind: 'verified', from: theirs, to: ours, answer: 'remote-server-timeout' },
    ],
    encrypted,
    true,
    ['result error remote-server-timeout', 'refused'],
  ],
  [
    'an answer that nobody asked for changes nothing',
    [header({}, false), { kind: 'verified', from: theirs, to: ours, answer: 'valid' }],
    encrypted,
    true,
    ['features no dialback'],
  ],
  [
    'a key for a domain that is not ours',
    [header({}, false), dialback({ to: 'padua.example' })],
    encrypted,
    true,
    ['result error item-not-found', 'refused'],
  ],
  [
    'a key in our own name',
    [header({}, false), dialback({ from: ours })],
    encrypted,
    true,
    ['result error policy-violation', 'refused'],
  ],
  [
    'a key in the clear where TLS must be',
    [header({}, false), dialback()],
    encrypted,
    false,
    ['result error policy-violation', 'refused'],
  ],
  [
    'a key where dialback is switched off',
    [header({}, false), dialback()],
    policyOf('verified', false),
    true,
    ['result error not-authorized', 'refused'],
  ],
  [
    'we are asked about a key of ours (XEP-0220 §2.2.2)',
    [header({}, false), dialback({ kind: 'verify', id: 's' }, true)],
    encrypted,
    true,
    ['verify valid'],
  ],
  [
    'and about one that is not',
    [header({}, false), dialback({ kind: 'verify', id: 's' })],
    encrypted,
    true,
    ['verify invalid'],
  ],
  [
    'and about one of somebody else',
    [header({}, false), dialback({ kind: 'verify', to: 'padua.example' })],
    encrypted,
    true,
    ['verify error item-not-found'],
  ],
  [
    'a dialback between nobody',
    [header({}, false), dialback({ from: '' })],
    encrypted,
    true,
    ['close improper-addressing'],
  ],
  [
    'stanzas before a proof (RFC 6120 §4.3.5)',
    [header({}, false), { kind: 'not-authorized' }],
    encrypted,
    true,
    ['close not-authorized'],
  ],
  [
    '<bidi/> after the proof (XEP-0288 §2.2)',
    [header({}, false), dialback({}, true), { kind: 'bidi' }],
    encrypted,
    true,
    ['close policy-violation'],
  ],
  ['the end is answered (RFC 6120 §4.4)', [header(), { kind: 'end' }], verified, true, ['close undefined']],
]
for (const [what, inputs, policy, secure, effects] of rows) {
  test(what, () => {
    const [, done] = play(inputs, policy, secure)
    assert.deepEqual(done.slice(-effects.length), effects)
  })
}

test('LIMIT: pairs of domains on one stream', () => {
  const requests = Array.from({ length: pairsMax + 1 }, (_, k) => dialback({ from: `d${k}.example` }))
  const [state, done] = play([header({}, false), ...requests], encrypted, true)
  assert.equal(state.verifying.length, pairsMax)
  assert.deepEqual(done.slice(-2), ['result error resource-constraint', 'refused'])
})
