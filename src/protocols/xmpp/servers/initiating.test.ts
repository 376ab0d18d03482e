// The streams that we open, as a table: what is there, what comes, what follows (RFC 6120 §4.3, §5.4, §6.4; XEP-0178, XEP-0220, XEP-0198).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialback, ServerFeatures } from '../codec/server-stream.ts'
import {
  type InitiatingInput,
  type InitiatingPolicy,
  type InitiatingState,
  initiatingStart,
  initiatingStep,
} from './initiating.ts'

const ours = 'montague.example'
const theirs = 'capulet.example'
const policy: InitiatingPolicy = {
  ours,
  theirs,
  tls: 'verified',
  dialback: true,
  purpose: 'carry',
  resumes: false,
}
const header: InitiatingInput = {
  kind: 'header',
  header: {
    isStream: true,
    isServer: true,
    from: theirs,
    to: ours,
    id: 's1',
    version: '1.0',
    hasDialback: true,
  },
}
const offers = (more: Partial<ServerFeatures>): InitiatingInput => ({
  kind: 'features',
  features: { startTls: 'no', external: false, dialback: true, bidi: false, management: false, ...more },
})
const good: InitiatingInput = { kind: 'secured', proof: { proven: true, identity: 'a certificate' } }
const bad: InitiatingInput = { kind: 'secured', proof: { proven: false, why: 'self-signed' } }
const result = (more: Partial<Dialback>): InitiatingInput => ({
  kind: 'dialback',
  dialback: {
    kind: 'result',
    from: theirs,
    to: ours,
    id: '',
    type: 'valid',
    key: '',
    condition: 'undefined-condition',
    ...more,
  },
})
const untilTls: InitiatingInput[] = [header, offers({ startTls: 'required' }), { kind: 'proceed' }]
const success: InitiatingInput = { kind: 'success' }

function play(
  inputs: readonly InitiatingInput[],
  more: Partial<InitiatingPolicy> = {},
): [InitiatingState, string[]] {
  let state = initiatingStart(false)
  const done: string[] = []
  for (const input of inputs) {
    const [next, effects] = initiatingStep({ ...policy, ...more }, state, input)
    state = next
    for (const effect of effects)
      done.push(
        effect.do === 'close'
          ? `close: ${effect.why}`
          : effect.do === 'ready'
            ? `ready ${effect.managed}`
            : effect.do,
      )
  }
  return [state, done]
}

