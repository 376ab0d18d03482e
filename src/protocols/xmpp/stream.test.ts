import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Address, parseAddress } from '#model'
import {
  type StreamEffect,
  type StreamInput,
  type StreamPolicy,
  type StreamState,
  streamStart,
  streamStep,
} from './stream.ts'

const romeo = parseAddress('romeo@localhost') as Address
const limits = { login: { octets: 1, seconds: 2 }, open: { octets: 3, seconds: 4 } }
const policy: StreamPolicy = {
  domains: ['localhost'],
  hasTls: true,
  mayStayClear: false,
  failuresMax: 3,
  isElsewhere: false,
  limits,
}
const header: StreamInput = {
  kind: 'header',
  isStream: true,
  isClient: true,
  to: 'localhost',
  version: '1.0',
  mechanisms: ['PLAIN'],
  channelBindings: [],
}
const data = new Uint8Array(0)
const auth: StreamInput = { kind: 'sasl', sasl: { kind: 'auth', mechanism: 'PLAIN', data } }
const bind: StreamInput = { kind: 'bind', id: 'b', resource: undefined }

const inputs: readonly StreamInput[] = [
  header,
  { kind: 'enable' },
  { kind: 'resume', previous: 'x', h: 0 },
  { ...header, to: undefined },
  { ...header, to: 'other' },
  { kind: 'starttls', unread: 0 },
  { kind: 'starttls', unread: 1 },
  { kind: 'secured' },
  auth,
  { kind: 'sasl', sasl: { kind: 'response', data } },
  { kind: 'sasl', sasl: { kind: 'abort' } },
  { kind: 'challenge', data },
  { kind: 'proven', user: romeo, data: undefined },
  { kind: 'failed', condition: 'not-authorized' },
  bind,
  { kind: 'bound' },
  { kind: 'not-bound' },
  { kind: 'other' },
]

/** What each input does, until the stream is closed. */
function play(script: readonly StreamInput[], of = policy, secure = false): [StreamState, string[]] {
  let state = streamStart(of, secure)
  const done: string[] = []
  for (const input of script) {
    const [next, effects] = streamStep(of, state, input)
    state = next
    done.push(...effects.map(word))
  }
  return [state, done]
}

function word(effect: StreamEffect): string {
  if (effect.do === 'close') return `close ${effect.error ?? ''}`.trim()
  return effect.do === 'send-failure' ? `failure ${effect.condition}` : effect.do
}

describe('the state machine of a stream (RFC 6120 §4.3, §5, §6, §7)', () => {
  it('goes from the header through TLS and SASL to a resource', () => {
    const script: StreamInput[] = [
      header,
      { kind: 'starttls', unread: 0 },
      { kind: 'secured' },
      header,
      auth,
      { kind: 'challenge', data },
      { kind: 'sasl', sasl: { kind: 'response', data } },
      { kind: 'proven', user: romeo, data: undefined },
      header,
      bind,
      { kind: 'bound' },
    ]
    const [state, done] = play(script)
    assert.equal(state.phase, 'open')
    assert.equal(state.user, romeo)
    assert.deepEqual(done, [
      'send-header',
      'send-features',
      'proceed',
      'send-header',
      'send-features',
      'begin-sasl',
      'send-challenge',
      'continue-sasl',
      'send-success',
      'send-header',
      'send-features',
      'bind',
    ])
  })

  const rows: readonly (readonly [section: string, script: readonly StreamInput[], last: string])[] = [
    ['§4.3.5 a stanza before login', [header, { kind: 'other' }], 'close not-authorized'],
    [
      '§5.3.1 TLS twice',
      [header, { kind: 'starttls', unread: 0 }, { kind: 'secured' }, header, { kind: 'starttls', unread: 0 }],
      'close policy-violation',
    ],
    [
      '§5.4.3.3 a header instead of the handshake',
      [header, { kind: 'starttls', unread: 0 }, header],
      'close policy-violation',
    ],
    ['§6.5.4 a login in the clear', [header, auth], 'failure encryption-required'],
    ['§6.4.1 a login before the features', [auth], 'close bad-format'],
    ['§7.1 a binding before login', [header, bind], 'close not-authorized'],
    ['§4.4 the end', [header, { kind: 'end' }], 'close'],
    ['§4.9.1.2 an error before the header', [{ kind: 'error', condition: 'bad-format' }], 'close bad-format'],
  ]
  for (const [section, script, last] of rows) {
    it(section, () => assert.equal(play(script)[1].at(-1), last))
  }

  const underTls: readonly (readonly [section: string, script: readonly StreamInput[], last: string])[] = [
    [
      '§6.4.2 a response before a mechanism',
      [{ kind: 'sasl', sasl: { kind: 'response', data } }],
      'failure malformed-request',
    ],
    [
      '§6.4.4 abort',
      [auth, { kind: 'challenge', data }, { kind: 'sasl', sasl: { kind: 'abort' } }],
      'failure aborted',
    ],
    ['§6.3.4 words while a proof is checked', [auth, { kind: 'other' }], 'close policy-violation'],
    [
      '§6.4.6 no new stream after success',
      [auth, { kind: 'proven', user: romeo, data: undefined }, bind],
      'close bad-format',
    ],
    [
      '§6.3.2 a login after login',
      [auth, { kind: 'proven', user: romeo, data: undefined }, header, auth],
      'close policy-violation',
    ],
    [
      '§7.7 a refused binding may be tried again',
      [auth, { kind: 'proven', user: romeo, data: undefined }, header, bind, { kind: 'not-bound' }, bind],
      'bind',
    ],
  ]
  for (const [section, script, last] of underTls) {
    it(section, () => assert.equal(play([header, ...script], policy, true)[1].at(-1), last))
  }

  it('whatever comes: a header before all else, one end, nothing after it, no resource without login and TLS', () => {
    const property = fc.property(fc.array(fc.constantFrom(...inputs), { maxLength: 30 }), (script) => {
      const [state, done] = play(script)
      if (done.length > 0) assert.equal(done[0], 'send-header')
      const end = done.findIndex((effect) => effect.startsWith('close'))
      assert.ok(end < 0 || end === done.length - 1)
      assert.equal(state.phase === 'closed', end >= 0)
      if (state.phase === 'open' || state.phase === 'binding')
        assert.ok(state.secure && state.user !== undefined)
      assert.ok(state.failures <= policy.failuresMax)
    })
    fc.assert(property, { numRuns: process.env['VERONA_SOAK'] === undefined ? 300 : 10_000 })
  })
})
