// What a person publishes, tuple by tuple: for as long as a device lives, for a lease, for good; for all watchers, or for a class of them.
import type { Bytes } from '#base'
import { type Address, delivered, type Outcome, type PresenceEnvelope, refused, stored } from '#model'
import type { Leases } from '../leases.ts'
import type { PresenceClass } from '../people/access-rules.ts'
import type { Account } from '../people/account.ts'
import { documentOctetsMax, type Store } from '../store.ts'
import { classPresenceDocument, documentOf } from './class-presence.ts'
import { noteLastActivity } from './last-activity.ts'
import type { Notifier } from './notifier.ts'
import { Presentity, permanentTuple, type TupleChange } from './presentities.ts'

/** LIMIT: classes of watchers that a person may have. */
export const presenceClassesMax = 100

export interface TupleName {
  /** Whose presence it is. */
  readonly presentity: Address
  /** The device's tuple: a legal resourcepart. */
  readonly tuple: string
  /** The name is nobody's address but was chosen freely: where a device is addressed by it, this is another tuple, with another id. */
  readonly freeName?: true
  /** The class of watchers that it is for; undefined: all who are in none. */
  readonly of?: PresenceClass
}

export interface Publication extends TupleName {
  /** Who says so: only the owner may (RFC 2779 2.3.4). */
  readonly by: Address
  /** What it says; undefined takes the tuple away. */
  readonly source: PresenceEnvelope | undefined
  /** The device's goodbye, where `source` is undefined and it sent one. */
  readonly lastWords?: PresenceEnvelope
  /** Seconds; undefined: as long as its session, which takes it away. `Infinity` sets the permanent value (IMPP §18.5). */
  readonly seconds: number | undefined
  /** With `Infinity` and a free name: of this tuple alone, which shows it while it has no lease. */
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
  /** The classes that were asked for last and are not there yet. */
  readonly #classesAsked = new Map<Account, ReadonlySet<PresenceClass>>()

  constructor(parts: PublishingParts) {
    this.#parts = parts
  }

  publish(account: Account, publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    if (!sameAccount(account, publication.by)) return onOutcome(refused('permission-denied'))
    if (publication.kept === true) return this.#keep(account, publication, onOutcome)
    if (publication.seconds === Number.POSITIVE_INFINITY)
      return this.#publishPermanent(account, publication, onOutcome)
    this.#behindWrites(account, publication, (done) => this.#publish(account, publication, done), onOutcome)
  }

  renew(account: Account, about: TupleName, seconds: number, onOutcome: (outcome: Outcome) => void): void {
    const renewed = (done: (outcome: Outcome) => void): void => {
      const lease = account.presentity.of(about.of)?.find(about.tuple, about.freeName === true)?.lease
      if (lease === undefined || !lease.active) return done(refused('not-found'))
      lease.renew(seconds)
      done(delivered)
    }
    this.#behindWrites(account, about, renewed, onOutcome)
  }

  withdraw(account: Account, { tuple, of }: TupleName, onOutcome: (outcome: Outcome) => void): void {
    const gone = (): void => {
      const presentity = account.presentity.of(of)
      presentity?.kept.delete(tuple)
      this.#changed(account, presentity?.removeFree(tuple), of)
    }
    this.#inTurn(
      account,
      (done) => {
        const presentity = account.presentity.of(of)
        const isKept = presentity?.kept.has(tuple) === true
        if (!isKept && presentity?.find(tuple, true) === undefined) return done(refused('not-found'))
        if (!isKept) {
          gone()
          return done(delivered)
        }
        this.#write(account, documentOf(account.presentity, { of, tuple, source: undefined }), (outcome) => {
          if (outcome.kind !== 'refused') gone()
          done(outcome)
        })
      },
      onOutcome,
    )
  }

  hasClass(account: Account, presenceClass: PresenceClass): boolean {
    return (
      this.#classesAsked.get(account)?.has(presenceClass) ?? account.presentity.classes.has(presenceClass)
    )
  }

  setClasses(
    account: Account,
    wanted: ReadonlySet<PresenceClass>,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    if (wanted.size > presenceClassesMax) return onOutcome(refused('resource-limit'))
    this.#classesAsked.set(account, wanted)
    this.#inTurn(
      account,
      (done) =>
        this.#write(account, documentOf(account.presentity, undefined, wanted), (outcome) => {
          if (outcome.kind !== 'refused') this.#changeClasses(account, wanted)
          if (this.#classesAsked.get(account) === wanted) this.#classesAsked.delete(account)
          done(outcome)
        }),
      onOutcome,
    )
  }

  #changeClasses(account: Account, wanted: ReadonlySet<PresenceClass>): void {
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
  }

  #publish(account: Account, publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { tuple, source, of, freeName } = publication
    const presentity = account.presentity.of(of)
    if (presentity === undefined) return onOutcome(refused('precondition-failed'))
    if (source === undefined) {
      const changes = freeName
        ? presentity.removeFree(tuple)
        : presentity.remove(tuple, publication.lastWords?.keep())
      this.#changed(account, changes, of)
      return onOutcome(delivered)
    }
    const lease =
      publication.seconds === undefined
        ? undefined
        : this.#parts.leases.grant(publication.seconds, () => this.#expired(account, publication))
    const changes = freeName ? presentity.putFree(tuple, source, lease) : presentity.put(tuple, source, lease)
    if (changes === 'full') {
      lease?.cancel()
      return onOutcome(refused('resource-limit'))
    }
    this.#changed(account, changes, of)
    onOutcome(delivered)
  }

  /** One tuple's permanent value. It is there, for watchers and for who asks, once it is durable. */
  #keep(account: Account, { tuple, source, of }: Publication, onOutcome: (outcome: Outcome) => void): void {
    this.#inTurn(
      account,
      (done) => {
        const presentity = account.presentity.of(of)
        if (presentity === undefined) return done(refused('precondition-failed'))
        if (source === undefined && !presentity.kept.has(tuple)) return done(delivered)
        if (source !== undefined && !presentity.hasRoomFor(tuple)) return done(refused('resource-limit'))
        this.#write(account, documentOf(account.presentity, { of, tuple, source }), (outcome) => {
          // A class that went meanwhile shows nothing.
          const isThere = account.presentity.of(of) === presentity
          const changes = outcome.kind === 'refused' || !isThere ? undefined : presentity.keep(tuple, source)
          if (changes !== 'full') {
            this.#changed(account, changes, of)
            return done(outcome)
          }
          // Others took the room meanwhile: what was written is taken back.
          this.#write(account, documentOf(account.presentity), () => done(refused('resource-limit')))
        })
      },
      onOutcome,
    )
  }

  /** What is asked of a free name comes behind what was asked before of the document: nobody need wait for an answer to ask on. */
  #behindWrites(
    account: Account,
    { freeName }: TupleName,
    step: (done: (outcome: Outcome) => void) => void,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    if (freeName === true && this.#turns.has(account)) this.#inTurn(account, step, onOutcome)
    else step(onOutcome)
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

  #write(account: Account, document: Bytes | undefined, onOutcome: (outcome: Outcome) => void): void {
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

  #expired(account: Account, { tuple, of, freeName, onExpired }: Publication): void {
    const presentity = account.presentity.of(of)
    if (freeName) return this.#changed(account, presentity?.removeFree(tuple), of)
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
