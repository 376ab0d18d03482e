// RFC 6121 Appendix A, Tables 2 to 9, a row a test; and the pre-approval of §3.4.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizationEvent } from '../agents.ts'
import { inbound, outbound } from './authorizations.ts'
import { type Authorization, noAuthorization } from './contact.ts'

const states = {
  None: {},
  'None + Pending Out': { pendingOut: true },
  'None + Pending In': { pendingIn: true },
  'None + Pending Out+In': { pendingOut: true, pendingIn: true },
  To: { to: true },
  'To + Pending In': { to: true, pendingIn: true },
  From: { from: true },
  'From + Pending Out': { from: true, pendingOut: true },
  Both: { to: true, from: true },
} as const

type StateName = keyof typeof states
type New = StateName | 'same' | 'pre-approval'
type Row = readonly [existing: StateName, goesOn: boolean, next: New]

const outboundTables: [string, AuthorizationEvent, Row[]][] = [
  [
    'Table 2',
    'subscribe',
    [
      ['None', true, 'None + Pending Out'],
      ['None + Pending Out', true, 'same'],
      ['None + Pending In', true, 'None + Pending Out+In'],
      ['None + Pending Out+In', true, 'same'],
      ['To', true, 'same'],
      ['To + Pending In', true, 'same'],
      ['From', true, 'From + Pending Out'],
      ['From + Pending Out', true, 'same'],
      ['Both', true, 'same'],
    ],
  ],
  [
    'Table 3',
    'unsubscribe',
    [
      ['None', true, 'same'],
      ['None + Pending Out', true, 'None'],
      ['None + Pending In', true, 'same'],
      ['None + Pending Out+In', true, 'None + Pending In'],
      ['To', true, 'None'],
      ['To + Pending In', true, 'None + Pending In'],
      ['From', true, 'same'],
      ['From + Pending Out', true, 'From'],
      ['Both', true, 'From'],
    ],
  ],
  [
    'Table 4',
    'subscribed',
    [
      ['None', false, 'pre-approval'],
      ['None + Pending Out', false, 'pre-approval'],
      ['None + Pending In', true, 'From'],
      ['None + Pending Out+In', true, 'From + Pending Out'],
      ['To', false, 'pre-approval'],
      ['To + Pending In', true, 'Both'],
      ['From', false, 'same'],
      ['From + Pending Out', false, 'same'],
      ['Both', false, 'same'],
    ],
  ],
  [
    'Table 5',
    'unsubscribed',
    [
      ['None', false, 'same'],
      ['None + Pending Out', false, 'same'],
      ['None + Pending In', true, 'None'],
      ['None + Pending Out+In', true, 'None + Pending Out'],
      ['To', false, 'same'],
      ['To + Pending In', true, 'To'],
      ['From', true, 'None'],
      ['From + Pending Out', true, 'None + Pending Out'],
      ['Both', true, 'To'],
    ],
  ],
]

const inboundTables: [string, AuthorizationEvent, Row[]][] = [
  [
    'Table 6',
    'subscribe',
    [
      ['None', true, 'None + Pending In'],
      ['None + Pending Out', true, 'None + Pending Out+In'],
      ['None + Pending In', false, 'same'],
      ['None + Pending Out+In', false, 'same'],
      ['To', true, 'To + Pending In'],
      ['To + Pending In', false, 'same'],
      ['From', false, 'same'],
      ['From + Pending Out', false, 'same'],
      ['Both', false, 'same'],
    ],
  ],
  [
    'Table 7',
    'unsubscribe',
    [
      ['None', false, 'same'],
      ['None + Pending Out', false, 'same'],
      ['None + Pending In', true, 'None'],
      ['None + Pending Out+In', true, 'None + Pending Out'],
      ['To', false, 'same'],
      ['To + Pending In', true, 'To'],
      ['From', true, 'None'],
      ['From + Pending Out', true, 'None + Pending Out'],
      ['Both', true, 'To'],
    ],
  ],
  [
    'Table 8',
    'subscribed',
    [
      ['None', false, 'same'],
      ['None + Pending Out', true, 'To'],
      ['None + Pending In', false, 'same'],
      ['None + Pending Out+In', true, 'To + Pending In'],
      ['To', false, 'same'],
      ['To + Pending In', false, 'same'],
      ['From', false, 'same'],
      ['From + Pending Out', true, 'Both'],
      ['Both', false, 'same'],
    ],
  ],
  [
    'Table 9',
    'unsubscribed',
    [
      ['None', false, 'same'],
      ['None + Pending Out', true, 'None'],
      ['None + Pending In', false, 'same'],
      ['None + Pending Out+In', true, 'None + Pending In'],
      ['To', true, 'None'],
      ['To + Pending In', true, 'None + Pending In'],
      ['From', false, 'same'],
      ['From + Pending Out', true, 'From'],
      ['Both', true, 'From'],
    ],
  ],
]

