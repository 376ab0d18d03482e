// What both sides state of what they take (IMPP §12, D42 to D44), and what the OK of a SEND tells (IMPP §18.4, D77).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { at, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand, type Seen } from './testing/hand.ts'

afterEach(dropHands)

const juliet = 'impp://example.com/juliet'
const romeo = 'impp://example.com/romeo'
const tagOnly = { 'Content-Type': 'application/impp' }

function presence(name: string, inside: string): string {
  return `<presence><entity>pres:${name}@example.com</entity><tuple><id>x</id>${inside}</tuple></presence>`
}

describe('limits', () => {
  test('who goes on beyond Max-Pending is told each time, and then disconnected (D44)', async () => {
    const f = await fixture({ pendingMax: 2, excessesMax: 4 })
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    other.answers = 'nothing'
    for (let n = 1; n <= 6; n++) desk.request('SEND', `s${n}`, { Target: romeo }, 'x')
    const reasons: (string | undefined)[] = []
    for (let n = 0; n < 5; n++) reasons.push((await desk.next(desk.responses)).fields.reason)
    assert.deepEqual(reasons, Array(5).fill('too-many-pending'))
    await settled()
    assert.equal(desk.closed, 'peer')
  })

  test('who sends too much once in a while is told and stays', async () => {
    const f = await fixture({ excessesMax: 2 })
    const desk = await new Hand(f).login('juliet')
    for (let n = 0; n < 5; n++) {
      assert.equal(
        (await desk.ask('SEND', { Target: romeo }, 'x'.repeat(21_000))).fields.reason,
        'message-too-large',
      )
      assert.match((await desk.ask('PING')).first, /^OK/)
    }
    for (let n = 0; n < 2; n++) desk.request('SEND', `l${n}`, { Target: romeo }, 'x'.repeat(21_000))
    await settled()
    assert.equal(desk.closed, 'peer')
  })

  test('what a client asks for and cannot take is refused as too large, not sent (D43)', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const small = await new Hand(f).login('romeo', {}, { 'Max-Message-Size': '1024' })
    const note = presence('juliet', `<basic>open</basic><note><text>${'n'.repeat(2000)}</text></note>`)
    await desk.ask('CHANGE', { Target: juliet, 'Lease-Time': 'connection', ...tagOnly }, note)
    assert.equal((await small.ask('FETCH', { Target: juliet })).fields.reason, 'message-too-large')
    assert.match((await small.ask('PING')).first, /^OK/)
  })

  test('a second connection takes the large messages, and only those (D42)', async () => {
    const f = await fixture()
    const sender = await new Hand(f).login('juliet', { Inbox: 'closed' })
    const main = await new Hand(f).login('romeo', { Device: 'phone' }, { 'Max-Message-Size': '2048' })
    const large = await new Hand(f).login('romeo', {
      Device: 'phone.large',
      Inbox: 'large',
      'Large-From': '2049',
    })
    for (const length of [10, 5000]) {
      assert.match((await sender.ask('SEND', { Target: romeo }, 'x'.repeat(length))).first, /^OK/)
    }
    const lengths = (hand: Hand): number[] => hand.requests.map(({ body }) => body.length)
    assert.deepEqual([lengths(main), lengths(large)], [[10], [5000]])
    // Without the other one, small messages wait for it.
    main.connection.destroy()
    await settled()
    assert.equal((await sender.ask('SEND', { Target: romeo }, 'small')).fields.result, 'stored')
    const again = await new Hand(f).login('romeo', {}, { 'Max-Message-Size': '2048' })
    assert.equal((await again.next(again.requests)).body, 'small')
    assert.deepEqual(lengths(large), [5000])
  })

  /** Fields of AUTH that do not fit each other. */
  const wrong = [
    { Inbox: 'large' },
    { 'Large-From': '10' },
    { Inbox: 'large', 'Large-From': 'x' },
    { Inbox: 'ajar' },
  ]
  for (const fields of wrong) {
    test(`AUTH ${JSON.stringify(fields)} is malformed`, async () => {
      const hand = new Hand(await fixture())
      await hand.ask('HELLO', { Domain: 'example.com' })
      const data = Buffer.from('\0juliet\0secret').toString('base64')
      const seen = await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: data, ...fields } as Record<
        string,
        string
      >)
      assert.equal(seen.fields.reason, 'malformed')
    })
  }
})

