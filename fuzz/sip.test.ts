// SIP against bad input: messages cut at each octet, flipped, repeated and mixed. No crash, no hang, a status or silence.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkRequest, checkResponse } from '../src/protocols/sip/codec/check.ts'
import { StreamFramer } from '../src/protocols/sip/codec/framer.ts'
import { header } from '../src/protocols/sip/codec/header-names.ts'
import {
  acceptOf,
  eventOf,
  retryAfterOf,
  subscriptionStateOf,
  tokensOf,
} from '../src/protocols/sip/codec/headers.ts'
import { bodyOf, parseMessage } from '../src/protocols/sip/codec/message.ts'
import { displayName, nameAddrsOf } from '../src/protocols/sip/codec/name-addr.ts'
import { forwardedRequest, forwardedResponse } from '../src/protocols/sip/codec/splice.ts'
import { parseSipUri, sameSipUri } from '../src/protocols/sip/codec/uri.ts'
import { topVia, viasOf } from '../src/protocols/sip/codec/via.ts'
import { SipDomain } from '../src/protocols/sip/testing/sip-domain.ts'

const soak = process.env['VERONA_SOAK'] !== undefined
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 0x7fffffff)
const runs = { numRuns: soak ? 20_000 : 300, seed }

const folder = new URL('../src/protocols/sip/testdata/torture/', import.meta.url)
const corpus = readdirSync(folder).map((name) => readFileSync(new URL(name, folder)))

/** Asks everything of a message that anything ever asks. */
function exercise(octets: Buffer): void {
  const message = parseMessage(octets)
  if (message.kind === 'fault') {
    assert([400, 513].includes(message.status) && message.offset >= 0 && message.reason !== '')
    return
  }
  assert(message.raw.length <= octets.length && message.bodyStart <= octets.length)
  const checked = message.kind === 'request' ? checkRequest(message) : checkResponse(message)
  if ('kind' in checked) assert([400, 416, 505, 513].includes(checked.status))
  for (const id of [header.from, header.to, header.contact, header.route, header.recordRoute])
    for (const value of nameAddrsOf(message, id) ?? []) {
      displayName(value)
      const uri = parseSipUri(value.uri)
      if (uri !== undefined) assert(sameSipUri(uri, uri))
    }
  viasOf(message)
  tokensOf(message, header.allow)
  acceptOf(message)
  eventOf(message)
  subscriptionStateOf(message)
  retryAfterOf(message)
  const via = topVia(message)
  if ('kind' in checked || via === undefined) return
  const out =
    message.kind === 'response'
      ? forwardedResponse(message, via)
      : forwardedRequest(message, {
          uri: 'sip:x@192.0.2.1',
          via: 'SIP/2.0/UDP us;branch=z9hG4bKx',
          topVia: via,
          stamp: { received: '192.0.2.7', rport: 1 },
        })
  if (out === undefined || (message.kind === 'response' && (viasOf(message)?.length ?? 0) < 2)) return
  // What we send on is what we would take, and its body is the same octets.
  const again = parseMessage(out)
  assert(again.kind === message.kind, out.toString('latin1'))
  assert.deepEqual(Buffer.from(bodyOf(again)), Buffer.from(bodyOf(message)))
  const verdict =
    again.kind === 'request' ? checkRequest(again) : again.kind === 'response' ? checkResponse(again) : again
  assert(!('kind' in verdict), out.toString('latin1'))
}

const mutation = fc.record({
  at: fc.nat(),
  octet: fc.nat(255),
  how: fc.constantFrom('flip', 'insert', 'cut', 'repeat'),
})

function mutated(octets: Buffer, changes: readonly { at: number; octet: number; how: string }[]): Buffer {
  let out = octets
  for (const { at, octet, how } of changes) {
    const i = at % (out.length + 1)
    if (how === 'flip') out = Buffer.concat([out.subarray(0, i), Buffer.from([octet]), out.subarray(i + 1)])
    else if (how === 'insert')
      out = Buffer.concat([out.subarray(0, i), Buffer.from([octet]), out.subarray(i)])
    else if (how === 'cut') out = Buffer.concat([out.subarray(0, i), out.subarray(i + (octet % 16) + 1)])
    else out = Buffer.concat([out.subarray(0, i), out.subarray(Math.max(0, i - octet))])
  }
  return out
}

test('every first n octets of the torture messages are taken apart or refused', () => {
  for (const octets of corpus)
    for (let n = 0; n <= octets.length; n += soak ? 1 : 3) exercise(octets.subarray(0, n))
})

test(`messages with a few octets changed are taken apart or refused (seed ${seed})`, () => {
  fc.assert(
    fc.property(
      fc.nat(corpus.length - 1),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      (which, changes) => exercise(mutated(corpus[which] as Buffer, changes)),
    ),
    runs,
  )
})

test(`the framer holds a bounded number of octets whatever comes (seed ${seed})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(corpus.length - 1), fc.array(mutation, { maxLength: 2 })), { maxLength: 20 }),
      (pieces) => {
        const framer = new StreamFramer({ headBytesMax: 4096, messageBytesMax: 8192 })
        const sink = { message: (octets: Uint8Array) => exercise(Buffer.from(octets)), ping: () => undefined }
        for (const [which, changes] of pieces) {
          framer.push(mutated(corpus[which] as Buffer, changes), sink)
          assert(framer.held <= 2 * 8192)
        }
      },
    ),
    { ...runs, numRuns: Math.ceil(runs.numRuns / 4) },
  )
})

test(`a server that gets them answers with a response or not at all, and goes on (seed ${seed})`, async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('alice', '192.0.2.1')
  fc.assert(
    fc.property(fc.nat(corpus.length - 1), fc.array(mutation, { maxLength: 4 }), (which, changes) => {
      phone.raw(mutated(corpus[which] as Buffer, changes))
      phone.responses.length = 0
    }),
    runs,
  )
  domain.clock.advance(64_000)
  assert.equal((await phone.register()).status, 200)
})
