import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { at } from '../testing/fixture.ts'
import { dropHands, Hand, pidf } from '../testing/hand.ts'
import { Server, servers } from '../testing/server-by-hand.ts'
import { everything, twoDomains } from '../testing/two-domains.ts'
import { rememberedMax } from './domains.ts'

afterEach(dropHands)

const plain = { 'Content-Type': 'text/plain; charset=UTF-8' }
const leased = {
  'PI-Type': 'leased',
  Duration: '300',
  'Tuple-ID': 'im',
  'Content-Type': 'application/pidf+xml',
}

describe('between domains (docs/specs/prim.md §8)', () => {
  test('a message crosses with its fields and body, and the answer comes back', async () => {
    const two = await twoDomains()
    const bob = await new Hand(two.here).login('bob')
    const alice = await new Hand(two.there).login('alice')
    await bob.message('LISTEN')
    const toBob = { To: bob.im, 'Message-ID': '7f3a@example.net', 'Conversation-ID': 'c-19', 'X-Odd': 'yes' }
    assert.equal((await alice.message('SEND', { ...toBob, ...plain }, 'Lunch at noon?')).status, 200)
    const came = await bob.next()
    assert.equal(came.body, 'Lunch at noon?')
    assert.equal(came.fields.From, alice.im)
    assert.equal(came.fields['X-Odd'], 'yes')
    assert.equal(came.fields.AStrength, 'weak')
    const toNobody = { ...toBob, To: 'im:nobody@example.com', 'Message-ID': 'n' }
    assert.equal((await alice.message('SEND', { ...toNobody, ...plain }, 'x')).status, 403)
  })

  test('a message for a domain that is away is kept, and goes when it is back', async () => {
    const two = await twoDomains()
    const bob = await new Hand(two.here).login('bob')
    const alice = await new Hand(two.there).login('alice')
    await bob.message('LISTEN')
    two.up = false
    const toBob = { To: bob.im, 'Message-ID': 'later' }
    assert.equal((await alice.message('SEND', { ...toBob, ...plain }, 'x')).status, 101)
    two.up = true
    for (let i = 0; i < 20 && bob.requests.length === 0; i++) {
      two.clock.advance(60_000)
      await everything()
    }
    assert.equal((await bob.next()).body, 'x')
  })

  test('a watcher there sees what is published here, until its right is withdrawn', async () => {
    const two = await twoDomains()
    const bob = await new Hand(two.here).login('bob', 'pres')
    const alice = await new Hand(two.there).login('alice', 'pres')
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    const toBob = { To: bob.pres, Duration: '600' }
    const first = await alice.presence('SUBSCRIBE', toBob)
    assert.ok(first.status === 200 || first.status === 201, first.text)
    await bob.presence('PUBLISH', leased, pidf('open', 'here'))
    let told = await alice.next()
    for (let i = 0; i < 5 && !told.body.includes('here'); i++) told = await alice.next()
    assert.match(told.body, /<tuple id="im"><status><basic>open/)
    assert.match((await alice.presence('FETCH', { To: bob.pres })).body, /open/)
    await bob.presence('SETACL', { 'Content-Type': 'application/xml' }, '<acl/>')
    let cancelled = await alice.next()
    for (let i = 0; i < 5 && cancelled.first.startsWith('NOTIFY'); i++) cancelled = await alice.next()
    assert.match(cancelled.first, /^CANCELSUBSCRIPTION /)
    assert.equal((await alice.presence('FETCH', { To: bob.pres })).status, 402)
  })

  test('who was allowed once watches again later, and is not cut off while the news are under way (§8.4)', async () => {
    const two = await twoDomains()
    const bob = await new Hand(two.here).login('bob', 'pres')
    const alice = await new Hand(two.there).login('alice', 'pres')
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    await bob.presence('PUBLISH', leased, pidf('open', 'here'))
    for (let time = 0; time < 3; time++) {
      await alice.presence('SUBSCRIBE', { To: bob.pres, Duration: '600' })
      await everything()
      const told = alice.requests.splice(0)
      assert.match(told.at(-1)?.body ?? '', /here/)
      assert.ok(told.every(({ first }) => first.startsWith('NOTIFY ')))
      assert.equal((await alice.presence('UNSUBSCRIBE', { To: bob.pres })).status, 200)
      await everything()
    }
  })

  test('subscriptions of another domain outlive a restart, but not their end (§8.4)', async () => {
    const two = await twoDomains()
    const alice = await new Hand(two.there).login('alice', 'pres')
    const bob = at('bob@example.com')
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(bob, rule, () => {})
    await alice.presence('SUBSCRIBE', { To: 'pres:bob@example.com', Duration: '600' })
    await everything()
    assert.equal((await two.here.service.store.subscriptions('prim')).length, 1)
    const crossed = two.wires.said.length
    await two.restart()
    assert.equal(two.here.domains.watchers.size, 1)
    alice.requests.splice(0)
    const again = await new Hand(two.here).login('bob', 'pres')
    await again.presence('PUBLISH', leased, pidf('open', 'after'))
    await everything()
    assert.match(alice.requests.at(-1)?.body ?? '', /after/)
    const since = two.wires.said.slice(crossed).map(({ octets }) => octets)
    assert.ok(since.some((octets) => octets.startsWith('NOTIFY ')))
    assert.ok(!since.some((octets) => octets.startsWith('SUBSCRIBE ')), 'nobody had to ask again')
    await alice.presence('UNSUBSCRIBE', { To: 'pres:bob@example.com' })
    await everything()
    assert.equal(two.here.domains.watchers.size, 0)
    assert.deepEqual(await two.here.service.store.subscriptions('prim'), [])
    await two.restart()
    assert.equal(two.here.domains.watchers.size, 0)
  })

  test('a right that was lost unheard is missed when no news follow (§8.4)', async () => {
    const two = await twoDomains()
    const bob = at('bob@example.com')
    const alice = await new Hand(two.there).login('alice', 'pres')
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(bob, rule, () => {})
    await alice.presence('SUBSCRIBE', { To: 'pres:bob@example.com', Duration: '600' })
    await everything()
    await alice.presence('UNSUBSCRIBE', { To: 'pres:bob@example.com' })
    await everything()
    two.here.service.contacts.setRule(bob, { ...rule, action: 'confirm' }, () => {})
    await everything()
    alice.requests.splice(0)
    await alice.presence('SUBSCRIBE', { To: 'pres:bob@example.com', Duration: '600' })
    two.clock.advance(61_000)
    await everything()
    assert.match(alice.requests.at(-1)?.first ?? '', /^CANCELSUBSCRIPTION /)
  })

  test('a domain whose certificate names another is not spoken with', async () => {
    const two = await twoDomains()
    two.names = ['example.org']
    const alice = await new Hand(two.there).login('alice')
    const sent = await alice.message('SEND', { To: 'im:bob@example.com', 'Message-ID': 'm', ...plain }, 'x')
    assert.equal(sent.status, 101)
    assert.match(two.there.domains.status()[0]?.lastError ?? '', /certificate is for DNS:example\.org/)
  })

  test('LOGIN by certificate, and what it speaks for (Example 4)', async () => {
    const { server } = await servers()
    const begun = await server.say(
      'LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: EXTERNAL ANONYMOUS\n\n',
    )
    assert.equal(
      begun,
      'PRIM/1.0 1 0 100 Authentication Continued\nDomain: example.net\nAuth-State: init\nSASL-Mech: EXTERNAL\n\n',
    )
    const done = await server.say(
      'LOGIN PRIM/1.0 2 0\nDomain: example.net\nAuth-State: continue\nSASL-Mech: EXTERNAL\n\n',
    )
    assert.equal(
      done,
      'PRIM/1.0 2 0 200 OK\nDomain: example.net\nAuth-State: continue\nSASL-Mech: EXTERNAL\n\n',
    )
    const forged = 'FETCH PRIM/1.0 3 0\nFrom: pres:carol@example.org\nTo: pres:bob@example.com\n\n'
    assert.match(await server.say(forged), /^PRIM\/1\.0 3 0 402 /)
    const elsewhere = 'FETCH PRIM/1.0 4 0\nFrom: pres:carol@example.net\nTo: pres:x@example.org\n\n'
    assert.match(await server.say(elsewhere), /^PRIM\/1\.0 4 0 402 /)
    assert.match(await server.say('LISTEN PRIM/1.0 5 0\n\n'), /^PRIM\/1\.0 5 0 501 /)
    assert.match(await server.say('LOGIN PRIM/1.0 6 0\nDomain: example.net\n\n'), /^PRIM\/1\.0 6 0 409 /)
  })

  test('SEND by hand: the weaker strength goes on, and what comes again is not delivered again (Example 5)', async () => {
    const { two, server } = await servers()
    await server.login()
    const bob = await new Hand(two.here).login('bob')
    await bob.message('LISTEN')
    const fields =
      'From: im:carol@example.net\nTo: im:bob@example.com\nMessage-ID: 7f3a@example.net\nConversation-ID: c-19\nAStrength: medium\nContent-Type: text/plain\n\nLunch at noon?'
    const answer = await server.say(`SEND PRIM/1.0 44 14\n${fields}`)
    assert.equal(
      answer,
      'PRIM/1.0 44 0 200 OK\nFrom: im:carol@example.net\nTo: im:bob@example.com\nMessage-ID: 7f3a@example.net\nConversation-ID: c-19\n\n',
    )
    assert.equal((await bob.next()).fields.AStrength, 'medium')
    assert.match(await server.say(`SEND PRIM/1.0 45 14\n${fields}`), / 200 OK/)
    await everything()
    assert.equal(bob.requests.length, 0)
  })

  test('before LOGIN nothing is taken but VERIFYSERVER, which says whose server an address is (Example 6)', async () => {
    const two = await twoDomains()
    const server = new Server(two.strike())
    assert.match(await server.say('FETCH PRIM/1.0 1 0\n\n'), / 401 /)
    const ask = (address: string): Promise<string> =>
      server.say(`VERIFYSERVER PRIM/1.0 1 0\nServer-Address: ${address}\n\n`)
    assert.equal(await ask('192.0.2.1'), 'PRIM/1.0 1 0 200 OK\nServer-Address: 192.0.2.1\n\n')
    assert.match(await ask('192.0.2.17'), /^PRIM\/1\.0 1 0 403 /)
    assert.match(await server.say('VERIFYSERVER PRIM/1.0 2 0\n\n'), / 400 /)
  })

  test('ANONYMOUS is off unless the operator lets it; then the address speaks, by DNS (§8.2)', async () => {
    const off = new Server((await twoDomains()).strike('192.0.2.17'))
    assert.match(
      await off.say('LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: ANONYMOUS\n\n'),
      / 406 /,
    )
    const two = await twoDomains({ serverAnonymous: true })
    assert.match(await new Server(two.strike('192.0.2.17')).login('ANONYMOUS'), / 200 OK/)
    const wrong = new Server(two.strike('192.0.2.66'))
    assert.match(await wrong.login('ANONYMOUS'), / 406 /)
    assert.ok(wrong.closed)
  })

  test('a strength below the least is 410', async () => {
    const { server } = await servers({ strengthMin: 'medium' })
    await server.login()
    const fetch = (strength: string): Promise<string> =>
      server.say(
        `FETCH PRIM/1.0 7 0\nFrom: pres:c@example.net\nTo: pres:bob@example.com\nAStrength: ${strength}\n\n`,
      )
    assert.match(await fetch('weak'), / 410 AStrength Too Weak/)
    assert.match(await fetch('strong'), / 402 /)
  })

  test('nobody out there speaks in the name of a domain of ours, nor one that policy forbids', async () => {
    const { two, server } = await servers()
    assert.match(await server.login('EXTERNAL', 'example.com'), /^$/)
    assert.ok(server.closed)
    two.here.policy.current = { ...two.here.policy.current, allowed: false }
    const forbidden = new Server(two.strike())
    await forbidden.secure()
    await forbidden.login()
    assert.ok(forbidden.closed)
  })

  test('too many that have not proven anything from one address are refused', async () => {
    const two = await twoDomains({ domainStrangersPerAddressMax: 2 })
    const all = [1, 2, 3].map(() => new Server(two.strike()))
    await everything()
    assert.deepEqual(
      all.map(({ closed }) => closed),
      [false, false, true],
    )
  })

  test('a server that does not answer is left, and its message waits', async () => {
    const two = await twoDomains()
    const alice = await new Hand(two.there).login('alice')
    const bob = await new Hand(two.here).login('bob')
    await bob.message('LISTEN')
    bob.answers = undefined
    const toBob = { To: bob.im, 'Message-ID': 'slow', ...plain }
    alice.send('SEND PRIM-IM', { From: alice.im, ...toBob }, 'x')
    await bob.next()
    assert.equal(two.there.domains.status()[0]?.state, 'connected')
    two.clock.advance(31_000)
    await everything()
    assert.equal(two.there.domains.status()[0]?.state, 'idle')
    assert.match(two.there.domains.status()[0]?.lastError ?? '', /does not answer/)
    assert.equal(alice.responses.at(-1)?.status, 101)
  })

  test('an operator sees what becomes of a try', async () => {
    const two = await twoDomains()
    const found = await two.here.domains.examine('example.com', 'example.net')
    assert.equal(found.source, 'SRV _im._prim.example.net and _pres._prim.example.net')
    assert.deepEqual(
      found.tries.map(({ isGood }) => isGood),
      [true],
    )
    two.up = false
    const none = await two.here.domains.examine('example.com', 'example.net')
    assert.deepEqual(
      none.tries.map(({ isGood, outcome }) => [isGood, outcome]),
      [[false, 'nobody answers']],
    )
  })

  test('pairs and links that nobody needs are forgotten past a limit; what is watched stays', async () => {
    const { here } = await twoDomains()
    const [bob, alice] = [at('bob@example.com'), at('alice@example.net')]
    const watched = here.domains.linkTo('example.net')
    watched.watch(bob, alice)
    const first = here.domains.linkTo('d0.example')
    for (let i = 0; i < rememberedMax + 20; i++) {
      const presentity = at(`x@d${i}.example`)
      await new Promise((resolve) => here.domains.linkTo(presentity.domain).fetch(bob, presentity, resolve))
    }
    assert.equal(here.domains.status().length, rememberedMax)
    assert.ok(here.domains.status().some(({ domain }) => domain === 'example.net'))
    assert.equal(here.domains.linkTo('example.net'), watched)
    assert.notEqual(here.domains.linkTo('d0.example'), first)
  })

  test('a connection that is not used is closed, with LOGOUT', async () => {
    const { two, server } = await servers()
    await server.login()
    two.clock.advance(301_000)
    await everything()
    assert.equal(server.told.join(''), 'LOGOUT PRIM/1.0 - 0\r\n\r\n')
    assert.ok(server.closed)
  })
})
