// What every store must do (the contract of #core, and the rules of this folder's README): run by the tests of each.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as nextTick } from 'node:timers/promises'
import { randomId, utf8 } from '#base'
import {
  type AccessRule,
  type AccountRecord,
  type Contact,
  type HistoryEntry,
  type HistoryQuery,
  type HistoryRow,
  noAuthorization,
  type Secrets,
  ServiceError,
  type Store,
  type StoredSubscription,
} from '#core'
import { type Address, foreignAddress, type Head } from '#model'

/** `user@domain`, kept exactly. */
export function name(key: string): Address {
  const at = key.lastIndexOf('@')
  const address = at < 0 ? foreignAddress('', key) : foreignAddress(key.slice(0, at), key.slice(at + 1))
  assert(address !== undefined, `an address: ${key}`)
  return address
}

export function record(key: string, ...aliases: string[]): AccountRecord {
  return { address: name(key), aliases: aliases.map(name), created: 1_700_000_000_000, disabled: false }
}

export function secretsOf(word: string): Secrets {
  const verifier = { salt: `${word}salt==`, iterations: 4096, storedKey: `${word}k=`, serverKey: `${word}s=` }
  return {
    scram: { 'SHA-1': verifier, 'SHA-256': { ...verifier, iterations: 10_000 } },
    ha1: { 'MD5 alice:localhost': 'd41d8cd98f00b204e9800998ecf8427e', [`SHA-256 ${word}:x`]: 'ff' },
  }
}

export function headOf(from: Address, to: Address, raw: Uint8Array, more: Partial<Head> = {}): Head {
  return {
    protocol: 'xmpp',
    kind: 'message',
    from,
    fromAgent: 'phone/ä',
    to,
    toAgent: '',
    id: 'm-1',
    hops: 110,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    ...more,
  }
}

/** A message from `from` to `to`, indexed for its recipient and, where asked, its sender. */
export function rowOf(
  from: Address,
  to: Address,
  more: {
    id?: string
    at?: number
    raw?: Uint8Array
    undelivered?: boolean
    archived?: boolean
    forSender?: boolean
    head?: Partial<Head>
  } = {},
): HistoryRow {
  const { id = randomId(), at = 1_700_000_000_000, raw = utf8('<message/>') } = more
  const { undelivered = false, archived = true, forSender = true } = more
  const entries: HistoryEntry[] = [{ owner: to, peer: from, direction: 'received', undelivered, archived }]
  if (forSender)
    entries.push({ owner: from, peer: to, direction: 'sent', undelivered: false, archived: true })
  return { id, at, head: headOf(from, to, raw, more.head), raw, entries }
}

export function append(store: Store, row: HistoryRow): Promise<void> {
  return new Promise((resolve, reject) => {
    store.append(row, (fault) => (fault === undefined ? resolve() : reject(fault)))
  })
}

export function markDelivered(store: Store, owner: Address, ids: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    store.markDelivered(owner, ids, (fault) => (fault === undefined ? resolve() : reject(fault)))
  })
}

function is(condition: string): (error: unknown) => boolean {
  return (error) => error instanceof ServiceError && error.condition === condition
}

let counter = 0
/** A name nobody had before: the cases share one store. */
function fresh(word = 'user', domain = 'example.org'): Address {
  return name(`${word}${++counter}@${domain}`)
}

