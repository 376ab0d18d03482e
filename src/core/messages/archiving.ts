// What of a person's messages is archived, by the person's own wish (XEP-0441): one decision for all protocols, made within the tick.
import { type Bytes, text, utf8 } from '#base'
import { type Address, type Outcome, refused, stored } from '#model'
import { deviceKey } from '../people/access-rules.ts'
import type { Account } from '../people/account.ts'
import type { Contact } from '../people/contact.ts'
import type { Directory } from '../people/directory.ts'
import { ServiceError } from '../service-error.ts'
import type { Store } from '../store.ts'

/** The account's document that holds the wish. */
export const archivingDocument = 'archiving'

/** LIMIT: addresses on both lists together. */
export const archivingListMax = 1000

export interface ArchivingPreferences {
  /** What happens to messages of those on neither list; `roster` archives those of listed contacts. */
  readonly default: 'always' | 'never' | 'roster'
  /** Keys of addresses, or of single devices (`deviceKey`). */
  readonly always: ReadonlySet<string>
  readonly never: ReadonlySet<string>
}

interface Archivist {
  readonly archiving: ArchivingPreferences | undefined
  readonly contacts: ReadonlyMap<string, Contact>
}

/** Whether messages to and from that device are archived. Hot path: nothing is looked up for those who never said anything. */
export function archives({ archiving, contacts }: Archivist, peer: Address, agent: string): boolean {
  if (archiving === undefined) return true
  const { always, never } = archiving
  // XEP-0441 §2.3.1; the more exact entry counts, and of two alike the one that keeps less.
  if (agent !== '' && (always.size > 0 || never.size > 0)) {
    const device = deviceKey(peer, agent)
    if (never.has(device)) return false
    if (always.has(device)) return true
  }
  if (never.has(peer.key)) return false
  if (always.has(peer.key)) return true
  return archiving.default === 'roster'
    ? contacts.get(peer.key)?.listed === true
    : archiving.default === 'always'
}

export function archivingOf(document: Bytes): ArchivingPreferences {
  try {
    const { default: others, always, never } = JSON.parse(text(document)) as Record<string, never>
    return { default: others, always: new Set(always), never: new Set(never) }
  } catch (cause) {
    throw new ServiceError('internal-fault', 'stored archiving preferences are not readable', {}, cause)
  }
}

function documentOf(preferences: ArchivingPreferences): Bytes {
  const { default: others, always, never } = preferences
  return utf8(JSON.stringify({ default: others, always: [...always], never: [...never] }))
}

export class Archiving {
  readonly #directory: Directory
  readonly #store: Store
  readonly #fault: (cause: unknown, what: string) => void

  constructor(directory: Directory, store: Store, fault: (cause: unknown, what: string) => void) {
    this.#directory = directory
    this.#store = store
    this.#fault = fault
  }

  /** Sets what is archived from now on; `stored` once that is durable. What was archived stays. */
  prefer(owner: Address, preferences: ArchivingPreferences, onOutcome: (outcome: Outcome) => void): void {
    if (preferences.always.size + preferences.never.size > archivingListMax)
      return onOutcome(refused('resource-limit'))
    this.#directory.find(owner, (found) => {
      if (found === 'unknown') return onOutcome(refused('target-unknown'))
      if (found === 'fault') return onOutcome(refused('internal-fault'))
      this.#put(found, preferences, onOutcome)
    })
  }

  #put(account: Account, preferences: ArchivingPreferences, onOutcome: (outcome: Outcome) => void): void {
    const before = account.archiving
    account.archiving = preferences
    account.underWay++
    this.#store.putDocument(account.address, archivingDocument, documentOf(preferences)).then(
      () => {
        account.underWay--
        onOutcome(stored)
      },
      (cause: unknown) => {
        account.underWay--
        if (account.archiving === preferences) account.archiving = before
        this.#fault(cause, 'archiving preferences could not be stored')
        onOutcome(refused(cause instanceof ServiceError ? cause.condition : 'internal-fault'))
      },
    )
  }
}
