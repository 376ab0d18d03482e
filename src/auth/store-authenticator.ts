// The authenticator of an installation that keeps its accounts itself: names and secrets out of the store.
import { randomBytes } from 'node:crypto'
import type { Bytes } from '#base'
import type { Authenticator, Credentials, Store } from '#core'
import type { Address } from '#model'

const serverKeyOctets = 32

export class StoreAuthenticator implements Authenticator {
  readonly #store: Pick<Store, 'credentials'>

  constructor(store: Pick<Store, 'credentials'>) {
    this.#store = store
  }

  async credentials(name: Address): Promise<Credentials | undefined> {
    const found = await this.#store.credentials(name)
    if (found === undefined || found.record.disabled) return undefined
    return { owner: found.record.address, secrets: found.secrets }
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
