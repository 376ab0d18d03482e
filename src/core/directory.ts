// The locator of IMPP §4 (D7): which account an address names, and the accounts in use, held in memory.
import type { Address, Envelope, PresenceEnvelope } from '#model'
import { Account } from './account.ts'
import type { AccountState, Store, StoredUnit } from './store.ts'

/** LIMIT: accounts held in memory though nobody uses them now; past it the longest unused are forgotten. */
export const idleAccountsMax = 20_000

export type Found = Account | 'unknown' | 'fault'

export class Directory {
  readonly #store: Store
  readonly #revive: (unit: StoredUnit) => Envelope
  readonly #fault: (cause: unknown) => void
  /** By primary address and by alias; insertion order is order of loading. */
  readonly #resident = new Map<string, Account>()
  readonly #loading = new Map<string, ((found: Found) => void)[]>()

  constructor(store: Store, revive: (unit: StoredUnit) => Envelope, fault: (cause: unknown) => void) {
    this.#store = store
    this.#revive = revive
    this.#fault = fault
  }

  /** The account in memory that the address names, if it is there. One map look-up. */
  resident(address: Address): Account | undefined {
    return this.#resident.get(address.key)
  }

  /** Finds the account; `use` is called in the same tick when it is in memory. */
  find(address: Address, use: (found: Found) => void): void {
    const resident = this.#resident.get(address.key)
    if (resident !== undefined) {
      use(resident)
      return
    }
    if (address.user === '') {
      use('unknown')
      return
    }
    const waiting = this.#loading.get(address.key)
    if (waiting !== undefined) {
      waiting.push(use)
      return
    }
    this.#loading.set(address.key, [use])
    this.#store.accountState(address).then(
      (state) => this.#loaded(address, state === undefined ? 'unknown' : this.#admit(state)),
      (cause: unknown) => {
        this.#fault(cause)
        this.#loaded(address, 'fault')
      },
    )
  }

  #loaded(address: Address, found: Found): void {
    const waiting = this.#loading.get(address.key) ?? []
    this.#loading.delete(address.key)
    for (const use of waiting) use(found)
  }

  #admit(state: AccountState): Account {
    const known = this.#resident.get(state.record.address.key)
    if (known !== undefined) return known
    if (this.#resident.size >= idleAccountsMax) this.#sweep()
    const account = new Account(state.record)
    for (const contact of state.contacts) account.contacts.set(contact.address.key, contact)
    for (const rule of state.rules) account.rules.set(rule.subject, rule)
    if (state.permanentPresence !== undefined) {
      account.presentity.permanent = this.#revive(state.permanentPresence) as PresenceEnvelope
    }
    account.undelivered = state.undelivered
    for (const name of [state.record.address, ...state.record.aliases]) this.#resident.set(name.key, account)
    return account
  }

  #sweep(): void {
    let left = Math.ceil(idleAccountsMax / 10)
    for (const account of new Set(this.#resident.values())) {
      if (account.inUse) continue
      this.forget(account)
      if (--left === 0) return
    }
  }

  /** Drops an account from memory: it was removed, or its record changed. */
  forget(account: Account): void {
    for (const name of [account.record.address, ...account.record.aliases]) this.#resident.delete(name.key)
  }

  /** Every account in memory, once. */
  residents(): Iterable<Account> {
    return new Set(this.#resident.values())
  }
}
