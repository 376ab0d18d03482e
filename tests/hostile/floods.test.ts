// Too many of everything: each thing has a limit with a condition, the offender is told, and others go on.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ImppPerson, SipPerson, XmppPerson } from './people.ts'
import { addressOf, heap, isSoak, Stand, turns, until } from './stand.ts'

const roundTripMax = 2000

test('a flood of garbage over UDP is dropped, and of requests with random branches answered, within bounded memory', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  const phone = await SipPerson.open(stand, 'alice')
  const alice = await XmppPerson.logIn(stand, 'alice')
  const flooder = await SipPerson.open(stand, 'bob', false)
  const count = isSoak ? 200_000 : 6000
  const garbage = (k: number): Buffer =>
    k % 3 === 0
      ? randomBytes(1 + (k % 1400))
      : k % 3 === 1
        ? Buffer.from(`INVITE sip:x SIP/2.0\r\n${'X: y\r\n'.repeat(k % 200)}`)
        : Buffer.from(
            'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nCSeq: 1 MESSAGE\r\n\r\n',
          )
  const requests = (k: number): Buffer => {
    const method = ['MESSAGE', 'REGISTER', 'SUBSCRIBE', 'PUBLISH', 'OPTIONS', 'INVITE', 'BYE', 'CANCEL'][
      k % 8
    ] as string
    const credentials =
      'Authorization: Digest username="bob", realm="localhost", nonce="made up", uri="sip:x", response="00000000000000000000000000000000"'
    const fields = ['Event: presence', ...(k % 2 === 0 ? [credentials] : [])]
    return flooder.written(
      method,
      'sip:alice@localhost',
      `c${k}`,
      `z9hG4bK${randomBytes(8).toString('hex')}`,
      fields,
      'x',
    )
  }
  for (const make of [garbage, requests]) {
    const sizes: number[] = []
    for (let wave = 0; wave < 2; wave++) {
      for (let k = 0; k < count / 2; k++) {
        flooder.socket.send(make(k))
        if (k % 200 !== 199) continue
        await turns(2)
        flooder.arrived.length = 0
        if (k % 1000 === 999) {
          assert.ok((await phone.roundTrip()) < roundTripMax)
          assert.ok((await alice.roundTrip()) < roundTripMax)
        }
      }
      await turns(10)
      flooder.arrived.length = 0
      sizes.push(heap())
    }
    const [first = 0, second = 0] = sizes
    // A transaction stays for 32 seconds (RFC 3261 §17.2.2), 65,536 of them at most.
    assert.ok(second - first < Math.min(count / 2, 65_536) * 4000, `${second - first} octets`)
  }
  assert.ok((await stand.metric('verona_sip_malformed_total')) > 100)
  alice.destroy()
  for (const person of [phone, flooder]) person.close()
  assert.deepEqual(stand.faults, [])
})

test('who guesses at Digest is made to wait', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  const guesser = await SipPerson.open(stand, 'bob', false)
  guesser.secret = 'wrong'
  const statuses: number[] = []
  for (let k = 0; k < 60; k++) statuses.push((await guesser.request('OPTIONS', 'sip:alice@localhost')).status)
  // Another challenge is what a wrong guess gets; past the free ones, 503 with Retry-After.
  assert.ok(statuses.filter((status) => status === 401).length <= 25, String(statuses))
  assert.ok(statuses.filter((status) => status === 503).length >= 30, String(statuses))
  guesser.close()
  assert.deepEqual(stand.faults, [])
})

