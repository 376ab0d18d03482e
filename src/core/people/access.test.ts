import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at } from '../testing/envelopes.ts'
import { type AccessSubject, mayMessage, mayReach, maySubscribe, visible } from './access.ts'
import {
  type AccessAction,
  type AccessRule,
  AccessRuleMap,
  deviceKey,
  partyOfKey,
  readSubject,
  ruleFor,
  type VisibilityClass,
} from './access-rules.ts'
import { noAuthorization } from './contact.ts'

const juliet = at('juliet@verona.example')
const romeo = at('romeo@verona.example')
const tybalt = at('tybalt@mantua.example')

const rule = (subject: string, action: AccessAction, visibility: VisibilityClass = 'full'): AccessRule => ({
  subject,
  action,
  visibility,
})

function owner(rules: readonly AccessRule[], friends: readonly string[] = []): AccessSubject {
  const contacts = friends.map((name) => {
    const authorization = { ...noAuthorization, from: true }
    return [name, { address: at(name), authorization, listed: true, name: '', groups: [] }] as const
  })
  return {
    address: juliet,
    rules: new Map(rules.map((each) => [each.subject, each])),
    contacts: new Map(contacts),
  }
}

const everyone = rule('*', 'block')
const domain = rule('verona.example', 'polite-block')
const whole = rule('*.verona.example', 'block')
const wider = rule('*.example', 'confirm')
const person = rule('romeo@verona.example', 'allow', 'basic')

type ExactRow = [name: string, rules: AccessRule[], wins: AccessRule | undefined]

const exactRows: ExactRow[] = [
  ['none', [], undefined],
  ['one about somebody else', [rule('tybalt@mantua.example', 'block')], undefined],
  [
    'one about another domain, or a part of this one',
    [rule('example', 'block'), rule('verona', 'block')],
    undefined,
  ],
  ['everybody', [everyone], everyone],
  ['the domain before everybody', [everyone, domain], domain],
  ['the person before the domain, in any order', [person, everyone, domain], person],
  ['a domain and what is below it', [everyone, whole], whole],
  ['the domain itself before it and what is below it', [whole, domain], domain],
  ['the longer name of two', [wider, whole], whole],
  ['the longer name of two, in any order', [whole, wider], whole],
  ['a domain above', [everyone, wider], wider],
  [
    'a domain that only ends alike',
    [rule('*.na.example', 'block'), rule('*.a.verona.example', 'block')],
    undefined,
  ],
]

for (const [name, rules, wins] of exactRows) {
  test(`the most exact rule counts: ${name}`, () => {
    assert.equal(ruleFor(owner(rules).rules, romeo), wins)
  })
}

type DecisionRow = [
  name: string,
  subject: AccessSubject,
  confirmSameDomain: boolean,
  subscribe: string,
  sees: string,
  messages: boolean,
]

const decisions: DecisionRow[] = [
  ['no rule, same domain, confirmed', owner([]), true, 'confirm', 'full', true],
  ['no rule, same domain, let in', owner([]), false, 'allow', 'full', true],
  ['authorized', owner([], ['romeo@verona.example']), true, 'allow', 'full', true],
  ['allowed', owner([rule('*', 'allow')]), true, 'allow', 'full', true],
  ['allowed a little', owner([person]), true, 'allow', 'basic', true],
  ['blocked though authorized', owner([everyone], ['romeo@verona.example']), true, 'block', 'nothing', false],
  ['politely blocked', owner([domain]), false, 'polite-block', 'nothing', false],
  ['to confirm, though the domain is let in', owner([rule('*', 'confirm')]), false, 'confirm', 'full', true],
  [
    'to confirm, and authorized since',
    owner([rule('*', 'confirm', 'basic')], ['romeo@verona.example']),
    true,
    'allow',
    'basic',
    true,
  ],
  ['blocked but for this one', owner([everyone, person]), true, 'allow', 'basic', true],
]

for (const [name, subject, confirmSameDomain, subscribe, sees, messages] of decisions) {
  test(`access: ${name} (RFC 2779 2.3, 5.1.11 to 5.1.16)`, () => {
    assert.equal(maySubscribe(subject, romeo, { confirmSameDomain }), subscribe)
    assert.equal(visible(subject, romeo), sees)
    assert.equal(mayMessage(subject, romeo), messages)
    assert.equal(mayReach(subject, romeo), messages)
  })
}

test('another domain is always confirmed where no rule names it', () => {
  assert.equal(maySubscribe(owner([]), tybalt, { confirmSameDomain: false }), 'confirm')
})

