// Presence entries of our people (RFC 3343 §3): how they are shown, when they were last updated, and what their owners publish.

import type { Account, Lease, PresenceNotification } from '#core'
import type { Address, Outcome } from '#model'
import { absentEntry, entryEnvelope, tuplesOf } from '../binding-presence.ts'
import { endpointOf, type PresenceEntry, presenceText, readTimestamp, timestampText } from '../codec/index.ts'
import { ApexPresenceEnvelope } from '../presence-envelope.ts'
import type { Relay } from '../relay.ts'

/** LIMIT: entries whose last update is remembered; one that was forgotten must be read again before it is changed (555). */
const stampsMax = 10_000

/** Of a person's tuples, the one that an entry stands for: no device is addressed by its name, and one that is called so keeps it (decision 0141). */
const entryTuple = { tuple: 'apex', freeName: true } as const

interface Stamp {
  readonly at: number
  /** What was said then. */
  readonly said: string
}

const rendering = Symbol('apex presence')

export class Entries {
  readonly #relay: Relay
  readonly #stamps = new Map<string, Stamp>()
  /** When the next tuple of an entry is available no more. */
  readonly #ends = new Map<string, Lease>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** The `presence` element, made once for all watchers of a class. */
  shown(notification: PresenceNotification): string {
    return notification.once(rendering, () => presenceText(this.#entryOf(notification)))
  }

  absent(presentity: Address): string {
    return presenceText(absentEntry(presentity))
  }

  /** When the entry was last updated, as its owner may have read it; undefined where he has not. */
  lastUpdateOf(owner: Address): number | undefined {
    return this.#stamps.get(owner.key)?.at
  }

  /** The entry is the owner's from now on, and outlives this process; while a tuple is available others see it so. */
  publish(account: Account, entry: PresenceEntry, onOutcome: (outcome: Outcome) => void): void {
    const owner = account.address
    const at = this.#later(owner)
    const stamped = { ...entry, lastUpdate: timestampText(at) }
    const before = account.presentity.permanent
    const source = entryEnvelope(stamped, owner, Number.POSITIVE_INFINITY)
    // Before anybody is told: what watchers read is the time that a later publish must give (RFC 3343 §4.4 step 5).
    this.#remember(owner, { at, said: '' })
    // What is available is shown first, so that nobody sees the lasting value, which is available no more, in between.
    const isAvailable = this.#endsOf(stamped).length > 0
    if (isAvailable) this.#show(account, stamped)
    const seconds = Number.POSITIVE_INFINITY
    const about = { presentity: owner, by: owner, ...entryTuple, source, seconds }
    this.#relay.service.presence.publish(about, (outcome) => {
      if (outcome.kind === 'refused') {
        // It was not kept: what was is shown again.
        if (isAvailable && before instanceof ApexPresenceEnvelope) this.#show(account, before.entry)
        else if (isAvailable) this.#hide(account)
        return onOutcome(outcome)
      }
      if (!isAvailable) this.#hide(account)
      onOutcome(outcome)
    })
  }

  /** The owner is here again: what he published before this process is shown, as far as it still holds. */
  restore(account: Account): void {
    const { permanent } = account.presentity
    const isShown = account.presentity.find(entryTuple.tuple, true) !== undefined
    if (permanent instanceof ApexPresenceEnvelope && !isShown) this.#show(account, permanent.entry)
  }

  /** Shows what is available now, and what is left when the next tuple ends. */
  #show(account: Account, entry: PresenceEntry): void {
    const owner = account.address
    const now = this.#now()
    const ends = this.#endsOf(entry)
    if (ends.length === 0) return this.#hide(account)
    this.#ends.get(owner.key)?.cancel()
    const { presence, leases } = this.#relay.service
    const source = entryEnvelope(entry, owner, now)
    presence.publish({ presentity: owner, by: owner, ...entryTuple, source, seconds: undefined }, () => {})
    const seconds = (Math.min(...ends) - now) / 1000
    this.#ends.set(
      owner.key,
      leases.grant(seconds, () => this.#show(account, entry)),
    )
  }

  /** Nothing of it is available: the lasting value is shown, where no other device is there. */
  #hide({ address }: Account): void {
    this.#ends.get(address.key)?.cancel()
    this.#ends.delete(address.key)
    const gone = { presentity: address, by: address, ...entryTuple, source: undefined, seconds: undefined }
    this.#relay.service.presence.publish(gone, () => {})
  }

  #endsOf({ tuples }: PresenceEntry): readonly number[] {
    const now = this.#now()
    return tuples.map(({ availableUntil }) => readTimestamp(availableUntil) ?? 0).filter((end) => end > now)
  }

  #entryOf(notification: PresenceNotification): PresenceEntry {
    const { presentity, visibility } = notification
    const now = this.#now()
    // Nobody's subscription is longer.
    const until = now + this.#relay.settings.subscriptionSecondsMax * 1000
    const { tuples, publisherInfo } = tuplesOf(notification, { now, until })
    const publisher = endpointOf(presentity).written
    const at = visibility === 'full' ? this.#stampOf(notification) : now
    return { publisher, lastUpdate: timestampText(at), publisherInfo, tuples }
  }

  /** The same while the same is said. */
  #stampOf({ presentity, sources }: PresenceNotification): number {
    const said = JSON.stringify(
      sources.map(({ tuple, source }) => [
        tuple,
        source.view().tuples.map(({ basic, show, notes, contact }) => [basic, show, notes, contact]),
      ]),
    )
    const known = this.#stamps.get(presentity.key)
    if (known?.said === said) return known.at
    // What was published just now has its time already.
    const at = known?.said === '' ? known.at : this.#later(presentity)
    this.#remember(presentity, { at, said })
    return at
  }

  /** Now, and not the time that it had: "should be different". */
  #later({ key }: Address): number {
    const before = this.#stamps.get(key)?.at ?? 0
    return Math.max(this.#now(), before + 1)
  }

  #remember({ key }: Address, stamp: Stamp): void {
    this.#stamps.delete(key)
    if (this.#stamps.size >= stampsMax) {
      for (const oldest of this.#stamps.keys()) {
        this.#stamps.delete(oldest)
        break
      }
    }
    this.#stamps.set(key, stamp)
  }

  #now(): number {
    return this.#relay.service.clock.now()
  }
}