/** [what, what comes, how the policy differs, the last effects, the phase] */
const rows: [string, InitiatingInput[], Partial<InitiatingPolicy>, string[], string][] = [
  [
    'STARTTLS is taken where it is offered (RFC 6120 §5.4.2.1)',
    [header, offers({ startTls: 'offered' })],
    {},
    ['send-starttls'],
    'tls-asked',
  ],
  ['no TLS where it must be', [header, offers({})], {}, ['close: the other side offers no TLS'], 'closed'],
  ['no TLS in a laboratory: dialback', [header, offers({})], { tls: 'none' }, ['send-key'], 'dialing'],
  [
    'STARTTLS is refused (RFC 6120 §5.4.2.2)',
    [header, offers({ startTls: 'offered' }), { kind: 'tls-failure' }],
    {},
    ['close: STARTTLS was refused'],
    'closed',
  ],
  [
    'a certificate that proves nothing',
    [...untilTls, bad],
    {},
    ['start-tls', 'close: self-signed'],
    'closed',
  ],
  [
    'the same where dialback is enough',
    [...untilTls, bad],
    { tls: 'encrypted' },
    ['restart', 'send-header'],
    'header',
  ],
  [
    'EXTERNAL, with <bidi/> before it (XEP-0288 §2.2)',
    [...untilTls, good, header, offers({ external: true, bidi: true })],
    {},
    ['send-bidi', 'send-external'],
    'proving',
  ],
  [
    'a new stream after success (RFC 6120 §6.4.6)',
    [...untilTls, good, header, offers({ external: true }), success],
    {},
    ['restart', 'send-header'],
    'header',
  ],
  [
    'ready without stream management',
    [...untilTls, good, header, offers({ external: true }), success, header, offers({})],
    {},
    ['ready no'],
    'open',
  ],
  [
    'enabled (XEP-0198 §3)',
    [
      ...untilTls,
      good,
      header,
      offers({ external: true }),
      success,
      header,
      offers({ management: true }),
      { kind: 'enabled' },
    ],
    {},
    ['send-enable', 'ready enabled'],
    'open',
  ],
  [
    'resumed (XEP-0198 §5)',
    [
      ...untilTls,
      good,
      header,
      offers({ external: true }),
      success,
      header,
      offers({ management: true }),
      { kind: 'resumed' },
    ],
    { resumes: true },
    ['send-resume', 'ready resumed'],
    'open',
  ],
  [
    'not known any more: a new one is enabled',
    [
      ...untilTls,
      good,
      header,
      offers({ external: true }),
      success,
      header,
      offers({ management: true }),
      { kind: 'not-managed' },
      { kind: 'enabled' },
    ],
    { resumes: true },
    ['send-resume', 'send-enable', 'ready enabled'],
    'open',
  ],
  [
    'EXTERNAL fails: dialback on the same stream',
    [...untilTls, good, header, offers({ external: true }), { kind: 'failure', condition: 'not-authorized' }],
    {},
    ['send-external', 'send-key'],
    'dialing',
  ],
  [
    'EXTERNAL fails and dialback is off',
    [...untilTls, good, header, offers({ external: true }), { kind: 'failure', condition: 'not-authorized' }],
    { dialback: false },
    ['close: our certificate was refused (not-authorized), and dialback is switched off'],
    'closed',
  ],
  [
    'no EXTERNAL: dialback, which succeeds',
    [...untilTls, good, header, offers({}), result({})],
    {},
    ['send-key', 'ready no'],
    'open',
  ],
  [
    'a key that is refused',
    [...untilTls, good, header, offers({}), result({ type: 'invalid' })],
    {},
    ['send-key', 'close: our dialback key was refused'],
    'closed',
  ],
  [
    'an error of dialback (XEP-0220 §2.4)',
    [...untilTls, good, header, offers({}), result({ type: 'error', condition: 'remote-server-timeout' })],
    {},
    ['close: dialback failed there: remote-server-timeout'],
    'closed',
  ],
  [
    'a result for others is not ours',
    [...untilTls, good, header, offers({}), result({ from: 'padua.example' })],
    {},
    ['send-key'],
    'dialing',
  ],
  [
    'a question about a key (XEP-0220 §2.1.2)',
    [...untilTls, good, header, offers({}), result({ kind: 'verify', type: 'invalid' })],
    { purpose: 'verify' },
    ['send-verify', 'answered', 'close: answered'],
    'closed',
  ],
  [
    'somebody else answers (RFC 6120 §4.7.1)',
    [
      {
        ...header,
        header: { ...(header as { header: object }).header, from: 'padua.example' },
      } as InitiatingInput,
    ],
    {},
    ['close: padua.example answers there'],
    'closed',
  ],
  [
    'no XMPP 1.0',
    [
      {
        ...header,
        header: { ...(header as { header: object }).header, version: undefined },
      } as InitiatingInput,
    ],
    {},
    ['close: the other side speaks no XMPP 1.0'],
    'closed',
  ],
  [
    'a stream error is told',
    [header, { kind: 'stream-error', condition: 'host-unknown' }],
    {},
    ['close: the other side said host-unknown'],
    'closed',
  ],
  [
    'words out of their order',
    [{ kind: 'proceed' }],
    {},
    ['close: the other side does not keep to the protocol (in header)'],
    'closed',
  ],
  [
    'nothing follows the end',
    [header, { kind: 'end' }, offers({})],
    {},
    ['close: the other side closed it'],
    'closed',
  ],
]
for (const [what, inputs, more, effects, phase] of rows) {
  test(what, () => {
    const [state, done] = play(inputs, more)
    assert.deepEqual([done.slice(-effects.length), state.phase], [effects, phase])
  })
}
