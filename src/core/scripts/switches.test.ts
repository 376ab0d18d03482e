import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressSubfield, RequestFacts, Switch, TextTest } from '#model'
import { isSameParty } from './addresses.ts'
import { choose } from './switches.ts'

const nothing: RequestFacts = {
  address: () => undefined,
  text: () => undefined,
  languages: () => undefined,
  priority: () => undefined,
}

/** Whether the first output is taken; `absent` where `not-present` is. */
function taken(node: Switch, facts: Partial<RequestFacts>): boolean | 'absent' {
  const outputs = [
    ...node.outputs,
    { when: 'not-present', next: log('absent') },
    { when: 'otherwise', next: log('otherwise') },
  ]
  const { next } = choose({ ...node, outputs } as Switch, { ...nothing, ...facts }, 0)
  if (next?.kind === 'log') return next.name === 'absent' ? 'absent' : false
  return true
}

const log = (name: string) => ({ kind: 'log', name, comment: '', next: undefined }) as const

function address(
  subfield: AddressSubfield | undefined,
  how: TextTest['how'],
  value: string,
  uri: string,
  display?: string,
) {
  const outputs = [{ when: { how, value }, next: undefined }]
  const found = { uri, ...(display === undefined ? {} : { display }) }
  return taken({ kind: 'address-switch', field: 'origin', subfield, outputs }, { address: () => found })
}

// RFC 3880 §4.1: subfield, way of matching, what the script has, the address, and whether that matches.
const rows: readonly [AddressSubfield | undefined, TextTest['how'], string, string, boolean | 'absent'][] = [
  ['address-type', 'is', 'SIP', 'sip:a@b.example', true],
  ['address-type', 'is', 'sip', 'tel:+1234', false],
  ['user', 'is', 'joe', 'sip:joe@b.example', true],
  ['user', 'is', 'Joe', 'sip:joe@b.example', false],
  ['user', 'is', 'jöe', 'sip:j%C3%B6e@b.example', true],
  ['user', 'is', 'x', 'sip:b.example', 'absent'],
  ['user', 'is', '+1234', 'tel:+1234;phone-context=x', true],
  ['host', 'is', 'B.Example', 'sip:a@b.example:5060;transport=tcp', true],
  ['host', 'is', 'b.example', 'sip:a@c.b.example', false],
  ['host', 'is', 'b.example', 'tel:+1234', 'absent'],
  ['host', 'is', '2001:DB8:0:0::1', 'sip:a@[2001:db8::1]', true],
  ['host', 'is', '[2001:db8::1]', 'sip:a@[2001:db8::1]:5060', true],
  ['host', 'is', '::ffff:192.0.2.1', 'sip:a@192.0.2.1', false],
  ['host', 'subdomain-of', 'example.com', 'sip:a@zaphod.sales.internal.example.com', true],
  ['host', 'subdomain-of', '.example.com', 'sip:a@example.com', true],
  ['host', 'subdomain-of', 'example.com', 'sip:a@badexample.com', false],
  ['host', 'subdomain-of', '192.0.2.1', 'sip:a@192.0.2.1', true],
  ['host', 'subdomain-of', '2.1', 'sip:a@192.0.2.1', false],
  ['port', 'is', '05060', 'sip:a@b.example:5060', true],
  ['port', 'is', '5060', 'sip:a@b.example', 'absent'],
  ['tel', 'is', '+1 (212) 555-1212', 'tel:+12125551212', true],
  ['tel', 'subdomain-of', '1212555', 'sip:1-212-555-1212@gw.example;user=phone', true],
  ['tel', 'subdomain-of', '1900', 'sip:+19005551212@gw.example', true],
  ['tel', 'is', '1001', 'sip:1001@b.example', true],
  ['tel', 'is', '1001', 'sip:joe@b.example', 'absent'],
  ['password', 'is', 'Secret', 'sip:joe:Secret@b.example', true],
  ['password', 'is', 'secret', 'sip:joe:Secret@b.example', false],
  ['alias-type', 'is', 'h323-ID', 'h323:joe@b.example', 'absent'],
  [undefined, 'is', 'sip:joe@B.example', 'sip:joe@b.example;tag=x', true],
  [undefined, 'is', 'sip:joe@b.example:5060', 'sip:joe@b.example', false],
  [undefined, 'is', 'im:joe@b.example', 'xmpp:joe@b.example/desk', true],
  [undefined, 'is', 'impp://b.example/joe', 'sips:joe@b.example', true],
  [undefined, 'is', 'tel:+1-212', 'sip:+1212@gw.example', true],
  [undefined, 'is', 'http://b.example/joe', 'sip:joe@b.example', false],
  [undefined, 'contains', 'joe@', 'sip:joe@b.example', true],
]

