// The locator of IMPP §4 (D7): which account an address names, and the accounts in use, held in memory.
import type { Bytes } from '#base'
import type { Address, Envelope, PresenceEnvelope, Script } from '#model'
import { archivingOf } from '../messages/archiving.ts'
import { takeDocument } from '../presence/class-presence.ts'
import { noScripts, type ReadScript } from '../scripts/reading.ts'
import { ServiceError } from '../service-error.ts'
import type { AccountRecord, AccountState, Store, StoredUnit } from '../store.ts'
import { Account } from './account.ts'

/** LIMIT: accounts held in memory though nobody uses them now; past it those loaded longest ago are forgotten. */
export const idleAccountsMax = 20_000

export type Found = Account | 'unknown' | 'fault'

export class Directory {
  readonly #store: Store
  readonly #revive: (unit: StoredUnit) => Envelope
  readonly #fault: (cause: unknown) => void
  readonly #readScript: ReadScript
  /** Whether any account that was here has a script for what its owner sends: until then none is looked for. */
  hasOutgoingScripts = false
  /** Names in memory at which the next sweep is due. */
  #sweepAt = idleAccountsMax
  /** By primary address and by alias; insertion order is order of loading. */
  readonly #resident = new Map<string, Account>()
  readonly #loading = new Map<string, ((found: Found) => void)[]>()

  constructor(
    store: Store,
    revive: (unit: StoredUnit) => Envelope,
    fault: (cause: unknown) => void,
    readScript: ReadScript = noScripts,
  ) {
    this.#store = store
    this.#readScript = readScript
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
      // Admitted and used in one turn: an account nobody uses yet may be forgotten in the next.
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
    for (const use of waiting) {
      try {
        use(found)
      } catch (cause) {
        // One that fails must not take the account from the others who wait for it.
        this.#fault(cause)
      }
    }
  }

  #admit(state: AccountState): Account {
    const known = this.#resident.get(state.record.address.key)
    if (known !== undefined) return known
    if (this.#resident.size >= this.#sweepAt) this.#sweep()
    const account = new Account(state.record)
    for (const contact of state.contacts) account.contacts.set(contact.address.key, contact)
    for (const rule of state.rules) account.rules.set(rule.subject, rule)
    if (state.permanentPresence !== undefined) {
      account.presentity.permanent = this.#revived(state.permanentPresence)
    }
    account.undelivered = state.undelivered
    account.forward = state.forward
    if (state.archiving !== undefined) account.archiving = archivingOf(state.archiving)
    if (state.classPresence !== undefined)
      takeDocument(account.presentity, state.classPresence, (unit) => this.#revived(unit))
    if (state.script !== undefined) this.setScript(account, this.#scriptOf(state.script))
    for (const name of [state.record.address, ...state.record.aliases]) this.#resident.set(name.key, account)
    return account
  }

  /** What its owner wants done from now on. */
  setScript(account: Account, script: Script | undefined): void {
    account.script = script
    if (script?.outgoing !== undefined) this.hasOutgoingScripts = true
  }

  /** One that is no longer read is as none, so that its owner is reached. */
  #scriptOf(document: Bytes): Script | undefined {
    const script = this.#readScript(document)
    if (!('reason' in script)) return script
    this.#fault(
      new ServiceError('internal-fault', 'a stored script is not readable', { reason: script.reason }),
    )
    return undefined
  }

  /** A permanent value whose protocol is not here now does not lock its owner out: it stays in the store, unseen. */
  #revived(unit: StoredUnit): PresenceEnvelope | undefined {
    try {
      return this.#revive(unit) as PresenceEnvelope
    } catch (cause) {
      this.#fault(cause)
      return undefined
    }
  }

  /** One pass over all, oldest first; the next comes when a tenth more were loaded, so that its cost is spread. */
  #sweep(): void {
    let left = Math.ceil(idleAccountsMax / 10)
    for (const account of new Set(this.#resident.values())) {
      if (account.inUse) continue
      this.forget(account)
      if (--left === 0) break
    }
    this.#sweepAt = Math.max(idleAccountsMax, Math.ceil(this.#resident.size * 1.1))
  }

  /** Drops an account from memory: it was removed, or its record changed. */
  forget(account: Account): void {
    for (const name of [account.record.address, ...account.record.aliases]) {
      if (this.#resident.get(name.key) === account) this.#resident.delete(name.key)
    }
  }

  /** The account's aliases or its state of being disabled changed: whoever uses it goes on with the same one. */
  replaceRecord(record: AccountRecord): void {
    const account = this.#resident.get(record.address.key)
    if (account === undefined) return
    this.forget(account)
    account.record = record
    for (const name of [record.address, ...record.aliases]) this.#resident.set(name.key, account)
  }

  /** Every account in memory, once. */
  residents(): Iterable<Account> {
    return new Set(this.#resident.values())
  }
}
