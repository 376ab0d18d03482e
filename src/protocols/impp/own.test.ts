// Requests about one's own lists (docs/specs/impp-1.0.md §11.1 to §11.4).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { utf8 } from '#base'
import type { Outcome } from '#model'
import { parseContacts, parseRules, parseWatchers } from './codec/index.ts'
import { at, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand, type Seen } from './testing/hand.ts'

afterEach(dropHands)

const juliet = 'impp://example.com/juliet'
const romeo = 'impp://example.com/romeo'
const list = { 'Content-Type': 'application/impp-list' }
const own = { Target: juliet }

function access(...rules: [subject: string, action: string, visibility?: string][]): string {
  const entries = rules.map(([subject, action, visibility]) => {
    const seen = visibility === undefined ? '' : `<visibility>${visibility}</visibility>`
    return `<rule><subject>${subject}</subject><action>${action}</action>${seen}</rule>`
  })
  return `<access>${entries.join('')}</access>`
}

const wordOf = ({ first, fields }: Seen): string => fields.reason ?? (first.split(' ')[0] as string)

/** Rules as text, for comparison. */
function rulesOf(seen: Seen): string[] | undefined {
  return parseRules(utf8(seen.body))?.map(
    ({ subject, action, visibility }) => `${subject} ${action} ${visibility}`,
  )
}

function done(ask: (told: (outcome: Outcome) => void) => void): Promise<Outcome> {
  return new Promise((resolve) => ask(resolve))
}

