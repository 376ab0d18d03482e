// Random lives of several people under a virtual clock; whatever they did, afterwards must be true what is checked here.
// The seed is printed; VERONA_SEED=n lives that one life again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import { type Account, isBlocked, ruleFor, visible } from '#core'
import type { Actor } from './actors.ts'
import { City, type Nature } from './city.ts'
import { Chance } from './random.ts'

const lives = process.env.VERONA_SOAK ? 3000 : 60
const steps = 250
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

function natureOf(seed: number): Nature {
  const others = (['holder', 'slow', undefined, 'slow'] as const)[seed % 4]
  return {
    kinds: ['prompt', 'phone', 'picky', ...(others === undefined ? [] : [others])],
    polite: seed % 4 < 2,
    history: seed % 3 > 0,
    confirmSameDomain: seed % 5 > 0,
  }
}

test(`random lives from seed ${first}`, async (t) => {
  for (let seed = first; seed < first + (Number.isNaN(given) ? lives : 1); seed++) {
    const city = await City.create(natureOf(seed), new Chance(seed))
    try {
      for (let i = 0; i < steps; i++) await city.step()
      await city.rest()
      await holds(city)
    } catch (cause) {
      t.diagnostic(`VERONA_SEED=${seed}`)
      if (!Number.isNaN(given)) for (const line of city.log) t.diagnostic(line)
      throw cause
    }
  }
})

async function holds(city: City): Promise<void> {
  assert.deepEqual(city.world.faults, [])
  outcomesHold(city)
  for (const actor of city.actors) orderHolds(actor, city)
  const accounts = await city.accounts()
  if (city.nature.history) await historyHolds(city, accounts)
  for (const account of accounts) {
    assert.equal(account.undelivered, 0, `${account.address.key} has nothing left to take`)
    await storeHolds(city, account)
  }
  if (!city.nature.polite) authorizationsHold(accounts)
  sessionsSee(city, accounts)
  subscriptionsSee(city, accounts)
  leasesHold(city, accounts)
}

/** What was acknowledged was taken, by each device once at most; what was refused by none. */
function outcomesHold(city: City): void {
  const takers = new Map<string, number>()
  for (const { accepted, id } of city.actors) {
    assert.equal(new Set(accepted.map(({ said }) => said)).size, accepted.length, `${id} took one twice`)
    for (const { said } of accepted) takers.set(said, (takers.get(said) ?? 0) + 1)
  }
  for (const { said, outcome } of city.sent) {
    assert.ok(outcome !== undefined, `${said} has no outcome`)
    const taken = takers.has(said)
    assert.equal(taken, outcome === 'delivered' || outcome === 'stored', `${said} was ${outcome}`)
  }
}

/** RFC 6120 §10.1: of one sender, each device takes what is live in order; one that declines nothing, all. */
function orderHolds({ accepted, id, kind }: Actor, { nature }: City): void {
  const last = new Map<string, number>()
  for (const { from, said, late } of accepted) {
    // One that dies may return what others that came since have passed: a slow one, or one that holds it for its device (XEP-0198 §4).
    const mayReturn = nature.kinds.includes('slow') || nature.kinds.includes('holder')
    if (late && (mayReturn || kind !== 'prompt')) continue
    assert.ok(Number(said) > (last.get(from) ?? 0), `${id} (${kind}) took ${said} of ${from} out of order`)
    last.set(from, Number(said))
  }
}

async function historyHolds({ sent, world }: City, accounts: readonly Account[]): Promise<void> {
  for (const { address } of accounts) {
    const items = await world.store.history(address, { limit: 1000 })
    const received = items.filter(({ direction }) => direction === 'received').map(({ raw }) => text(raw))
    const expected = sent
      .filter(({ to, outcome }) => to === address.key && (outcome === 'delivered' || outcome === 'stored'))
      .map(({ said }) => said)
    assert.deepEqual(received.toSorted(), expected.toSorted(), `the history of ${address.key}`)
  }
}

async function storeHolds({ world }: City, account: Account): Promise<void> {
  const stored = await world.store.accountState(account.address)
  const byKey = (a: { address: { key: string } }, b: { address: { key: string } }): number =>
    a.address.key < b.address.key ? -1 : 1
  assert.deepEqual(stored?.contacts.toSorted(byKey), [...account.contacts.values()].toSorted(byKey))
  assert.equal(stored?.rules.length, account.rules.size)
}

function authorizationsHold(accounts: readonly Account[]): void {
  for (const one of accounts)
    for (const other of accounts) {
      if (one === other) continue
      const mine = one.contacts.get(other.address.key)?.authorization
      const theirs = other.contacts.get(one.address.key)?.authorization
      const who = `${one.address.key} -> ${other.address.key}`
      assert.equal(mine?.to ?? false, theirs?.from ?? false, `${who}: to and from`)
      // XEP-0191 §3.3: who asks while blocked is answered nothing, and waits.
      const isBlocked = ruleFor(other.rules, one.address)?.action === 'block'
      if (!isBlocked || theirs?.pendingIn === true)
        assert.equal(mine?.pendingOut ?? false, theirs?.pendingIn ?? false, `${who}: pending`)
    }
}

function served(account: Account): [string, string][] {
  return account.presentity.sources().map(({ tuple, source }) => [tuple, text(source.raw)])
}

function sessionsSee(city: City, accounts: readonly Account[]): void {
  for (const [actor, own] of city.present)
    for (const account of accounts) {
      const { key } = account.address
      const authorized = account === own || account.contacts.get(own.address.key)?.authorization.from === true
      // XEP-0191 §3.3: of one whom the watcher blocks itself it sees an absence.
      const isUnwanted = account !== own && isBlocked(own.rules, account.address)
      const isShown = authorized && !isUnwanted && visible(account, own.address) !== 'nothing'
      const sees = isShown ? served(account) : []
      const believed = [...(actor.watcher.believes.get(key) ?? [])]
      assert.deepEqual(believed.toSorted(), sees.toSorted(), `${actor.owner.key}'s ${actor.id} of ${key}`)
    }
}

function subscriptionsSee(city: City, accounts: readonly Account[]): void {
  for (const { id, presentity, watcher } of city.leased) {
    const account = accounts.find(({ address }) => address.key === presentity)
    const held = account?.subscriptions.get(id)
    if (account === undefined || held === undefined) continue
    const own = accounts.find(({ address }) => address.key === held.watcher.key)
    // Whom the watcher blocks itself it is not shown while its account is in memory; a lease may outlive that.
    if (own !== undefined && own !== account && isBlocked(own.rules, account.address)) continue
    const sees = held.state === 'active' ? served(account) : []
    const believed = [...(watcher.believes.get(presentity) ?? [])]
    assert.deepEqual(believed.toSorted(), sees.toSorted(), `${id} (${held.state}) of ${presentity}`)
  }
}

/** Each lease is held by a tuple or a subscription, and all end. */
function leasesHold({ world }: City, accounts: readonly Account[]): void {
  let held = 0
  for (const { presentity, subscriptions } of accounts) {
    held += subscriptions.size
    for (const { lease } of presentity.tuples.values()) if (lease !== undefined) held++
  }
  assert.equal(world.service.leases.size.active, held)
  world.clock.advance(1_000_000)
  assert.deepEqual(world.service.leases.size, { active: 0, places: 0 })
  for (const { subscriptions } of accounts) assert.equal(subscriptions.size, 0)
}
