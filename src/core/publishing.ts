// What a person publishes, tuple by tuple: for as long as a device lives, for a lease, for good; for all watchers, or for a class of them.
import { type Address, delivered, type Outcome, type PresenceEnvelope, refused, stored } from '#model'
import type { PresenceClass } from './access-rules.ts'
import type { Account } from './account.ts'
import { classPresenceDocument, documentOf, type KeptChange } from './class-presence.ts'
import { noteLastActivity } from './last-activity.ts'
import type { Leases } from './leases.ts'
import type { Notifier } from './notifier.ts'
import { Presentity, permanentTuple, type TupleChange } from './presentities.ts'
import { documentOctetsMax, type Store } from './store.ts'

/** LIMIT: classes of watchers that a person may have. */
export const presenceClassesMax = 100

export interface Publication {
  /** Whose presence it is, and who says so: only the owner may (RFC 2779 2.3.4). */
  readonly presentity: Address
  readonly by: Address
  /** The device's tuple: a legal resourcepart. */
  readonly tuple: string
  /** What it says; undefined takes the tuple away. */
  readonly source: PresenceEnvelope | undefined
  /** The device's goodbye, where `source` is undefined and it sent one. */
  readonly lastWords?: PresenceEnvelope
  /** Seconds; undefined: as long as its session, which takes it away. `Infinity` sets the permanent value (IMPP §18.5). */
  readonly seconds: number | undefined
  /** The class of watchers that it is for; undefined: all who are in none. */
  readonly of?: PresenceClass
  /** With `Infinity`: of this tuple alone, which shows it while it has no lease. */
  readonly kept?: true | undefined
  /** Called when the lease ran out: what the device says from then on without one, or nothing: then its tuple is gone. */
  readonly onExpired?: () => PresenceEnvelope | undefined
}

export interface PublishingParts {
  readonly store: Store
  readonly leases: Leases
  readonly notifier: Notifier
  readonly now: () => number
  readonly fault: (cause: unknown, what: string) => void
}

export class Publishing {
  readonly #parts: PublishingParts
  /** Writes of accounts' documents: the first is under way. */
  readonly #turns = new Map<Account, (() => void)[]>()

  constructor(parts: PublishingParts) {
    this.#parts = parts
  }

  publish(account: Account, publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const presentity = account.presentity.of(publication.of)
    if (!sameAccount(account, publication.by)) return onOutcome(refused('permission-denied'))
    if (presentity === undefined) return onOutcome(refused('not-found'))
    if (publication.kept === true) return this.#keep(account, publication, onOutcome)
    if (publication.seconds === Number.POSITIVE_INFINITY)
      return this.#publishPermanent(account, publication, onOutcome)
    if (publication.source === undefined) {
      const changes = presentity.remove(publication.tuple, publication.lastWords?.keep())
      this.#changed(account, changes, publication.of)
      return onOutcome(delivered)
    }
    const lease =
      publication.seconds === undefined
        ? undefined
        : this.#parts.leases.grant(publication.seconds, () => this.#expired(account, publication))
    const changes = presentity.put(publication.tuple, publication.source, lease)
    if (changes === 'full') {
      lease?.cancel()
      return onOutcome(refused('resource-limit'))
    }
    this.#changed(account, changes, publication.of)
    onOutcome(delivered)
  }

  setClasses(
    account: Account,
    wanted: ReadonlySet<PresenceClass>,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    if (wanted.size > presenceClassesMax) return onOutcome(refused('resource-limit'))
    const { classes } = account.presentity
    for (const [name, presentity] of [...classes.entries()]) {
      if (wanted.has(name)) continue
      const sources = presentity.sources()
      for (const { lease } of presentity.tuples.values()) lease?.cancel()
      classes.delete(name)
      const gone = sources.map(({ tuple }): TupleChange => ({ kind: 'removed', tuple, source: undefined }))
      if (gone.length > 0) this.#parts.notifier.fanOut(account, gone, name)
    }
    for (const name of wanted) if (!classes.has(name)) classes.set(name, new Presentity())
    this.#inTurn(account, (done) => this.#write(account, undefined, done), onOutcome)
  }

