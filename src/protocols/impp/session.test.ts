import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { utf8 } from '#base'
import { protocol } from './protocol.ts'
import { at, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

const julietUrl = 'impp://example.com/juliet'
const romeoUrl = 'impp://example.com/romeo'

describe('setting up a session (docs/specs/impp-1.0.md §6)', () => {
  test('HELLO states limits, mechanisms and STARTTLS', async () => {
    const hand = new Hand(await fixture())
    const hello = await hand.ask('HELLO', { Domain: 'Example.COM', 'Max-Pending': '3' })
    assert.match(hello.first, /^OK \(HELLO\) \S+ impp\/1\.0$/)
    assert.deepEqual(hello.fields, {
      domain: 'example.com',
      'max-message-size': '20000',
      'max-pending': '4',
      starttls: 'available',
      mechanisms: 'SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN',
    })
    assert.equal((await hand.ask('HELLO', { Domain: 'elsewhere.example' })).fields.reason, 'domain-unknown')
    assert.equal((await hand.ask('HELLO')).fields.reason, 'malformed')
    assert.equal(
      (await hand.ask('HELLO', { Domain: 'example.com', 'Max-Pending': 'many' })).fields.reason,
      'malformed',
    )
  })

  test('before login nothing but the set-up is taken (E4)', async () => {
    const hand = new Hand(await fixture())
    for (const method of ['SEND', 'FETCH', 'SUBSCRIBE', 'UNSUBSCRIBE', 'CHANGE']) {
      assert.equal(
        (await hand.ask(method, { Target: julietUrl })).fields.reason,
        'user-authentication-required',
      )
    }
    assert.match((await hand.ask('PING')).first, /^OK /)
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason, 'malformed')
    assert.equal((await hand.ask('STAND-UP')).fields.reason, 'operation-not-supported')
  })

  test('a login gives URL, Connection-ID and the lease of the connection', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('juliet', { Device: 'desk' })
    assert.equal(hand.url, julietUrl)
    assert.equal(hand.connectionId, 'desk')
    const second = await new Hand(f).login('juliet@example.com', { Device: 'desk' })
    assert.match(second.connectionId, /^desk-....$/)
    const third = await new Hand(f).login('juliet', { Device: 'a b' })
    assert.match(third.connectionId, /^[\w-]{8}$/)
    assert.equal(
      (await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason,
      'operation-not-supported',
    )
  })

  test('a wrong password says nothing of why, and the third ends the connection', async () => {
    const hand = new Hand(await fixture())
    await hand.ask('HELLO', { Domain: 'example.com' })
    for (const name of ['juliet', 'nobody']) {
      const data = Buffer.from(`\0${name}\0wrong`).toString('base64')
      const failed = await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: data })
      assert.deepEqual(failed.fields, { reason: 'authentication-failed' })
    }
    assert.equal((await hand.ask('AUTH', { Mechanism: 'CRAM-MD5' })).fields.reason, 'not-acceptable')
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN' })).fields.data, '=')
    const aborted = await hand.ask('AUTH', { 'Auth-State': 'abort' })
    assert.equal(aborted.fields.reason, 'authentication-failed')
    await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: Buffer.from('\0juliet\0wrong').toString('base64') })
    assert.match((await hand.next(hand.responses)).first, /^ERROR \(-\) - impp/)
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('after STARTTLS all is said again, and octets before the handshake end the connection (§6.2)', async () => {
    const f = await fixture({ plainWithoutTls: false })
    const hand = new Hand(f)
    const hello = await hand.ask('HELLO', { Domain: 'example.com' })
    assert.doesNotMatch(hello.fields.mechanisms as string, /PLAIN/)
    assert.match((await hand.ask('STARTTLS')).first, /^OK /)
    hand.connection.startTls({ secureContext: () => assert.fail() }, { server: false })
    await settled()
    assert.equal(hand.secured, 1)
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason, 'malformed')
    const again = await hand.ask('HELLO', { Domain: 'example.com' })
    assert.equal(again.fields.starttls, 'active')
    assert.match(again.fields.mechanisms as string, /PLAIN/)
    assert.equal((await hand.ask('STARTTLS')).fields.reason, 'operation-not-supported')

    const injecting = new Hand(f)
    await injecting.ask('HELLO', { Domain: 'example.com' })
    injecting.write('STARTTLS 1 impp/1.0\r\n\r\nPING 2 impp/1.0\r\n\r\n')
    await settled()
    assert.equal(injecting.closed, 'reset')
  })

  test('before login nothing large is taken', async () => {
    const hand = new Hand(await fixture())
    const seen = await hand.ask('SEND', { Target: romeoUrl }, 'x'.repeat(16_384))
    assert.equal(seen.fields.reason, 'message-too-large')
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('who does not log in in time is told and cut off', async () => {
    const f = await fixture()
    const hand = new Hand(f)
    await hand.ask('PING')
    f.clock.advance(31_000)
    assert.equal((await hand.next(hand.responses)).fields.reason, 'remote-timeout')
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('a unit that breaks the grammar is answered and ends the connection (§4 item 6)', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    hand.write('SEND 5 impp/1.0\r\nno colon\r\n\r\n')
    const seen = await hand.next(hand.responses)
    assert.equal(seen.first, 'ERROR (SEND) 5 impp/1.0')
    assert.equal(seen.fields.reason, 'malformed')
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('a body past Max-Message-Size is refused and the connection goes on (IMPP §12)', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    const seen = await hand.ask('SEND', { Target: romeoUrl }, 'x'.repeat(30_000))
    assert.equal(seen.fields.reason, 'message-too-large')
    assert.equal(seen.fields.to, julietUrl)
    assert.match((await hand.ask('PING')).first, /^OK /)
  })
})

describe('whose request it is (IMPP §19, D87 to D92)', () => {
  test('From and Connection-ID must be those of the login', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    for (const wrong of [{ From: romeoUrl }, { From: 'nonsense' }, { 'Connection-ID': 'other' }]) {
      const refused = await hand.ask('FETCH', { Target: julietUrl, ...wrong })
      assert.equal(refused.fields.reason, 'permission-denied')
    }
    const cased = await hand.ask('FETCH', { Target: julietUrl, From: 'impp://EXAMPLE.com/Juliet' })
    assert.match(cased.first, /^OK /)
    assert.equal(cased.fields.to, 'impp://EXAMPLE.com/Juliet')
  })

  test('an envelope from a client is malformed: only servers write them', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    hand.write('ENVELOPE impp/1.0\r\nCopy: sent\r\n\r\nPING 1 impp/1.0\r\n\r\n')
    assert.equal((await hand.next(hand.responses)).fields.reason, 'malformed')
  })
})

test('an account that is removed signs its connections out', async () => {
  const f = await fixture()
  const juliet = await new Hand(f).login('juliet')
  await f.service.accounts.remove(at('juliet@example.com'))
  assert.equal((await juliet.next(juliet.responses)).fields.reason, 'permission-denied')
  await settled()
  assert.equal(juliet.closed, 'peer')
})

test('kept octets that are no request of ours are a fault', () => {
  assert.throws(() => protocol.revive({ id: 'x' } as never, utf8('nonsense')), /no request/)
})
