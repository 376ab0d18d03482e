// Rich presence: RFC 4479's persons, services and devices; RPID, timed presence and CIPID in them. All of it is carried; little is understood.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import type { PresenceDocument } from '#model'
import { parseElement } from '#wire/xml'
import { notesOfPersons, parsePidf, writePidf } from './index.ts'

const now = Date.UTC(2026, 0, 1)

function parse(xml: string, at = now): PresenceDocument {
  const document = parsePidf(utf8(xml), { now: at })
  assert.ok(!('fault' in document), JSON.stringify(document))
  return document
}

const namespaces = [
  'xmlns="urn:ietf:params:xml:ns:pidf"',
  'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"',
  'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"',
  'xmlns:c="urn:ietf:params:xml:ns:pidf:cipid"',
  'xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status"',
  'xmlns:lt="urn:ietf:params:xml:ns:location-type"',
  'xmlns:new="http://example.com/new"',
].join(' ')

const documentOf = (inner: string): string =>
  `<presence ${namespaces} entity="pres:someone@example.com">${inner}</presence>`
const tuple = (inner: string, status = '<basic>open</basic>', id = 't'): string =>
  `<tuple id="${id}"><status>${status}</status>${inner}</tuple>`
const person = (inner: string, id = 'p'): string => `<dm:person id="${id}">${inner}</dm:person>`

/** Every word of the three texts, and one that nobody knows, with where it may stand (RFC 4480 §3, RFC 4481 §2, RFC 4482 §3). */
const words: readonly (readonly [string, string])[] = [
  [
    'RFC 4480 §3.2 activities',
    '<rpid:activities><rpid:note>Far away</rpid:note><rpid:steering/><rpid:other>sailing</rpid:other></rpid:activities>',
  ],
  ['RFC 4480 §3.3 class', '<rpid:class>calendar</rpid:class>'],
  ['RFC 4480 §3.4 mood', '<rpid:mood><rpid:angry/><rpid:other>brooding</rpid:other></rpid:mood>'],
  [
    'RFC 4480 §3.5 place-is',
    '<rpid:place-is from="2005-05-30T12:00:00+05:00"><rpid:audio><rpid:noisy/></rpid:audio></rpid:place-is>',
  ],
  ['RFC 4480 §3.6 place-type', '<rpid:place-type><lt:residence/></rpid:place-type>'],
  ['RFC 4480 §3.7 privacy', '<rpid:privacy><rpid:audio/><rpid:video/></rpid:privacy>'],
  ['RFC 4480 §3.8 relationship', '<rpid:relationship><rpid:self/></rpid:relationship>'],
  ['RFC 4480 §3.9 service-class', '<rpid:service-class><rpid:electronic/></rpid:service-class>'],
  ['RFC 4480 §3.10 sphere', '<rpid:sphere><rpid:work/></rpid:sphere>'],
  ['RFC 4480 §3.11 status-icon', '<rpid:status-icon>http://www.example.com/playing.gif</rpid:status-icon>'],
  ['RFC 4480 §3.12 time-offset', '<rpid:time-offset description="America/New_York">-240</rpid:time-offset>'],
  [
    'RFC 4480 §3.13 user-input',
    '<rpid:user-input idle-threshold="600" last-input="2004-10-21T13:20:00-05:00">idle</rpid:user-input>',
  ],
  ['RFC 4479 §4 deviceID', '<dm:deviceID>urn:device:0003ba4811e3</dm:deviceID>'],
  [
    'RFC 4481 §2 timed-status',
    '<ts:timed-status from="2005-08-15T10:20:00.000-05:00" until="2099-08-22T19:30:00.000-05:00"><ts:basic>closed</ts:basic><ts:note>Tokyo</ts:note></ts:timed-status>',
  ],
  ['RFC 4482 §3.1 card', '<c:card>http://example.com/~someone/card.vcd</c:card>'],
  ['RFC 4482 §3.2 display-name', '<c:display-name>Alice Lewis</c:display-name>'],
  ['RFC 4482 §3.3 homepage', '<c:homepage>http://example.com/~someone?a=1&amp;b=2</c:homepage>'],
  ['RFC 4482 §3.4 icon', '<c:icon>http://example.com/~someone/icon.gif</c:icon>'],
  ['RFC 4482 §3.5 map', '<c:map>http://example.com/~someone/gml-map.xml</c:map>'],
  ['RFC 4482 §3.6 sound', '<c:sound>http://example.com/~someone/hello.wav</c:sound>'],
  [
    'RFC 3863 §4.2.3 what nobody knows',
    '<new:thing new:a="1"><new:deep/>mixed <![CDATA[<text>]]></new:thing>',
  ],
]

/** The same elements, attributes and text, whatever the prefixes. */
function same(one: string, other: string): void {
  const parsed = [one, other].map((xml) => parseElement(utf8(xml), { isDocument: true }))
  assert.deepEqual(parsed[0], parsed[1])
}

for (const [what, word] of words)
  test(`${what} passes a composer untouched, in a service, a person and a device`, () => {
    const device = `<dm:device id="d">${word}<dm:deviceID>urn:x</dm:deviceID></dm:device>`
    const document = documentOf(tuple(word) + person(word) + device)
    const there = parse(document)
    assert.equal(there.tuples[0]?.basic, 'open')
    const written = text(writePidf(there))
    const again = parse(written)
    assert.deepEqual(again, there)
    for (const element of [word, person(word), device]) {
      const [name] = /[a-z]+:[a-zA-Z-]+/.exec(element) ?? []
      const held = [...again.extensions, ...(again.tuples[0]?.extensions ?? [])]
      const found =
        held.find((extension) => extension.startsWith(`<${name}`)) ?? assert.fail(`${name} is gone`)
      same(found, element.replace(name ?? '', `${name} ${namespaces.replace(/xmlns="[^"]*" /, '')}`))
    }
  })

