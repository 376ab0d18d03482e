import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

const toBob = { To: 'im:bob@example.com', 'Message-ID': '7f3a@example.com' }
const text = { 'Content-Type': 'text/plain; charset=UTF-8' }

describe('messages (docs/specs/prim.md §6.1)', () => {
  test('a message reaches every listening device, its fields and body as they were', async () => {
    const f = await fixture()
    const alice = await new Hand(f).login('alice')
    const bob = await new Hand(f).login('bob')
    const other = await new Hand(f).login('bob')
    assert.equal((await bob.message('LISTEN')).status, 200)
    assert.equal((await other.message('LISTEN')).status, 200)
    const fields = { ...toBob, 'Conversation-ID': 'c-19', 'X-Colour': 'blue', 'Reply-To': alice.im, ...text }
    const sent = await alice.message('SEND', fields, 'Lunch at noon? ü')
    assert.equal(sent.status, 200)
    assert.deepEqual(sent.fields, { From: alice.im, ...toBob, 'Conversation-ID': 'c-19' })
    for (const hand of [bob, other]) {
      const came = await hand.next()
      assert.match(came.first, /^SEND PRIM-IM\/1\.0 s\d+ 17$/)
      assert.deepEqual(came.fields, {
        From: alice.im,
        ...fields,
        Date: 'Thu, 01 Jan 2026 00:00:00 +0000',
        AStrength: 'weak',
      })
      assert.equal(came.body, 'Lunch at noon? ü')
    }
  })

  test('what comes while nobody listens is 101, kept, and delivered at LISTEN with its Date', async () => {
    const f = await fixture()
    const alice = await new Hand(f).login('alice')
    const bob = await new Hand(f).login('bob')
    assert.equal((await alice.message('SEND', { ...toBob, ...text }, 'later')).status, 101)
    f.clock.advance(60_000)
    assert.equal(bob.requests.length, 0)
    await bob.message('LISTEN')
    const came = await bob.next()
    assert.equal(came.fields.Date, 'Thu, 01 Jan 2026 00:00:00 +0000')
    assert.equal(came.body, 'later')
  })

  test('a SEND that comes again is answered as before and delivered once; with another body it is another', async () => {
    const f = await fixture()
    const bob = await new Hand(f).login('bob')
    await bob.message('LISTEN')
    for (const body of ['once', 'once', 'other']) {
      const alice = await new Hand(f).login('alice')
      assert.equal((await alice.message('SEND', { ...toBob, ...text }, body)).status, 200)
    }
    assert.deepEqual(
      bob.requests.map(({ body }) => body),
      ['once', 'other'],
    )
    f.clock.advance(601_000)
    const late = await new Hand(f).login('alice')
    assert.equal((await late.message('SEND', { ...toBob, ...text }, 'once')).status, 200)
    assert.equal(bob.requests.length, 3, 'nothing is remembered for ever')
  })

  test('while a SEND is under way its repetition waits for the same answer, and of a refusal who is gone hears later', async () => {
    const f = await fixture()
    const [first, again, bob] = [new Hand(f), new Hand(f), new Hand(f)]
    await first.login('alice')
    await bob.login('bob')
    await bob.message('LISTEN')
    bob.answers = undefined
    first.send('SEND PRIM-IM', { From: first.im, ...toBob, ...text }, 'x')
    await settled()
    await again.login('alice')
    again.send('SEND PRIM-IM 77', { From: again.im, ...toBob, ...text }, 'x')
    await settled()
    first.drop()
    again.drop()
    await settled()
    assert.equal(bob.requests.length, 1)
    const [, version, id] = bob.requests[0]?.first.split(' ') ?? []
    bob.write(`${version} ${id} 0 402 Forbidden\r\n\r\n`)
    await settled()
    const later = await new Hand(f).login('alice')
    await later.message('LISTEN')
    const { fields } = await later.next()
    assert.deepEqual([fields.Report, fields.About, fields.Status], ['failed', toBob['Message-ID'], '402'])
    await settled()
    assert.equal(later.requests.length, 0, 'told once')
  })

  test('SILENCE closes the inbox of this device alone; who was not listening gets 408', async () => {
    const f = await fixture()
    const alice = await new Hand(f).login('alice')
    const bob = await new Hand(f).login('bob')
    assert.equal((await bob.message('SILENCE')).status, 408)
    await bob.message('LISTEN')
    assert.equal((await bob.message('SILENCE')).status, 200)
    assert.equal((await alice.message('SEND', { ...toBob, ...text }, 'x')).status, 101)
    await settled()
    assert.equal(bob.requests.length, 0)
  })

  const answers: [string, number, number][] = [
    ['a device that takes it', 200, 200],
    ['a device that does not know', 101, 200],
    ['a device that says that its inbox is closed', 408, 101],
    ['a person who says no', 402, 402],
    ['a device that cannot', 501, 101],
  ]
  for (const [what, given, told] of answers) {
    test(`${what} (${given}) is ${told} to the sender`, async () => {
      const f = await fixture()
      const alice = await new Hand(f).login('alice')
      const bob = await new Hand(f).login('bob')
      await bob.message('LISTEN')
      bob.answers = given
      assert.equal((await alice.message('SEND', { ...toBob, ...text }, 'x')).status, told)
    })
  }

  const refusals: [string, Record<string, string>, string, number][] = [
    ['without To', { 'Message-ID': 'm', ...text }, 'x', 400],
    ['To a presentity', { ...toBob, To: 'pres:bob@example.com', ...text }, 'x', 400],
    ['without Message-ID', { To: toBob.To, ...text }, 'x', 400],
    ['without Content-Type', toBob, 'x', 400],
    ['with a transfer encoding', { ...toBob, ...text, 'Content-Transfer-Encoding': 'base64' }, 'x', 400],
    ['with a field twice', { ...toBob, ...text, 'Hop-Count': '1\r\nHop-Count: 1' }, 'x', 400],
    ['with a name that has a space behind it', { ...toBob, ...text, 'X ': 'x' }, 'x', 400],
    ['with Hop-Count 0', { ...toBob, ...text, 'Hop-Count': '0' }, 'x', 400],
    ['to nobody', { ...toBob, To: 'im:nobody@example.com', ...text }, 'x', 403],
    ['to another domain', { ...toBob, To: 'im:x@elsewhere.example', ...text }, 'x', 403],
    ['from somebody else', { ...toBob, From: 'im:bob@example.com', ...text }, 'x', 402],
  ]
  for (const [what, fields, body, status] of refusals) {
    test(`SEND ${what} is ${status}, and the connection goes on`, async () => {
      const alice = await new Hand(await fixture()).login('alice')
      assert.equal((await alice.message('SEND', fields, body)).status, status)
      assert.equal((await alice.message('LISTEN')).status, 200)
    })
  }

  test('a device is not sent what it cannot take: Max-Content-Length binds us', async () => {
    const f = await fixture()
    const alice = await new Hand(f).login('alice')
    const bob = new Hand(f)
    const From = 'im:bob@example.com'
    await bob.ask('LOGIN PRIM-IM', {
      From,
      'Auth-State': 'init',
      'SASL-Mech': 'PLAIN',
      'Max-Content-Length': '4',
    })
    await bob.ask('LOGIN PRIM-IM', { From, 'Auth-State': 'continue', 'SASL-Mech': 'PLAIN' }, '\0bob\0secret')
    await bob.ask('LISTEN PRIM-IM', { From })
    assert.equal((await alice.message('SEND', { ...toBob, ...text }, 'five!')).status, 101)
    assert.equal((await alice.message('SEND', { ...toBob, ...text }, 'four')).status, 200)
  })
})
