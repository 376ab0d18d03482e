import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { Element } from '#wire/xml'
import { archived, conversation, field, form, mam, query, set, setOf } from '../testing/archive-questions.ts'
import { countMax, pageMax, pageOctetsMax, questionsMax } from './archive.ts'

test('a page holds so many messages and so many octets; the rest is on the next (LIMIT)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  const large = 'x'.repeat(pageOctetsMax / 8)
  for (let i = 0; i < 12; i++)
    romeo.send(`<message to='juliet@localhost' type='chat'><body>${i} ${large}</body></message>`)
  await domain.settle()
  const first = await query(juliet)
  assert.equal(first.ids.length, 7)
  assert.equal(first.fin?.attribute('complete'), undefined)
  const second = await query(juliet, set(`<after>${first.ids.at(-1)}</after>`))
  assert.equal(second.ids.length, 5)
  const last = await query(juliet, set('<before/>'))
  assert.deepEqual(last.ids, [...first.ids, ...second.ids].slice(5))
  for (let i = 0; i < pageMax + 10; i++)
    romeo.send("<message to='juliet@localhost' type='chat'><body>short</body></message>")
  await domain.settle()
  const many = await query(juliet, set(`<max>100000</max><after>${second.ids.at(-1)}</after>`))
  assert.equal(many.ids.length, pageMax)
  assert.equal(setOf(await query(juliet, set('<max>0</max>')))[3], String(12 + pageMax + 10))
  assert(countMax > pageMax)
})

test('a session asks a few questions at a time (LIMIT)', async () => {
  const { juliet } = await conversation(1)
  await juliet.settled()
  juliet.takeAll()
  let text = ''
  for (let i = 0; i <= questionsMax; i++) text += `<iq type='set' id='many${i}'><query xmlns='${mam}'/></iq>`
  juliet.send(text)
  await juliet.settled()
  const answers = juliet.received.filter(({ name }) => name === 'iq')
  assert.deepEqual(
    answers.map((answer) => answer.attribute('type')).sort(),
    ['error', ...Array.from({ length: questionsMax }, () => 'result')].sort(),
  )
  assert.equal((await query(juliet)).error, undefined, 'and then goes on')
})

test('a message that can be read no more keeps its place (§3.2)', async () => {
  const { domain, juliet } = await conversation(1)
  const [item] = await domain.store.history(domain.address('juliet'), { limit: 1 })
  assert(item !== undefined)
  await new Promise<void>((resolve, reject) =>
    domain.store.append(
      {
        id: 'broken',
        at: domain.clock.now(),
        head: item.head,
        raw: utf8('<message'),
        entries: [
          {
            owner: domain.address('juliet'),
            peer: item.peer,
            peerAgent: '',
            direction: 'received',
            undelivered: false,
            archived: true,
          },
        ],
      },
      (fault) => (fault === undefined ? resolve() : reject(fault)),
    ),
  )
  const answer = await query(juliet)
  assert.deepEqual(answer.bodies, ['0', undefined])
  assert.deepEqual(answer.ids[1], 'broken')
})

test('to oneself: once, and found with the own address alone (§4.1.1)', async () => {
  const { juliet } = await conversation(2)
  juliet.send("<message type='chat' id='s'><body>note</body></message>")
  const answer = await query(juliet, form(field('with', 'juliet@localhost')))
  assert.deepEqual(answer.bodies, ['note'])
  const message = answer.results[0]?.elements()[0]?.child('message', 'jabber:client')
  assert.deepEqual(
    [message?.attribute('from'), message?.attribute('to')],
    ['juliet@localhost/balcony', 'juliet@localhost'],
  )
})

test('an id that claims to be ours is cut from what the archive shows, however it is spelt (XEP-0359 §3)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  const claim = (by: string): string => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='forged'/>`
  const claims = [claim('juliet@localhost'), claim('JULIET@LOCALHOST'), claim('room@example.net')].join('')
  romeo.send(`<message to='juliet@localhost' type='chat'><body>x</body>${claims}</message>`)
  await domain.settle()
  const live = juliet.received.find(({ name }) => name === 'message')
  const byOf = (message: Element | undefined): (string | undefined)[] =>
    message?.childrenNamed('stanza-id', 'urn:xmpp:sid:0').map((each) => each.attribute('by')) ?? []
  assert.deepEqual(byOf(live), ['room@example.net', 'juliet@localhost'])
  const answer = await query(juliet)
  assert.deepEqual(byOf(answer.results[0]?.elements()[0]?.child('message', 'jabber:client')), [
    'room@example.net',
  ])
})