describe('GET-ACL and SET-ACL (IMPP §11.1, §16)', () => {
  test('rules for a person, a domain and everybody are put, shown in order, and removed', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const empty = await desk.ask('GET-ACL', own)
    assert.deepEqual(rulesOf(empty), [])
    const rules = access(['*', 'confirm'], ['Example.NET', 'polite-block'], [romeo, 'allow', 'basic'])
    const put = await desk.ask('SET-ACL', { ...own, ...list, Change: 'put' }, rules)
    assert.equal(wordOf(put), 'OK')
    const shown = await desk.ask('GET-ACL', own)
    assert.deepEqual(rulesOf(shown), [
      '* confirm full',
      'example.net polite-block full',
      `${romeo} allow basic`,
    ])
    assert.equal(shown.fields['entity-tag'], put.fields['entity-tag'])
    assert.notEqual(shown.fields['entity-tag'], empty.fields['entity-tag'])
    const removed = access(['example.net', 'block'], ['not.there', 'block'])
    await desk.ask('SET-ACL', { ...own, ...list, Change: 'remove' }, removed)
    assert.deepEqual(rulesOf(await desk.ask('GET-ACL', own)), ['* confirm full', `${romeo} allow basic`])
    const { rules: held } = (await f.service.store.accountState(at('juliet@example.com'))) ?? {}
    assert.deepEqual(held?.map(({ subject }) => subject).sort(), ['*', 'romeo@example.com'])
  })

  test('a rule about one device, as XMPP sets it, is shown and put like the others (XEP-0191 §3.2)', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const subject = 'romeo@example.com/orchard: home'
    const owner = at('juliet@example.com')
    await done((told) =>
      f.service.contacts.setRule(owner, { subject, action: 'block', visibility: 'full' }, told),
    )
    const shown = await desk.ask('GET-ACL', own)
    assert.deepEqual(rulesOf(shown), [`${subject} block full`])
    const replace = { ...own, ...list, Change: 'replace', 'If-Match': shown.fields['entity-tag'] as string }
    assert.equal(wordOf(await desk.ask('SET-ACL', replace, shown.body)), 'OK')
    assert.equal((await desk.ask('GET-ACL', own)).fields['entity-tag'], shown.fields['entity-tag'])
  })

  test('a rule about a domain with its subdomains is put, shown and removed, and binds who is below it', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    const rules = access(['*.COM', 'block'], ['*.far.example', 'confirm'])
    assert.equal(wordOf(await desk.ask('SET-ACL', { ...own, ...list, Change: 'put' }, rules)), 'OK')
    const shown = await desk.ask('GET-ACL', own)
    assert.deepEqual(rulesOf(shown), ['*.com block full', '*.far.example confirm full'])
    assert.equal((await other.ask('SEND', own, 'hello')).fields.reason, 'permission-denied')
    const replace = { ...own, ...list, Change: 'replace', 'If-Match': shown.fields['entity-tag'] as string }
    assert.equal(wordOf(await desk.ask('SET-ACL', replace, shown.body)), 'OK')
    assert.equal((await desk.ask('GET-ACL', own)).fields['entity-tag'], shown.fields['entity-tag'])
    await desk.ask('SET-ACL', { ...own, ...list, Change: 'remove' }, access(['*.com', 'block']))
    assert.equal(wordOf(await other.ask('SEND', own, 'hello')), 'OK')
  })

  test('a whole set replaces only the one its writer has seen', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const phone = await new Hand(f).login('juliet')
    const seen = (await desk.ask('GET-ACL', own)).fields['entity-tag'] as string
    const replace = { ...own, ...list, Change: 'replace' }
    assert.equal(wordOf(await desk.ask('SET-ACL', replace, access(['*', 'block']))), 'malformed')
    await phone.ask('SET-ACL', { ...own, ...list, Change: 'put' }, access(['example.net', 'block']))
    const late = await desk.ask('SET-ACL', { ...replace, 'If-Match': seen }, access(['*', 'block']))
    assert.equal(late.fields.reason, 'precondition-failed')
    const fresh = await desk.ask('GET-ACL', own)
    assert.equal(late.fields['entity-tag'], fresh.fields['entity-tag'], 'the refusal says what it is now')
    const again = { ...replace, 'If-Match': fresh.fields['entity-tag'] as string }
    assert.equal(wordOf(await desk.ask('SET-ACL', again, access(['*', 'block']))), 'OK')
    assert.deepEqual(rulesOf(await phone.ask('GET-ACL', own)), ['* block full'])
  })

  test('what is set is obeyed at once: a blocked sender is refused, a politely blocked watcher sees an absence', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    const open =
      '<presence><entity>pres:juliet@example.com</entity><tuple><id>x</id><basic>open</basic></tuple></presence>'
    const change = { ...own, 'Lease-Time': 'connection', 'Content-Type': 'application/impp' }
    await desk.ask('CHANGE', change, open)
    await other.ask('SUBSCRIBE', own)
    await desk.ask('SET-ACL', { ...own, ...list, Change: 'put' }, access([romeo, 'polite-block']))
    assert.doesNotMatch((await other.next(other.requests)).body, /<tuple/)
    assert.equal((await other.ask('SEND', own, 'hello')).fields.reason, 'permission-denied')
  })

  /** [fields, body, answer] */
  const wrong: [Record<string, string>, string | undefined, string][] = [
    [{ Change: 'put' }, access(['*', 'allow']), 'malformed'],
    [{ ...own }, access(['*', 'allow']), 'malformed'],
    [{ ...own, Change: 'mend' }, access(['*', 'allow']), 'malformed'],
    [{ ...own, Change: 'put' }, undefined, 'malformed'],
    [{ ...own, Change: 'put' }, '<access><rule><subject>*</subject></rule></access>', 'malformed'],
    [{ ...own, Change: 'put' }, access(['*', 'stab']), 'malformed'],
    [{ ...own, Change: 'put' }, access(['*', 'allow', 'naked']), 'malformed'],
    [{ ...own, Change: 'put' }, '<access a="b"/>', 'malformed'],
    [{ ...own, Change: 'put' }, '<contacts></contacts>', 'malformed'],
    [{ ...own, Change: 'put' }, `<access>${'<rule></rule>'.repeat(1001)}</access>`, 'malformed'],
    [{ ...own, Change: 'put' }, access(['no domain', 'allow']), 'address-malformed'],
    [{ ...own, Change: 'put' }, access(['a@b.example/', 'allow']), 'address-malformed'],
    [{ ...own, Change: 'put' }, access(['a.*.example', 'allow']), 'address-malformed'],
    [{ ...own, Change: 'put' }, access(['b.example/x', 'allow']), 'address-malformed'],
    [{ ...own, Change: 'put' }, access(['mailto:a@b.example', 'allow']), 'address-malformed'],
    [
      { ...own, Change: 'put', 'Content-Type': 'text/xml' },
      access(['*', 'allow']),
      'mime-type-not-understood',
    ],
    [{ Target: romeo, Change: 'put' }, access(['*', 'allow']), 'permission-denied'],
    [{ Target: 'nobody', Change: 'put' }, access(['*', 'allow']), 'address-malformed'],
  ]
  for (const [fields, body, answer] of wrong) {
    test(`SET-ACL ${JSON.stringify(fields)} with ${body?.slice(0, 50)}: ${answer}, and nothing changed`, async () => {
      const f = await fixture()
      const desk = await new Hand(f).login('juliet')
      assert.equal(wordOf(await desk.ask('SET-ACL', { ...list, ...fields }, body)), answer)
      assert.deepEqual(rulesOf(await desk.ask('GET-ACL', own)), [])
    })
  }

  test('a list larger than its reader takes comes in pages, whole and once', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet', {}, { 'Max-Message-Size': '4096' })
    const all: [string, string][] = Array.from({ length: 150 }, (_, n) => [`d${n}.example`, 'block'])
    for (let n = 0; n < 150; n += 50)
      await desk.ask('SET-ACL', { ...own, ...list, Change: 'put' }, access(...all.slice(n, n + 50)))
    const found: string[] = []
    let pages = 0
    for (let after: string | undefined = ''; after !== undefined; pages++) {
      const page: Seen = await desk.ask('GET-ACL', { ...own, ...(after !== '' && { After: after }) })
      found.push(...(rulesOf(page) ?? []))
      after = page.fields.next
    }
    assert.ok(pages > 2)
    assert.deepEqual(found.sort(), all.map(([domain]) => `${domain} block full`).sort())
  })
})

