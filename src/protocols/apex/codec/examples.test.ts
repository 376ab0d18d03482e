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

/** How many messages each RFC shows, by its sections: nothing else in their texts is one. */
const counts: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  rfc3340: { '4.1': 3, '4.2': 2, '4.4.1': 8, '4.4.2': 8, '4.4.3': 6, '4.4.4': 6, '5.1': 20 },
  rfc3341: { '2.1': 6, '2.2': 4, '2.3': 15, '3.1': 1, '4.1': 4 },
  rfc3342: { '1': 6, '2.1.1': 4, '2.1.2': 4, '2.2.1': 4, '3': 6, '4': 6 },
  rfc3343: { '2.1': 4, '2.2': 10, '2.3': 12, '4.1': 4 },
}

for (const rfc of rfcs) {
  const examples = readExamples(rfc)
  const said = JSON.parse(readFileSync(new URL(`../testdata/${rfc}.json`, import.meta.url), 'utf8'))

  test(`${rfc}: no example is left out`, () => {
    const found: Record<string, number> = {}
    for (const { section } of examples) found[section] = (found[section] ?? 0) + 1
    assert.deepEqual(found, counts[rfc])
  })

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
