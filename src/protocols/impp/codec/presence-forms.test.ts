// The two forms of presence, each into the other (docs/specs/impp-1.0.md §10): what is kept, and just what is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import type { PresenceDocument } from '#model'
import { type PresenceType, parsePresenceBody, presenceBody } from './presence-body.ts'

function read({ type, bytes }: { type: string; bytes: Uint8Array }): PresenceDocument {
  const document = parsePresenceBody(type, bytes, 0)
  assert.ok(typeof document !== 'string', text(bytes))
  return document
}

const through = (document: PresenceDocument, form: PresenceType): PresenceDocument =>
  read(presenceBody(document, form))

const rich = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:rp="urn:ietf:params:xml:ns:pidf:rpid" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" entity="pres:juliet@example.com">
<tuple id="desk"><status><basic>open</basic><show xmlns="jabber:client">dnd</show><x xmlns="urn:x">status</x></status><y xmlns="urn:y"/><contact priority="0.25">im:juliet@example.com</contact><note xml:lang="fr">occup\u00e9e</note><note>busy &amp; more</note><timestamp>2026-01-01T00:00:00Z</timestamp></tuple>
<tuple id="phone"><status><basic>closed</basic></status></tuple>
<note>in Verona</note><dm:person id="p"><rp:activities><rp:meeting/></rp:activities></dm:person></presence>`

test('PIDF as tags only keeps what the table of §10 names, and loses extensions alone', () => {
  const before = read({ type: 'application/pidf+xml', bytes: utf8(rich) })
  assert.ok(before.extensions.length > 0 && before.tuples[0]?.statusExtensions.length === 1)
  const expected: PresenceDocument = {
    ...before,
    extensions: [],
    tuples: before.tuples.map((tuple) => ({ ...tuple, statusExtensions: [], extensions: [] })),
  }
  assert.deepEqual(through(before, 'tag-only'), expected)
})

const tagOnly =
  '<presence><entity>pres:juliet@example.com</entity><tuple><id>desk</id><basic>open</basic><show>xa</show><contact><uri>im:juliet@example.com</uri><priority>0.5</priority></contact><priority>-1</priority><note><language>fr</language><text>occup\u00e9e</text></note><timestamp>2026-01-01T00:00:00Z</timestamp></tuple><note><text>in Verona</text></note></presence>'

for (const form of ['pidf', 'older-pidf'] as const) {
  test(`tags only as ${form} and back loses nothing`, () => {
    const before = read({ type: 'application/impp', bytes: utf8(tagOnly) })
    assert.deepEqual(through(before, form), before)
    assert.equal(text(presenceBody(through(before, form), 'tag-only').bytes), tagOnly)
  })
}

/** [what, octets] */
const refused: [string, string][] = [
  ['an attribute', '<presence a="b"><entity>pres:a@b</entity></presence>'],
  ['a namespace', '<presence xmlns="urn:x"><entity>pres:a@b</entity></presence>'],
  ['an attribute of what is not known', '<presence><entity>pres:a@b</entity><x y="z"></x></presence>'],
  ['no entity', '<presence></presence>'],
  [
    'two tuples of one id',
    '<presence><entity>pres:a@b</entity><tuple><id>x</id></tuple><tuple><id>x</id></tuple></presence>',
  ],
  [
    'a basic of neither',
    '<presence><entity>pres:a@b</entity><tuple><id>x</id><basic>ajar</basic></tuple></presence>',
  ],
  [
    'a priority beyond XMPP',
    '<presence><entity>pres:a@b</entity><tuple><id>x</id><priority>128</priority></tuple></presence>',
  ],
]
for (const [what, octets] of refused) {
  test(`tags only with ${what} is malformed (IMPP §8, D22)`, () => {
    assert.equal(parsePresenceBody('application/impp', utf8(octets), 0), 'malformed')
  })
}

test('what is not known is passed over, in any order and with white space between', () => {
  const loose = `\n<presence> <x><y>z</y></x>\n<tuple><basic> open </basic><id>desk</id><z/></tuple> <entity>pres:a@b</entity></presence>`
  const document = read({ type: 'Application/Presence', bytes: utf8(loose) })
  assert.deepEqual(
    document.tuples.map(({ id, basic }) => [id, basic]),
    [['desk', 'open']],
  )
})