for (const [subfield, how, value, uri, expected] of rows)
  test(`${subfield ?? 'address'} ${how} ${value}: ${uri}: ${expected} (RFC 3880 §4.1)`, () =>
    assert.equal(address(subfield, how, value, uri), expected))

test('names are matched as §4.2 has it, and may be absent', () => {
  assert.equal(address('display', 'contains', 'STRASSE', 'sip:a@b', 'Joe Straße'), true)
  assert.equal(address('display', 'is', 'ﬁne', 'sip:a@b', 'FINE'), true)
  assert.equal(address('display', 'contains', 'ΟΔΟΣ', 'sip:a@b', 'οδος 7'), true)
  assert.equal(address('display', 'is', 'joe', 'sip:a@b', 'Joe X'), false)
  assert.equal(address('display', 'is', 'joe', 'sip:a@b'), 'absent')
})

test('a string is there or not, and matched without its case (§4.2)', () => {
  const subject = (how: 'is' | 'contains', value: string, text: string | undefined) =>
    taken(
      { kind: 'string-switch', field: 'subject', outputs: [{ when: { how, value }, next: undefined }] },
      { text: () => text },
    )
  assert.equal(subject('is', 'BUY NOW', 'Buy now'), true)
  assert.equal(subject('contains', 'buy', 'Please Buy'), true)
  assert.equal(subject('is', 'buy', 'Please Buy'), false)
  assert.equal(subject('is', 'buy', undefined), 'absent')
})

test('a language range matches its tag and longer ones; * is ignored (§4.3)', () => {
  const language = (tag: string, ranges: readonly string[] | undefined) =>
    taken(
      { kind: 'language-switch', outputs: [{ when: { tag }, next: undefined }] },
      { languages: () => ranges },
    )
  assert.equal(language('en-us', ['EN']), true)
  assert.equal(language('en', ['en-us']), false)
  assert.equal(language('english', ['en']), false)
  assert.equal(language('en', ['*']), false)
  assert.equal(language('en', undefined), 'absent')
})

test('priorities have an order, the absent one is normal, and unknown ones are equal to themselves alone (§4.5)', () => {
  const is = (how: 'less' | 'greater' | 'equal', value: string, priority: string | undefined) =>
    taken(
      { kind: 'priority-switch', outputs: [{ when: { how, value }, next: undefined }] },
      { priority: () => priority },
    )
  assert.equal(is('greater', 'normal', 'Urgent'), true)
  assert.equal(is('greater', 'urgent', 'urgent'), false)
  assert.equal(is('less', 'normal', 'non-urgent'), true)
  assert.equal(is('equal', 'normal', undefined), true)
  assert.equal(is('less', 'urgent', undefined), true)
  assert.equal(is('greater', 'non-urgent', 'odd'), true)
  assert.equal(is('equal', 'normal', 'odd'), false)
  assert.equal(is('equal', 'odd', 'Odd'), true)
})

test('the first output that matches is taken, and none where none does (§4)', () => {
  const node = (outputs: Switch['outputs']) =>
    ({ kind: 'string-switch', field: 'subject', outputs }) as Switch
  const is = (value: string) => ({ how: 'is', value }) as const
  const facts = { ...nothing, text: () => 'b' }
  const outputs = [
    { when: is('a'), next: log('1') },
    { when: is('b'), next: log('2') },
    { when: 'otherwise', next: log('3') },
  ] as const
  assert.deepEqual(choose(node(outputs), facts, 0), { taken: true, next: log('2') })
  assert.deepEqual(choose(node(outputs.slice(0, 1)), facts, 0), { taken: false, next: undefined })
  assert.deepEqual(choose(node([]), facts, 0), { taken: false, next: undefined })
})

test('what is no address is the same as itself alone', () => {
  assert.equal(isSameParty('nothing', 'nothing'), true)
  assert.equal(isSameParty('urn:a', 'urn:b'), false)
})
