import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { utf8 } from '#base'
import { type Script, type ScriptFault, TimeZone } from '#model'
import { readCpl, scriptOctetsMax } from './index.ts'

const zone = TimeZone.named('UTC') as TimeZone
const testdata = new URL('testdata/', import.meta.url)

function read(document: string): Script | ScriptFault {
  return readCpl(utf8(document), zone)
}

const incoming = (inside: string): string => `<cpl>\n<incoming>${inside}</incoming>\n</cpl>`

/** The fault as `line:column reason`; empty where there is none. */
function faultOf(document: string): string {
  const script = read(document)
  return 'reason' in script ? `${script.line}:${script.column} ${script.reason}` : ''
}

/** What the examples of RFC 3880 are refused for, where they are: all others are scripts. */
const refusals: Readonly<Record<string, RegExp>> = {
  '12.9-non-signalling': /^6:5 the only "source" of <lookup> here is "registration"/,
  '12.10-distinctive-ring':
    /^10:9 <ring> is of an extension that is not known here: http:\/\/www.example.com\/distinctive-ring/,
  '12.10-regular-expression': /^8:7 <address> has an attribute of an extension that is not known here/,
}

const examples = readdirSync(testdata).sort()

test('all examples of RFC 3880 are here', () => assert.equal(examples.length, 13))

for (const file of examples) {
  const name = file.replace('.cpl', '')
  const wanted = refusals[name]
  test(`RFC 3880 ${name} is ${wanted === undefined ? 'read' : 'refused with the reason'}`, () => {
    const fault = faultOf(readFileSync(new URL(file, testdata), 'utf8'))
    if (wanted === undefined) assert.equal(fault, '')
    else assert.match(fault, wanted)
  })
}

test('a subaction is the tree that stands where it is named (§8)', () => {
  const script = read(
    '<cpl><subaction id="a"><reject status="busy"/></subaction><subaction id="b"><log><sub ref="a"/></log></subaction><incoming><sub ref="b"/></incoming><outgoing/></cpl>',
  )
  assert.ok(!('reason' in script))
  const reject = { kind: 'reject', status: 'busy', reason: '' }
  assert.deepEqual(script.incoming?.first, { kind: 'log', name: '', comment: '', next: reject })
  assert.deepEqual(script.outgoing, { first: undefined })
})

test('what a node says is read, and what it does not say is what RFC 3880 has for it', () => {
  const node = (inside: string): unknown => {
    const script = read(incoming(inside))
    assert.ok(!('reason' in script), JSON.stringify(script))
    return script.incoming?.first
  }
  assert.deepEqual(node('<location url="sip:a@b.example" priority=".5" clear="yes"/>'), {
    kind: 'location',
    url: 'sip:a@b.example',
    priority: 0.5,
    clear: true,
    next: undefined,
  })
  const proxy = { kind: 'proxy', ordering: 'parallel', recurse: true, timeout: undefined, outputs: new Map() }
  assert.deepEqual(node('<proxy/>'), proxy)
  // §6.1: 20 seconds where something follows silence.
  const noanswer = new Map([['noanswer', undefined]])
  assert.deepEqual(node('<proxy><noanswer/></proxy>'), { ...proxy, timeout: 20, outputs: noanswer })
  assert.deepEqual(node('<proxy timeout="8" recurse="no" ordering="first-only"/>'), {
    ...proxy,
    timeout: 8,
    recurse: false,
    ordering: 'first-only',
  })
  // §12.3 has it so.
  assert.deepEqual(node('<proxy><redirection/></proxy>'), {
    ...proxy,
    recurse: false,
    outputs: new Map([['redirection', undefined]]),
  })
  assert.deepEqual(node('<reject status="480" reason="Not now"/>'), {
    kind: 'reject',
    status: 480,
    reason: 'Not now',
  })
  assert.deepEqual(node('<redirect permanent="yes"/>'), { kind: 'redirect', permanent: true })
})

test('names of the namespace, of none, and a DOCTYPE of the older drafts are all the same (§11, App. C)', () => {
  const inside = '<c:incoming><c:reject c:status="busy"/></c:incoming>'
  for (const document of [
    `<c:cpl xmlns:c="urn:ietf:params:xml:ns:cpl">${inside}</c:cpl>`,
    '<?xml version="1.0"?>\n<!-- <!DOCTYPE x> -->\n<!DOCTYPE cpl PUBLIC "-//IETF//DTD RFCxxxx CPL 1.0//EN" "cpl>.dtd">\n<cpl><incoming><reject status="busy"/></incoming></cpl>',
    '\ufeff<cpl xmlns:unused="urn:x" xml:lang="en"><incoming><!-- why --><reject status="busy"/></incoming></cpl>',
  ]) {
    const script = read(document)
    assert.ok(!('reason' in script), JSON.stringify(script))
    assert.equal(script.incoming?.first?.kind, 'reject')
  }
})

const time = (attributes: string): string => incoming(`<time-switch><time ${attributes}/></time-switch>`)
const span = 'dtstart="20260101T090000" duration="PT8H"'

