// The layer: what it matches, what it keeps, and for how long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { checkRequest, checkResponse } from '../codec/check.ts'
import { encodeRequest, encodeResponse } from '../codec/encode.ts'
import { cseqOf } from '../codec/headers.ts'
import { parseMessage, type SipResponse } from '../codec/message.ts'
import type { Flow } from '../flow.ts'
import type { ServerTransaction } from './server-transaction.ts'
import {
  type Received,
  TransactionLayer,
  type TransactionLimits,
  type TransactionUser,
} from './transaction-layer.ts'

class TestFlow implements Flow {
  known = true
  readonly transport = 'UDP'
  readonly reliable: boolean
  readonly remote = { address: '192.0.2.1', port: 5060 }
  readonly sentBy = '192.0.2.254:5060'
  open = true
  readonly sent: string[] = []

  constructor(reliable = false) {
    this.reliable = reliable
  }

  send(octets: Uint8Array): boolean {
    if (this.open) this.sent.push(Buffer.from(octets).toString('latin1'))
    return this.open
  }
}

class User implements TransactionUser {
  readonly seen: string[] = []
  readonly transactions: ServerTransaction[] = []
  onRequest(received: Received, transaction: ServerTransaction): void {
    this.seen.push(received.request.method)
    this.transactions.push(transaction)
  }
  onAck(): void {
    this.seen.push('ACK')
  }
  onMerged(): void {
    this.seen.push('merged')
  }
  onCancel(
    _received: Received,
    _transaction: ServerTransaction,
    cancelled: ServerTransaction | undefined,
  ): void {
    this.seen.push(cancelled === undefined ? 'CANCEL of nothing' : 'CANCEL')
  }
  onOverload(): void {
    this.seen.push('overload')
  }
}

interface Bench {
  readonly clock: VirtualClock
  readonly layer: TransactionLayer
  readonly user: User
  readonly flow: TestFlow
}

function bench(limits?: TransactionLimits, reliable = false): Bench {
  const clock = new VirtualClock()
  const layer = new TransactionLayer(clock, limits)
  const user = new User()
  layer.user = user
  return { clock, layer, user, flow: new TestFlow(reliable) }
}

interface Wanted {
  readonly branch?: string
  readonly sentBy?: string
  readonly callId?: string
  readonly toTag?: string
}

function received(flow: Flow, method: string, wanted: Wanted = {}): Received {
  const octets = encodeRequest({
    method,
    uri: 'sip:b@example.com',
    via: `SIP/2.0/UDP ${wanted.sentBy ?? '192.0.2.1'}${wanted.branch === '' ? '' : `;branch=${wanted.branch ?? 'z9hG4bK1'}`}`,
    from: '<sip:a@example.com>;tag=1',
    to: `<sip:b@example.com>${wanted.toTag === undefined ? '' : `;tag=${wanted.toTag}`}`,
    callId: wanted.callId ?? 'c',
    cseq: 1,
  })
  const request = parseMessage(octets)
  assert(request.kind === 'request')
  const parts = checkRequest(request)
  assert(!('kind' in parts))
  return { request, parts, flow, reply: flow, stamp: { received: undefined, rport: undefined } }
}

const rows: readonly [what: string, second: [method: string, Wanted], seen: string[]][] = [
  ['the same branch, sent-by and method is a retransmission', ['MESSAGE', {}], ['MESSAGE']],
  [
    'sent-by is compared without case and with its default port',
    ['MESSAGE', { sentBy: '192.0.2.1:5060' }],
    ['MESSAGE'],
  ],
  [
    'another sent-by with the same branch is another transaction (rule 2)',
    ['MESSAGE', { sentBy: '192.0.2.9', callId: 'd' }],
    ['MESSAGE', 'MESSAGE'],
  ],
  [
    'another method with the same branch is another transaction (rule 3)',
    ['OPTIONS', { callId: 'd' }],
    ['MESSAGE', 'OPTIONS'],
  ],
  [
    'another branch of the same request is one that came by two ways (§8.2.2.2)',
    ['MESSAGE', { branch: 'z9hG4bK2' }],
    ['MESSAGE', 'merged'],
  ],
  ['a CANCEL matches no transaction but an INVITE (§9.2)', ['CANCEL', {}], ['MESSAGE', 'CANCEL of nothing']],
]
for (const [what, [method, wanted], seen] of rows)
  test(`${what} (RFC 3261 §17.2.3)`, () => {
    const { layer, user, flow } = bench()
    layer.received(received(flow, 'MESSAGE'))
    layer.received(received(flow, method, wanted))
    assert.deepEqual(user.seen, seen)
  })