  /** One tuple's permanent value. It is there, for watchers and for who asks, once it is durable. */
  #keep(account: Account, { tuple, source, of }: Publication, onOutcome: (outcome: Outcome) => void): void {
    this.#inTurn(
      account,
      (done) => {
        const presentity = account.presentity.of(of)
        if (presentity === undefined) return done(refused('not-found'))
        if (source === undefined && !presentity.kept.has(tuple)) return done(delivered)
        if (source !== undefined && !presentity.hasRoomFor(tuple)) return done(refused('resource-limit'))
        this.#write(account, { of, tuple, source }, (outcome) => {
          // A class that went meanwhile shows nothing.
          const isThere = account.presentity.of(of) === presentity
          const changes = outcome.kind === 'refused' || !isThere ? undefined : presentity.keep(tuple, source)
          if (changes !== 'full') {
            this.#changed(account, changes, of)
            return done(outcome)
          }
          // Others took the room meanwhile: what was written is taken back.
          this.#write(account, undefined, () => done(refused('resource-limit')))
        })
      },
      onOutcome,
    )
  }

  /** One write of an account's document after another, each of what is there when its turn comes. */
  #inTurn(
    account: Account,
    step: (done: (outcome: Outcome) => void) => void,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    const turns = this.#turns.get(account) ?? []
    this.#turns.set(account, turns)
    account.underWay++
    turns.push(() =>
      step((outcome) => {
        account.underWay--
        turns.shift()
        if (turns.length === 0) this.#turns.delete(account)
        onOutcome(outcome)
        turns[0]?.()
      }),
    )
    if (turns.length === 1) turns[0]?.()
  }

  #write(account: Account, change: KeptChange | undefined, onOutcome: (outcome: Outcome) => void): void {
    const document = documentOf(account.presentity, change)
    if (document !== undefined && document.length > documentOctetsMax)
      return onOutcome(refused('resource-limit'))
    this.#parts.store.putDocument(account.address, classPresenceDocument, document).then(
      () => onOutcome(stored),
      (cause: unknown) => {
        this.#parts.fault(cause, 'presence of a class could not be stored')
        onOutcome(refused('internal-fault'))
      },
    )
  }

  #publishPermanent(account: Account, publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { source } = publication
    const unit = source === undefined ? undefined : { head: source.head, raw: source.raw }
    const { presentity } = account
    const write = ++presentity.writesAsked
    account.underWay++
    this.#parts.store.putPermanentPresence(account.address, unit).then(
      () => {
        account.underWay--
        // An earlier value whose answer comes late is no longer the value.
        if (write > presentity.writesDone) {
          presentity.writesDone = write
          this.#changed(account, presentity.setPermanent(source))
        }
        onOutcome(stored)
      },
      (cause: unknown) => {
        account.underWay--
        this.#parts.fault(cause, 'permanent presence could not be stored')
        onOutcome(refused('internal-fault'))
      },
    )
  }

  #expired(account: Account, { tuple, of, onExpired }: Publication): void {
    const presentity = account.presentity.of(of)
    const next = onExpired?.()
    const changes =
      next === undefined
        ? presentity?.remove(tuple, undefined)
        : presentity?.put(tuple, next.keep(), undefined)
    if (changes !== 'full') this.#changed(account, changes, of)
  }

  #changed(account: Account, changes: readonly TupleChange[] | undefined, of?: PresenceClass): void {
    if (changes === undefined) return
    this.#parts.notifier.fanOut(account, changes, of)
    if (of !== undefined) return
    const last = changes[0]
    if (account.presentity.tuples.size > 0 || last?.kind !== 'removed' || last.tuple === permanentTuple)
      return
    // Behind the tick, for what it reads is no part of telling the others.
    queueMicrotask(() => {
      this.#noteGone(account, last).catch((cause: unknown) =>
        this.#parts.fault(cause, 'the end of a presence could not be noted'),
      )
    })
  }

  /** The last device is gone. */
  async #noteGone({ address }: Account, { source }: TupleChange): Promise<void> {
    await noteLastActivity(this.#parts.store, address, this.#parts.now(), source)
  }
}

function sameAccount(account: Account, address: Address): boolean {
  return (
    account.address.key === address.key || account.record.aliases.some((alias) => alias.key === address.key)
  )
}
