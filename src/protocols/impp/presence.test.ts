import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { at, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

function pidf(basic: string, id = 'x', show = ''): string {
  const shown = show === '' ? '' : `<show xmlns="jabber:client">${show}</show>`
  return `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@example.com"><tuple id="${id}"><status><basic>${basic}</basic>${shown}</status></tuple></presence>`
}

const pidfType = { 'Content-Type': 'application/pidf+xml' }
const julietUrl = 'impp://example.com/juliet'
const romeoUrl = 'impp://example.com/romeo'

describe('presence (IMPP §18.1 to §18.3, §18.5 to §18.7)', () => {
  test('SUBSCRIBE returns presence and a lease, changes are notified until UNSUBSCRIBE', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet', { Device: 'desk' })
    const romeo = await new Hand(f).login('romeo')
    const ok = await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '600' })
    assert.equal(ok.fields['lease-time'], '600')
    assert.equal(ok.fields['subscription-state'], 'active')
    assert.doesNotMatch(ok.body, /<tuple/)
    const changed = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType },
      pidf('open', 'x', 'away'),
    )
    assert.equal(changed.fields['lease-time'], 'connection')
    const notify = await romeo.next(romeo.requests)
    assert.match(notify.first, /^CHANGE-NOTIFY /)
    assert.equal(notify.fields.origin, julietUrl)
    assert.equal(notify.fields.target, romeoUrl)
    assert.match(notify.body, /<tuple id="desk"><status><basic>open<\/basic><show xmlns="jabber:client">away/)
    const renewed = await romeo.ask('SUBSCRIBE', { Target: julietUrl, Accept: 'application/impp' })
    assert.equal(renewed.fields['lease-time'], '3600')
    assert.match(renewed.body, /^<presence><entity>pres:juliet@example.com<\/entity><tuple><id>desk<\/id>/)
    assert.match((await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).first, /^OK /)
    assert.equal(
      (await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).fields.reason,
      'subscription-unknown',
    )
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '600', ...pidfType }, pidf('closed'))
    await settled()
    assert.equal(romeo.requests.length, 0)
  })

  test('while one CHANGE-NOTIFY waits, what changes is told once, as it then is', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    await romeo.ask('SUBSCRIBE', { Target: julietUrl, Accept: 'application/impp' })
    romeo.answers = 'nothing'
    const change = (show: string) =>
      juliet.ask(
        'CHANGE',
        { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType },
        pidf('open', 'x', show),
      )
    await change('chat')
    const first = await romeo.next(romeo.requests)
    await change('away')
    await change('dnd')
    await settled()
    assert.equal(romeo.requests.length, 0)
    romeo.answer(first)
    const second = await romeo.next(romeo.requests)
    assert.match(second.body, /<show>dnd</)
    romeo.answer(second, { Reason: 'subscription-unknown' }, false)
    await change('xa')
    await settled()
    assert.equal(romeo.requests.length, 0)
  })

  test('a CHANGE-NOTIFY without a response is told again when the client answers anything', async () => {
    const f = await fixture({ responseSeconds: 10 })
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    await romeo.ask('SUBSCRIBE', { Target: julietUrl, Accept: 'application/impp' })
    romeo.answers = 'nothing'
    await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType },
      pidf('open', 'x', 'dnd'),
    )
    await romeo.next(romeo.requests)
    f.clock.advance(11_000)
    await romeo.ask('PING')
    assert.equal(romeo.requests.length, 0)
    juliet.request('SEND', 'hint', { Target: romeoUrl, 'Chat-State': 'active' })
    romeo.answers = 'OK'
    romeo.answer(await romeo.next(romeo.requests))
    assert.match((await romeo.next(romeo.requests)).body, /<show>dnd</)
  })

  test('a connection that dies takes along what it published for its life, after its lease at the latest (§8.4)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType }, pidf('open'))
    assert.match((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).body, /open/)
    juliet.answers = 'nothing' // it hears and says nothing any more
    f.clock.advance(61_000)
    await settled()
    f.clock.advance(61_000)
    await settled()
    assert.equal(juliet.closed, 'peer')
    assert.doesNotMatch((await romeo.next(romeo.requests)).body, /<tuple/)
    assert.equal(romeo.closed, '', 'who answers pings stays')
  })

  test('a leased value outlives its connection, ends with its lease, and the permanent one returns (D78 to D80)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    const permanent = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': 'infinity', ...pidfType },
      pidf('closed', 'p'),
    )
    assert.equal(permanent.fields['lease-time'], 'infinity')
    const leased = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': '99999', ...pidfType },
      pidf('open'),
    )
    assert.equal(leased.fields['lease-time'], '7200')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '60', ...pidfType }, pidf('open'))
    await juliet.ask('QUIT')
    await settled()
    assert.equal(juliet.closed, 'peer')
    assert.match((await romeo.ask('FETCH', { Target: julietUrl })).body, /open/)
    f.clock.advance(60_000)
    await settled()
    assert.match((await romeo.ask('FETCH', { Target: julietUrl })).body, /closed/)
    const again = await new Hand(f).login('juliet')
    await again.ask('CHANGE', { Target: julietUrl, 'Lease-Time': 'infinity' })
    assert.doesNotMatch((await romeo.ask('FETCH', { Target: julietUrl })).body, /<tuple/)
  })

  test('a subscription ends with its lease and is told no more (IMPP §14, D51)', async () => {
    const f = await fixture({ connectionSeconds: 80_000 })
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    assert.equal(
      (await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '1' })).fields['lease-time'],
      '30',
    )
    f.clock.advance(31_000)
    await settled()
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '60', ...pidfType }, pidf('open'))
    await settled()
    assert.equal(romeo.requests.length, 0)
    assert.equal(
      (await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).fields.reason,
      'subscription-unknown',
    )
  })

  test('a subscription that waits for its owner shows nothing; approval notifies, a block terminates it', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    const rule = (action: 'confirm' | 'block' | 'polite-block') =>
      new Promise<void>((resolve) =>
        f.service.contacts.setRule(
          at('juliet@example.com'),
          { subject: 'romeo@example.com', action, visibility: 'full' },
          () => resolve(),
        ),
      )
    await rule('confirm')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '600', ...pidfType }, pidf('open'))
    const ok = await romeo.ask('SUBSCRIBE', { Target: julietUrl })
    assert.equal(ok.fields['subscription-state'], 'pending')
    assert.doesNotMatch(ok.body, /<tuple/)
    assert.equal((await romeo.ask('FETCH', { Target: julietUrl })).fields.reason, 'permission-denied')
    f.service.contacts.approve(at('juliet@example.com'), at('romeo@example.com'), undefined, () => {})
    assert.match((await romeo.next(romeo.requests)).body, /open/)
    await rule('block')
    const terminated = await romeo.next(romeo.requests)
    assert.match(terminated.first, /^TERMINATE-SUBSCRIPTION /)
    assert.equal(terminated.fields.origin, julietUrl)
    assert.equal((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).fields.reason, 'permission-denied')
    await rule('polite-block')
    const polite = await romeo.ask('SUBSCRIBE', { Target: julietUrl })
    assert.deepEqual([polite.fields['subscription-state'], /<tuple/.test(polite.body)], ['active', false])
  })

  test('what CHANGE refuses', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const reason = async (fields: Record<string, string>, body?: string) =>
      (await juliet.ask('CHANGE', fields, body)).fields.reason
    const own = { Target: julietUrl, 'Lease-Time': '60' }
    assert.equal(await reason({ ...own, Target: romeoUrl, ...pidfType }, pidf('open')), 'permission-denied')
    assert.equal(
      await reason({ ...own, 'Content-Type': 'text/xml' }, pidf('open')),
      'mime-type-not-understood',
    )
    assert.equal(await reason({ ...own, ...pidfType }, '<presence/>'), 'malformed')
    assert.equal(await reason(own), 'malformed')
    assert.equal(await reason({ Target: julietUrl, ...pidfType }, pidf('open')), 'malformed')
    assert.equal(await reason({ ...own, 'Lease-Time': 'soon', ...pidfType }, pidf('open')), 'malformed')
  })

  test('what SUBSCRIBE and FETCH refuse, and the limit on subscriptions', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    for (const method of ['SUBSCRIBE', 'FETCH']) {
      const reason = async (fields: Record<string, string>) => (await romeo.ask(method, fields)).fields.reason
      assert.equal(await reason({ Target: 'impp://example.com/nobody' }), 'target-unknown')
      assert.equal(await reason({ Target: 'nonsense' }), 'address-malformed')
      assert.equal(await reason({}), 'malformed')
      assert.equal(await reason({ Target: julietUrl, Accept: 'text/html' }), 'mime-type-not-understood')
    }
    assert.equal(
      (await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': 'x' })).fields.reason,
      'malformed',
    )
    const fetched = await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '0' })
    assert.equal(fetched.fields['lease-time'], undefined)
    assert.match(fetched.first, /^OK /)
    await f.service.accounts.add(
      ['a', 'b', 'c'].map((name) => ({ address: at(`${name}@example.com`), password: 'x' })),
    )
    for (const name of ['a', 'b', 'c']) await romeo.ask('SUBSCRIBE', { Target: `impp://example.com/${name}` })
    assert.equal((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).fields.reason, 'too-many-pending')
  })
})
