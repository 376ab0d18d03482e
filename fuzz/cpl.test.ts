// Scripts of RFC 3880 against bad input: damaged examples, nonsense out of its own words, hostile rules. No crash, no hang; what is refused has its place in the
// document, and what is taken can be followed, whatever is asked.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, utf8 } from '#base'
import { type Decision, ScriptRun } from '#core'
import { type ProxyResult, type RequestFacts, type Script, TimeZone } from '#model'
import { readCpl } from '#wire/cpl'
import { runs } from './damage.ts'

const zone = TimeZone.named('Europe/Rome') as TimeZone
const testdata = new URL('../src/wire/cpl/testdata/', import.meta.url)
const examples = readdirSync(testdata).map((file) => readFileSync(new URL(file, testdata)))

/** LIMIT: milliseconds that reading and following one script may take, with the whole machine's other tests beside it. */
const millisecondsMax = 2000

const results: readonly ProxyResult[] = ['busy', 'noanswer', 'redirection', 'failure']

function factsOf(seed: number): RequestFacts {
  const pick = <T>(...of: readonly T[]): T => of[seed % of.length] as T
  return {
    address: () =>
      pick(
        undefined,
        { uri: 'sip:+1212@[::1]:5060;x', display: 'Joe ß' },
        { uri: '%%%:@:;?' },
        { uri: 'tel:12' },
      ),
    text: () => pick(undefined, '', 'Subject', 'İ'),
    languages: () => pick(undefined, [], ['es', '*'], ['']),
    priority: () => pick(undefined, 'urgent', '?'),
  }
}

/** Follows both actions to their ends, wherever they lead. */
function follow(script: Script, seed: number): void {
  for (const action of [script.incoming, script.outgoing]) {
    if (action === undefined) continue
    const run = new ScriptRun({
      facts: factsOf(seed),
      now: (seed % 4_000_000_000) * 1000,
      locations: seed % 2 === 0 ? [] : [{ uri: 'sip:a@b.example', priority: 1 }],
      registrations: () => (seed % 3 === 0 ? [] : [{ uri: 'sip:c@d.example', priority: 0.5 }]),
      canProxy: (uri) => uri.startsWith('sip'),
      note: () => {},
    })
    let decision: Decision = run.begin(action)
    for (let step = 0; decision.kind === 'proxy'; step++) {
      assert.ok(step <= 2000, 'a script ends')
      assert.ok(decision.proxy.locations.length > 0)
      decision = run.proxied(results[(seed + step) % 4] as ProxyResult)
    }
    assert.ok(['default', 'best', 'reject', 'redirect'].includes(decision.kind))
  }
}

function held(document: Bytes, seed: number): void {
  const began = performance.now()
  const script = readCpl(document, zone)
  if ('reason' in script) {
    assert.ok(script.line >= 1 && script.column >= 1 && script.reason !== '')
    assert.ok(script.line <= document.length + 1)
  } else follow(script, seed)
  const took = performance.now() - began
  assert.ok(took < millisecondsMax, `${took} ms for ${Buffer.from(document)}`)
}

test('examples with octets changed, cut out and repeated', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...examples),
      fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.tuple(fc.nat(2000), fc.nat(40), fc.nat(3)),
      fc.nat(0x7fffffff),
      (example, flips, [from, length, times], seed) => {
        const piece = example.subarray(from, from + length)
        const bytes = Buffer.concat([
          example.subarray(0, from),
          ...Array(times).fill(piece),
          example.subarray(from + length),
        ])
        for (const [at, value] of flips) if (at < bytes.length) bytes[at] = value
        held(bytes, seed)
      },
    ),
    runs,
  )
})

