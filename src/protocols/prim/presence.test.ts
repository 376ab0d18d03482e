import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { utf8 } from '#base'
import type { PresenceEnvelope } from '#model'
import { at, type Fixture, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand, pidf } from './testing/hand.ts'

afterEach(dropHands)

const toBob = { To: 'pres:bob@example.com' }
const leased = {
  'PI-Type': 'leased',
  Duration: '300',
  'Tuple-ID': 'im',
  'Content-Type': 'application/pidf+xml',
}

/** Presence of a device that speaks another protocol. */
function deviceSays(note: string): PresenceEnvelope {
  const document = {
    entity: 'pres:bob@example.com',
    tuples: [
      { id: 'x', basic: 'open', notes: [{ language: '', text: note }], statusExtensions: [], extensions: [] },
    ],
    notes: [],
    extensions: [],
  } as const
  const by = at('bob@example.com')
  const head = {
    kind: 'presence',
    from: by,
    fromAgent: '',
    to: by,
    toAgent: '',
    id: note,
    hops: 1,
    size: 1,
  } as const
  const rest = { whenAbsent: 'drop', whenAgentGone: 'drop', storable: false, copyable: false } as const
  const envelope: PresenceEnvelope = {
    head: { ...head, ...rest, protocol: 'other' },
    raw: utf8(note),
    content: () => undefined,
    view: () => document,
    keep: () => envelope,
  }
  return envelope
}

async function two(settings = {}): Promise<{ f: Fixture; alice: Hand; bob: Hand }> {
  const f = await fixture(settings)
  const alice = await new Hand(f).login('alice', 'pres')
  const bob = await new Hand(f).login('bob', 'pres')
  return { f, alice, bob }
}

