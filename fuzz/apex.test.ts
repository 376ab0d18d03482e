// APEX against bad input: payloads and documents against a second reader that is written otherwise, what is taken cut down to each recipient and
// read again, the elements of the services, and whole sessions that get damaged messages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from '../src/model/address.ts'
import {
  accessText,
  bodyOf,
  controlOf,
  type Data,
  dataFor,
  documentOf,
  isRefusal,
  optionAround,
  type Payload,
  partContent,
  partOf,
  payloadBytes,
  presenceText,
  readEndpoint,
  readMessage,
  readPayloadBytes,
  readPresence,
  readServiceMessage,
  relatedEntity,
  withControl,
} from '../src/protocols/apex/codec/index.ts'
import { payloadOf, readExamples, rfcs } from '../src/protocols/apex/testing/examples.ts'
import { fixture, settled } from '../src/protocols/apex/testing/fixture.ts'
import { Hand } from '../src/protocols/apex/testing/hand.ts'
import { isXmlFault, parseElement } from '../src/wire/xml/index.ts'
import { type Node, readXml } from '../tests/conformance/independent-xml.ts'
import { changes, damaged, everyCut, runs, timed } from './damage.ts'

const examples = rfcs.flatMap((rfc) => readExamples(rfc)).map(({ octets }) => Buffer.from(octets))
/** What is inside the frames: entity header, empty line, body. */
const payloads = examples.flatMap((octets) => {
  const framed = /^MSG [^\r]*\r\n([\s\S]*)END\r\n$/.exec(octets.toString('latin1'))?.[1]
  return framed === undefined ? [] : [Buffer.from(framed, 'latin1')]
})
const documents = examples.flatMap((octets) => {
  const payload = payloadOf(Uint8Array.from(octets))
  return 'body' in payload ? [Buffer.from(controlOf(payload))] : []
})
/** What services are told and say: every element of the examples that is one. */
const inner = documents.map((octets) => {
  const text = octets.toString()
  return Buffer.from(/<data-content[^>]*>([\s\S]*)<\/data-content>/.exec(text)?.[1]?.trim() ?? text)
})
const fred = parseAddress('fred@example.com')!

test('there is something to damage', () => {
  assert.ok(payloads.length > 5 && documents.length > 30, `${payloads.length} and ${documents.length}`)
})

function children(node: Node): Node[] {
  return node.children.filter((child): child is Node => typeof child !== 'string')
}

/** What was taken is what a second reader finds in the same octets. */
function agreed(data: Data, octets: Buffer): void {
  const node = readXml(octets.toString('utf8'))
  assert.equal(node.name, 'data')
  assert.equal(node.attributes.get('content'), data.content)
  const identities = (name: string): (string | undefined)[] =>
    children(node)
      .filter((child) => child.name === name)
      .map(({ attributes }) => attributes.get('identity'))
  assert.deepEqual(identities('originator'), [data.originator.identity.written])
  assert.deepEqual(
    identities('recipient'),
    data.recipients.map(({ identity }) => identity.written),
  )
  assert.equal(children(node).filter(({ name }) => name === 'option').length, data.options.length)
}

function takeDocument(octets: Buffer): void {
  const message = readMessage(octets)
  if (isRefusal(message)) return void assert.ok(message.code === 500 || message.code === 501)
  if (message.kind !== 'data') return
  agreed(message, octets)
  for (const recipient of message.recipients) {
    for (const leaves of [true, false]) {
      const changed = dataFor(message, {
        recipient,
        leaves,
        option: (option) =>
          option.name === 'dataTiming' ? optionAround(option, '<dataTiming />') : undefined,
      })
      const copy = changed ?? message.frame.raw()
      const again = readMessage(copy)
      assert.ok(!isRefusal(again) && again.kind === 'data', Buffer.from(copy).toString())
      assert.deepEqual(
        again.recipients.map(({ identity }) => identity.written),
        [recipient.identity.written],
      )
      assert.equal(again.content, message.content)
    }
  }
}

