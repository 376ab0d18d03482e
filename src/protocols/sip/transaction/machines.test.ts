// The four machines, row by row: state, input -> state, effects.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InviteClientInput, inviteClient, startInviteClient } from './invite-client.ts'
import { type InviteServerInput, inviteServer, startInviteServer } from './invite-server.ts'
import { type NonInviteClientInput, nonInviteClient, startNonInviteClient } from './non-invite-client.ts'
import { type NonInviteServerInput, nonInviteServer, startNonInviteServer } from './non-invite-server.ts'
import { type Effect, type Step, type Timing, timing } from './step.ts'

const said = (effects: readonly Effect[]): string =>
  effects
    .map((effect) =>
      effect.do === 'arm'
        ? `${effect.timer}=${effect.after}`
        : effect.do === 'disarm'
          ? `-${effect.timer}`
          : effect.do,
    )
    .join(' ')

/** `status`, `request`, `ack`, `error`, or the name of a timer. */
const input = (word: string, server: boolean): unknown => {
  if (/^\d+$/.test(word)) return { type: server ? 'respond' : 'response', status: Number(word) }
  if (word === 'request' || word === 'ack') return { type: word }
  return word === 'error' ? { type: 'transport-error' } : { type: 'timer', timer: word }
}

function run<State extends { name: string }>(
  start: Step<State>,
  next: (state: State, input: never, timing: Timing) => Step<State>,
  server: boolean,
  script: readonly [input: string, state: string, effects: string][],
): void {
  let { state } = start
  for (const [word, name, effects] of script) {
    const step = next(state, input(word, server) as never, timing)
    assert.deepEqual([word, step.state.name, said(step.effects)], [word, name, effects])
    state = step.state
  }
}

type Script = readonly [input: string, state: string, effects: string][]

const nonInviteServerRows: readonly [what: string, reliable: boolean, script: Script][] = [
  [
    'a retransmission in Trying is discarded, in Completed answered again, until Timer J (RFC 3261 §17.2.2)',
    false,
    [
      ['request', 'trying', ''],
      ['200', 'completed', '-trying send-response J=32000'],
      ['request', 'completed', 'send-response'],
      ['500', 'completed', ''],
      ['J', 'terminated', ''],
      ['request', 'terminated', ''],
    ],
  ],
  [
    'over a reliable transport Timer J is zero (RFC 3261 §17.2.2)',
    true,
    [['200', 'terminated', '-trying send-response']],
  ],
  [
    '100 is said when Timer E of the client has grown to T2, and again to retransmissions (RFC 4320 §4.1)',
    false,
    [
      ['trying', 'proceeding', 'send-trying'],
      ['request', 'proceeding', 'send-trying'],
      ['200', 'completed', '-trying send-response J=32000'],
    ],
  ],
  ['a provisional response other than 100 is never sent (RFC 4320 §4.1)', false, [['180', 'trying', '']]],
  [
    'a transport error in Completed ends it (RFC 3261 §17.2.4)',
    false,
    [
      ['404', 'completed', '-trying send-response J=32000'],
      ['error', 'terminated', '-J tell-transport-error'],
    ],
  ],
]

const inviteServerRows: readonly [what: string, reliable: boolean, script: Script][] = [
  [
    'a 2xx leads to Accepted, where retransmissions are absorbed and an ACK goes up, until Timer L (RFC 6026 §7.1)',
    false,
    [
      ['180', 'proceeding', '-trying send-response'],
      ['request', 'proceeding', 'send-response'],
      ['200', 'accepted', '-trying send-response L=32000'],
      ['request', 'accepted', ''],
      ['ack', 'accepted', 'tell-ack'],
      ['200', 'accepted', 'send-response'],
      ['486', 'accepted', ''],
      ['L', 'terminated', ''],
    ],
  ],
  [
    'a refusal is sent again by Timer G, doubling to T2, until the ACK, which Timer I absorbs (RFC 3261 §17.2.1)',
    false,
    [
      ['486', 'completed', '-trying send-response H=32000 G=500'],
      ['G', 'completed', 'send-response G=1000'],
      ['G', 'completed', 'send-response G=2000'],
      ['G', 'completed', 'send-response G=4000'],
      ['G', 'completed', 'send-response G=4000'],
      ['request', 'completed', 'send-response'],
      ['ack', 'confirmed', '-G -H I=5000'],
      ['ack', 'confirmed', ''],
      ['I', 'terminated', ''],
    ],
  ],
  [
    'without an ACK Timer H ends it and the user is told (RFC 3261 §17.2.1)',
    true,
    [
      ['486', 'completed', '-trying send-response H=32000'],
      ['H', 'terminated', '-G tell-timeout'],
    ],
  ],
  [
    'over a reliable transport Timer I is zero (RFC 3261 §17.2.1)',
    true,
    [
      ['486', 'completed', '-trying send-response H=32000'],
      ['ack', 'terminated', '-H'],
    ],
  ],
  [
    '100 is said after 200 ms (RFC 3261 §17.2.1)',
    false,
    [
      ['trying', 'proceeding', 'send-trying'],
      ['request', 'proceeding', 'send-trying'],
    ],
  ],
]