test('an owner sees itself whatever its rules say', () => {
  assert.equal(maySubscribe(owner([everyone]), juliet, { confirmSameDomain: true }), 'allow')
  assert.equal(visible(owner([everyone]), juliet), 'full')
})

test('a domain may decide for its own people otherwise than the others', () => {
  const policy = { confirmSameDomain: true, confirmIn: new Map([[romeo.domain, false]]) }
  const colleague = owner([])
  assert.equal(colleague.address.domain, romeo.domain)
  assert.equal(maySubscribe(colleague, romeo, policy), 'allow')
  assert.equal(maySubscribe(colleague, romeo, { ...policy, confirmIn: new Map() }), 'confirm')
})

test('a rule about a device counts for it alone, and before all others (XEP-0191 §6)', () => {
  const rules = new AccessRuleMap()
  const put = (subject: string, action: AccessRule['action']): unknown =>
    rules.set(subject, { subject, action, visibility: 'full' })
  const action = (agent: string): string | undefined => ruleFor(rules, romeo, agent)?.action
  assert.equal(action('orchard'), undefined)
  put(romeo.key, 'block')
  put(`${romeo.key}/orchard`, 'allow')
  assert.deepEqual([action('orchard'), action('garden'), action('')], ['allow', 'block', 'block'])
  put(`${romeo.key}/orchard`, 'block')
  assert.equal(rules.devices, 1)
  rules.delete(`${romeo.key}/orchard`)
  rules.delete(`${romeo.key}/orchard`)
  assert.deepEqual([rules.devices, action('orchard')], [0, 'block'])
  put(`${romeo.key}/a/b@c`, 'confirm')
  assert.equal(action('a/b@c'), 'confirm')
  rules.clear()
  assert.deepEqual([rules.devices, rules.size], [0, 0])
})

test('a rule about a domain counts for all below it where there is one, and is looked for where there is one (RFC 3341 §3)', () => {
  const rules = new AccessRuleMap()
  const asked: string[] = []
  const { get } = rules
  rules.get = (subject) => {
    asked.push(subject)
    return get.call(rules, subject)
  }
  const from = at('romeo@a.far.example')
  const put = (subject: string): unknown =>
    rules.set(subject, { subject, action: 'block', visibility: 'full' })
  put('tybalt@mantua.example')
  assert.equal(ruleFor(rules, from), undefined)
  assert.deepEqual(asked, ['romeo@a.far.example', 'a.far.example', '*'])
  put('*.far.example')
  put('*.far.example')
  assert.equal(rules.wholeDomains, 1)
  assert.equal(ruleFor(rules, from)?.subject, '*.far.example')
  assert.equal(ruleFor(rules, at('romeo@far.example'))?.subject, '*.far.example')
  assert.equal(ruleFor(rules, at('romeo@afar.example')), undefined)
  assert.equal(ruleFor(new Map(rules), from)?.subject, '*.far.example', 'also where nobody counted')
  rules.delete('*.far.example')
  assert.deepEqual([rules.wholeDomains, ruleFor(rules, from)], [0, undefined])
  put('*.far.example')
  put('*.x@far.example')
  rules.clear()
  assert.deepEqual([rules.wholeDomains, rules.size], [0, 0])
})

test('a subject is read as it is kept', () => {
  const rows: [written: string, subject: string | undefined][] = [
    ['*', '*'],
    ['Romeo@Verona.example', 'romeo@verona.example'],
    ['Verona.example', 'verona.example'],
    ['*.Verona.Example.', '*.verona.example'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['*.*.example', undefined],
    ['a.*.example', undefined],
    ['*.', undefined],
    ['*.a/b', undefined],
    ['*.192.0.2.1', undefined],
    ['*.[2001:db8::1]', undefined],
  ]
  for (const [written, subject] of rows) assert.equal(readSubject(written), subject, written)
})

test('the key of a device is told apart into address and device', () => {
  const rows: [string, string, string, string][] = [
    ['romeo@verona.example', 'romeo', 'verona.example', ''],
    ['romeo@verona.example/a b', 'romeo', 'verona.example', 'a b'],
    ['romeo@verona.example/a/b@c', 'romeo', 'verona.example', 'a/b@c'],
    ['verona.example', '', 'verona.example', ''],
    ['verona.example/x', '', 'verona.example', 'x'],
    ['r/o@verona.example', 'r/o', 'verona.example', ''],
  ]
  for (const [key, user, domain, agent] of rows) {
    const party = partyOfKey(key)
    assert.deepEqual([party.address.user, party.address.domain, party.agent], [user, domain, agent], key)
    assert.equal(deviceKey(party.address, party.agent), key)
  }
})
