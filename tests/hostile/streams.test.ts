// Stream management turned against us (XEP-0198): nothing acknowledged, sessions left behind, identifiers guessed, counts asked without end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainText, XmppPerson, xmppHeader } from './people.ts'
import { Raw } from './raw.ts'
import { heap, isSoak, password, Stand, turns, until } from './stand.ts'

const roundTripMax = 2000
const enable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
const small = 'unacknowledged_stanzas_max = 200\nunacknowledged_octets_max = 100000'

async function enabled(stand: Stand, user: string, resource = 'x'): Promise<[XmppPerson, id: string]> {
  const person = await XmppPerson.logIn(stand, user, resource)
  person.send(enable)
  return [person, (await person.expect(/<enabled [^>]*id='([^']*)'/))[1] as string]
}

/** Logged in, no resource bound. */
async function loggedIn(stand: Stand, user: string): Promise<Raw> {
  const raw = new Raw(stand, 'xmpp.client')
  raw.send(xmppHeader)
  await raw.expect(/<\/stream:features>/)
  raw.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plainText(user, password)}</auth>`,
  )
  await raw.expect(/<success/)
  raw.send(xmppHeader)
  await raw.expect(/<\/stream:features>/)
  return raw
}

const away = [false, true]
for (const isAway of away) {
  test(`who acknowledges nothing${isAway ? ', nor comes back,' : ''} costs a bounded queue, and the messages wait for the next`, async (context) => {
    const stand = await Stand.open(context, { accounts: ['alice', 'bob', 'deaf'], settings: { xmpp: small } })
    const alice = await XmppPerson.logIn(stand, 'alice')
    const bob = await XmppPerson.logIn(stand, 'bob')
    const [deaf] = await enabled(stand, 'deaf')
    if (isAway) {
      deaf.destroy()
      await until(
        async () => (await stand.metric('verona_xmpp_sessions_awaited')) === 1,
        () => 'the session to be awaited',
      )
    }
    const before = heap()
    const count = isSoak ? 20_000 : 2000
    for (let k = 0; k < count; k++) {
      alice.message('deaf@localhost', `m${k}`, `text ${k}.`)
      if (k % 200 === 199) {
        await alice.roundTrip()
        assert.ok((await bob.roundTrip()) < roundTripMax)
      }
    }
    assert.equal(await stand.metric('verona_xmpp_unacknowledged_overflows_total'), 1)
    if (!isAway) await deaf.expect(/<policy-violation.*You left too many stanzas unacknowledged/s)
    assert.equal(await stand.metric('verona_xmpp_sessions_awaited'), 0)
    // The memory store holds the messages themselves.
    assert.ok(heap() - before < count * 3000 + 10_000_000)
    const next = await XmppPerson.logIn(stand, 'deaf', 'next')
    const most = Math.min(count, 1000)
    await until(
      () => (next.text.match(/<body>text/g)?.length ?? 0) >= most,
      () => `${next.text.match(/<body>text/g)?.length} messages`,
    )
    const came = [...next.text.matchAll(/<body>text (\d+)\./g)].map(([, k]) => Number(k))
    assert.deepEqual(
      came.slice(0, most),
      Array.from({ length: most }, (_, k) => k),
    )
    assert.deepEqual(stand.faults, [])
  })
}

test('sessions that are left behind are as many as an inbox holds, and their owner still gets in', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'mallory'] })
  const alice = await XmppPerson.logIn(stand, 'alice')
  for (let k = 0; k < (isSoak ? 1000 : 100); k++) {
    const [person] = await enabled(stand, 'mallory', `r${k}`)
    person.destroy()
    if (k % 50 === 0) assert.ok((await alice.roundTrip()) < roundTripMax)
  }
  await turns(20)
  assert.ok((await stand.metric('verona_xmpp_sessions_awaited')) <= 64)
  const here = await XmppPerson.logIn(stand, 'mallory', 'here')
  await here.roundTrip()
  assert.deepEqual(stand.faults, [])
})

test('identifiers of sessions are not guessed, and not taken from their owners', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'mallory'] })
  const [alice, id] = await enabled(stand, 'alice')
  const mallory = await loggedIn(stand, 'mallory')
  const count = isSoak ? 100_000 : 2000
  const guess = (k: number): string =>
    k % 10 === 0 ? id : `${id.slice(0, -4)}${k.toString(36).padStart(4, 'A')}`
  for (let k = 0; k < count; k++) {
    mallory.send(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${guess(k)}'/>`)
    if (k % 500 === 499) {
      await until(
        () => mallory.text.split('</failed>').length > k + 1,
        () => `${k + 1} refusals`,
      )
      assert.ok((await alice.roundTrip()) < roundTripMax)
    }
  }
  assert.doesNotMatch(mallory.text, /resumed|h='/)
  assert.equal(await stand.metric('verona_xmpp_sessions_resumed_total'), 0)
  await alice.roundTrip()
  assert.deepEqual(stand.faults, [])
})

test('who asks for counts without end and reads none is not read on', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'mallory'] })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const [mallory] = await enabled(stand, 'mallory')
  mallory.socket.pause()
  const before = heap()
  const piece = "<r xmlns='urn:xmpp:sm:3'/>".repeat(2000)
  for (let k = 0; k < (isSoak ? 2000 : 200); k++) {
    if (mallory.socket.writableLength < 1_000_000) mallory.send(piece)
    if (k % 20 === 0) assert.ok((await alice.roundTrip()) < roundTripMax)
  }
  assert.ok(heap() - before < 20_000_000)
  assert.deepEqual(stand.faults, [])
})

test('a storm of logins, right ones, keeps those who are in waiting for a bounded time', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  const alice = await XmppPerson.logIn(stand, 'alice')
  let longest = 0
  for (let round = 0; round < (isSoak ? 20 : 3); round++) {
    const storm = Array.from({ length: 40 }, (_, k) => XmppPerson.logIn(stand, 'bob', `r${k}`))
    longest = Math.max(longest, await alice.roundTrip())
    for (const person of await Promise.all(storm)) person.destroy()
  }
  assert.ok(longest < roundTripMax, `${longest} ms`)
  assert.deepEqual(stand.faults, [])
})
