// The versions of an owner's contact list (RFC 6121 §2.6): a hash of what is on it, so that it is as durable as the list itself,
// and a memory of what changed since, as long as the account stays in memory. Nothing is counted before somebody asks.
import { createHash } from 'node:crypto'
import type { Address } from '#model'
import type { Contact } from './contact.ts'

/** LIMIT: changes remembered; who knows an older version gets the whole list. */
export const listChangesMax = 1000

export interface ListChange {
  readonly address: Address
  /** The list's version once it was made. */
  readonly version: string
}

const modulus = 1n << 128n

export class ListVersions {
  /** Of the hashes of all that is listed; undefined until asked. */
  #sum: bigint | undefined
  /** Before the oldest change that is remembered. */
  #first = ''
  readonly #changes: ListChange[] = []

  /** Of the list as it is now. */
  current(contacts: ReadonlyMap<string, Contact>): string {
    if (this.#sum === undefined) {
      let sum = 0n
      for (const contact of contacts.values()) sum += hashOf(contact)
      this.#sum = sum % modulus
      this.#first = versionOf(this.#sum)
    }
    return versionOf(this.#sum)
  }

  /** One contact was `before` and is `after`; undefined: not there. */
  changed(before: Contact | undefined, after: Contact | undefined): void {
    if (this.#sum === undefined) return
    const sum = (this.#sum + modulus + hashOf(after) - hashOf(before)) % modulus
    const address = (after ?? before)?.address
    if (sum === this.#sum || address === undefined) return
    this.#sum = sum
    this.#changes.push({ address, version: versionOf(sum) })
    if (this.#changes.length > listChangesMax) this.#first = (this.#changes.shift() as ListChange).version
  }

  /** All that changed after a version, each address once, where it changed last; undefined when the version is not remembered. */
  since(version: string): readonly ListChange[] | undefined {
    const at = this.#changes.findLastIndex((change) => change.version === version)
    if (at < 0 && version !== this.#first) return undefined
    const last = new Map<string, ListChange>()
    for (const change of this.#changes.slice(at + 1)) {
      last.delete(change.address.key)
      last.set(change.address.key, change)
    }
    return [...last.values()]
  }
}

/** Whether a client that shows the list would show both alike (RFC 6121 §2.6.3: what only waits is no modification). */
export function looksAlike(one: Contact | undefined, other: Contact | undefined): boolean {
  return saidOf(one) === saidOf(other)
}

function saidOf(contact: Contact | undefined): string {
  if (contact === undefined || !contact.listed) return ''
  const { address, name, groups, authorization } = contact
  const { to, from, pendingOut, preApproved } = authorization
  return JSON.stringify([address.key, name, groups, to, from, pendingOut, preApproved])
}

function hashOf(contact: Contact | undefined): bigint {
  const said = saidOf(contact)
  if (said === '') return 0n
  const digest = createHash('sha256').update(said).digest()
  return digest.readBigUInt64BE(0) * (1n << 64n) + digest.readBigUInt64BE(8)
}

function versionOf(sum: bigint): string {
  return sum.toString(36)
}