export function conformance(title: string, open: () => Promise<Store>): void {
  describe(`${title} keeps the contract of a store`, () => {
    let store: Store
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    async function account(...words: string[]): Promise<Address> {
      const address = fresh(words[0] ?? 'user')
      const added = await store.addAccounts([
        { record: record(address.key), secrets: secretsOf(address.user) },
      ])
      assert.deepEqual(added, [true])
      return address
    }

    async function idsOf(owner: Address, query: Partial<HistoryQuery> = {}): Promise<string[]> {
      return (await store.history(owner, { limit: 1000, ...query })).map(({ id }) => id)
    }

    accounts()
    owned()
    history()
    delivery()
    others()

    function accounts(): void {
      test('an account is found by its primary address and by each alias', async () => {
        const owner = fresh()
        const aliases = [fresh('alias').key, fresh('1001-').key]
        const whole = { ...record(owner.key, ...aliases), created: 1_712_345_678_901, disabled: true }
        assert.deepEqual(await store.addAccounts([{ record: whole, secrets: secretsOf('a') }]), [true])
        for (const known of [owner.key, ...aliases]) {
          assert.deepEqual(await store.account(name(known)), whole)
          assert.deepEqual((await store.accountState(name(known)))?.record, whole)
        }
        assert.equal(await store.account(fresh()), undefined)
        assert.equal(await store.accountState(fresh()), undefined)
      })

      test('a taken name is answered with false and all others are added, aliases and repeats counted', async () => {
        const [one, two, three, four, alias] = [fresh(), fresh(), fresh(), fresh(), fresh()]
        await store.addAccounts([{ record: record(one.key, alias.key), secrets: secretsOf('one') }])
        const answers = await store.addAccounts(
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
        assert.deepEqual(await store.secrets(one), secretsOf('one'))
        assert.equal(await store.account(three), undefined)
      })

      test('thousands of accounts are added at once and listed in order, page by page', async () => {
        const domain = 'many.example.org'
        const count = 5000
        const before = await store.countAccounts()
        const users = Array.from({ length: count }, (_, i) => `user${(i * 7919) % count}`)
        const answers = await store.addAccounts(
          users.map((user) => ({ record: record(`${user}@${domain}`), secrets: secretsOf(user) })),
        )
        assert.equal(answers.length, count)
        assert(answers.every((added) => added))
        assert.equal(await store.countAccounts(), before + count)
        const seen: string[] = []
        for (let last = ''; ; ) {
          const page = await store.accounts(domain, last, 999)
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
        await store.addAccounts(
          [...shuffled.map((user) => `${user}@${domain}`), 'b@other.example.org'].map((key) => ({
            record: record(key),
            secrets: secretsOf('x'),
          })),
        )
        const listed = (await store.accounts(domain, '', 100)).map(({ address }) => address.user)
        assert.deepEqual(listed, users)
        const rest = await store.accounts(domain, `ab@${domain}`, 2)
        assert.deepEqual(
          rest.map(({ address }) => address.user),
          ['z', 'ß'],
        )
        assert.deepEqual(await store.accounts('nowhere.example.org', '', 10), [])
      })

      test('replaceAccount adds and removes aliases with their secrets', async () => {
        const owner = await account()
        const [first, second] = [fresh(), fresh()]
        const withFirst = { ...record(owner.key, first.key), disabled: true }
        assert.equal(await store.replaceAccount(withFirst, secretsOf('first')), true)
        assert.deepEqual(await store.account(first), withFirst)
        assert.equal(await store.replaceAccount(record(owner.key, second.key), secretsOf('second')), true)
        assert.equal(await store.account(first), undefined)
        assert.deepEqual(await store.account(second), record(owner.key, second.key))
        assert.deepEqual(await store.secrets(owner), secretsOf('second'))
      })

      test('replaceAccount refuses a name of another account and an account that is gone, changing nothing', async () => {
        const [owner, other] = [await account(), await account()]
        const alias = fresh()
        assert.equal(
          await store.replaceAccount(record(owner.key, alias.key, other.key), secretsOf('no')),
          false,
        )
        assert.equal(await store.account(alias), undefined)
        assert.deepEqual(await store.secrets(owner), secretsOf(owner.user))
        assert.equal(await store.replaceAccount(record(fresh().key), secretsOf('no')), false)
        assert.equal(
          await store.replaceAccount(record(alias.key), secretsOf('no')),
          false,
          'nor by an alias of none',
        )
      })

      test('an alias given up is free for another account', async () => {
        const owner = await account()
        const alias = fresh()
        await store.replaceAccount(record(owner.key, alias.key), secretsOf('a'))
        assert.deepEqual(await store.addAccounts([{ record: record(alias.key), secrets: secretsOf('b') }]), [
          false,
        ])
        await store.replaceAccount(record(owner.key), secretsOf('a'))
        assert.deepEqual(await store.addAccounts([{ record: record(alias.key), secrets: secretsOf('b') }]), [
          true,
        ])
      })

      test('secrets are kept as given and belong to an account', async () => {
        const owner = await account()
        assert.deepEqual(await store.secrets(owner), secretsOf(owner.user))
        assert.equal(await store.setSecrets(owner, { scram: {}, ha1: {} }), true)
        assert.deepEqual(await store.secrets(owner), { scram: {}, ha1: {} })
        const nobody = fresh()
        assert.equal(await store.setSecrets(nobody, secretsOf('x')), false)
        assert.equal(await store.secrets(nobody), undefined)
      })

      test('removing an account removes everything it owns, and nothing of others', async () => {
        const domain = 'removal.example.org'
        const [owner, other] = [name(`owner@${domain}`), name(`other@${domain}`)]
        const alias = fresh()
        const both = [record(owner.key, alias.key), record(other.key)]
        const add = (): Promise<boolean[]> =>
          store.addAccounts(both.map((each) => ({ record: each, secrets: secretsOf('s') })))
        await add()
        for (const each of [owner, other]) {
          await store.putContact(each, { ...contactOf('c@example.net'), name: each.user })
          await store.putRule(each, { subject: '*', action: 'confirm', visibility: 'basic' })
          const raw = utf8(`<presence>${each.user}`)
          await store.putPermanentPresence(each, { head: headOf(each, each, raw), raw })
        }
        await store.putSubscription(subscriptionOf('r1', 'removal', other, alias))
        await store.putSubscription(subscriptionOf('r2', 'removal', owner, other))
        await store.putSubscription(subscriptionOf('r3', 'removal', other, name('far@example.net')))
        const shared = rowOf(other, owner, { undelivered: true })
        await append(store, shared)
        await append(store, rowOf(name('far@example.net'), owner, { forSender: false, undelivered: true }))
        const count = await store.countAccounts()

        assert.equal(await store.removeAccount(owner), true)
        assert.equal(await store.removeAccount(owner), false)
        assert.equal(await store.countAccounts(), count - 1)
        assert.equal(await store.account(alias), undefined)
        assert.deepEqual(await store.history(owner, { limit: 10 }), [])
        assert.deepEqual(
          (await store.subscriptions('removal')).map(({ id }) => id),
          ['r3'],
        )
        assert.deepEqual(await idsOf(other), [shared.id], "the other's copy of a shared message stays")
        const kept = await store.accountState(other)
        assert.equal(kept?.contacts[0]?.name, 'other')
        assert.equal(kept?.rules.length, 1)

        assert.deepEqual(await add(), [true, false], 'the name is free again')
        assert.deepEqual(await store.accountState(owner), {
          record: record(owner.key, alias.key),
          contacts: [],
          rules: [],
          permanentPresence: undefined,
          undelivered: 0,
        })
        assert.deepEqual(await store.undelivered(owner, 0, 10), [])
      })
    }

    function owned(): void {
      test('contacts are put, replaced and removed, whole', async () => {
        const owner = await account()
        const plain = contactOf('plain@example.net')
        const full: Contact = {
          address: name('Grüße "q" \'@xn--bcher-kva.example'),
          authorization: { to: true, from: true, pendingOut: true, pendingIn: true, preApproved: true },
          listed: false,
          name: "Zoë\n👩‍🚀 \0 end'; DROP TABLE contact;--",
          groups: ['Freunde', '', 'A|B,"C"'],
          request: { protocol: 'xmpp', raw: allOctets },
        }
        const domain = contactOf('example.net')
        for (const contact of [plain, full, domain]) await store.putContact(owner, contact)
        await store.putContact(owner, { ...plain, name: 'Plain', groups: ['x'] })
        assert.deepEqual(
          sorted((await store.accountState(owner))?.contacts),
          sorted([{ ...plain, name: 'Plain', groups: ['x'] }, full, domain]),
        )
        const { request: _answered, ...approved } = full
        await store.putContact(owner, approved)
        await store.removeContact(owner, plain.address)
        await store.removeContact(owner, plain.address)
        assert.deepEqual(sorted((await store.accountState(owner))?.contacts), sorted([approved, domain]))
      })

      test('each of the facets of an authorization is kept apart from the others (RFC 6121 Appendix A.1)', async () => {
        const owner = await account()
        for (const facet of Object.keys(noAuthorization)) {
          const contact = {
            ...contactOf('c@example.net'),
            authorization: { ...noAuthorization, [facet]: true },
          }
          await store.putContact(owner, contact)
          assert.deepEqual((await store.accountState(owner))?.contacts, [contact])
        }
      })

      test('rules are put, replaced and removed by their subject', async () => {
        const owner = await account()
        const rules: AccessRule[] = [
          { subject: '*', action: 'confirm', visibility: 'full' },
          { subject: 'example.net', action: 'block', visibility: 'basic' },
          { subject: 'bob@example.net', action: 'polite-block', visibility: 'basic' },
        ]
        for (const rule of rules) await store.putRule(owner, rule)
        await store.putRule(owner, { ...(rules[0] as AccessRule), action: 'allow' })
        await store.removeRule(owner, 'example.net')
        await store.removeRule(owner, 'not there')
        const kept = (await store.accountState(owner))?.rules ?? []
        assert.deepEqual(
          kept.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)),
          [{ ...rules[0], action: 'allow' }, rules[2]],
        )
      })

      test('permanent presence is put, replaced and taken away', async () => {
        const owner = await account()
        const unit = { head: headOf(owner, owner, allOctets, { kind: 'presence', hops: 3 }), raw: allOctets }
        await store.putPermanentPresence(owner, { head: headOf(owner, owner, utf8('x')), raw: utf8('x') })
        await store.putPermanentPresence(owner, unit)
        assert.deepEqual((await store.accountState(owner))?.permanentPresence, unit)
        await store.putPermanentPresence(owner, undefined)
        assert.equal((await store.accountState(owner))?.permanentPresence, undefined)
      })

      test('what would belong to an account that is not there is refused, so that nobody inherits it', async () => {
        const nobody = fresh()
        const puts = [
          () => store.putContact(nobody, contactOf('c@example.net')),
          () => store.putRule(nobody, { subject: '*', action: 'allow', visibility: 'full' }),
          () =>
            store.putPermanentPresence(nobody, {
              head: headOf(nobody, nobody, utf8('x')),
              raw: utf8('x'),
            }),
          () => append(store, rowOf(name('far@example.net'), nobody, { forSender: false })),
        ]
        for (const put of puts) await assert.rejects(put(), is('target-unknown'))
        await store.removeContact(nobody, name('c@example.net'))
        await store.removeRule(nobody, '*')
        await store.putPermanentPresence(nobody, undefined)
        await store.addAccounts([{ record: record(nobody.key), secrets: secretsOf('x') }])
        const state = await store.accountState(nobody)
        assert.deepEqual([state?.contacts, state?.rules, state?.undelivered], [[], [], 0])
      })
    }

    function history(): void {
      test('a message is kept once with its octets and head, and seen by each owner from its side', async () => {
        const [from, to] = [await account(), await account()]
        const row = rowOf(from, to, {
          raw: allOctets,
          head: {
            protocol: 'sip',
            kind: 'report',
            fromAgent: 'urn:uuid:1;gr',
            toAgent: '名前',
            id: 'a"b\\c',
            hops: 0,
            size: 12,
            whenAbsent: 'drop',
            whenAgentGone: 'refuse',
            storable: false,
            copyable: false,
          },
        })
        await append(store, row)
        const [received] = await store.history(to, { limit: 10 })
        const [sent] = await store.history(from, { limit: 10 })
        const { entries: _entries, ...unit } = row
        const sequence = received?.sequence ?? 0
        assert(sequence > 0)
        assert.deepEqual(received, { ...unit, sequence, peer: from, direction: 'received' })
        assert.deepEqual(sent, { ...unit, sequence: sent?.sequence, peer: to, direction: 'sent' })
      })

      test('an owner sees its messages in the order of the calls, though they bear one time or go back in time', async () => {
        const [from, to] = [await account(), await account()]
        const rows = Array.from({ length: 300 }, (_, i) => rowOf(from, to, { at: 5000 - (i % 3) }))
        await Promise.all(rows.map((row) => append(store, row)))
        const items = await store.history(to, { limit: 1000 })
        assert.deepEqual(
          items.map(({ id }) => id),
          rows.map(({ id }) => id),
        )
        for (let i = 1; i < items.length; i++) {
          assert((items[i]?.sequence ?? 0) > (items[i - 1]?.sequence ?? 0))
        }
      })

      test('a query combines peer, time and bounds, forwards and backwards, up to its limit', async () => {
        const [owner, bob, carol] = [await account(), await account(), await account()]
        const ids: string[] = []
        for (let i = 0; i < 20; i++) {
          const peer = i % 2 === 0 ? bob : carol
          const row =
            i % 3 === 0 ? rowOf(owner, peer, { at: 1000 + i }) : rowOf(peer, owner, { at: 1000 + i })
          await append(store, row)
          ids.push(row.id)
        }
        const even = ids.filter((_, i) => i % 2 === 0)
        assert.deepEqual(await idsOf(owner), ids)
        assert.deepEqual(await idsOf(owner, { with: bob }), even)
        assert.deepEqual(await idsOf(owner, { with: name('nobody@example.net') }), [])
        assert.deepEqual(await idsOf(owner, { start: 1005, end: 1008 }), ids.slice(5, 9), 'both inclusive')
        assert.deepEqual(await idsOf(owner, { start: 1021 }), [])
        assert.deepEqual(await idsOf(owner, { afterId: ids[4] as string }), ids.slice(5), 'exclusive')
        assert.deepEqual(await idsOf(owner, { beforeId: ids[4] as string }), ids.slice(0, 4), 'exclusive')
        assert.deepEqual(
          await idsOf(owner, { afterId: ids[4] as string, beforeId: ids[9] as string, limit: 3 }),
          ids.slice(5, 8),
        )
        assert.deepEqual(await idsOf(owner, { backwards: true, limit: 3 }), ids.slice(-3), 'still ascending')
        assert.deepEqual(
          await idsOf(owner, { backwards: true, beforeId: ids[10] as string, limit: 4 }),
          ids.slice(6, 10),
        )
        assert.deepEqual(
          await idsOf(owner, { backwards: true, afterId: ids[15] as string, limit: 100 }),
          ids.slice(16),
        )
        assert.deepEqual(
          await idsOf(owner, { with: bob, start: 1002, end: 1016, afterId: ids[3] as string, limit: 2 }),
          [ids[4], ids[6]],
        )
        assert.deepEqual(await idsOf(owner, { with: bob, end: 1016, backwards: true, limit: 2 }), [
          ids[14],
          ids[16],
        ])
        assert.deepEqual(await idsOf(owner, { afterId: ids[19] as string }), [])
      })

      test('a bound that the owner does not have is refused, though another has it (XEP-0313 §4.3.1)', async () => {
        const [one, two, three] = [await account(), await account(), await account()]
        const row = rowOf(two, three)
        await append(store, row)
        for (const id of ['no-such-id', row.id]) {
          await assert.rejects(store.history(one, { afterId: id, limit: 1 }), is('not-found'))
          await assert.rejects(store.history(one, { beforeId: id, limit: 1 }), is('not-found'))
        }
      })

      test('a limit beyond 1000 answers 1000', async () => {
        const [from, to] = [await account(), await account()]
        const rows = Array.from({ length: 1005 }, () => rowOf(from, to, { forSender: false }))
        await Promise.all(rows.map((row) => append(store, row)))
        assert.equal((await store.history(to, { limit: 5000 })).length, 1000)
        assert.equal((await store.history(to, { limit: 0 })).length, 1)
      })

      test('a row appended again with the same id is held once', async () => {
        const [from, to] = [await account(), await account()]
        const row = rowOf(from, to, { undelivered: true })
        await append(store, row)
        await append(store, row)
        assert.deepEqual(await idsOf(to), [row.id])
        assert.deepEqual(await idsOf(from), [row.id])
        assert.equal((await store.accountState(to))?.undelivered, 1)
      })

      test('who writes to itself holds the message once, as received', async () => {
        const owner = await account()
        const row = rowOf(owner, owner, { undelivered: true })
        await append(store, row)
        const items = await store.history(owner, { limit: 10 })
        assert.deepEqual(
          items.map(({ id, direction }) => [id, direction]),
          [[row.id, 'received']],
        )
        assert.equal((await store.undelivered(owner, 0, 10)).length, 1)
      })

      test('owners in two domains of ours each have the message', async () => {
        const [from, to] = [fresh('a', 'one.example'), fresh('b', 'two.example')]
        await store.addAccounts(
          [from, to].map(({ key }) => ({ record: record(key), secrets: secretsOf('x') })),
        )
        const row = rowOf(from, to, { undelivered: true, archived: false })
        await append(store, row)
        assert.deepEqual(await idsOf(from), [row.id])
        await markDelivered(store, to, [row.id])
        assert.deepEqual(await store.undelivered(to, 0, 10), [])
        assert.deepEqual(await idsOf(from), [row.id])
      })

      test('a sender that is gone meanwhile does not keep its recipient from the message', async () => {
        const to = await account()
        const row = rowOf(fresh('gone'), to)
        await append(store, row)
        assert.deepEqual(await idsOf(to), [row.id])
      })

      test('expireHistory forgets what is archived, delivered and older, and tells how many entries', async () => {
        const [from, to] = [await account(), await account()]
        const old = rowOf(from, to, { at: 10 })
        const oldUndelivered = rowOf(from, to, { at: 20, undelivered: true })
        const held = rowOf(from, to, { at: 30, undelivered: true, archived: false, forSender: false })
        const edge = rowOf(from, to, { at: 40 })
        for (const row of [edge, old, oldUndelivered, held]) await append(store, row)
        assert.equal(await store.expireHistory(40), 3, 'old of both, and what the sender kept')
        assert.deepEqual(await idsOf(to), [edge.id, oldUndelivered.id])
        assert.deepEqual(await idsOf(from), [edge.id])
        assert.equal((await store.undelivered(to, 0, 10)).length, 2)
        await markDelivered(store, to, [oldUndelivered.id, held.id])
        assert.equal(await store.expireHistory(40), 1)
        assert.equal(await store.expireHistory(40), 0)
        assert.equal(await store.expireHistory(41), 2)
        assert.deepEqual(await idsOf(to), [])
      })

      test('expireHistory forgets thousands at once', async () => {
        const [from, to] = [await account(), await account()]
        const rows = Array.from({ length: 2500 }, (_, i) => rowOf(from, to, { at: 1 + (i % 7) }))
        await Promise.all(rows.map((row) => append(store, row)))
        assert.equal(await store.expireHistory(8), 5000)
        assert.deepEqual(await idsOf(to), [])
      })
    }

    function delivery(): void {
      test('undelivered entries come oldest first, after a sequence, up to a limit; each is marked alone', async () => {
        const [from, to] = [await account(), await account()]
        const rows = Array.from({ length: 10 }, () => rowOf(from, to, { undelivered: true }))
        for (const row of rows) await append(store, row)
        await append(store, rowOf(from, to))
        assert.equal((await store.accountState(to))?.undelivered, 10)
        assert.equal((await store.accountState(from))?.undelivered, 0)
        const first = await store.undelivered(to, 0, 4)
        assert.deepEqual(
          first.map(({ id }) => id),
          rows.slice(0, 4).map(({ id }) => id),
        )
        assert.deepEqual(first[0]?.raw, rows[0]?.raw)
        const rest = await store.undelivered(to, first[3]?.sequence ?? 0, 100)
        assert.deepEqual(
          rest.map(({ id }) => id),
          rows.slice(4).map(({ id }) => id),
        )
        // A phone declines the first and takes the others: what is taken is not always the oldest.
        await markDelivered(store, to, [rows[1]?.id ?? '', rows[7]?.id ?? '', 'unknown'])
        await markDelivered(store, to, [rows[1]?.id ?? ''])
        await markDelivered(store, from, [rows[0]?.id ?? ''])
        await markDelivered(store, to, [])
        assert.deepEqual(
          (await store.undelivered(to, 0, 100)).map(({ id }) => id),
          rows.filter((_, i) => i !== 1 && i !== 7).map(({ id }) => id),
        )
        assert.equal((await store.accountState(to))?.undelivered, 8)
        assert.equal((await idsOf(to)).length, 11, 'the history keeps them all')
      })

      test('what is held only until it is delivered is in no history and vanishes when it is', async () => {
        const [from, to] = [await account(), await account()]
        const held = rowOf(from, to, { undelivered: true, archived: false, forSender: false })
        await append(store, held)
        assert.deepEqual(await idsOf(to), [])
        assert.equal((await store.undelivered(to, 0, 10)).length, 1)
        await markDelivered(store, to, [held.id])
        assert.deepEqual(await store.undelivered(to, 0, 10), [])
        assert.equal((await store.accountState(to))?.undelivered, 0)
        await assert.rejects(store.history(to, { afterId: held.id, limit: 1 }), is('not-found'))
      })

      test('a sequence number is never given twice, though the newest entry vanished', async () => {
        const [from, to] = [await account(), await account()]
        const held = { undelivered: true, archived: false, forSender: false }
        const first = rowOf(from, to, held)
        await append(store, first)
        const [item] = await store.undelivered(to, 0, 10)
        await markDelivered(store, to, [first.id])
        const second = rowOf(from, to, held)
        await append(store, second)
        const next = await store.undelivered(to, item?.sequence ?? 0, 10)
        assert.deepEqual(
          next.map(({ id }) => id),
          [second.id],
        )
      })

      test('more ids than one statement could name are marked in one call', async () => {
        const [from, to] = [await account(), await account()]
        const rows = Array.from({ length: 3000 }, () => rowOf(from, to, { undelivered: true }))
        const appended = Promise.all(rows.map((row) => append(store, row)))
        await markDelivered(
          store,
          to,
          rows.map(({ id }) => id),
        )
        await appended
        assert.equal((await store.accountState(to))?.undelivered, 0)
      })

      test('calls take effect in the order they are made, reads among writes', async () => {
        const [from, to] = [await account(), await account()]
        const seen: Promise<number>[] = []
        for (let i = 0; i < 200; i++) {
          store.append(rowOf(from, to, { undelivered: true }), () => {})
          seen.push(store.undelivered(to, 0, 1000).then((items) => items.length))
          if (i % 10 === 0) await nextTick()
        }
        assert.deepEqual(
          await Promise.all(seen),
          Array.from({ length: 200 }, (_, i) => i + 1),
        )
      })

      test('`done` is called once, after the call returned, in the order of the calls', async () => {
        const [from, to] = [await account(), await account()]
        const order: number[] = []
        const all = new Promise<void>((resolve) => {
          for (let i = 0; i < 50; i++) {
            store.append(rowOf(from, to), (fault) => {
              assert.equal(fault, undefined)
              if (order.push(i) === 50) resolve()
            })
          }
        })
        assert.deepEqual(order, [])
        await all
        assert.deepEqual(
          order,
          Array.from({ length: 50 }, (_, i) => i),
        )
      })
    }

    function others(): void {
      test('subscriptions are put, renewed, listed by protocol and removed', async () => {
        const [watcher, presentity] = [name('far@example.net'), await account()]
        const one = subscriptionOf('s1', 'sip-x', watcher, presentity)
        const two = subscriptionOf('s2', 'sip-x', watcher, presentity)
        const three = subscriptionOf('s3', 'impp-x', watcher, presentity)
        for (const each of [one, two, three]) await store.putSubscription(each)
        const renewed = { ...one, expires: 2_000_000_000_000, state: utf8('renewed') }
        await store.putSubscription(renewed)
        assert.deepEqual(sorted(await store.subscriptions('sip-x')), sorted([renewed, two]))
        await store.removeSubscription('s1')
        await store.removeSubscription('not there')
        assert.deepEqual(await store.subscriptions('sip-x'), [two])
        assert.deepEqual(await store.subscriptions('impp-x'), [three])
        assert.deepEqual(await store.subscriptions('none'), [])
      })

      test('a setting of the server is kept and replaced; an empty one is not an absent one', async () => {
        assert.equal(await store.setting('nonce-key'), undefined)
        await store.putSetting('nonce-key', allOctets)
        assert.deepEqual(await store.setting('nonce-key'), new Uint8Array(allOctets))
        await store.putSetting('nonce-key', new Uint8Array(0))
        assert.deepEqual(await store.setting('nonce-key'), new Uint8Array(0))
      })

      test('after close every call is refused and everything asked before has been answered', async () => {
        const own = await open()
        const owner = fresh()
        const added = own.addAccounts([{ record: record(owner.key), secrets: secretsOf('x') }])
        const appended = append(own, rowOf(name('far@example.net'), owner, { forSender: false }))
        await own.close()
        assert.deepEqual(await added, [true])
        await appended
        await assert.rejects(own.account(owner), is('internal-fault'))
        await assert.rejects(append(own, rowOf(owner, owner)), is('internal-fault'))
        await own.close()
      })
    }
  })
}

const allOctets = Uint8Array.from({ length: 256 }, (_, i) => i)

function contactOf(key: string): Contact {
  return { address: name(key), authorization: noAuthorization, listed: true, name: '', groups: [] }
}

function subscriptionOf(
  id: string,
  protocol: string,
  watcher: Address,
  presentity: Address,
): StoredSubscription {
  return { id, protocol, watcher, presentity, expires: 1_800_000_000_000, state: allOctets }
}

/** Where the contract gives no order. */
function sorted<T>(values: readonly T[] | undefined): string[] {
  return (values ?? [])
    .map((value) => JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? [...each] : each)))
    .sort()
}