describe('contacts and watchers', () => {
  test('a request is seen, allowed, and its watcher told; later it is denied (RFC 2779 §2.3)', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    await desk.ask('SET-ACL', { ...own, ...list, Change: 'put' }, access(['*', 'confirm']))
    await desk.ask('GET-WATCHERS', { ...own, Notify: 'yes' })
    await desk.ask('GET-CONTACTS', { ...own, Notify: 'yes' })
    const pending = await other.ask('SUBSCRIBE', own)
    assert.equal(pending.fields['subscription-state'], 'pending')
    const told = await desk.next(desk.requests)
    assert.match(told.first, /^WATCHERS-NOTIFY /)
    assert.equal(told.fields.target, juliet)
    const [watcher] = parseWatchers(utf8(told.body)) ?? []
    assert.deepEqual([watcher?.url, watcher?.status, watcher?.sees], [romeo, 'pending', 'full'])
    assert.equal(watcher?.lease?.protocol, 'impp')
    await settled()
    desk.requests.length = 0
    assert.equal(wordOf(await desk.ask('AUTHORIZE', { Target: romeo, Decision: 'allow' })), 'OK')
    assert.match((await other.next(other.requests)).first, /^CHANGE-NOTIFY /)
    await settled()
    const contacts = desk.requests.filter(({ first }) => first.startsWith('CONTACTS-NOTIFY'))
    assert.deepEqual(parseContacts(utf8(contacts.at(-1)?.body ?? ''))?.[0]?.states, ['is-seen'])
    const now = parseWatchers(utf8((await desk.ask('GET-WATCHERS', own)).body)) ?? []
    assert.ok(now.every(({ url, status }) => url === romeo && status === 'active'))
    assert.equal(wordOf(await desk.ask('AUTHORIZE', { Target: romeo, Decision: 'deny' })), 'OK')
    assert.match((await other.next(other.requests)).first, /^TERMINATE-SUBSCRIPTION /)
    assert.deepEqual(parseWatchers(utf8((await desk.ask('GET-WATCHERS', own)).body)), [])
  })

  test('the list is put, shown with names and groups, told to the other device, and taken off', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const phone = await new Hand(f).login('juliet')
    await phone.ask('GET-CONTACTS', { ...own, Notify: 'yes' })
    const entry =
      '<contacts><contact><address>x</address><name>Romeo &amp; co</name><group>Friends</group><group> a </group></contact></contacts>'
    assert.equal(
      wordOf(await desk.ask('SET-CONTACT', { Target: romeo, Change: 'put', ...list }, entry)),
      'OK',
    )
    const expected = { url: romeo, name: 'Romeo & co', groups: ['Friends', ' a '], states: [], isGone: false }
    assert.deepEqual(parseContacts(utf8((await phone.next(phone.requests)).body)), [expected])
    assert.deepEqual(parseContacts(utf8((await desk.ask('GET-CONTACTS', own)).body)), [expected])
    assert.equal(wordOf(await desk.ask('SET-CONTACT', { Target: romeo, Change: 'remove' })), 'OK')
    assert.equal(parseContacts(utf8((await phone.next(phone.requests)).body))?.[0]?.isGone, true)
    assert.equal(wordOf(await desk.ask('SET-CONTACT', { Target: romeo, Change: 'remove' })), 'not-found')
  })

  /** [method, fields, body, answer] */
  const wrong: [string, Record<string, string>, string | undefined, string][] = [
    ['SET-CONTACT', { Change: 'put' }, '<contacts></contacts>', 'malformed'],
    ['SET-CONTACT', { Target: romeo, Change: 'put' }, '<contacts></contacts>', 'malformed'],
    [
      'SET-CONTACT',
      { Target: romeo, Change: 'put' },
      '<contacts><contact></contact></contacts>',
      'malformed',
    ],
    [
      'SET-CONTACT',
      { Target: romeo, Change: 'put', 'Content-Type': 'text/plain' },
      'x',
      'mime-type-not-understood',
    ],
    ['SET-CONTACT', { Target: 'impp://example.com/', Change: 'remove' }, undefined, 'address-malformed'],
    [
      'SET-CONTACT',
      { Target: romeo, Change: 'put' },
      `<contacts><contact><address>x</address><name>${'n'.repeat(1025)}</name></contact></contacts>`,
      'malformed',
    ],
    ['AUTHORIZE', { Target: romeo }, undefined, 'malformed'],
    ['AUTHORIZE', { Target: romeo, Decision: 'perhaps' }, undefined, 'malformed'],
    ['AUTHORIZE', { Target: juliet, Decision: 'allow' }, undefined, 'not-acceptable'],
    ['AUTHORIZE', { Target: 'impp://example.com/', Decision: 'deny' }, undefined, 'address-malformed'],
    ['GET-CONTACTS', { Target: romeo }, undefined, 'permission-denied'],
    ['GET-WATCHERS', { Target: romeo }, undefined, 'permission-denied'],
    ['GET-WATCHERS', {}, undefined, 'malformed'],
  ]
  for (const [method, fields, body, answer] of wrong) {
    test(`${method} ${JSON.stringify(fields)} with ${body?.slice(0, 40)}: ${answer}`, async () => {
      const f = await fixture()
      const desk = await new Hand(f).login('juliet')
      assert.equal(wordOf(await desk.ask(method, { ...list, ...fields }, body)), answer)
    })
  }

  test('one notification at a time; what changes meanwhile comes with the next, as it then is; too much is an overflow', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    await desk.ask('GET-CONTACTS', { ...own, Notify: 'yes' })
    desk.answers = 'nothing'
    const put = (name: string, called: string): Promise<Outcome> =>
      done((told) => f.service.contacts.put(at('juliet@example.com'), at(name), called, [], told))
    await put('a@far.example', '1')
    const first = await desk.next(desk.requests)
    for (const called of ['2', '3']) await put('a@far.example', called)
    await put('b@far.example', '')
    await settled()
    assert.equal(desk.requests.length, 0)
    desk.answer(first)
    const second = await desk.next(desk.requests)
    assert.deepEqual(
      parseContacts(utf8(second.body))?.map(({ url, name }) => `${url} ${name}`),
      ['impp://far.example/a 3', 'impp://far.example/b '],
    )
    for (let n = 0; n < 1001; n++) await put(`c${n}@far.example`, '')
    desk.answer(second)
    const third = await desk.next(desk.requests)
    assert.equal(third.fields.overflow, 'yes')
    assert.deepEqual(parseContacts(utf8(third.body)), [])
  })

  test('what a connection followed ends with it', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    await desk.ask('GET-CONTACTS', { ...own, Notify: 'yes' })
    await desk.ask('GET-WATCHERS', { ...own, Notify: 'yes' })
    const account = f.service.directory.resident(at('juliet@example.com'))
    assert.deepEqual([account?.contactAgents.size, account?.watcherInfoAgents.size], [1, 1])
    desk.connection.destroy()
    await settled()
    assert.deepEqual([account?.contactAgents.size, account?.watcherInfoAgents.size], [0, 0])
  })
})
