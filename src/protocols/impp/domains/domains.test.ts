// Two domains, with real sessions and clients by hand, all in memory (docs/specs/impp-1.0.md §12).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { at } from '../testing/fixture.ts'
import { dropHands } from '../testing/hand.ts'
import { clientOf, everything, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const juliet = 'impp://capulet.example/juliet'
const romeo = 'impp://montague.example/romeo'

test('an operator sees what becomes of a try', async () => {
  const { here, wires } = await twoDomains()
  const found = await here.domains.examine('montague.example', 'capulet.example')
  assert.deepEqual(found.tries, [
    {
      where: 'server.capulet.example:7411 (192.0.2.2)',
      isGood: true,
      outcome: 'ready, TLSv1.3, certificate of capulet.example, until 2030-01-01',
    },
  ])
  wires.up = false
  const none = await here.domains.examine('montague.example', 'capulet.example')
  assert.deepEqual(
    none.tries.map(({ isGood, outcome }) => [isGood, outcome]),
    [[false, 'nobody answers']],
  )
})

describe('a message to another domain', () => {
  test('is the author’s request octet for octet, behind an envelope with its hops (IMPP §19, D92, D93)', async () => {
    const { here, there, wires } = await twoDomains()
    const from = await clientOf(here, 'romeo', { Device: 'orchard' })
    const to = await clientOf(there, 'juliet', { Device: 'balcony' })
    from.request('SEND', 'first', { Target: juliet, 'X-Odd': 'kept' }, 'Wherefore?')
    const arrived = await to.next(to.requests)
    assert.equal(arrived.first, 'SEND first impp/1.0')
    assert.equal(arrived.fields['x-odd'], 'kept')
    assert.equal(arrived.fields['connection-id'], 'orchard')
    assert.equal(arrived.body, 'Wherefore?')
    const answer = await from.next(from.responses)
    assert.match(answer.first, /^OK \(SEND\) first /)
    assert.equal(answer.fields.to, romeo)
    const crossing = wires.texts.join('')
    assert.match(
      crossing,
      /ENVELOPE impp\/1.0\r\nHops: 109\r\nTransmission: [^\r]+\r\n\r\nSEND first impp\/1.0\r\nFrom: impp/,
    )
  })

  test('and back goes over the same connection (D45)', async () => {
    const { here, there, wires } = await twoDomains()
    const one = await clientOf(here, 'romeo')
    const other = await clientOf(there, 'juliet')
    assert.match((await one.ask('SEND', { Target: juliet }, 'to')).first, /^OK/)
    assert.match((await other.ask('SEND', { Target: romeo }, 'fro')).first, /^OK/)
    assert.equal(wires.opened, 1)
  })

  test('who is not there is told in that domain’s words (E1)', async () => {
    const { here } = await twoDomains()
    const from = await clientOf(here, 'romeo')
    const answer = await from.ask('SEND', { Target: 'impp://capulet.example/nobody' }, 'Hello?')
    assert.equal(answer.fields.reason, 'target-unknown')
  })

  test('somebody who is away gets it later, and the sender hears that it waits (D77)', async () => {
    const { here, there } = await twoDomains()
    const from = await clientOf(here, 'romeo')
    const answer = await from.ask('SEND', { Target: juliet }, 'later')
    assert.match(answer.first, /^OK/)
    assert.match(answer.body, /closed/)
    const to = await clientOf(there, 'juliet')
    assert.equal((await to.next(to.requests)).body, 'later')
  })
})

describe('watching somebody of another domain', () => {
  test('is asked for, granted, told and ended (D74 to D82)', async () => {
    const { here, there } = await twoDomains()
    const watcher = await clientOf(here, 'romeo')
    const presentity = await clientOf(there, 'juliet', { Device: 'balcony' })
    const asked = await watcher.ask('SUBSCRIBE', { Target: juliet, Accept: 'application/impp' })
    assert.equal(asked.fields['subscription-state'], 'pending')
    await everything()
    there.service.contacts.approve(
      at('juliet@capulet.example'),
      at('romeo@montague.example'),
      undefined,
      () => {},
    )
    await everything()
    for (const { first, body } of watcher.requests.splice(0)) {
      assert.match(first, /^CHANGE-NOTIFY /)
      assert.doesNotMatch(body, /tuple/)
    }
    const body =
      '<presence><entity>pres:juliet@capulet.example</entity><tuple><id>x</id><basic>open</basic></tuple></presence>'
    const fields = { Target: juliet, 'Lease-Time': 'connection', 'Content-Type': 'application/impp' }
    assert.match((await presentity.ask('CHANGE', fields, body)).first, /^OK/)
    const told = await watcher.next(watcher.requests)
    assert.match(told.body, /<id>balcony<\/id><basic>open/)
    assert.equal(told.fields.origin, juliet)
    assert.match((await watcher.ask('UNSUBSCRIBE', { Target: juliet })).first, /^OK/)
    await everything()
    assert.equal(there.domains.watchers.size, 0)
    assert.equal(here.domains.linkTo('capulet.example').isWatching, false)
  })
})

describe('LIMIT: domains that are known', () => {
  test('links and pairs that nobody needs are forgotten past domains_max; what is watched stays', async () => {
    const { here } = await twoDomains({ domainsMax: 4 })
    const [romeo, juliet] = [at('romeo@montague.example'), at('juliet@capulet.example')]
    const watched = here.domains.linkTo('capulet.example')
    watched.watch(romeo, juliet)
    await everything()
    const first = here.domains.linkTo('d0.example')
    for (let n = 0; n < 20; n++) {
      const presentity = at(`x@d${n}.example`)
      const fetched = new Promise((resolve) =>
        here.domains.linkTo(presentity.domain).fetch(romeo, presentity, resolve),
      )
      await everything()
      await fetched
    }
    assert.ok(here.domains.status().length <= 4)
    assert.ok(here.domains.status().some(({ domain }) => domain === 'capulet.example'))
    assert.equal(here.domains.linkTo('capulet.example'), watched)
    assert.notEqual(here.domains.linkTo('d0.example'), first)
  })
})
