// The store that the cases are run on, and what they ask of it again and again.
import assert from 'node:assert/strict'
import type { HistoryQuery, Store } from '#core'
import type { Address } from '#model'
import { fresh, record, secretsOf } from './samples.ts'

export class UnderTest {
  readonly open: () => Promise<Store>
  #store: Store | undefined

  constructor(open: () => Promise<Store>) {
    this.open = open
  }

  /** One for all cases, so that they meet each other's accounts. */
  get store(): Store {
    assert(this.#store !== undefined, 'the store is open')
    return this.#store
  }

  async begin(): Promise<void> {
    this.#store = await this.open()
  }

  /** A new account. */
  async account(): Promise<Address> {
    const address = fresh()
    const whole = { record: record(address.key), secrets: secretsOf(address.user) }
    assert.deepEqual(await this.store.addAccounts([whole]), [true])
    return address
  }

  /** The ids that a query answers, in its order. */
  async idsOf(owner: Address, query: Partial<HistoryQuery> = {}): Promise<string[]> {
    return (await this.store.history(owner, { limit: 1000, ...query })).map(({ id }) => id)
  }
}
