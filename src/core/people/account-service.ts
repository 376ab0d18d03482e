// The accounts of our domains: one name, one secret store, whatever protocol signs in with it. Every change is durable before
// it is answered.
import type { Clock } from '#base'
import { type Address, type Condition, refused } from '#model'
import { type Forward, locationFault } from '../messages/forward.ts'
import { ServiceError } from '../service-error.ts'
import type { AccountRecord, Store } from '../store.ts'
import type { Account } from './account.ts'
import type { ImportedDigest, PasswordSetter } from './authenticator.ts'
import type { Directory, Found } from './directory.ts'

interface NewName {
  readonly address: Address
  readonly aliases?: readonly Address[]
}

/** With a password, or with what another server kept of one: then every login but Digest waits for the first that shows the password. */
export type NewAccount = NewName &
  ({ readonly password: string } | { readonly digests: readonly ImportedDigest[] })

export type AccountOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly condition: Condition }

const done: AccountOutcome = { kind: 'done' }

export interface AccountParts {
  readonly clock: Clock
  readonly store: Store
  readonly directory: Directory
  readonly passwords: PasswordSetter
  readonly isLocal: (domain: string) => boolean
}

export class AccountService {
  readonly #parts: AccountParts

  /** Set by whoever remembers what was verified of an account: its password changed, or it is gone. */
  onSecretsChanged: (owner: Address) => void = () => {}

  /** Set by the service: an account is no more, what others hold of it ends. */
  onRemoved: (account: Account) => void = () => {}

  constructor(parts: AccountParts) {
    this.#parts = parts
  }

  /**
   * Adds accounts; answers in their order. `conflict`: the name is taken; `domain-unknown`: not a domain of ours;
   * `not-acceptable`: a password that its profile forbids, or digests of hashes that are not kept; `malformed`: no digest at all;
   * `address-malformed`: a domain alone.
   * Rejects with ServiceError when the store can't.
   */
  async add(accounts: readonly NewAccount[]): Promise<AccountOutcome[]> {
    const outcomes: AccountOutcome[] = accounts.map(() => done)
    const prepared = await Promise.all(accounts.map((account, at) => this.#prepare(account, at, outcomes)))
    const ready = prepared.filter((entry) => entry !== undefined)
    const added = await this.#parts.store.addAccounts(ready)
    ready.forEach((entry, at) => {
      if (added[at] !== true) outcomes[entry.at] = refused('conflict')
    })
    return outcomes
  }

  /** Sets an account's password, deriving every verifier anew. */
  async setPassword(address: Address, password: string): Promise<AccountOutcome> {
    const record = await this.#parts.store.account(address)
    if (record === undefined) return refused('target-unknown')
    const derived = await this.#parts.passwords.derive([record.address, ...record.aliases], password)
    if ('refused' in derived) return refused(derived.refused)
    const isSet = await this.#parts.store.setSecrets(record.address, derived.secrets)
    this.onSecretsChanged(record.address)
    return isSet ? done : refused('target-unknown')
  }

  /**
   * The person has moved, or is back (`undefined`). `address-malformed`: the location names nobody; `loop-detected`: it is
   * the account itself.
   */
  async setForward(address: Address, forward: Forward | undefined): Promise<AccountOutcome> {
    const found = await new Promise<Found>((resolve) => this.#parts.directory.find(address, resolve))
    if (found === 'unknown') return refused('target-unknown')
    if (found === 'fault') throw new ServiceError('internal-fault', 'the account could not be loaded')
    const { record } = found
    const fault = forward && locationFault(forward.location, [record.address, ...record.aliases])
    if (fault !== undefined) return refused(fault)
    await this.#parts.store.putForward(found.address, forward)
    const account = this.#parts.directory.resident(found.address) ?? found
    account.forward = forward
    return done
  }

  /** Where the person has moved to, if anywhere. */
  async forward(address: Address): Promise<Forward | undefined | 'unknown'> {
    const state = await this.#parts.store.accountState(address)
    return state === undefined ? 'unknown' : state.forward
  }

  /**
   * Removes an account and everything it owns, signs its devices out, and tells who watched it and whom it watched. `onGone`: it is durably
   * gone, and its devices are still there.
   */
  async remove(address: Address, onGone: () => void = () => {}): Promise<AccountOutcome> {
    const found = await new Promise<Found>((resolve) => this.#parts.directory.find(address, resolve))
    if (found === 'unknown') return refused('target-unknown')
    if (found === 'fault') throw new ServiceError('internal-fault', 'the account could not be loaded')
    const removed = await this.#parts.store.removeAccount(found.address)
    this.onSecretsChanged(found.address)
    const account = this.#parts.directory.resident(found.address) ?? found
    if (removed) onGone()
    for (const agent of [...account.inbox.agents]) agent.signOut('permission-denied')
    if (removed) this.onRemoved(account)
    this.#parts.directory.forget(account)
    return removed ? done : refused('target-unknown')
  }

  /** Accounts of a domain in the order of their names, `limit` at a time, after the key `after` (exclusive). */
  list(domain: string, after: string, limit: number): Promise<AccountRecord[]> {
    return this.#parts.store.accounts(domain, after, limit)
  }

  async #prepare(account: NewAccount, at: number, outcomes: AccountOutcome[]) {
    const names = [account.address, ...(account.aliases ?? [])]
    const refusal = names.some((name) => name.user === '')
      ? 'address-malformed'
      : names.every((name) => this.#parts.isLocal(name.domain))
        ? undefined
        : 'domain-unknown'
    if (refusal !== undefined) {
      outcomes[at] = refused(refusal)
      return undefined
    }
    const { passwords } = this.#parts
    const derived =
      'digests' in account
        ? passwords.adopt(account.address, account.digests)
        : await passwords.derive(names, account.password)
    if ('refused' in derived) {
      outcomes[at] = refused(derived.refused)
      return undefined
    }
    const record: AccountRecord = {
      address: account.address,
      aliases: account.aliases ?? [],
      created: this.#parts.clock.now(),
      disabled: false,
    }
    return { at, record, secrets: derived.secrets }
  }
}