/** The replies of the notes below Tables 6 and 7. */
const replies: Partial<Record<AuthorizationEvent, Partial<Record<StateName, AuthorizationEvent>>>> = {
  subscribe: { From: 'subscribed', 'From + Pending Out': 'subscribed', Both: 'subscribed' },
  unsubscribe: {
    'None + Pending In': 'unsubscribed',
    'None + Pending Out+In': 'unsubscribed',
    'To + Pending In': 'unsubscribed',
    From: 'unsubscribed',
    'From + Pending Out': 'unsubscribed',
    Both: 'unsubscribed',
  },
}

function stateNamed(name: StateName): Authorization {
  return { ...noAuthorization, ...states[name] }
}

function expected(existing: StateName, next: New): Authorization {
  if (next === 'pre-approval') return { ...stateNamed(existing), preApproved: true }
  return stateNamed(next === 'same' ? existing : next)
}

for (const [table, event, rows] of outboundTables) {
  for (const [existing, route, next] of rows) {
    test(`outbound ${event} in "${existing}" (RFC 6121 Appendix A.2, ${table})`, () => {
      assert.deepEqual(outbound(stateNamed(existing), event), { next: expected(existing, next), route })
    })
  }
}

for (const [table, event, rows] of inboundTables) {
  for (const [existing, deliver, next] of rows) {
    test(`inbound ${event} in "${existing}" (RFC 6121 Appendix A.3, ${table})`, () => {
      const heard = inbound(stateNamed(existing), event)
      assert.deepEqual(heard.next, expected(existing, next))
      assert.equal(heard.deliver, deliver)
      assert.equal(heard.reply, replies[event]?.[existing])
    })
  }
}

test('every table has each of the nine states once (RFC 6121 Appendix A.1)', () => {
  for (const [, , rows] of [...outboundTables, ...inboundTables])
    assert.deepEqual(
      rows.map(([existing]) => existing),
      Object.keys(states),
    )
})

for (const [existing, next] of [
  ['None', 'From'],
  ['None + Pending Out', 'From + Pending Out'],
  ['To', 'Both'],
] as const) {
  test(`a pre-approved request is answered at once in "${existing}" (RFC 6121 §3.4.2)`, () => {
    const heard = inbound({ ...stateNamed(existing), preApproved: true }, 'subscribe')
    assert.deepEqual(heard, {
      next: { ...stateNamed(next), preApproved: true },
      deliver: false,
      reply: 'subscribed',
    })
  })

  test(`unsubscribed cancels a pre-approval in "${existing}" and is not routed (RFC 6121 §3.2.2)`, () => {
    const said = outbound({ ...stateNamed(existing), preApproved: true }, 'unsubscribed')
    assert.deepEqual(said, { next: stateNamed(existing), route: false })
  })

  test(`the contact's own words leave a pre-approval in "${existing}" (RFC 6121 §4.3.2)`, () => {
    for (const event of ['unsubscribe', 'unsubscribed', 'subscribed'] as const) {
      const heard = inbound({ ...stateNamed(existing), preApproved: true }, event)
      assert.equal(heard.next.preApproved, true)
    }
  })
}