describe('where a client may log in', () => {
  test('a domain of others is not served here, and the answer says so', async () => {
    const seen = await new Hand(await fixture()).ask('HELLO', { Domain: 'elsewhere.example' })
    assert.equal(seen.fields.reason, 'domain-unknown')
    assert.equal(seen.fields.text, 'This server does not serve that domain.')
  })

  test('a domain whose clients are served elsewhere says where (E9)', async () => {
    const f = await fixture({ redirect: 'impp2.example.com:7410' })
    const seen = await new Hand(f).ask('HELLO', { Domain: 'example.com' })
    assert.deepEqual(
      [seen.fields.reason, seen.fields.location],
      ['redirect-to-server', 'impp2.example.com:7410'],
    )
  })
})

describe('what the OK of a SEND tells (IMPP §18.4, D77)', () => {
  const change = (hand: Hand, inside: string, lease = 'connection'): Promise<Seen> => {
    const name = hand.url.slice(hand.url.lastIndexOf('/') + 1)
    return hand.ask('CHANGE', { Target: hand.url, 'Lease-Time': lease, ...tagOnly }, presence(name, inside))
  }
  const accept = { Target: juliet, Accept: 'application/impp' }

  test('nothing while the recipient is plainly there; that she is away, as far as the sender may see it', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet', { Device: 'desk' })
    const other = await new Hand(f).login('romeo')
    const plain = async (): Promise<void> => {
      const ok = await other.ask('SEND', accept, 'hello')
      assert.deepEqual([ok.body, ok.fields.result], ['', undefined])
    }
    await plain()
    await change(desk, '<basic>open</basic>')
    await plain()
    await change(desk, '<basic>open</basic><show>away</show><note><text>at lunch</text></note>')
    const away = await other.ask('SEND', accept, 'hello')
    assert.match(away.body, /<show>away<\/show><note><text>at lunch/)
    assert.equal(away.fields.result, undefined, 'it was delivered')
    const rule = { subject: 'romeo@example.com', action: 'allow', visibility: 'basic' } as const
    f.service.contacts.setRule(at('juliet@example.com'), rule, () => {})
    assert.doesNotMatch((await other.ask('SEND', accept, 'hello')).body, /away|lunch/)
    f.service.contacts.setRule(at('juliet@example.com'), { ...rule, action: 'confirm' }, () => {})
    await plain()
    const second = await new Hand(f).login('juliet')
    await change(second, '<basic>open</basic>')
    f.service.contacts.setRule(at('juliet@example.com'), { ...rule, visibility: 'full' }, () => {})
    await plain()
  })

  test('a message that is stored says so, with what the recipient left behind, else a closed inbox', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    await change(desk, '<basic>closed</basic><note><text>on vacation</text></note>', 'infinity')
    await desk.ask('QUIT')
    await settled()
    const stored = await other.ask('SEND', accept, 'hello')
    assert.equal(stored.fields.result, 'stored')
    assert.match(stored.body, /on vacation/)
    const rule = { subject: '*', action: 'confirm', visibility: 'full' } as const
    f.service.contacts.setRule(at('juliet@example.com'), rule, () => {})
    const unseen = await other.ask('SEND', accept, 'hello')
    assert.equal(unseen.fields.result, 'stored')
    assert.match(unseen.body, /<tuple><id>inbox<\/id><basic>closed<\/basic><\/tuple>/)
  })

  test('a headline to somebody absent is refused: OK would say that it was delivered (RFC 6121 §8.5.2.2)', async () => {
    const f = await fixture()
    const other = await new Hand(f).login('romeo')
    const seen = await other.ask('SEND', { Target: juliet, 'Message-Kind': 'headline' }, 'news')
    assert.equal(seen.fields.reason, 'temporarily-unavailable')
    const desk = await new Hand(f).login('juliet')
    assert.match(
      (await other.ask('SEND', { Target: juliet, 'Message-Kind': 'headline' }, 'news')).first,
      /^OK/,
    )
    assert.equal((await desk.next(desk.requests)).body, 'news')
    await settled()
    assert.deepEqual(await f.service.store.history(at('juliet@example.com'), { limit: 10 }), [])
  })
})
