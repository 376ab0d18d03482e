import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from '#wire/xml'
import { archived, mam, query, textOf } from '../testing/archive-questions.ts'

test('preferences are told, set, obeyed and durable (XEP-0441 §2.1)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  let count = 0
  const prefs = (type: string, inner: string): Promise<Element> =>
    juliet.ask(`<iq type='${type}' id='p${++count}'>${inner}</iq>`)
  const got = await prefs('get', `<prefs xmlns='${mam}'/>`)
  assert.equal(textOf(got.elements()[0]), `<prefs xmlns='${mam}' default='always'><always/><never/></prefs>`)
  const wish =
    `<prefs xmlns='${mam}' default='roster'><always><jid>romeo@localhost/a b</jid></always>` +
    `<never><jid>montague.example</jid><jid>d\\27artagnan@example.net</jid></never></prefs>`
  assert.equal(textOf((await prefs('set', wish)).elements()[0]), wish)
  romeo.send("<message to='juliet@localhost' type='chat'><body>no contact</body></message>")
  await domain.settle()
  const live = juliet.received.find(({ name }) => name === 'message')
  assert.equal(live?.child('stanza-id', 'urn:xmpp:sid:0'), undefined, 'what is not archived has no id')
  assert.deepEqual((await query(juliet)).bodies, [])
  assert.deepEqual((await query(romeo)).bodies, ['no contact'])

  const account = domain.service.directory.resident(domain.address('juliet'))
  assert(account !== undefined)
  const state = await domain.store.accountState(domain.address('juliet'))
  assert(state?.archiving !== undefined)

  const rows: [string, string, string][] = [
    ['no default', `<prefs xmlns='${mam}'/>`, 'bad-request'],
    ['an unknown default', `<prefs xmlns='${mam}' default='some'/>`, 'bad-request'],
    ['no JID', `<prefs xmlns='${mam}' default='always'><never><jid>@</jid></never></prefs>`, 'jid-malformed'],
  ]
  for (const [name, inner, condition] of rows)
    assert.equal((await prefs('set', inner)).child('error')?.elements()[0]?.name, condition, name)
  const missing = await prefs('set', `<prefs xmlns='${mam}' default='always'/>`)
  assert.equal(
    textOf(missing.elements()[0]),
    `<prefs xmlns='${mam}' default='always'><always/><never/></prefs>`,
    'lists that are missing are empty (§2.1.2)',
  )
})
