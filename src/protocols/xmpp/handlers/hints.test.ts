// What is kept of a message by its type and its hints (XEP-0334 §4, XEP-0160 §3, XEP-0313 §6.1.1): while its recipient is away, and in archives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { archived, query } from '../testing/archive-questions.ts'

const hint = (name: string): string => `<${name} xmlns='urn:xmpp:hints'/>`
const body = '<body>x</body>'
const state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"

const rows: [name: string, type: string, inner: string, waits: boolean, isArchived: boolean][] = [
  ['chat', 'chat', body, true, true],
  ['normal', 'normal', body, true, true],
  ['no-store (§4.2)', 'chat', body + hint('no-store'), false, false],
  ['no-permanent-store (§4.1)', 'chat', body + hint('no-permanent-store'), true, false],
  ['store without a body (§4.4)', 'chat', `<x xmlns='urn:x'/>${hint('store')}`, true, true],
  ['store makes a chat state worth keeping', 'chat', state + hint('store'), true, true],
  ['a chat state alone (XEP-0160 §3)', 'chat', state, false, false],
  [
    'store and no-store: the one that keeps less',
    'chat',
    body + hint('store') + hint('no-store'),
    false,
    false,
  ],
  ['no-copy is no no-store', 'chat', body + hint('no-copy'), true, true],
  ['headline', 'headline', body, false, false],
  [
    'headline to be stored: archived where it was seen (RFC 6121 §8.5.2.2.1)',
    'headline',
    body + hint('store'),
    false,
    true,
  ],
  ['groupchat', 'groupchat', body + hint('store'), false, false],
  ['error', 'error', body + hint('store'), false, false],
]

for (const [name, type, inner, waits, isArchived] of rows) {
  test(`kept or not: ${name}`, async () => {
    const domain = await archived()
    const romeo = await domain.available('romeo', 'orchard')
    const stanza = `<message to='juliet@localhost' type='${type}'>${inner}</message>`
    romeo.send(stanza)
    await domain.settle()
    const juliet = await domain.bound('juliet', 'balcony')
    juliet.send('<presence/>')
    await domain.settle()
    await juliet.settled()
    const late = juliet.received.filter((each) => each.name === 'message')
    assert.equal(late.length, waits ? 1 : 0, 'waited')
    assert.equal(
      late.every((each) => each.child('delay', 'urn:xmpp:delay') !== undefined),
      true,
    )
    const before = (await query(juliet)).ids.length
    assert.equal(before, waits && isArchived ? 1 : 0)
    romeo.send(stanza)
    await domain.settle()
    assert.equal((await query(juliet)).ids.length - before, isArchived ? 1 : 0, 'archived')
  })
}