test('without a branch of our kind the fields of the request tell (RFC 3261 §17.2.3, RFC 2543)', () => {
  for (const branch of ['', 'z9hG4bK', '42']) {
    const { layer, user, flow } = bench()
    layer.received(received(flow, 'INVITE', { branch }))
    layer.received(received(flow, 'INVITE', { branch }))
    layer.received(received(flow, 'INVITE', { branch, callId: 'other' }))
    assert.deepEqual(user.seen, ['INVITE', 'INVITE'])
    user.transactions[0]?.respond(486, Buffer.from('SIP/2.0 486 Busy Here\r\n\r\n'))
    layer.received(received(flow, 'ACK', { branch, toTag: 'ours' }))
    assert.deepEqual(user.seen, ['INVITE', 'INVITE'])
  }
})

test('a CANCEL finds the INVITE of its branch (RFC 3261 §9.2)', () => {
  const { layer, user, flow } = bench()
  layer.received(received(flow, 'INVITE'))
  layer.received(received(flow, 'CANCEL'))
  assert.deepEqual(user.seen, ['INVITE', 'CANCEL'])
})

test('an INVITE without an answer is told 100 after 200 ms, what is not INVITE after 3.5 s (RFC 3261 §17.2.1, RFC 4320 §4.1)', () => {
  const { clock, layer, flow } = bench()
  layer.received(received(flow, 'INVITE'))
  layer.received(received(flow, 'MESSAGE', { branch: 'z9hG4bK2', callId: 'd' }))
  clock.advance(200)
  assert.equal(flow.sent.length, 1)
  assert.match(flow.sent[0] ?? '', /^SIP\/2\.0 100 Trying\r\n[\s\S]*CSeq: 1 INVITE/)
  assert.doesNotMatch(flow.sent[0] ?? '', /To:.*tag=/)
  clock.advance(3300)
  assert.match(flow.sent[1] ?? '', /^SIP\/2\.0 100 Trying\r\n[\s\S]*CSeq: 1 MESSAGE/)
})

test('past the limit the oldest answered transaction gives way; where none is answered it is an overload (LIMIT)', () => {
  const { layer, user, flow } = bench({ serverTransactionsMax: 2, clientTransactionsMax: 2 })
  for (const id of ['1', '2'])
    layer.received(received(flow, 'MESSAGE', { branch: `z9hG4bK${id}`, callId: id }))
  layer.received(received(flow, 'MESSAGE', { branch: 'z9hG4bK3', callId: '3' }))
  assert.deepEqual(user.seen, ['MESSAGE', 'MESSAGE', 'overload'])
  user.transactions[0]?.respond(200, Buffer.from('x'))
  layer.received(received(flow, 'MESSAGE', { branch: 'z9hG4bK3', callId: '3' }))
  assert.deepEqual([user.seen.at(-1), layer.size.servers], ['MESSAGE', 2])
})

interface Told {
  readonly statuses: number[]
  failure: string | undefined
}

function ask({ layer, flow }: Bench, method: string, branch: string): Told {
  const told: Told = { statuses: [], failure: undefined }
  const octets = encodeRequest({
    method,
    uri: 'sip:b@192.0.2.1',
    via: `SIP/2.0/UDP ${flow.sentBy};branch=${branch}`,
    from: '<sip:a@example.com>;tag=1',
    to: '<sip:b@example.com>',
    callId: 'c',
    cseq: 7,
  })
  const handler = {
    onResponse: (response: SipResponse) => void told.statuses.push(response.status),
    onFailure: (why: string) => {
      told.failure = why
    },
  }
  assert(layer.request(flow, method, branch, octets, handler))
  return told
}

