// The timers of RFC 3261 Table 4 as RFC 6026 §7 changes and adds to them: a row a timer, over UDP and over TCP. What each machine does
// besides is in `machines.test.ts`; Timer C, the proxy's, in `proxy/proxy.test.ts`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inviteClient, startInviteClient } from './invite-client.ts'
import { inviteServer, startInviteServer } from './invite-server.ts'
import { nonInviteClient, startNonInviteClient } from './non-invite-client.ts'
import { nonInviteServer, startNonInviteServer } from './non-invite-server.ts'
import { type Effect, type Step, type TimerName, type Timing, timing } from './step.ts'

interface State {
  readonly name: string
}

interface Machine {
  readonly start: (reliable: boolean, timing: Timing) => Step<State>
  readonly next: (state: never, input: never, timing: Timing) => Step<State>
}

const machines = {
  'INVITE client': { start: startInviteClient, next: inviteClient },
  'INVITE server': { start: startInviteServer, next: inviteServer },
  'non-INVITE client': { start: startNonInviteClient, next: nonInviteClient },
  'non-INVITE server': { start: startNonInviteServer, next: nonInviteServer },
} as const satisfies Record<string, Machine>

type Role = keyof typeof machines

interface Row {
  readonly timer: TimerName
  readonly section: string
  readonly role: Role
  /** What comes before it is set: statuses, `ack`. */
  readonly inputs: readonly string[]
  /** Milliseconds over UDP, of T1 = 500, T2 = 4000, T4 = 5000; then of other times, T1 = 100, T2 = 1000, T4 = 3000. */
  readonly unreliable: readonly [number, number]
  /** `zero`: over TCP the machine is over at once; `unset`: it is never set there. */
  readonly reliable: 'same' | 'zero' | 'unset'
  /** What it does when it fires, and where the machine is then. */
  readonly fired: string
}

const rows: readonly Row[] = [
  {
    timer: 'A',
    section: 'RFC 3261 §17.1.1.2',
    role: 'INVITE client',
    inputs: [],
    unreliable: [500, 100],
    reliable: 'unset',
    fired: 'send-request A=1000 calling',
  },
  {
    timer: 'B',
    section: 'RFC 3261 §17.1.1.2',
    role: 'INVITE client',
    inputs: [],
    unreliable: [32_000, 6400],
    reliable: 'same',
    fired: '-A tell-timeout terminated',
  },
  {
    timer: 'D',
    section: 'RFC 3261 §17.1.1.2',
    role: 'INVITE client',
    inputs: ['486'],
    // "at least 32 seconds for unreliable transports"
    unreliable: [32_000, 32_000],
    reliable: 'zero',
    fired: 'terminated',
  },
  {
    timer: 'E',
    section: 'RFC 3261 §17.1.2.2',
    role: 'non-INVITE client',
    inputs: [],
    unreliable: [500, 100],
    reliable: 'unset',
    fired: 'send-request E=1000 trying',
  },
  {
    timer: 'F',
    section: 'RFC 3261 §17.1.2.2',
    role: 'non-INVITE client',
    inputs: [],
    unreliable: [32_000, 6400],
    reliable: 'same',
    fired: '-E tell-timeout terminated',
  },
  {
    timer: 'G',
    section: 'RFC 3261 §17.2.1',
    role: 'INVITE server',
    inputs: ['486'],
    unreliable: [500, 100],
    reliable: 'unset',
    fired: 'send-response G=1000 completed',
  },
  {
    timer: 'H',
    section: 'RFC 3261 §17.2.1',
    role: 'INVITE server',
    inputs: ['486'],
    unreliable: [32_000, 6400],
    reliable: 'same',
    fired: '-G tell-timeout terminated',
  },
  {
    timer: 'I',
    section: 'RFC 3261 §17.2.1',
    role: 'INVITE server',
    inputs: ['486', 'ack'],
    unreliable: [5000, 3000],
    reliable: 'zero',
    fired: 'terminated',
  },
  {
    timer: 'J',
    section: 'RFC 3261 §17.2.2',
    role: 'non-INVITE server',
    inputs: ['200'],
    unreliable: [32_000, 6400],
    reliable: 'zero',
    fired: 'terminated',
  },
  {
    timer: 'K',
    section: 'RFC 3261 §17.1.2.2',
    role: 'non-INVITE client',
    inputs: ['200'],
    unreliable: [5000, 3000],
    reliable: 'zero',
    fired: 'terminated',
  },
  {
    timer: 'L',
    section: 'RFC 6026 §7.1',
    role: 'INVITE server',
    inputs: ['200'],
    unreliable: [32_000, 6400],
    reliable: 'same',
    fired: 'terminated',
  },
  {
    timer: 'M',
    section: 'RFC 6026 §7.2',
    role: 'INVITE client',
    inputs: ['200'],
    unreliable: [32_000, 6400],
    reliable: 'same',
    fired: 'terminated',
  },
]

const other: Timing = { t1: 100, t2: 1000, t4: 3000 }

const armed = (effects: readonly Effect[], timer: TimerName): number | undefined => {
  for (const effect of effects) if (effect.do === 'arm' && effect.timer === timer) return effect.after
  return undefined
}

/** Runs to where the timer is set; that last step. */
function runTo({ role, inputs }: Row, reliable: boolean, times: Timing): Step<State> {
  const { start, next } = machines[role] as Machine
  let step = start(reliable, times)
  for (const word of inputs) {
    const type = word === 'ack' ? 'ack' : role.endsWith('server') ? 'respond' : 'response'
    step = next(step.state as never, { type, status: Number(word) } as never, times)
  }
  return step
}

for (const row of rows) {
  const { timer, section, role, reliable, unreliable, fired } = row
  const after = reliable === 'same' ? 'the same over TCP' : `${reliable} over TCP`
  test(`Timer ${timer} of the ${role} is ${unreliable[0]} ms over UDP, ${after} (${section})`, () => {
    const overUdp = runTo(row, false, timing)
    assert.equal(armed(overUdp.effects, timer), unreliable[0])
    assert.equal(armed(runTo(row, false, other).effects, timer), unreliable[1])
    const overTcp = runTo(row, true, timing)
    assert.equal(armed(overTcp.effects, timer), reliable === 'same' ? unreliable[0] : undefined)
    assert.equal(overTcp.state.name === 'terminated', reliable === 'zero')
    const step = (machines[role] as Machine).next(
      overUdp.state as never,
      { type: 'timer', timer } as never,
      timing,
    )
    const said = step.effects.map((effect) =>
      effect.do === 'arm'
        ? `${effect.timer}=${effect.after}`
        : effect.do === 'disarm'
          ? `-${effect.timer}`
          : effect.do,
    )
    assert.equal([...said, step.state.name].join(' '), fired)
  })
}

test('every timer of RFC 3261 Table 4 but the proxy’s C, and of RFC 6026 §7, has its row; T1, T2 and T4 are theirs (§17.1.1.1, §17.1.2.2)', () => {
  assert.equal(rows.map(({ timer }) => timer).join(''), 'ABDEFGHIJKLM')
  assert.deepEqual(timing, { t1: 500, t2: 4000, t4: 5000 })
})