// What is wrong, and where. The place is that of the element's start tag.
const faults: readonly (readonly [document: string, fault: RegExp])[] = [
  ['', /^1:1 the document ends/],
  ['<cpl>\n <incoming>', /^2:12 the document ends/],
  ['<cpl>\n <incoming></cpl>', /^2:14 this end tag/],
  ['<!DOCTYPE cpl [<!ENTITY a "b">]><cpl/>', /^1:1 a DOCTYPE/],
  ['<html/>', /a script begins with <cpl>/],
  ['<cpl lang="en"/>', /<cpl> has no attribute "lang"/],
  ['<cpl>\n\n  <ingoing/></cpl>', /^3:3 <cpl> holds no <ingoing>/],
  ['<cpl><incoming/><incoming/></cpl>', /^1:17 a second <incoming>/],
  ['<cpl><incoming/><ancillary/></cpl>', /<ancillary> stands first/],
  ['<cpl><ancillary><log/></ancillary></cpl>', /<ancillary> holds no <log>/],
  ['<cpl><incoming/><subaction id="a"/></cpl>', /<subaction> stands before/],
  ['<cpl><subaction id="a"/><subaction id="a"/></cpl>', /a second subaction "a"/],
  ['<cpl><subaction/></cpl>', /lacks "id"/],
  ['<cpl><subaction id="a"><sub ref="a"/></subaction></cpl>', /no subaction "a" is defined before/],
  ['<cpl><subaction id="a"><sub ref="b"/></subaction><subaction id="b"/></cpl>', /no subaction "b"/],
  [incoming('<sub ref="A"/>'), /^2:11 no subaction "A"/],
  [incoming('<sub ref="a"><log/></sub>'), /<sub> holds no <log>/],
  [incoming('\n <!-- é --> <log/><log/>'), /^3:19 <incoming> holds one node, not two/],
  [incoming('nothing'), /^2:1 <incoming> holds text/],
  [incoming('<ring/>'), /<ring> is no node/],
  [incoming('<x:ring xmlns:x="urn:ring"/>'), /an extension that is not known here: urn:ring/],
  [incoming('<log xmlns:x="urn:ring" x:a="b"/>'), /an extension that is not known here: urn:ring/],
  [incoming('<location/>'), /<location> lacks "url"/],
  [incoming('<location url="voicemail"/>'), /"url" is no URL/],
  [incoming('<location url="sip:a b@c"/>'), /"url" is no URL/],
  [incoming('<location url="sip:a@c&gt;&#10;Route: x"/>'), /"url" is no URL/],
  [incoming('<location url="sip:a@b" priority="1.1"/>'), /"priority" is a number from 0.0 to 1.0/],
  [incoming('<location url="sip:a@b" clear="maybe"/>'), /"clear" is "yes" or "no"/],
  [incoming('<lookup source="registration" timeout="0"/>'), /"timeout" is a number from 1/],
  [incoming('<lookup source="registration"><busy/></lookup>'), /<lookup> has no output <busy>/],
  [incoming('<proxy timeout="-1"/>'), /"timeout" is a number from 1/],
  [incoming('<proxy><busy/><busy/></proxy>'), /a second output <busy>/],
  [incoming('<proxy><success/></proxy>'), /<proxy> has no output <success>/],
  [incoming('<proxy ordering="random"/>'), /"ordering" is "parallel" or/],
  [incoming('<redirect><log/></redirect>'), /<redirect> holds no <log>/],
  [incoming('<reject/>'), /<reject> lacks "status"/],
  [incoming('<reject status="200"/>'), /"status" is "busy"/],
  [incoming('<reject status="407"/>'), /but 401 and 407/],
  [incoming('<mail url="juliet@example.com"/>'), /is a mailto: URL/],
  [incoming('<address-switch/>'), /lacks "field"/],
  [incoming('<address-switch field="from"/>'), /"field" is "origin" or/],
  [incoming('<address-switch field="origin" subfield="shoe"/>'), /"subfield" is "address-type" or/],
  [incoming('<address-switch field="origin"><address/></address-switch>'), /has one of "is"/],
  [
    incoming('<address-switch field="origin"><address is="a" contains="b"/></address-switch>'),
    /has one of "is"/,
  ],
  [
    incoming('<address-switch field="origin" subfield="user"><address contains="a"/></address-switch>'),
    /"contains" is not for what/,
  ],
  [
    incoming(
      '<address-switch field="origin" subfield="display"><address subdomain-of="a"/></address-switch>',
    ),
    /"subdomain-of" is not for what/,
  ],
  [
    incoming('<address-switch field="origin"><otherwise/><not-present/></address-switch>'),
    /nothing follows <otherwise>/,
  ],
  [
    incoming('<address-switch field="origin"><not-present/><not-present/></address-switch>'),
    /a second output/,
  ],
  [incoming('<string-switch field="body"/>'), /"field" is "subject" or/],
  [incoming('<language-switch><language matches="*"/></language-switch>'), /no language tag/],
  [incoming('<priority-switch><priority greater="high"/></priority-switch>'), /"high" is none of/],
  [incoming('<time-switch tzid="Mantua/Street"/>'), /no time zone is known as "Mantua\/Street"/],
  [incoming('<time-switch tzid="/global/Rome"/>'), /no time zone is known/],
  [incoming('<time-switch tzurl="http://zones.example/Rome"/>'), /no "tzurl" is fetched/],
  [time('duration="PT1H"'), /<time> lacks "dtstart"/],
  [time('dtstart="20260101T090000"'), /one of "dtend" and "duration"/],
  [time(`${span} dtend="20260101T100000"`), /one of "dtend" and "duration"/],
  [time('dtstart="20260230T090000" duration="PT1H"'), /"dtstart" is no date and time/],
  [time('dtstart="20260101" duration="PT1H"'), /"dtstart" is no date and time/],
  [time('dtstart="20260101T090000" dtend="20260101T090000"'), /"dtend" is not after "dtstart"/],
  [time('dtstart="20260101T090000" duration="10M"'), /"duration" is no length of time/],
  [time('dtstart="20260101T090000" duration="-PT1H"'), /"duration" is no length of time/],
  [time('dtstart="20260101T090000" duration="PT0S"'), /"duration" is no length of time/],
  [time('dtstart="20260101T090000" duration="P999999999D"'), /"duration" is no length of time/],
  [time(`${span} freq="fortnightly"`), /"freq" is "secondly" or/],
  [time(`${span} freq="daily" interval="0"`), /"interval" is a number from 1/],
  [time(`${span} freq="daily" until="20270101" count="3"`), /do not stand together/],
  [time(`${span} freq="daily" until="20270101T000000"`), /it ends with Z/],
  [time(`${span} freq="daily" count="2001"`), /counts of a script are at most 2000/],
  [time(`${span} freq="daily" byhour="24"`), /"byhour" has numbers from 0 to 23, not "24"/],
  [time(`${span} freq="daily" bysecond="60"`), /"bysecond" has numbers from 0 to 59/],
  [time(`${span} freq="daily" byminute="-1"`), /"byminute" has numbers/],
  [time(`${span} freq="daily" bymonthday="0"`), /"bymonthday" has numbers/],
  [time(`${span} freq="daily" bymonth="1,,2"`), /"bymonth" has numbers from 1 to 12, not ""/],
  [time(`${span} freq="weekly" byday="XX"`), /"byday" has days as "MO"/],
  [time(`${span} freq="weekly" byday="1MO"`), /counts days of a month or year/],
  [time(`${span} freq="monthly" byday="0MO"`), /"byday" has days as/],
  [time(`${span} freq="monthly" byweekno="3"`), /"byweekno" is for yearly/],
  [time(`${span} freq="monthly" bysetpos="1"`), /"bysetpos" stands with another list/],
  [time(`${span} freq="weekly" wkst="monday"`), /"wkst" is a day/],
  [time('dtstart="20260101T090000" duration="PT25H" freq="daily"'), /lasts beyond the beginning of the next/],
  [
    time('dtstart="20260101T090000" duration="P2D" freq="hourly" interval="100"'),
    /repeats hourly lasts at most 1 days/,
  ],
  [time('dtstart="20260101T090000" duration="P400D" freq="yearly" interval="2"'), /lasts at most 366 days/],
  [incoming(`<log name="${'a'.repeat(3000)}"/>`), /"name" is longer than 2048/],
  [
    incoming(`<string-switch field="subject">${'<string is="a"/>'.repeat(2000)}</string-switch>`),
    /more than 2000 elements/,
  ],
  [
    incoming(`<time-switch>${'<time dtstart="20260101T090000" duration="PT1H"/>'.repeat(51)}</time-switch>`),
    /more than 50 <time>/,
  ],
  [incoming(`${'<log>'.repeat(70)}${'</log>'.repeat(70)}`), /elements stand more than 64 deep/],
  [' '.repeat(scriptOctetsMax + 1), /^1:1 the script is larger than 65536 octets/],
]

for (const [document, fault] of faults)
  test(`refused: ${document.slice(0, 90).replace(/\s+/g, ' ')}: ${fault.source}`, () =>
    assert.match(faultOf(document), fault))

test('lists may have spaces, signs and small letters, and parameters without freq are passed over (§4.4)', () => {
  for (const attributes of [
    `${span} freq="WEEKLY" byday="mo, Tu" wkst="su"`,
    `${span} freq="monthly" byday="+1mo,-1FR" bymonth="1, 2"`,
    `${span} count="3" byhour="9" interval="2"`,
    'dtstart="20260101T090000Z" dtend="20260101T170000Z" freq="daily" until="20270101"',
  ])
    assert.equal(faultOf(time(attributes)), '', attributes)
})

test('octets that are no UTF-8 are said to be none, with their place', () => {
  const fault = readCpl(new Uint8Array([...utf8('<cpl>\n <!-- '), 0xff, ...utf8(' --></cpl>')]), zone)
  assert.ok('reason' in fault)
  assert.deepEqual([fault.line, fault.reason], [2, 'this is not UTF-8'])
})
