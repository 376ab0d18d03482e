// What no peer of ours sends: documents cut at every octet, octets changed at random, and rows of what the DTDs forbid.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import { payloadOf, readExamples, rfcs, saidBy } from '../testing/examples.ts'
import { controlOf, isRefusal, type Payload, readEndpoint, readMessage, readPayloadBytes } from './index.ts'

const examples = rfcs.flatMap((rfc) => readExamples(rfc))

test('a document that is cut anywhere is refused with 500 or 501', () => {
  for (const { octets } of examples) {
    const payload = payloadOf(octets)
    if (!('body' in payload)) continue
    const document = controlOf(payload as Payload)
    const end = document.lastIndexOf(0x3e)
    for (let at = 0; at < end; at++) {
      const message = readMessage(document.subarray(0, at))
      assert.ok(isRefusal(message) && (message.code === 500 || message.code === 501), String(at))
    }
  }
})

test('octets that were changed are read or refused, and nothing is thrown', () => {
  let state = 20_011
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state % below
  }
  const rounds = process.env.VERONA_SOAK === undefined ? 20 : 2000
  for (const { octets } of examples) {
    for (let round = 0; round < rounds; round++) {
      const changed = octets.slice()
      for (let times = next(4); times >= 0; times--) changed[next(changed.length)] = next(256)
      saidBy(changed)
      readPayloadBytes(changed)
    }
  }
})

const refused: readonly (readonly [string, number, string])[] = [
  ['RFC 3080 §6.4: an XML declaration', 500, "<?xml version='1.0'?><ok />"],
  ['RFC 3080 §6.4: a DOCTYPE', 500, "<!DOCTYPE ok [<!ENTITY a 'b'>]><ok />"],
  ['an element of no DTD', 501, '<hello />'],
  ['an element in a namespace', 501, "<ok xmlns='urn:x' />"],
  ['an attribute of no DTD', 501, "<ok now='true' />"],
  ['attach without endpoint', 501, "<attach transID='1' />"],
  ['attach with transID 0', 501, "<attach endpoint='fred@example.com' transID='0' />"],
  ['transID past 2147483647', 501, "<terminate transID='2147483648' />"],
  [
    'two originators',
    501,
    "<data content='#a'><originator identity='a@b' /><originator identity='a@b' /></data>",
  ],
  ['no recipient', 501, "<data content='#a'><originator identity='a@b' /></data>"],
  [
    'content that names nothing',
    501,
    "<data content='#a'><originator identity='a@b' /><recipient identity='a@b' /><data-content Name='b'><ok /></data-content></data>",
  ],
  [
    'an option that is both internal and external',
    501,
    "<attach endpoint='a@b' transID='1'><option internal='a' external='urn:b' /></attach>",
  ],
  [
    'an option with a relative URI',
    501,
    "<attach endpoint='a@b' transID='1'><option external='b' /></attach>",
  ],
  [
    'a targetHop of no kind',
    501,
    "<attach endpoint='a@b' transID='1'><option internal='a' targetHop='next' /></attach>",
  ],
  ['deeper than any content of ours', 500, `<terminate>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</terminate>`],
]

for (const [what, code, document] of refused) {
  test(`refused with ${code}: ${what}`, () => {
    const message = readMessage(utf8(document))
    assert.ok(isRefusal(message), JSON.stringify(message))
    assert.equal(message.code, code)
  })
}

const names: readonly (readonly [string, boolean])[] = [
  ['fred@example.com', true],
  ['fred/appl=wb@example.com', true],
  ['appl=pubsub/topic=fred@example.com', true],
  ['apex=report@example.com', true],
  ['fred@[10.0.0.1]', true],
  ['Jürgen Müller@example.com', true],
  ['fred/a/b@example.com', false],
  ['fred/@example.com', false],
  ['/a@example.com', false],
  ['@example.com', false],
  ['fred', false],
  ['fred@', false],
  ['fred@a@b', false],
  ['fr\ted@example.com', false],
]

for (const [name, is] of names) {
  test(`${JSON.stringify(name)} is ${is ? 'a' : 'no'} name of an endpoint (RFC 3340 §2.2)`, () => {
    assert.equal(readEndpoint(name) !== undefined, is)
  })
}