test('one person cannot register, publish or subscribe without end', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice', 'bob', 'carol'],
    settings: { sip: 'contacts_max = 4' },
  })
  const phone = await SipPerson.open(stand, 'alice', false)
  const bob = await XmppPerson.logIn(stand, 'bob')
  const registered: number[] = []
  for (let k = 0; k < 8; k++) {
    const contact = `Contact: <sip:alice${k}@127.0.0.1:${phone.socket.address().port}>`
    registered.push((await phone.request('REGISTER', 'sip:localhost', [contact])).status)
  }
  assert.deepEqual(registered.slice(0, 4), [200, 200, 200, 200])
  for (const status of registered.slice(4)) assert.ok(status >= 400 && status < 600, String(registered))
  // Where a phone is registered its PUBLISH is the one tuple of that phone; elsewhere each Call-ID is another device.
  const elsewhere = await SipPerson.open(stand, 'alice', false)
  const published = new Map<number, number>()
  for (let k = 0; k < 200; k++) {
    const pidf = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:alice@localhost"><tuple id="t${k}"><status><basic>open</basic></status></tuple></presence>`
    const { status } = await elsewhere.request(
      'PUBLISH',
      'sip:alice@localhost',
      ['Event: presence', 'Content-Type: application/pidf+xml', 'Expires: 600'],
      pidf,
    )
    published.set(status, (published.get(status) ?? 0) + 1)
  }
  assert.ok((published.get(503) ?? 0) > 0, JSON.stringify([...published]))
  const subscribed = new Map<number, number>()
  for (let k = 0; k < 120; k++) {
    const { status } = await phone.request('SUBSCRIBE', 'sip:bob@localhost', [
      'Event: presence',
      `Contact: ${phone.contact}`,
      'Expires: 600',
      `From: <sip:alice@localhost>;tag=${k}`,
    ])
    subscribed.set(status, (subscribed.get(status) ?? 0) + 1)
  }
  assert.ok((subscribed.get(503) ?? 0) > 0, JSON.stringify([...subscribed]))
  assert.ok((await bob.roundTrip()) < roundTripMax)
  // Who comes by another protocol has limits of their own.
  const carol = await ImppPerson.logIn(stand, 'carol')
  const answered = carol.request('SUBSCRIBE', ['Target: impp://localhost/bob', 'Lease-Time: 60'])
  assert.match(await carol.answer(answered), /^OK/)
  bob.destroy()
  carol.destroy()
  phone.close()
  assert.deepEqual(stand.faults, [])
})

test('presence by the thousand reaches its watchers as they take it, and no one else waits', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob', 'carol', 'mallory'] })
  const bob = await XmppPerson.logIn(stand, 'bob')
  const carol = await ImppPerson.logIn(stand, 'carol')
  const mallory = await XmppPerson.logIn(stand, 'mallory')
  for (const name of ['bob', 'carol']) {
    const done = Promise.withResolvers<void>()
    stand.server.service.contacts.setRule(
      addressOf('mallory'),
      { subject: addressOf(name).key, action: 'allow', visibility: 'full' },
      () => done.resolve(),
    )
    await done.promise
  }
  carol.request('SUBSCRIBE', ['Target: impp://localhost/mallory', 'Lease-Time: 600'])
  bob.send("<presence to='mallory@localhost' type='subscribe'/>")
  mallory.send("<presence to='bob@localhost' type='subscribed'/>")
  await bob.roundTrip()
  const before = heap()
  const count = isSoak ? 100_000 : 3000
  for (let k = 0; k < count; k++) {
    mallory.send(`<presence><status>${k} ${'x'.repeat(100)}</status></presence>`)
    if (k % 500 === 499) {
      assert.ok((await mallory.roundTrip()) < 10_000)
      assert.ok((await bob.roundTrip()) < roundTripMax)
      // Hers are told to herself too (RFC 6121 §4.4.2).
      bob.text = mallory.text = ''
      assert.ok((await carol.roundTrip()) < roundTripMax)
    }
  }
  // Carol answers none: one request waits, the newest state follows it, nothing piles up.
  assert.equal(carol.text.match(/^CHANGE-NOTIFY /gm)?.length, 1)
  await turns(10)
  assert.ok(heap() - before < 10_000_000)
  for (const raw of [bob, carol, mallory]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

test('ten thousand contacts are taken, one more is refused, and the list comes whole', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice', 'bob'],
    settings: { xmpp: 'stanza_octets_max = 1048576' },
  })
  const alice = await XmppPerson.logIn(stand, 'alice', 'x', false)
  const bob = await XmppPerson.logIn(stand, 'bob')
  let refused = 0
  const count = 10_050
  for (let k = 0; k < count; k++) {
    alice.send(
      `<iq type='set' id='c${k}'><query xmlns='jabber:iq:roster'><item jid='c${k}@localhost' name='C'/></query></iq>`,
    )
    if (k % 500 === 499) {
      await alice.roundTrip()
      refused += alice.text.match(/type=['"]error/g)?.length ?? 0
      alice.text = ''
      assert.ok((await bob.roundTrip()) < roundTripMax)
    }
  }
  await alice.roundTrip()
  refused += alice.text.match(/type=['"]error/g)?.length ?? 0
  assert.equal(refused, count - 10_000)
  alice.text = ''
  alice.send("<iq type='get' id='all'><query xmlns='jabber:iq:roster'/></iq>")
  await until(
    () => (alice.text.match(/<item /g)?.length ?? 0) === 10_000,
    () => `10000 contacts, not ${alice.text.match(/<item /g)?.length}`,
  )
  alice.destroy()
  bob.destroy()
  assert.deepEqual(stand.faults, [])
})
