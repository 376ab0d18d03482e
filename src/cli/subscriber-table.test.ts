// What is taken from the tables of other servers, a row a form.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { NewAccountBody } from '#admin'
import { readSubscriberTable } from './subscriber-table.ts'

const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex')
const md5 = hash('md5', 'alice:example.com:zanzibar')
const md5OfAddress = hash('md5', 'alice@example.com:example.com:zanzibar')
const sha256 = hash('sha256', 'alice:example.com:zanzibar')
const alice = { address: 'alice@example.com', aliases: [] }

/** [server and table, file, --domain, account] */
const forms: readonly [string, string, string | undefined, NewAccountBody][] = [
  [
    'our own',
    'address,password,aliases\nalice@example.com,p,1@x 2@x',
    undefined,
    { ...alice, password: 'p', aliases: ['1@x', '2@x'] },
  ],
  [
    'Kamailio, subscriber, with a database that calculates HA1',
    `id,username,domain,password,ha1,ha1b\n1,alice,example.com,,${md5},${md5OfAddress}`,
    undefined,
    { ...alice, ha1: { md5, md5OfAddress } },
  ],
  [
    'Kamailio, subscriber, as older versions have it',
    `id,username,domain,password,email_address,ha1,ha1b,rpid\n1,alice,example.com,zanzibar,,${md5},${md5OfAddress},NULL`,
    undefined,
    { ...alice, password: 'zanzibar' },
  ],
  [
    'Kamailio, subscriber, without ha1b',
    `username,domain,ha1\nalice,example.com,${md5.toUpperCase()}`,
    undefined,
    { ...alice, ha1: { md5: md5.toUpperCase() } },
  ],
  [
    'OpenSIPS, subscriber, with SHA-256',
    `username,domain,password,ha1,ha1_sha256,ha1_sha512t256\nalice,example.com,,${md5},${sha256},${sha256}`,
    undefined,
    { ...alice, ha1: { md5, sha256 } },
  ],
  [
    'Asterisk, ps_auths, with MD5',
    `id,auth_type,nonce_lifetime,md5_cred,password,realm,username\nalice-auth,md5,,${md5},,example.com,alice`,
    undefined,
    { ...alice, ha1: { md5 } },
  ],
  [
    'Asterisk, ps_auths, with digests by their names',
    `id,auth_type,password_digest,realm,username\nx,digest,"MD5:${md5},SHA-256:${sha256}",example.com,alice`,
    undefined,
    { ...alice, ha1: { md5, sha256 } },
  ],
  [
    'Asterisk, sippeers of chan_sip, whose realm is in its configuration',
    `id,name,secret,md5secret,context\n7,alice,\\N,${md5},default`,
    'example.com',
    { ...alice, ha1: { md5 } },
  ],
  [
    'FreeSWITCH, the a1-hash of a directory',
    `id,domain,a1-hash\nalice,example.com,${md5}`,
    undefined,
    { ...alice, ha1: { md5 } },
  ],
]
for (const [what, file, domain, account] of forms)
  test(`a table of accounts is read: ${what}`, () => {
    assert.deepEqual(readSubscriberTable(file, domain), { lines: [{ line: 2, account }], bad: [] })
  })

/** [what, line below `username,domain,realm,password,ha1`, what is said] */
const bad: readonly [string, string, RegExp][] = [
  [
    'a digest of another realm',
    `alice,example.com,asterisk,,${md5}`,
    /the realm asterisk, not for example\.com/,
  ],
  ['a digest of a realm in capitals', `alice,Example.com,,,${md5}`, /in capitals/],
  ['a digest that is not of its password', `alice,example.com,,other,${md5}`, /not one of its password/],
  ['a digest that is none', 'alice,example.com,,,secret', /not of 32 hexadecimal digits/],
  ['neither a digest nor a password', 'alice,example.com,,,', /neither/],
  ['no user', `,example.com,,,${md5}`, /names nobody/],
  ['no domain', `alice,,,,${md5}`, /--domain/],
]
for (const [what, line, said] of bad)
  test(`a line of a table is bad: ${what}`, () => {
    const table = readSubscriberTable(`username,domain,realm,password,ha1\n${line}\nbob,example.com,,p,`)
    assert.ok(typeof table !== 'string')
    assert.deepEqual(
      table.lines.map(({ line }) => line),
      [3],
    )
    assert.match(table.bad[0]?.what ?? '', said)
    assert.equal(table.bad[0]?.line, 2)
  })

test('the domain that is given stands for a realm that is none of ours; the digests of that realm are told', () => {
  const file = `username,realm,password,md5_cred\nalice,asterisk,,${md5}\nbob,asterisk,p,`
  const table = readSubscriberTable(file, 'example.com')
  assert.ok(typeof table !== 'string')
  assert.match(table.bad[0]?.what ?? '', /the realm asterisk, not for example\.com/)
  assert.deepEqual(table.lines[0]?.account, { address: 'bob@example.com', aliases: [], password: 'p' })
})
