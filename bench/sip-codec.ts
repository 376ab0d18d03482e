// What it costs to parse a MESSAGE, to check it and to write the octets that go on (RFC 3261 §16.6), beside
// copying the same octets: the ratio is what a change to src/protocols/sip/codec is judged by.

import { checkRequest } from '../src/protocols/sip/codec/check.ts'
import { encodeResponse } from '../src/protocols/sip/codec/encode.ts'
import { parseMessage } from '../src/protocols/sip/codec/message.ts'
import { forwardedRequest } from '../src/protocols/sip/codec/splice.ts'
import { topVia } from '../src/protocols/sip/codec/via.ts'

const body = 'x'.repeat(100)
const octets = Buffer.from(
  [
    'MESSAGE sip:u2@localhost SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:40001;rport;branch=z9hG4bKm123abc.17.99182.0',
    'Max-Forwards: 70',
    'From: <sip:u1@localhost>;tag=t1',
    'To: <sip:u2@localhost>',
    'Call-ID: m123abc.17.99182',
    'CSeq: 1 MESSAGE',
    'Content-Type: text/plain',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n'),
)
const stamp = { received: '127.0.0.1', rport: 40001 }
let kept = 0

function copy(): void {
  const out = Buffer.allocUnsafe(octets.length)
  out.set(octets)
  kept ^= out[0]!
}

function parse(): void {
  kept ^= parseMessage(octets).kind.length
}

function parseAndForward(): void {
  const message = parseMessage(octets)
  if (message.kind !== 'request') throw new Error('no request')
  const via = topVia(message)
  if (via === undefined) throw new Error('no Via')
  const out = forwardedRequest(message, {
    uri: 'sip:u2@127.0.0.1:40002',
    via: 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKQ2hk3l4a5s6d7f8g9h0j;rport',
    topVia: via,
    stamp,
  })
  kept ^= out?.length ?? 0
}

function check(): void {
  const message = parseMessage(octets)
  if (message.kind !== 'request') throw new Error('no request')
  const checked = checkRequest(message)
  if ('kind' in checked) throw new Error(checked.reason)
  kept ^= checked.callId.length
}

function answer(): void {
  const message = parseMessage(octets)
  if (message.kind !== 'request') throw new Error('no request')
  kept ^= encodeResponse(message, topVia(message), stamp, { status: 200, toTag: 'abcdefgh' }).length
}

/** Microseconds a call, the best of five rounds. */
function measure(run: () => void): number {
  for (let i = 0; i < 50_000; i++) run()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const count = 100_000
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i++) run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1000 / count)
  }
  return best
}

const baseline = measure(copy)
console.log(`sip-codec: a MESSAGE of ${octets.length} octets; copying it costs ${baseline.toFixed(3)} µs`)
for (const [what, run] of [
  ['parse', parse],
  ['parse, check', check],
  ['parse, forward', parseAndForward],
  ['parse, answer', answer],
] as const) {
  const cost = measure(run)
  console.log(`${what.padEnd(16)} ${cost.toFixed(2)} µs   ${(cost / baseline).toFixed(1)} x copying`)
}
if (kept === -1) console.log(kept)