test('a timed status is of another time and never the current one (RFC 4481 §2)', () => {
  for (const [from, until] of [
    ['2005-08-15T10:20:00Z', '2005-08-22T19:30:00Z'],
    ['2099-08-15T10:20:00Z', '2099-08-22T19:30:00Z'],
    // It "MUST NOT encompass the present time"; where it does, what the tuple says now still stands.
    ['2005-08-15T10:20:00Z', '2099-08-22T19:30:00Z'],
  ]) {
    const timed = `<ts:timed-status from="${from}" until="${until}"><ts:basic>closed</ts:basic><rpid:activities><rpid:busy/></rpid:activities></ts:timed-status>`
    const { basic, show, extensions } = parse(documentOf(tuple(timed))).tuples[0] ?? assert.fail()
    assert.deepEqual([basic, show, extensions.length], ['open', undefined, 1])
  }
})

test('activities mean a show for the tuples of the person, not for an assistant (RFC 4480 §3.2, §3.8)', () => {
  const assistant = tuple('<rpid:relationship><rpid:assistant/></rpid:relationship>', undefined, 'a')
  const own = tuple('<rpid:relationship><rpid:self/></rpid:relationship>', undefined, 's')
  const meeting = person('<rpid:activities><rpid:meeting/></rpid:activities>')
  const document = parse(documentOf(tuple('') + assistant + own + meeting))
  assert.deepEqual(
    document.tuples.map(({ id, show }) => [id, show]),
    [
      ['t', 'dnd'],
      ['a', undefined],
      ['s', 'dnd'],
    ],
  )
})

for (const [activity, show] of [
  ['appointment', 'away'],
  ['away', 'away'],
  ['breakfast', 'away'],
  ['busy', 'dnd'],
  ['dinner', 'away'],
  ['holiday', 'xa'],
  ['in-transit', 'away'],
  ['looking-for-work', undefined],
  ['lunch', 'away'],
  ['meal', 'away'],
  ['meeting', 'dnd'],
  ['on-the-phone', 'dnd'],
  ['other', undefined],
  ['performance', 'dnd'],
  ['permanent-absence', 'xa'],
  ['playing', undefined],
  ['presentation', 'dnd'],
  ['shopping', 'away'],
  ['sleeping', 'xa'],
  ['spectator', undefined],
  ['steering', 'dnd'],
  ['travel', 'xa'],
  ['tv', undefined],
  ['unknown', undefined],
  ['vacation', 'xa'],
  ['working', undefined],
  ['worship', 'dnd'],
] as const)
  test(`${activity} is ${show ?? 'no show'} (RFC 4480 §3.2)`, () => {
    const document = parse(
      documentOf(tuple('') + person(`<rpid:activities><rpid:${activity}/></rpid:activities>`)),
    )
    assert.equal(document.tuples[0]?.show, show)
  })

test('the words of a person are its notes, else those of what it does and feels, unless they are of some time (RFC 4479 §3.2)', () => {
  const said = (inner: string) =>
    notesOfPersons(parse(documentOf(tuple('') + person(inner)))).map((note) => note.text)
  const activities = '<rpid:activities><rpid:note>at work</rpid:note><rpid:busy/></rpid:activities>'
  const mood = '<rpid:mood><rpid:note>so so</rpid:note><rpid:sad/></rpid:mood>'
  const timed =
    '<rpid:activities until="2099-01-01T00:00:00Z"><rpid:note>until then</rpid:note></rpid:activities>'
  assert.deepEqual(said(''), [])
  assert.deepEqual(said(`${activities}${mood}`), ['at work', 'so so'])
  assert.deepEqual(said(`${activities}<dm:note>I am here</dm:note>`), ['I am here', 'at work'])
  assert.deepEqual(said(timed), [])
})

test('occurrence identifiers are unique over services, persons and devices of a document (RFC 4479 §3.5)', () => {
  const one = `<dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" id="x" a=" id='x'>"><dm:note>one</dm:note></dm:person>`
  const two = one.replace('one', 'two').replace('id="x"', "id = 'x'")
  const three = one.replaceAll('person', 'device').replace('one', 'three')
  const plain = '<new:thing xmlns:new="http://example.com/new">no id</new:thing>'
  const written = text(
    writePidf({
      entity: 'pres:a@example.com',
      tuples: [{ id: 'x', basic: 'open', notes: [], statusExtensions: [], extensions: [] }],
      notes: [],
      extensions: [one, two, three, plain],
    }),
  )
  const ids = parse(written).extensions.map((extension) => / id ?= ?["']([^"']*)/.exec(extension)?.[1])
  assert.deepEqual(ids, ['x.2', 'x.3', 'x.4', undefined])
  assert.equal(written.match(/a=" id='x'>/g)?.length ?? written.match(/a=" id='x'&gt;"/g)?.length, 3)
  // What has an identifier of its own stays as it is.
  const free = parse(documentOf(tuple('') + person('<dm:note>n</dm:note>', 'own')))
  assert.deepEqual(parse(text(writePidf(free))), free)
})
