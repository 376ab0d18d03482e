// Every example of RFC 3340 to 3343: the octets in testdata/*.txt, what they say in testdata/*.json.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Example, payloadOf, readExamples, rfcs, saidBy } from '../testing/examples.ts'
import {
  attachDocument,
  bindDocument,
  controlOf,
  errorDocument,
  isRefusal,
  okDocument,
  payloadBytes,
  payloadFor,
  readMessage,
  readPayloadBytes,
  terminateDocument,
} from './index.ts'

/** How many messages each RFC shows. */
const counts: Readonly<Record<string, number>> = { rfc3340: 53, rfc3341: 30, rfc3342: 30, rfc3343: 30 }

for (const rfc of rfcs) {
  const examples = readExamples(rfc)
  const said = JSON.parse(readFileSync(new URL(`../testdata/${rfc}.json`, import.meta.url), 'utf8'))

  test(`${rfc}: no example is left out`, () => assert.equal(examples.length, counts[rfc]))

  examples.forEach(({ section, octets }, at) => {
    test(`${rfc} §${section}, example ${at + 1} says what it says`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(saidBy(octets))), said[at])
    })
  })

  test(`${rfc}: what was read is written so that it says the same`, () => {
    for (const example of examples) assertWritten(example)
  })
}

/** Our own writing of a message; of data the copy for each recipient, which keeps every octet it need not change. */
function assertWritten({ octets }: Example): void {
  const payload = payloadOf(octets)
  if (!('body' in payload)) return
  const message = readMessage(controlOf(payload))
  if (isRefusal(message)) return
  if (message.kind === 'data') {
    const [recipient] = message.recipients
    assert.ok(recipient)
    assert.equal(payloadFor(payload, message, { recipient, leaves: true }), payload)
    const kept = readPayloadBytes(payloadBytes(payload))
    assert.ok('body' in kept)
    assert.deepEqual(kept.body, payload.body)
    return
  }
  const written = new TextEncoder().encode(rewritten(message))
  const { frame: _, ...again } = { frame: undefined, ...readMessage(written) }
  assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(message)))
}

function rewritten(message: Exclude<ReturnType<typeof readMessage>, { kind: 'data' }>): string {
  if (isRefusal(message)) return ''
  switch (message.kind) {
    case 'attach': {
      const options = message.options.map(
        ({ transId }) => `<option internal='attachOverride' transID='${transId}' />`,
      )
      return attachDocument(message.endpoint, message.transId, options.join(''))
    }
    case 'bind':
      return bindDocument(message.relay, message.transId)
    case 'terminate':
      return terminateDocument(message.transId, message.code, message.text)
    case 'error':
      return errorDocument(message.code, message.text)
    default:
      return okDocument
  }
}