const numbers = fc.oneof(
  fc.integer({ min: -400, max: 400 }).map(String),
  fc.constantFrom('0', '1', '-1', '999999999', '1e9', ''),
)
const lists = fc.array(numbers, { minLength: 1, maxLength: 5 }).map((all) => all.join(','))
const days = fc.array(
  fc.tuple(fc.constantFrom('', '1', '-1', '+2', '5', '53'), fc.constantFrom('MO', 'tu', 'SU', 'XX')),
  { minLength: 1, maxLength: 4 },
)
const times = fc
  .record(
    {
      dtstart: fc.constantFrom(
        '20260101T090000',
        '20240229T235959Z',
        '00010101T000000',
        '99991231T235959',
        'x',
      ),
      duration: fc.constantFrom('PT8H', 'P1D', 'PT1S', 'P52W', 'PT0S', 'P366D', 'PT999999H'),
      freq: fc.constantFrom('secondly', 'minutely', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'),
      interval: numbers,
      count: fc.constantFrom('1', '2', '50', '2000'),
      until: fc.constantFrom('20270101', '99991231T235959Z', '00010101'),
      bysecond: lists,
      byminute: lists,
      byhour: lists,
      byday: days.map((all) => all.map((one) => one.join('')).join(',')),
      bymonthday: lists,
      byyearday: lists,
      byweekno: lists,
      bymonth: lists,
      bysetpos: lists,
      wkst: fc.constantFrom('SU', 'we'),
    },
    { requiredKeys: ['dtstart', 'duration'] },
  )
  .map(
    (all) =>
      `<time ${Object.entries(all)
        .map(([name, value]) => `${name}="${value}"`)
        .join(' ')}><reject status="busy"/></time>`,
  )

test('rules of every kind: endless ones, dense ones, such as never come', () => {
  fc.assert(
    fc.property(
      fc.array(times, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('Europe/Rome', 'America/New_York', 'UTC', 'Pacific/Apia'),
      fc.nat(0x7fffffff),
      (all, tzid, seed) =>
        held(
          utf8(`<cpl><incoming><time-switch tzid="${tzid}">${all.join('')}</time-switch></incoming></cpl>`),
          seed,
        ),
    ),
    runs,
  )
})

interface Piece {
  readonly text: string
}

const node: fc.Arbitrary<Piece> = fc.letrec<{ node: Piece }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 8, depthSize: 'small' },
    fc.constantFrom(
      { text: '' },
      { text: '<redirect/>' },
      { text: '<reject status="busy"/>' },
      { text: '<sub ref="a"/>' },
    ),
    tie('node').map(({ text }) => ({ text: `<location url="sip:x@y.example">${text}</location>` })),
    tie('node').map(({ text }) => ({
      text: `<lookup source="registration"><success>${text}</success><notfound>${text}</notfound></lookup>`,
    })),
    tie('node').map(({ text }) => ({ text: `<remove-location>${text}</remove-location>` })),
    fc
      .tuple(tie('node'), tie('node'))
      .map(([a, b]) => ({ text: `<proxy><busy>${a.text}</busy><default>${b.text}</default></proxy>` })),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => ({
      text: `<address-switch field="origin" subfield="tel"><address subdomain-of="12">${a.text}</address><otherwise>${b.text}</otherwise></address-switch>`,
    })),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => ({
      text: `<string-switch field="subject"><not-present>${a.text}</not-present><string contains="s">${b.text}</string></string-switch>`,
    })),
    tie('node').map(({ text }) => ({ text: `<mail url="mailto:a@b?subject=%"><log>${text}</log></mail>` })),
  ),
})).node

test('trees of all nodes, followed to their ends', () => {
  fc.assert(
    fc.property(node, node, node, fc.nat(0x7fffffff), (sub, incoming, outgoing, seed) => {
      const plain = sub.text.replaceAll('<sub ref="a"/>', '')
      const document = `<cpl><subaction id="a">${plain}</subaction><incoming>${incoming.text}</incoming><outgoing>${outgoing.text}</outgoing></cpl>`
      held(utf8(document), seed)
    }),
    runs,
  )
})

test('the largest and deepest that are read, and beyond', () => {
  const time =
    '<time dtstart="20240229T000000" duration="P366D" freq="yearly" interval="4" byday="-53SU" count="40"/>'
  const dense =
    '<time dtstart="20260101T000000" duration="PT1S" freq="secondly" bymonth="2" bymonthday="30"/>'
  for (const document of [
    `<cpl><incoming><time-switch tzid="Europe/Rome">${time.repeat(50)}</time-switch></incoming></cpl>`,
    `<cpl><incoming><time-switch tzid="Europe/Rome">${dense.repeat(50)}</time-switch></incoming></cpl>`,
    `<cpl><incoming>${'<log>'.repeat(60)}${'</log>'.repeat(60)}</incoming></cpl>`,
    `<cpl><incoming>${'<log>'.repeat(60_000)}`,
    `<cpl>${'<subaction id="'.repeat(3000)}`,
    `<cpl>${Array.from(
      { length: 1000 },
      (_, i) => `<subaction id="${i}"><log>${i === 0 ? '' : `<sub ref="${i - 1}"/>`}</log></subaction>`,
    )
      .join('')
      .slice(0, 60_000)}</cpl>`,
    `<cpl><incoming><address-switch field="origin">${`<address is="${'%'.repeat(2000)}"/>`.repeat(25)}</address-switch></incoming></cpl>`,
    '<!DOCTYPE cpl SYSTEM "'.padEnd(60_000, '>'),
    '<!--'.repeat(15_000),
  ])
    for (const seed of [0, 1, 2, 1_900_000_001]) held(utf8(document), seed)
})
