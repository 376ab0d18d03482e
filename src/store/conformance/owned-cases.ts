// Contacts, rules and permanent presence.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import { type AccessRule, type Contact, documentOctetsMax, documentsMax, noAuthorization } from '#core'
import {
  allOctets,
  append,
  contactOf,
  fresh,
  headOf,
  is,
  name,
  record,
  rowOf,
  secretsOf,
  sorted,
} from './samples.ts'
import type { UnderTest } from './under-test.ts'

export function ownedCases(under: UnderTest): void {
  test('contacts are put, replaced and removed, whole', async () => {
    const owner = await under.account()
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
    for (const contact of [plain, full, domain]) await under.store.putContact(owner, contact)
    await under.store.putContact(owner, { ...plain, name: 'Plain', groups: ['x'] })
    assert.deepEqual(
      sorted((await under.store.accountState(owner))?.contacts),
      sorted([{ ...plain, name: 'Plain', groups: ['x'] }, full, domain]),
    )
    const { request: _answered, ...approved } = full
    await under.store.putContact(owner, approved)
    await under.store.removeContact(owner, plain.address)
    await under.store.removeContact(owner, plain.address)
    assert.deepEqual(sorted((await under.store.accountState(owner))?.contacts), sorted([approved, domain]))
  })

  test('each of the facets of an authorization is kept apart from the others (RFC 6121 Appendix A.1)', async () => {
    const owner = await under.account()
    for (const facet of Object.keys(noAuthorization)) {
      const contact = {
        ...contactOf('c@example.net'),
        authorization: { ...noAuthorization, [facet]: true },
      }
      await under.store.putContact(owner, contact)
      assert.deepEqual((await under.store.accountState(owner))?.contacts, [contact])
    }
  })

  test('rules are put, replaced and removed by their subject', async () => {
    const owner = await under.account()
    const rules: AccessRule[] = [
      { subject: '*', action: 'confirm', visibility: 'full' },
      { subject: 'example.net', action: 'block', visibility: 'basic', messages: 'allow' },
      { subject: 'bob@example.net', action: 'polite-block', visibility: 'basic' },
      { subject: '*.example.net', action: 'block', visibility: 'full' },
    ]
    await under.store.changeRules(owner, ['*'], rules)
    const allow = { ...(rules[0] as AccessRule), action: 'allow' as const }
    await under.store.changeRules(owner, ['example.net', 'not there', '*'], [allow])
    const kept = (await under.store.accountState(owner))?.rules ?? []
    assert.deepEqual(
      kept.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)),
      [{ ...rules[0], action: 'allow' }, rules[3], rules[2]],
    )
  })

  test('permanent presence is put, replaced and taken away', async () => {
    const owner = await under.account()
    const unit = {
      head: headOf(owner, owner, allOctets, { kind: 'presence', hops: 3, failureAsked: true }),
      raw: allOctets,
    }
    await under.store.putPermanentPresence(owner, { head: headOf(owner, owner, utf8('x')), raw: utf8('x') })
    await under.store.putPermanentPresence(owner, unit)
    assert.deepEqual((await under.store.accountState(owner))?.permanentPresence, unit)
    await under.store.putPermanentPresence(owner, undefined)
    assert.equal((await under.store.accountState(owner))?.permanentPresence, undefined)
  })

  test('where a person has moved to is put, replaced and taken away', async () => {
    const owner = await under.account()
    assert.equal((await under.store.accountState(owner))?.forward, undefined)
    await under.store.putForward(owner, { location: 'im:a@example.net', permanent: false })
    await under.store.putForward(owner, { location: 'sip:Ü%20@example.net;x=y', permanent: true })
    assert.deepEqual((await under.store.accountState(owner))?.forward, {
      location: 'sip:Ü%20@example.net;x=y',
      permanent: true,
    })
    await under.store.putForward(owner, undefined)
    assert.equal((await under.store.accountState(owner))?.forward, undefined)
  })

  test('documents are put, replaced and removed by name, whole, each owner its own', async () => {
    const [owner, other] = [await under.account(), await under.account()]
    assert.equal(await under.store.document(owner, 'vcard'), undefined)
    await under.store.putDocument(owner, 'vcard', utf8('old'))
    await under.store.putDocument(owner, 'vcard', allOctets)
    await under.store.putDocument(owner, 'private {urn:x}y', utf8(''))
    assert.deepEqual(await under.store.document(owner, 'vcard'), allOctets)
    assert.deepEqual(await under.store.document(owner, 'private {urn:x}y'), utf8(''))
    assert.equal(await under.store.document(other, 'vcard'), undefined)
    await under.store.putDocument(owner, 'vcard', undefined)
    await under.store.putDocument(owner, 'not there', undefined)
    assert.equal(await under.store.document(owner, 'vcard'), undefined)
  })

  test('the document of what is archived comes with the state of the account', async () => {
    const owner = await under.account()
    assert.equal((await under.store.accountState(owner))?.archiving, undefined)
    await under.store.putDocument(owner, 'archiving', utf8('{}'))
    assert.deepEqual((await under.store.accountState(owner))?.archiving, utf8('{}'))
  })

  test('the document of classes of watchers comes with the state of the account', async () => {
    const owner = await under.account()
    assert.equal((await under.store.accountState(owner))?.classPresence, undefined)
    await under.store.putDocument(owner, 'class-presence', utf8('{}'))
    assert.deepEqual((await under.store.accountState(owner))?.classPresence, utf8('{}'))
    assert.equal((await under.store.accountState(owner))?.script, undefined)
    await under.store.putDocument(owner, 'script', utf8('<cpl/>'))
    assert.deepEqual((await under.store.accountState(owner))?.script, utf8('<cpl/>'))
  })

  test('a document too large, and one too many, are refused and change nothing', async () => {
    const owner = await under.account()
    await under.store.putDocument(owner, 'd0', utf8('kept'))
    const tooLarge = new Uint8Array(documentOctetsMax + 1)
    await assert.rejects(under.store.putDocument(owner, 'd0', tooLarge), is('message-too-large'))
    assert.deepEqual(await under.store.document(owner, 'd0'), utf8('kept'))
    for (let i = 1; i < documentsMax; i++) await under.store.putDocument(owner, `d${i}`, utf8('x'))
    await assert.rejects(under.store.putDocument(owner, 'one more', utf8('x')), is('resource-limit'))
    await under.store.putDocument(owner, 'd0', utf8('replaced'))
    await under.store.putDocument(owner, 'd1', undefined)
    await under.store.putDocument(owner, 'one more', utf8('x'))
  })

  test('what would belong to an account that is not there is refused, so that nobody inherits it', async () => {
    const nobody = fresh()
    const puts = [
      () => under.store.putContact(nobody, contactOf('c@example.net')),
      () => under.store.changeRules(nobody, [], [{ subject: '*', action: 'allow', visibility: 'full' }]),
      () => under.store.putForward(nobody, { location: 'im:c@example.net', permanent: false }),
      () =>
        under.store.putPermanentPresence(nobody, {
          head: headOf(nobody, nobody, utf8('x')),
          raw: utf8('x'),
        }),
      () => under.store.putDocument(nobody, 'vcard', utf8('x')),
      () => append(under.store, rowOf(name('far@example.net'), nobody, { forSender: false })),
    ]
    for (const put of puts) await assert.rejects(put(), is('target-unknown'))
    await under.store.removeContact(nobody, name('c@example.net'))
    await under.store.changeRules(nobody, ['*'], [])
    await under.store.putForward(nobody, undefined)
    await under.store.putPermanentPresence(nobody, undefined)
    await under.store.putDocument(nobody, 'vcard', undefined)
    assert.equal(await under.store.document(nobody, 'vcard'), undefined)
    await under.store.addAccounts([{ record: record(nobody.key), secrets: secretsOf('x') }])
    const state = await under.store.accountState(nobody)
    assert.deepEqual(
      [state?.contacts, state?.rules, state?.forward, state?.undelivered],
      [[], [], undefined, 0],
    )
  })
}
