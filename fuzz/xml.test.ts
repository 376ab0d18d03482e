// XML against bad input: streams cut, flipped, mixed and repeated. No crash, no hang, the same verdict however the octets are cut,
// and what is taken can be read as a tree and written again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '#base'
import {
  childElementOf,
  elementOf,
  Framer,
  isXmlFault,
  parseElement,
  selfContained,
  serialize,
} from '#wire/xml'

const soak = process.env['VERONA_SOAK'] !== undefined
const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 0x7fffffff)
const runs = { numRuns: soak ? 20_000 : 300, seed }

const header =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:x='urn:x' to='localhost' version='1.0'>"

/** Pieces that mean something to the grammar, so that nonsense comes near to sense. */
const pieces = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('<a>', '</a>', '<b/>', "<x:c x:d='1'/>", "<a xmlns:p='q' p:r='s'>", '</p:a>'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('<', '>', '/', '=', "'", '"', '&', ';', '&lt;', '&#x41;', '&#0;', ']]>'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('<![CDATA[', ']]', '<!--', '-->', '<?x', '?>', '<!DOCTYPE', 'xmlns', ':'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('</stream:stream>', "<message to='a@b'><body>x</body></message>", ' ', '\n'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
)
const octets = fc
  .tuple(
    fc.array(pieces, { maxLength: 40 }),
    fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 }),
    fc.boolean(),
  )
  .map(([parts, flips, withHeader]) => {
    const bytes = utf8((withHeader ? header : '') + parts.join(''))
    for (const [at, value] of flips) if (at < bytes.length) bytes[at] = value
    return bytes
  })

function verdict(bytes: Uint8Array, step: number): string[] {
  const framer = new Framer({
    bytesMax: 4096,
    depthMax: 8,
    childrenMax: 16,
    attributesMax: 8,
    namespacesMax: 8,
  })
  const said: string[] = []
  for (let at = 0; at < bytes.length; at += step) {
    framer.feed(bytes.subarray(at, at + step))
    for (;;) {
      const event = framer.next()
      if (event === 'more') break
      if (event === 'fault') return [...said, `${framer.fault?.reason} at ${framer.fault?.offset}`]
      if (event === 'end') return [...said, event]
      const frame = event === 'header' ? framer.header : framer.frame
      assert(frame !== undefined)
      said.push(`${event} ${frame.namespace} ${frame.name} ${Buffer.from(frame.raw()).toString('hex')}`)
      if (event === 'stanza') {
        const element = elementOf(frame)
        for (let k = 0; k < frame.childCount; k++) {
          const child = childElementOf(frame, k)
          assert.equal(child.name, frame.childName(k))
          assert.equal(child.namespace, frame.childNamespace(k))
        }
        const alone = parseElement(selfContained(frame))
        assert(!isXmlFault(alone), 'what is cut out stands alone')
        assert.deepEqual(alone, element)
        assert.deepEqual(parseElement(utf8(serialize(element))), element)
      }
    }
    assert(framer.held <= 4096 + step, 'no more is held than the limit and a chunk')
  }
  return said
}

test(`streams made of nonsense get one verdict, however they are cut (seed ${seed})`, () => {
  const property = fc.property(octets, fc.integer({ min: 2, max: 50 }), (bytes, step) => {
    const whole = verdict(bytes, Math.max(1, bytes.length))
    assert.deepEqual(verdict(bytes, 1), whole)
    assert.deepEqual(verdict(bytes, step), whole)
  })
  fc.assert(property, runs)
})

test(`documents made of nonsense are read or refused (seed ${seed})`, () => {
  const property = fc.property(octets, fc.boolean(), (bytes, isDocument) => {
    const element = parseElement(bytes, { isDocument })
    if (isXmlFault(element)) assert(element.offset >= 0 && element.offset <= bytes.length)
    else assert.deepEqual(parseElement(utf8(serialize(element))), element)
  })
  fc.assert(property, runs)
})

test('bombs cost no more than their octets', () => {
  const bombs = [
    '<a>'.repeat(200_000),
    `<a ${"b='' ".repeat(60_000)}`,
    `<${'a'.repeat(300_000)}`,
    '&'.repeat(300_000),
  ]
  for (const bomb of bombs) {
    const framer = new Framer()
    framer.feed(utf8(header + bomb))
    assert.equal(framer.next(), 'header')
    assert.equal(framer.next(), 'fault')
    assert.equal(framer.held, 0)
  }
})
