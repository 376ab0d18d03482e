import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { utf8 } from '#base'
import { append, headOf, name, record, rowOf, secretsOf } from '../conformance/samples.ts'
import { migrations } from '../sql/schema.ts'
import { openSqliteStore } from './sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-migration-'))
after(() => rmSync(directory, { recursive: true }))
const [alice, bob] = [name('alice@example.org'), name('bob@example.org')]

for (const { number } of migrations) {
  test(`all that a database of schema ${number} holds is there after its migration`, async () => {
    const file = join(directory, `schema-${number}.db`)
    const made = new DatabaseSync(file)
    made.exec(readFileSync(join(import.meta.dirname, 'testdata', `schema-${number}.sql`), 'utf8'))
    made.close()
    const store = await openSqliteStore({ file })
    assert.equal(await store.countAccounts(), 2)
    assert.deepEqual(await store.secrets(alice), secretsOf('a'))
    const request = { protocol: 'xmpp', raw: new Uint8Array(utf8('<presence/>')) }
    const presence = utf8('<p/>')
    assert.deepEqual(await store.accountState(name('1001@example.org')), {
      record: { ...record(alice.key, '1001@example.org'), disabled: true },
      contacts: [
        {
          address: bob,
          authorization: { to: true, from: false, pendingOut: false, pendingIn: true, preApproved: false },
          listed: true,
          name: 'Bob Ü',
          groups: ['Friends'],
          request,
        },
      ],
      rules: [
        {
          subject: 'example.net',
          action: 'polite-block',
          visibility: 'basic',
          ...(number >= 5 && { messages: 'allow' }),
        },
      ],
      permanentPresence: { head: headOf(alice, alice, presence, { kind: 'presence' }), raw: presence },
      forward: number < 3 ? undefined : { location: 'im:alice@example.net', permanent: true },
      archiving: undefined,
      classPresence: undefined,
      script: undefined,
      undelivered: 0,
    })
    const [subscription] = await store.subscriptions('sip')
    assert.deepEqual(
      [subscription?.id, subscription?.watcher, subscription?.presentity, subscription?.state],
      ['sub-1', bob, alice, utf8('state')],
    )
    assert.deepEqual(await store.setting('key'), utf8('value'))
    const kept = await store.history(bob, { limit: 10 })
    assert.deepEqual(
      kept.map(({ id }) => id),
      ['first', 'second'],
    )
    assert.deepEqual(kept[1]?.raw, utf8('<message>2</message>'))
    assert.deepEqual(await store.document(bob, 'vcard'), number < 4 ? undefined : utf8('v'))
    const ofPhone = await store.history(bob, { with: alice, withAgent: 'phone/ä', limit: 10 })
    // What was kept before devices were is found by its address alone.
    assert.equal(ofPhone.length, number < 4 ? 0 : 1)
    const waiting = await store.undelivered(bob, 0, 10)
    assert.deepEqual(
      waiting.map(({ id }) => id),
      ['second', 'held'],
    )
    const queued = await store.queued('example.net', 0, 10)
    assert.deepEqual(
      queued.map(({ head }) => head.id),
      number < 2 ? [] : ['m-1', 'm-2'],
    )
    const row = rowOf(alice, bob, { undelivered: true })
    await append(store, row)
    const [newest] = await store.undelivered(bob, waiting[1]?.sequence ?? 0, 10)
    assert.equal(newest?.id, row.id, 'the sequence goes on')
    await store.close()
  })
}