describe('presence (docs/specs/prim.md §6.2, §6.3)', () => {
  test('the older style: presence comes in the response, then by NOTIFY, until the lease ends', async () => {
    const { f, alice, bob } = await two()
    const published = await bob.presence('PUBLISH', leased, pidf('open'))
    assert.equal(published.status, 200)
    const { 'Content-Type': _, ...repeated } = leased
    assert.deepEqual(published.fields, { From: bob.pres, ...repeated })
    const first = await alice.presence('SUBSCRIBE', { ...toBob, Duration: '86400' })
    assert.equal(first.first.slice(-21), '201 Duration Adjusted')
    assert.equal(first.fields.Duration, '3600')
    assert.match(first.body, /<tuple id="im"><status><basic>open<\/basic>/)
    f.clock.advance(300_000)
    const gone = await alice.next()
    assert.match(gone.first, /^NOTIFY PRIM-PR\/1\.0 s\d+ \d+$/)
    assert.deepEqual(gone.fields, {
      From: bob.pres,
      To: alice.pres,
      'Content-Type': 'application/pidf+xml',
    })
    assert.doesNotMatch(gone.body, /<tuple/)
  })

  test('the newer style: no body, NOTIFY at once, several of a pair; Duration 0 ends one', async () => {
    const { alice, bob } = await two()
    await bob.presence('PUBLISH', leased, pidf('open'))
    for (const id of ['k31', 'k32']) {
      const answer = await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600', 'Subscription-ID': id })
      assert.equal(answer.status, 200)
      assert.equal(answer.body, '')
      const notify = await alice.next()
      assert.equal(notify.fields['Subscription-ID'], id)
      assert.equal(notify.fields.Duration, '600')
      assert.match(notify.body, /open/)
    }
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '0', 'Subscription-ID': 'k31' })
    await bob.presence('PUBLISH', leased, pidf('closed'))
    assert.equal((await alice.next()).fields['Subscription-ID'], 'k32')
    await settled()
    assert.equal(alice.requests.length, 0)
    const unknown = await alice.presence('UNSUBSCRIBE', { ...toBob, 'Subscription-ID': 'k31' })
    assert.equal(unknown.status, 404)
    assert.equal((await alice.presence('UNSUBSCRIBE', toBob)).status, 200)
    assert.equal((await alice.presence('UNSUBSCRIBE', toBob)).status, 404)
  })

  test('Duration 0 with an id that is not known tells once; without an id it answers with the presence', async () => {
    const { alice, bob } = await two()
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '0', 'Subscription-ID': 'once' })
    assert.equal((await alice.next()).fields.Duration, '0')
    assert.match((await alice.presence('SUBSCRIBE', { ...toBob, Duration: '0' })).body, /open/)
    assert.match((await alice.presence('FETCH', toBob)).body, /open/)
  })

  test('a Duration below the least is made longer (201); none at all is granted', async () => {
    const { alice } = await two()
    const brief = await alice.presence('SUBSCRIBE', { ...toBob, Duration: '5' })
    assert.deepEqual([brief.status, brief.fields.Duration], [201, '60'])
    const none = await alice.presence('SUBSCRIBE', toBob)
    assert.deepEqual([none.status, none.fields.Duration], [201, '3600'])
  })

  test('what is published again in another request says nothing new, and nobody is told', async () => {
    const { alice, bob } = await two()
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600', 'Subscription-ID': 'k1' })
    assert.match((await alice.next()).body, /open/)
    for (let again = 0; again < 3; again++)
      assert.equal((await bob.presence('PUBLISH', leased, pidf('open'))).status, 200)
    await bob.presence('PUBLISH', leased, pidf('closed'))
    assert.match((await alice.next()).body, /closed/, 'the first that she hears is the change')
  })

  test('renew keeps a lease and tells nobody; revert and REMOVE take the value away', async () => {
    const { f, alice, bob } = await two()
    const { 'Content-Type': _, ...lease } = leased
    assert.equal((await bob.presence('PUBLISH', { ...lease, 'PI-Type': 'renew' })).status, 403)
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    f.clock.advance(200_000)
    assert.equal((await bob.presence('PUBLISH', { ...lease, 'PI-Type': 'renew' })).status, 200)
    f.clock.advance(200_000)
    await settled()
    assert.equal(alice.requests.length, 0)
    assert.equal((await bob.presence('PUBLISH', { 'PI-Type': 'revert', 'Tuple-ID': 'im' })).status, 200)
    assert.doesNotMatch((await alice.next()).body, /<tuple/)
    assert.equal((await bob.presence('REMOVE', { 'Tuple-ID': 'im' })).status, 403)
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.next()
    assert.equal((await bob.presence('REMOVE', { 'Tuple-ID': 'im' })).status, 200)
    assert.doesNotMatch((await alice.next()).body, /<tuple/)
  })

  test('a tuple and a device of another protocol by the same name are two (§6.2)', async () => {
    for (const order of ['device first', 'tuple first']) {
      const { f, alice, bob } = await two()
      const device = (note: string | undefined): void => {
        const source = note === undefined ? undefined : deviceSays(note)
        const own = { presentity: at('bob@example.com'), by: at('bob@example.com'), tuple: 'im' }
        f.service.presence.publish({ ...own, source, seconds: undefined }, () => {})
      }
      const acts = [
        () => device('by the device'),
        () => bob.presence('PUBLISH', leased, pidf('open', 'by PRIM')),
      ]
      for (const act of order === 'device first' ? acts : acts.reverse()) await act()
      const seen = async (): Promise<string> => (await alice.presence('FETCH', toBob)).body
      assert.match(await seen(), /by the device/, order)
      assert.match(await seen(), /by PRIM/, order)
      assert.deepEqual([...(await seen()).matchAll(/<tuple id="([^"]+)"/g)].map(([, id]) => id).sort(), [
        'im',
        'im.2',
      ])
      const { 'Content-Type': _, ...lease } = leased
      assert.equal((await bob.presence('PUBLISH', { ...lease, 'PI-Type': 'renew' })).status, 200)
      assert.equal((await bob.presence('REMOVE', { 'Tuple-ID': 'im' })).status, 200)
      assert.match(await seen(), /by the device/)
      assert.doesNotMatch(await seen(), /by PRIM/)
      assert.equal(
        (await bob.presence('REMOVE', { 'Tuple-ID': 'im' })).status,
        403,
        'the device is not his to remove',
      )
      await bob.presence('PUBLISH', leased, pidf('open', 'by PRIM'))
      device(undefined)
      assert.match(await seen(), /by PRIM/)
      assert.doesNotMatch(await seen(), /by the device/)
    }
  })

  test('requests need not wait for each other: PUBLISH for good, REMOVE, and PUBLISH again in one piece (§6.2)', async () => {
    const { alice, bob } = await two()
    const written = (id: string, method: string, fields: Record<string, string>, body = ''): string => {
      const lines = Object.entries({ From: bob.pres, ...fields }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      return `${method} PRIM-PR/1.0 ${id} ${body.length}\r\n${lines.join('')}\r\n${body}`
    }
    const xml = { 'Content-Type': 'application/pidf+xml' }
    const permanent = { 'PI-Type': 'permanent', 'Tuple-ID': 'im', ...xml }
    const before = bob.responses.length
    bob.write(
      written('1', 'PUBLISH', permanent, pidf('closed', 'for good')) +
        written('2', 'REMOVE', { 'Tuple-ID': 'im' }) +
        written('3', 'PUBLISH', leased, pidf('open', 'for a while')),
    )
    await settled()
    assert.deepEqual(
      bob.responses.slice(before).map(({ first }) => first.split(' ')[3]),
      ['200', '200', '200'],
    )
    const { body } = await alice.presence('FETCH', toBob)
    assert.match(body, /for a while/)
    assert.doesNotMatch(body, /for good/)
  })

  const bad: [string, Record<string, string>, string][] = [
    ['without Tuple-ID', { ...leased, 'Tuple-ID': '' }, pidf('open')],
    ['leased without Duration', { ...leased, Duration: '0' }, pidf('open')],
    ['of no type', { ...leased, 'PI-Type': 'forever' }, pidf('open')],
    ['without a body', { 'PI-Type': 'leased', Duration: '60', 'Tuple-ID': 'im' }, ''],
    ['of something else', { ...leased, 'Content-Type': 'text/plain' }, 'open'],
    ['of no XML', leased, 'open'],
    ['of no tuple', leased, '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:b@c"/>'],
    ['renew with a body', { ...leased, 'PI-Type': 'renew' }, pidf('open')],
  ]
  for (const [what, fields, body] of bad) {
    test(`PUBLISH ${what} is 400`, async () => {
      const { bob } = await two()
      assert.equal((await bob.presence('PUBLISH', fields, body)).status, 400)
    })
  }

  test('the format of the drafts is read from old clients', async () => {
    const { alice, bob } = await two()
    const old =
      '<presence address="pres:bob@example.com"><contact address="im:bob@example.com"><status value="open"/><note>here</note></contact></presence>'
    const fields = { ...leased, 'Content-Type': 'application/presence' }
    assert.equal((await bob.presence('PUBLISH', fields, old)).status, 200)
    const { body } = await alice.presence('FETCH', toBob)
    assert.match(body, /<tuple id="im"><status><basic>open<\/basic><\/status><contact>im:bob@example\.com/)
    assert.match(body, /<note>here<\/note>/)
  })

  test('who is politely blocked sees nothing, and cannot tell; who is blocked gets 402', async () => {
    const { f, alice, bob } = await two()
    const mallory = await new Hand(f).login('mallory', 'pres')
    await bob.presence('PUBLISH', leased, pidf('open'))
    const rule = { subject: 'mallory@example.com', visibility: 'full' } as const
    f.service.contacts.setRule(at('bob@example.com'), { ...rule, action: 'polite-block' }, () => {})
    const seen = await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    const nothing = await mallory.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    assert.equal(nothing.status, seen.status)
    assert.doesNotMatch(nothing.body, /<tuple/)
    await bob.presence('PUBLISH', leased, pidf('closed'))
    await alice.next()
    await settled()
    assert.equal(mallory.requests.length, 0)
    f.service.contacts.setRule(at('bob@example.com'), { ...rule, action: 'block' }, () => {})
    const cancelled = await mallory.next()
    assert.match(cancelled.text, /^CANCELSUBSCRIPTION PRIM-PR\/1\.0 - 0\r\nFrom: pres:bob@example\.com\r\n/)
    assert.equal((await mallory.presence('SUBSCRIBE', { ...toBob, Duration: '600' })).status, 402)
    assert.equal((await mallory.presence('FETCH', toBob)).status, 402)
  })

  test('a subscription outlives its connection and is taken up again (§4.4)', async () => {
    const { f, alice, bob } = await two()
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    alice.write('LOGOUT PRIM-PR/1.0 - 0\r\n\r\n')
    await settled()
    assert.equal(f.environment.watches.size, 1)
    await bob.presence('PUBLISH', leased, pidf('open'))
    const again = await new Hand(f).login('alice', 'pres')
    const answer = await again.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    assert.match(answer.body, /open/)
    assert.equal(f.environment.watches.size, 1)
    f.clock.advance(600_000)
    assert.equal(f.environment.watches.size, 0)
  })

  test('NOTIFY goes to every connection that has subscribed; one that says 403 is told no more', async () => {
    const { f, alice, bob } = await two()
    const second = await new Hand(f).login('alice', 'pres')
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    await second.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    second.answers = 403
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.next()
    await second.next()
    await bob.presence('PUBLISH', leased, pidf('closed'))
    await alice.next()
    await settled()
    assert.equal(second.requests.length, 0)
  })

  test('three NOTIFYs in a row without an answer, and no more are sent', async () => {
    const { f, alice, bob } = await two()
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    alice.answers = undefined
    for (let i = 0; i < 6; i++) {
      await bob.presence('PUBLISH', leased, pidf('open', `${i}`))
      f.clock.advance(31_000)
      await settled()
    }
    assert.equal(alice.requests.filter(({ first }) => first.startsWith('NOTIFY')).length, 3)
  })

  test('too many subscriptions of a watcher are 505', async () => {
    const { alice } = await two({ subscriptionsMax: 1 })
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    const more = await alice.presence('SUBSCRIBE', { ...toBob, 'Subscription-ID': 'k' })
    assert.equal(more.first.slice(-26), '505 Too Many Subscriptions')
  })

  test('the presentity hears who watches: subscribe, fetch, unsubscribe (§6.6)', async () => {
    const { f, alice, bob } = await two()
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    const started = await bob.presence('STARTWATCHERNOTIFY')
    assert.equal(started.body, '<subscribers><subscriber>pres:alice@example.com</subscriber></subscribers>')
    const mallory = await new Hand(f).login('mallory', 'pres')
    await mallory.presence('FETCH', toBob)
    const fetched = await bob.next()
    assert.deepEqual(fetched.fields, { From: mallory.pres, To: bob.pres, 'Watcher-Type': 'fetch' })
    await mallory.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    assert.equal((await bob.next()).fields['Watcher-Type'], 'subscribe')
    await mallory.presence('UNSUBSCRIBE', toBob)
    assert.equal((await bob.next()).fields['Watcher-Type'], 'unsubscribe')
    f.clock.advance(600_000)
    const expired = await bob.next()
    assert.deepEqual([expired.fields.From, expired.fields['Watcher-Type']], [alice.pres, 'unsubscribe'])
    assert.equal((await bob.presence('STOPWATCHERNOTIFY')).status, 200)
    await mallory.presence('FETCH', toBob)
    await settled()
    assert.equal(bob.requests.filter(({ first }) => first.startsWith('WATCHERNOTIFY')).length, 0)
  })
})
