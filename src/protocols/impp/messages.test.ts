import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { at, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

const julietUrl = 'impp://example.com/juliet'
const romeoUrl = 'impp://example.com/romeo'

describe('SEND (IMPP §18.4)', () => {
  test('the request reaches the target octet for octet, and OK means it was acknowledged', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    const fields = { Target: julietUrl, 'Message-ID': 'm1', 'Thread-ID': 't', 'X-Own': 'kept' }
    romeo.request('SEND', '57AQ', fields, 'Zeile 1\r\nZeile 2 🎉')
    const seen = await juliet.next(juliet.requests)
    assert.equal(seen.first, 'SEND 57AQ impp/1.0')
    assert.equal(seen.fields.from, romeoUrl)
    assert.equal(seen.fields['connection-id'], romeo.connectionId)
    assert.equal(seen.fields['x-own'], 'kept')
    assert.equal(seen.body, 'Zeile 1\r\nZeile 2 🎉')
    await settled()
    assert.equal(romeo.responses.length, 0)
    juliet.answer(seen)
    const ok = await romeo.next(romeo.responses)
    assert.equal(ok.first, 'OK (SEND) 57AQ impp/1.0')
    assert.equal(ok.fields.to, romeoUrl)
    assert.equal(ok.body, '')
  })

  test('two senders may use one request-ID: To and Connection-ID tell them apart (§4 item 4)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const one = await new Hand(f).login('romeo', { Inbox: 'closed' })
    const two = await new Hand(f).login('romeo', { Inbox: 'closed' })
    juliet.answers = 'nothing'
    one.request('SEND', '1', { Target: julietUrl }, 'one')
    const first = await juliet.next(juliet.requests)
    two.request('SEND', '1', { Target: julietUrl }, 'two')
    const second = await juliet.next(juliet.requests)
    juliet.answer(second)
    await settled()
    assert.equal(two.responses.length, 1)
    assert.equal(one.responses.length, 0)
    juliet.answer(first)
    await one.next(one.responses)
  })

  test('for an absent target it is stored, OK shows a closed inbox, and it comes once, stamped', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const ok = await romeo.ask('SEND', { Target: julietUrl, 'Message-ID': 'm1' }, 'later')
    assert.match(ok.first, /^OK /)
    assert.equal(ok.fields['content-type'], 'application/pidf+xml')
    assert.match(ok.body, /<basic>closed<\/basic>/)
    f.clock.advance(60_000)
    const juliet = await new Hand(f).login('juliet')
    const seen = await juliet.next(juliet.requests)
    assert.equal(seen.body, 'later')
    assert.equal(seen.envelope, 'Stored: 2026-01-01T00:00:00.000Z')
    await settled()
    const again = await new Hand(f).login('juliet')
    await settled()
    assert.equal(again.requests.length, 0)
  })

  test('what a connection did not acknowledge before it ended is kept (D19)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    romeo.request('SEND', 'r', { Target: julietUrl }, 'lost?')
    await juliet.next(juliet.requests)
    juliet.connection.destroy()
    const ok = await romeo.next(romeo.responses)
    assert.match(ok.body, /closed/)
    const again = await new Hand(f).login('juliet')
    assert.equal((await again.next(again.requests)).body, 'lost?')
  })

  test('every connection of the target with an open inbox gets it, the sender sees it on their others as a copy (§8.2)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const other = await new Hand(f).login('romeo')
    const sender = await new Hand(f).login('romeo', { Inbox: 'closed' })
    const juliet = [await new Hand(f).login('juliet'), await new Hand(f).login('juliet')]
    await romeo.ask('SEND', { Target: julietUrl }, 'hello')
    await settled()
    for (const hand of juliet)
      assert.deepEqual(
        hand.requests.map((seen) => [seen.body, seen.envelope]),
        [['hello', '']],
      )
    assert.deepEqual(
      other.requests.map((seen) => [seen.fields.target, seen.envelope]),
      [[julietUrl, 'Copy: sent']],
    )
    assert.equal(sender.requests.length + romeo.requests.length, 0)
  })

  test('refusals are told by their reasons', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const reason = async (fields: Record<string, string>, body?: string) =>
      (await romeo.ask('SEND', fields, body)).fields.reason
    assert.equal(await reason({ Target: 'impp://example.com/nobody' }, 'x'), 'target-unknown')
    assert.equal(await reason({ Target: 'impp://elsewhere.example/x' }, 'x'), 'domain-unknown')
    assert.equal(await reason({ Target: 'mailto:x' }, 'x'), 'address-malformed')
    assert.equal(await reason({}, 'x'), 'malformed')
    assert.equal(await reason({ Target: julietUrl }), 'malformed')
    assert.equal(
      await reason({ Target: julietUrl, 'Message-Kind': 'groupchat' }, 'x'),
      'operation-not-supported',
    )
    assert.equal(await reason({ Target: julietUrl, Report: 'failed', About: 'x' }, 'x'), 'permission-denied')
    f.service.contacts.setRule(
      at('juliet@example.com'),
      { subject: 'romeo@example.com', action: 'block', visibility: 'full' },
      () => {},
    )
    await settled()
    assert.equal(await reason({ Target: julietUrl }, 'x'), 'permission-denied')
  })

  test('a chat state is passed on, and dropped when nobody is there (§7.5)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    assert.match((await romeo.ask('SEND', { Target: julietUrl, 'Chat-State': 'composing' })).first, /^OK /)
    const juliet = await new Hand(f).login('juliet')
    await settled()
    assert.equal(juliet.requests.length, 0)
    await romeo.ask('SEND', { Target: julietUrl, 'Chat-State': 'composing' })
    assert.equal((await juliet.next(juliet.requests)).fields['chat-state'], 'composing')
  })

  test('pipelined requests past Max-Pending are refused one by one, the others answered', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    for (let i = 0; i < 6; i++) romeo.request('SEND', `p${i}`, { Target: julietUrl }, `${i}`)
    await settled()
    assert.deepEqual(
      romeo.responses.map((seen) => [seen.first.split(' ')[2], seen.fields.reason]),
      [
        ['p4', 'too-many-pending'],
        ['p5', 'too-many-pending'],
      ],
    )
    for (const seen of juliet.requests) juliet.answer(seen)
    await settled()
    assert.equal(romeo.responses.length, 6)
    assert.deepEqual(
      juliet.requests.map((seen) => seen.body),
      ['0', '1', '2', '3'],
    )
  })

  test('a client gets no more at a time than its Max-Pending, nor larger than its Max-Message-Size', async () => {
    const f = await fixture({ pendingMax: 50 })
    const romeo = await new Hand(f).login('romeo')
    const juliet = new Hand(f)
    await juliet.ask('HELLO', { Domain: 'example.com', 'Max-Pending': '2', 'Max-Message-Size': '1024' })
    const done = await juliet.ask('AUTH', {
      Mechanism: 'PLAIN',
      Data: Buffer.from('\0juliet\0secret').toString('base64'),
    })
    assert.equal(done.fields['auth-state'], 'done')
    juliet.answers = 'nothing'
    for (let i = 0; i < 5; i++) romeo.request('SEND', `q${i}`, { Target: julietUrl }, `${i}`)
    await settled()
    assert.equal(juliet.requests.length, 2)
    for (let i = 0; i < 5; i++) {
      juliet.answer(await juliet.next(juliet.requests))
      await settled()
    }
    assert.equal(romeo.responses.length, 5)
    romeo.responses.length = 0
    const large = await romeo.ask('SEND', { Target: julietUrl }, 'x'.repeat(2000))
    assert.match(large.body, /closed/)
    assert.equal(juliet.requests.length, 0)
  })

  test('what a slow client had no room for is stored, and comes when it has caught up', async () => {
    const f = await fixture({ pendingMax: 50, queuedMax: 3 })
    const romeo = await new Hand(f).login('romeo', {}, { 'Max-Pending': '40' })
    const juliet = await new Hand(f).login('juliet', {}, { 'Max-Pending': '2' })
    juliet.answers = 'nothing'
    for (let i = 0; i < 9; i++) romeo.request('SEND', `s${i}`, { Target: julietUrl }, `${i}`)
    await settled()
    assert.equal(romeo.responses.filter((seen) => seen.body.includes('closed')).length, 4)
    const seen: string[] = []
    for (let i = 0; i < 9; i++) {
      const request = await juliet.next(juliet.requests)
      seen.push(request.body)
      juliet.answer(request)
    }
    assert.deepEqual(seen, ['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('a failure that comes to light when the sender is gone is reported (Framework of reports, §7.5)', async () => {
    const f = await fixture()
    const about = { from: at('romeo@example.com'), fromAgent: '', to: at('juliet@example.com') }
    f.service.messages.report({ about: 'm\\1', event: 'failed', condition: 'mailbox-full' }, {
      ...about,
    } as never)
    await settled()
    const romeo = await new Hand(f).login('romeo')
    const seen = await romeo.next(romeo.requests)
    assert.equal(seen.fields.from, 'impp://example.com/')
    assert.equal(seen.fields.report, 'failed')
    assert.equal(seen.fields.about, 'm\\\\1')
    assert.equal(seen.fields.origin, julietUrl)
    assert.equal(seen.fields.reason, 'mailbox-full')
  })
})