const nonInviteClientRows: readonly [what: string, reliable: boolean, script: Script][] = [
  [
    'Timer E doubles to T2, then Timer F gives up (RFC 3261 §17.1.2.2)',
    false,
    [
      ['E', 'trying', 'send-request E=1000'],
      ['E', 'trying', 'send-request E=2000'],
      ['E', 'trying', 'send-request E=4000'],
      ['E', 'trying', 'send-request E=4000'],
      ['F', 'terminated', '-E tell-timeout'],
    ],
  ],
  [
    'in Proceeding Timer E is T2 (RFC 3261 §17.1.2.2)',
    false,
    [
      ['100', 'proceeding', 'tell-response'],
      ['E', 'proceeding', 'send-request E=4000'],
      ['200', 'completed', '-E -F tell-response K=5000'],
      ['200', 'completed', ''],
      ['K', 'terminated', ''],
    ],
  ],
  [
    'over a reliable transport a final response ends it (RFC 3261 §17.1.2.2)',
    true,
    [['404', 'terminated', '-F tell-response']],
  ],
  [
    'a transport error is told and ends it (RFC 3261 §17.1.4)',
    false,
    [['error', 'terminated', '-E -F tell-transport-error']],
  ],
]

const inviteClientRows: readonly [what: string, reliable: boolean, script: Script][] = [
  [
    'Timer A doubles without end, then Timer B gives up (RFC 3261 §17.1.1.2)',
    false,
    [
      ['A', 'calling', 'send-request A=1000'],
      ['A', 'calling', 'send-request A=2000'],
      ['A', 'calling', 'send-request A=4000'],
      ['A', 'calling', 'send-request A=8000'],
      ['B', 'terminated', '-A tell-timeout'],
    ],
  ],
  [
    'a refusal is acknowledged, and again when it comes again, until Timer D (RFC 3261 §17.1.1.2)',
    false,
    [
      ['180', 'proceeding', '-A -B tell-response'],
      ['486', 'completed', 'tell-response send-ack D=32000'],
      ['486', 'completed', 'send-ack'],
      ['D', 'terminated', ''],
    ],
  ],
  [
    'every 2xx goes up in Accepted, until Timer M (RFC 6026 §7.2)',
    false,
    [
      ['200', 'accepted', '-A -B tell-response M=32000'],
      ['200', 'accepted', 'tell-response'],
      ['486', 'accepted', ''],
      ['M', 'terminated', ''],
    ],
  ],
  [
    'over a reliable transport a refusal ends it (RFC 3261 §17.1.1.2)',
    true,
    [['603', 'terminated', '-A -B tell-response send-ack']],
  ],
  [
    'a transport error is told and ends it (RFC 3261 §17.1.4)',
    true,
    [['error', 'terminated', '-A -B tell-transport-error']],
  ],
]

for (const [what, reliable, script] of nonInviteServerRows)
  test(what, () => run(startNonInviteServer(reliable, timing), nonInviteServer, true, script))
for (const [what, reliable, script] of inviteServerRows)
  test(what, () => run(startInviteServer(reliable, timing), inviteServer, true, script))
for (const [what, reliable, script] of nonInviteClientRows)
  test(what, () => run(startNonInviteClient(reliable, timing), nonInviteClient, false, script))
for (const [what, reliable, script] of inviteClientRows)
  test(what, () => run(startInviteClient(reliable, timing), inviteClient, false, script))

test('what starts is what RFC 3261 §17 sends and waits for', () => {
  assert.equal(said(startNonInviteServer(false, timing).effects), 'trying=3500')
  assert.equal(said(startInviteServer(false, timing).effects), 'trying=200')
  assert.equal(said(startNonInviteClient(false, timing).effects), 'F=32000 send-request E=500')
  assert.equal(said(startNonInviteClient(true, timing).effects), 'F=32000 send-request')
  assert.equal(said(startInviteClient(false, timing).effects), 'B=32000 send-request A=500')
})

test('no input moves a machine out of Terminated', () => {
  const words = { s: ['request', '200', '500', 'J', 'error'], c: ['200', '100', 'E', 'F', 'K', 'error'] }
  const server = { name: 'terminated', reliable: false } as const
  for (const word of words.s)
    assert.equal(nonInviteServer(server, input(word, true) as NonInviteServerInput, timing).state, server)
  const invite = { name: 'terminated', reliable: false, interval: 500, provisional: false } as const
  for (const word of words.s)
    assert.equal(inviteServer(invite, input(word, true) as InviteServerInput, timing).state, invite)
  const client = { name: 'terminated', reliable: false, interval: 500 } as const
  for (const word of words.c) {
    assert.equal(nonInviteClient(client, input(word, false) as NonInviteClientInput, timing).state, client)
    assert.equal(inviteClient(client, input(word, false) as InviteClientInput, timing).state, client)
  }
})
