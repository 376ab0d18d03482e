// Names, aliases and secrets; what goes with an account.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import {
  append,
  contactOf,
  fresh,
  headOf,
  name,
  record,
  rowOf,
  secretsOf,
  subscriptionOf,
} from './samples.ts'
import type { UnderTest } from './under-test.ts'

export function accountCases(under: UnderTest): void {
  test('an account is found by its primary address and by each alias', async () => {
    const owner = fresh()
    const aliases = [fresh('alias').key, fresh('1001-').key]
    const whole = { ...record(owner.key, ...aliases), created: 1_712_345_678_901, disabled: true }
    assert.deepEqual(await under.store.addAccounts([{ record: whole, secrets: secretsOf('a') }]), [true])
    for (const known of [owner.key, ...aliases]) {
      assert.deepEqual(await under.store.account(name(known)), whole)
      assert.deepEqual((await under.store.accountState(name(known)))?.record, whole)
    }
    assert.equal(await under.store.account(fresh()), undefined)
    assert.equal(await under.store.accountState(fresh()), undefined)
  })

  test('a taken name is answered with false and all others are added, aliases and repeats counted', async () => {
    const [one, two, three, four, alias] = [fresh(), fresh(), fresh(), fresh(), fresh()]
    await under.store.addAccounts([{ record: record(one.key, alias.key), secrets: secretsOf('one') }])
    const answers = await under.store.addAccounts(
      [
        record(two.key),
        record(one.key), // primary taken
        record(alias.key), // an alias is a name too
        record(three.key, one.key), // its alias is taken
        record(four.key),
        record(four.key), // taken by the one before
      ].map((each) => ({ record: each, secrets: secretsOf('new') })),
    )
    assert.deepEqual(answers, [true, false, false, false, true, false])
    assert.deepEqual(await under.store.secrets(one), secretsOf('one'))
    assert.equal(await under.store.account(three), undefined)
  })

  test('thousands of accounts are added at once and listed in order, page by page', async () => {
    const domain = 'many.example.org'
    const count = 5000
    const before = await under.store.countAccounts()
    const users = Array.from({ length: count }, (_, i) => `user${(i * 7919) % count}`)
    const answers = await under.store.addAccounts(
      users.map((user) => ({ record: record(`${user}@${domain}`), secrets: secretsOf(user) })),
    )
    assert.equal(answers.length, count)
    assert(answers.every((added) => added))
    assert.equal(await under.store.countAccounts(), before + count)
    const seen: string[] = []
    for (let last = ''; ; ) {
      const page = await under.store.accounts(domain, last, 999)
      if (page.length === 0) break
      seen.push(...page.map(({ address }) => address.user))
      last = page.at(-1)?.address.key ?? ''
    }
    assert.deepEqual(seen, users.toSorted())
  })

  test('accounts are listed in the order of code points, whatever the script, of one domain only', async () => {
    const domain = 'order.example.org'
    const users = ['a', 'a!', 'a.b', 'ab', 'z', 'ß', 'ä', 'λ', '名前', '\uff21', '\u{1d400}', '\u{1f600}']
    const shuffled = [...users].reverse()
    await under.store.addAccounts(
      [...shuffled.map((user) => `${user}@${domain}`), 'b@other.example.org'].map((key) => ({
        record: record(key),
        secrets: secretsOf('x'),
      })),
    )
    const listed = (await under.store.accounts(domain, '', 100)).map(({ address }) => address.user)
    assert.deepEqual(listed, users)
    const rest = await under.store.accounts(domain, `ab@${domain}`, 2)
    assert.deepEqual(
      rest.map(({ address }) => address.user),
      ['z', 'ß'],
    )
    assert.deepEqual(await under.store.accounts('nowhere.example.org', '', 10), [])
  })

  test('replaceAccount adds and removes aliases with their secrets', async () => {
    const owner = await under.account()
    const [first, second] = [fresh(), fresh()]
    const withFirst = { ...record(owner.key, first.key), disabled: true }
    assert.equal(await under.store.replaceAccount(withFirst, secretsOf('first')), true)
    assert.deepEqual(await under.store.account(first), withFirst)
    assert.equal(await under.store.replaceAccount(record(owner.key, second.key), secretsOf('second')), true)
    assert.equal(await under.store.account(first), undefined)
    assert.deepEqual(await under.store.account(second), record(owner.key, second.key))
    assert.deepEqual(await under.store.secrets(owner), secretsOf('second'))
  })

  test('replaceAccount refuses a name of another account and an account that is gone, changing nothing', async () => {
    const [owner, other] = [await under.account(), await under.account()]
    const alias = fresh()
    assert.equal(
      await under.store.replaceAccount(record(owner.key, alias.key, other.key), secretsOf('no')),
      false,
    )
    assert.equal(await under.store.account(alias), undefined)
    assert.deepEqual(await under.store.secrets(owner), secretsOf(owner.user))
    assert.equal(await under.store.replaceAccount(record(fresh().key), secretsOf('no')), false)
    assert.equal(
      await under.store.replaceAccount(record(alias.key), secretsOf('no')),
      false,
      'nor by an alias of none',
    )
  })

  test('an alias given up is free for another account', async () => {
    const owner = await under.account()
    const alias = fresh()
    await under.store.replaceAccount(record(owner.key, alias.key), secretsOf('a'))
    assert.deepEqual(
      await under.store.addAccounts([{ record: record(alias.key), secrets: secretsOf('b') }]),
      [false],
    )
    await under.store.replaceAccount(record(owner.key), secretsOf('a'))
    assert.deepEqual(
      await under.store.addAccounts([{ record: record(alias.key), secrets: secretsOf('b') }]),
      [true],
    )
  })

  test('credentials are those of the account that a name or an alias names', async () => {
    const owner = await under.account()
    const alias = fresh()
    await under.store.replaceAccount(record(owner.key, alias.key), secretsOf('both'))
    for (const name of [owner, alias]) {
      assert.deepEqual(await under.store.credentials(name), {
        record: record(owner.key, alias.key),
        secrets: secretsOf('both'),
      })
    }
    assert.equal(await under.store.credentials(fresh()), undefined)
  })

  test('secrets are kept as given and belong to an account', async () => {
    const owner = await under.account()
    assert.deepEqual(await under.store.secrets(owner), secretsOf(owner.user))
    assert.equal(await under.store.setSecrets(owner, { scram: {}, ha1: {} }), true)
    assert.deepEqual(await under.store.secrets(owner), { scram: {}, ha1: {} })
    const nobody = fresh()
    assert.equal(await under.store.setSecrets(nobody, secretsOf('x')), false)
    assert.equal(await under.store.secrets(nobody), undefined)
  })

  test('removing an account removes everything it owns, and nothing of others', async () => {
    const domain = 'removal.example.org'
    const [owner, other] = [name(`owner@${domain}`), name(`other@${domain}`)]
    const alias = fresh()
    const both = [record(owner.key, alias.key), record(other.key)]
    const add = (): Promise<boolean[]> =>
      under.store.addAccounts(both.map((each) => ({ record: each, secrets: secretsOf('s') })))
    await add()
    for (const each of [owner, other]) {
      await under.store.putContact(each, { ...contactOf('c@example.net'), name: each.user })
      await under.store.changeRules(each, [], [{ subject: '*', action: 'confirm', visibility: 'basic' }])
      await under.store.putForward(each, { location: 'im:c@example.net', permanent: true })
      const raw = utf8(`<presence>${each.user}`)
      await under.store.putPermanentPresence(each, { head: headOf(each, each, raw), raw })
      await under.store.putDocument(each, 'archiving', raw)
      await under.store.putDocument(each, 'vcard', raw)
    }
    await under.store.putSubscription(subscriptionOf('r1', 'removal', other, alias))
    await under.store.putSubscription(subscriptionOf('r2', 'removal', owner, other))
    await under.store.putSubscription(subscriptionOf('r3', 'removal', other, name('far@example.net')))
    const shared = rowOf(other, owner, { undelivered: true })
    await append(under.store, shared)
    await append(under.store, rowOf(name('far@example.net'), owner, { forSender: false, undelivered: true }))
    const count = await under.store.countAccounts()

    assert.equal(await under.store.removeAccount(owner), true)
    assert.equal(await under.store.removeAccount(owner), false)
    assert.equal(await under.store.countAccounts(), count - 1)
    assert.equal(await under.store.account(alias), undefined)
    assert.deepEqual(await under.store.history(owner, { limit: 10 }), [])
    assert.deepEqual(
      (await under.store.subscriptions('removal')).map(({ id }) => id),
      ['r3'],
    )
    assert.deepEqual(await under.idsOf(other), [shared.id], "the other's copy of a shared message stays")
    const kept = await under.store.accountState(other)
    assert.equal(kept?.contacts[0]?.name, 'other')
    assert.equal(kept?.rules.length, 1)

    assert.deepEqual(await add(), [true, false], 'the name is free again')
    assert.deepEqual(await under.store.accountState(owner), {
      record: record(owner.key, alias.key),
      forward: undefined,
      contacts: [],
      rules: [],
      permanentPresence: undefined,
      archiving: undefined,
      classPresence: undefined,
      script: undefined,
      undelivered: 0,
    })
    assert.deepEqual(await under.store.undelivered(owner, 0, 10), [])
    assert.equal(await under.store.document(owner, 'vcard'), undefined)
  })
}
