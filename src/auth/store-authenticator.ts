// The authenticator of an installation that keeps its accounts itself: names and secrets out of the store.
import { randomBytes } from 'node:crypto'
import type { Bytes } from '#base'
import type { Authenticator, Credentials, Store } from '#core'
import type { Address } from '#model'

const serverKeyOctets = 32

export class StoreAuthenticator implements Authenticator {
  readonly #store: Pick<Store, 'account' | 'secrets'>

  constructor(store: Pick<Store, 'account' | 'secrets'>) {
    this.#store = store
  }

  async credentials(name: Address): Promise<Credentials | undefined> {
    // Asked for in one turn, so that the store answers both at once, and in every case: an unknown name costs what a known one does.
    const [record, own] = await Promise.all([this.#store.account(name), this.#store.secrets(name)])
    if (record === undefined || record.disabled) return undefined
    const secrets = record.address.key === name.key ? own : await this.#store.secrets(record.address)
    return secrets === undefined ? undefined : { owner: record.address, secrets }
  }
}

/** The secret of this server that nonces and pretended salts are made with; made on first use and kept in the store. */
export async function serverKeyOf(store: Pick<Store, 'setting' | 'putSetting'>): Promise<Bytes> {
  const kept = await store.setting('auth-key')
  if (kept?.length === serverKeyOctets) return kept
  const key = randomBytes(serverKeyOctets)
  await store.putSetting('auth-key', key)
  return key
}