function takePayload(octets: Buffer): void {
  const payload = readPayloadBytes(octets)
  if (!('body' in payload)) return void assert.ok(payload.code >= 500)
  takeDocument(Buffer.from(controlOf(payload)))
  for (const id of payload.parts.keys()) {
    const part = partOf(payload, `cid:${encodeURIComponent(id)}`)
    if (part !== undefined) partContent(part)
  }
  partOf(payload, 'cid:%')
  const other = withControl(payload, Buffer.from('<ok />'))
  const again = readPayloadBytes(payloadBytes(other)) as Payload
  assert.equal(Buffer.from(controlOf(again)).toString(), '<ok />')
  assert.deepEqual([...again.parts.keys()], [...payload.parts.keys()])
}

function takeService(octets: Buffer): void {
  const element = parseElement(Uint8Array.from(octets), { isDocument: true })
  if (isXmlFault(element)) return
  const message = readServiceMessage(element)
  if (message.kind === 'set') {
    const written = parseElement(new TextEncoder().encode(accessText(message.entry)), { isDocument: true })
    assert.ok(!isXmlFault(written))
  }
  if (message.kind !== 'publish') return
  const entry = readPresence(message.presence)
  if (entry === undefined) return
  documentOf(entry, fred, 0)
  const text = presenceText(entry)
  const read = parseElement(new TextEncoder().encode(text), { isDocument: true })
  assert.ok(!isXmlFault(read))
  assert.deepEqual(readPresence(read), entry, 'what was taken is written and read')
}

for (const [what, samples, take] of [
  ['documents', documents, takeDocument],
  ['payloads', payloads, takePayload],
  ['elements of services', inner, takeService],
] as const) {
  test(`${what}, cut and changed at every octet`, () => {
    for (const sample of samples) everyCut(sample, take)
  })

  test(`${what}, damaged: read as a second reader does, or refused`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), changes, (sample, damage) =>
        timed(take, damaged(sample, damage)),
      ),
      runs,
    )
  })
}

test('names: what is read is written the same, and nothing else is in it (RFC 3340 §2.2)', () => {
  const samples = ['fred@example.com', 'fred/appl=im@[10.0.0.1]', 'apex=report@example.com'].map((name) =>
    Buffer.from(name),
  )
  fc.assert(
    fc.property(fc.constantFrom(...samples), changes, (sample, damage) => {
      const text = damaged(sample, damage).toString('utf8')
      const name = readEndpoint(text)
      if (name === undefined) return
      const local = name.subaddress === '' ? name.address : `${name.address}/${name.subaddress}`
      assert.equal(`${local}@${name.domain}`.toLowerCase(), name.written.toLowerCase())
      assert.doesNotMatch(text, /[\u0000-\u001f\u007f]/)
    }),
    runs,
  )
})

test('a message of another protocol, whatever it says, is data that is read again', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(
    fc.property(text, text, text, (body, subject, id) => {
      const message = {
        from: fred,
        to: fred,
        id,
        thread: '',
        kind: 'chat' as const,
        subject: subject === '' ? [] : [{ language: '', text: subject }],
        body: [{ language: '', text: body }],
      }
      const said = bodyOf(message, undefined)
      if (said === undefined) return
      const name = readEndpoint('fred@example.com')!
      const entity = relatedEntity(said, { originator: name, recipient: name, id })
      const octets = Buffer.concat([
        Buffer.from(`Content-Type: ${entity.contentType}\r\n\r\n`),
        Buffer.from(entity.body),
      ])
      const payload = readPayloadBytes(octets)
      assert.ok('body' in payload)
      const data = readMessage(controlOf(payload))
      assert.ok(!isRefusal(data) && data.kind === 'data')
      assert.ok(Buffer.from(said.bytes).equals(partOf(payload, data.content)?.body ?? Buffer.of()))
    }),
    runs,
  )
})

test('sessions that get damaged messages answer each, and go on', async () => {
  const world = await fixture()
  const hand = new Hand(world)
  await hand.signIn('fred', "<attach endpoint='fred@example.com' transID='1' />")
  const samples = fc.sample(fc.tuple(fc.constantFrom(...payloads), changes), {
    ...runs,
    numRuns: Math.ceil(runs.numRuns / 4),
  })
  for (const [payload, damage] of samples) {
    const octets = damaged(payload, damage).subarray(0, 3000)
    const answer = await hand.sayPayload(octets.toString('latin1'))
    assert.match(answer, /^<(ok|error) /)
  }
  await settled()
  assert.equal(await hand.say("<attach endpoint='fred/appl=wb@example.com' transID='77' />"), '<ok />')
  assert.equal(hand.closed, false)
})