/** The far end answers the request that was sent last. */
function reply({ layer, flow }: Bench, status: number, nth = -1): boolean {
  const request = parseMessage(
    Buffer.from(flow.sent.filter((text) => !text.startsWith('ACK')).at(nth) ?? '', 'latin1'),
  )
  assert(request.kind === 'request')
  const octets = encodeResponse(
    request,
    undefined,
    { received: undefined, rport: undefined },
    { status, toTag: 'far' },
  )
  const response = parseMessage(octets)
  assert(response.kind === 'response')
  const parts = checkResponse(response)
  assert(!('kind' in parts))
  return layer.answered(response, parts)
}

test('a request is sent again at 0.5, 1.5, 3.5 s and told as timed out after 32 s (RFC 3261 §17.1.2.2)', () => {
  const one = bench()
  const told = ask(one, 'MESSAGE', 'z9hG4bKa')
  const times: number[] = []
  for (let at = 0; at <= 32_000; at += 100) {
    if (one.flow.sent.length > times.length) times.push(at)
    one.clock.advance(100)
  }
  assert.deepEqual(times.slice(0, 5), [0, 500, 1500, 3500, 7500])
  assert.deepEqual([told.failure, one.layer.size.clients], ['timeout', 0])
})

test('after a final response nothing is sent, and a second one finds nobody (RFC 3261 §17.1.2.2)', () => {
  const one = bench()
  const told = ask(one, 'MESSAGE', 'z9hG4bKa')
  assert(reply(one, 100))
  assert(reply(one, 200))
  assert(!reply(one, 200))
  one.clock.advance(60_000)
  assert.deepEqual(
    [told.statuses, one.flow.sent.length, one.layer.size.clients, one.layer.timers.held],
    [[100, 200], 1, 0, 0],
  )
})

test('a refused INVITE is acknowledged on its branch, again when it is refused again (RFC 3261 §17.1.1.3)', () => {
  const one = bench()
  const told = ask(one, 'INVITE', 'z9hG4bKa')
  reply(one, 486)
  reply(one, 486)
  const acks = one.flow.sent.filter((text) => text.startsWith('ACK'))
  assert.equal(acks.length, 2)
  const ack = parseMessage(Buffer.from(acks[0] ?? '', 'latin1'))
  assert(ack.kind === 'request')
  assert.deepEqual(cseqOf(ack), { number: 7, method: 'ACK' })
  assert.match(acks[0] ?? '', /branch=z9hG4bKa\r\n[\s\S]*To: <sip:b@example\.com>;tag=far/)
  assert.deepEqual(told.statuses, [486])
})

test('a flow that is gone fails what waits on it, at once (RFC 3261 §18.4)', () => {
  const one = bench(undefined, true)
  const told = ask(one, 'MESSAGE', 'z9hG4bKa')
  one.flow.open = false
  one.layer.flowEnded(one.flow)
  assert.deepEqual([told.failure, one.layer.size.clients], ['transport-error', 0])
  assert.equal(ask(one, 'MESSAGE', 'z9hG4bKb').failure, 'transport-error')
})

test('timers fire in the order they are due, and cancelled ones are not kept', () => {
  const { clock, layer } = bench()
  const fired: string[] = []
  const owner = { fired: (name: string) => void fired.push(name) }
  for (const [name, after] of [
    ['F', 300],
    ['E', 100],
    ['K', 300],
    ['J', 200],
  ] as const)
    layer.timers.arm(owner, name, after)
  clock.advance(1000)
  assert.deepEqual(fired, ['E', 'J', 'F', 'K'])
  for (let i = 0; i < 1000; i++) {
    const timer = layer.timers.arm(owner, 'F', 32_000)
    timer.owner = undefined
  }
  assert(layer.timers.held <= 1)
})
