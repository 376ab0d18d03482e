import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bytes } from '#base'
import type { AccountRecord, Secrets } from '#core'
import { type Address, parseAddress } from '#model'
import { StoreAuthenticator, serverKeyOf } from './store-authenticator.ts'

const alice = parseAddress('alice@example.com') as Address
const alias = parseAddress('1001@example.com') as Address
const secrets: Secrets = { scram: {}, ha1: { 'MD5 alice:example.com': 'x' } }

for (const [what, name, disabled, found] of [
  ['the primary address', alice, false, true],
  ['an alias', alias, false, true],
  ['an unknown name', parseAddress('bob@example.com') as Address, false, false],
  ['a disabled account', alice, true, false],
] as const) {
  test(`credentials of ${what}, with one question to the store`, async () => {
    const asked: string[] = []
    const record: AccountRecord = { address: alice, aliases: [alias], created: 0, disabled }
    const authenticator = new StoreAuthenticator({
      credentials: async ({ key }) => {
        asked.push(key)
        return key === alice.key || key === alias.key ? { record, secrets } : undefined
      },
    })
    assert.deepEqual(await authenticator.credentials(name), found ? { owner: alice, secrets } : undefined)
    assert.deepEqual(asked, [name.key])
  })
}

test('the key of the server is made once and kept', async () => {
  const settings = new Map<string, Bytes>()
  const store = {
    setting: async (name: string) => settings.get(name),
    putSetting: async (name: string, value: Bytes) => void settings.set(name, value),
  }
  const key = await serverKeyOf(store)
  assert.equal(key.length, 32)
  assert.deepEqual(await serverKeyOf(store), key)
})
