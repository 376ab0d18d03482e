// Which sessions there are: of two people, of a person here, with a domain, and by their JIDs, which are known for a while after the end.

import type { Clock, Timer } from '#base'
import type { Address } from '#model'
import { fullJid, type Jid } from '#protocols/xmpp'
import type { Session } from './session.ts'

/**
 * Milliseconds for which the JIDs of a session are known after its end: what was said in it comes by another connection than the BYE, and maybe behind it.
 * LIMIT: sessions of which they are.
 */
const lateMs = 32_000
const lateMax = 1000

const none: ReadonlySet<Session> = new Set()

/** Sessions by a key; in each set the one begun last is at the end. */
class Index {
  readonly #sets = new Map<string, Set<Session>>()

  of(key: string): ReadonlySet<Session> {
    return this.#sets.get(key) ?? none
  }

  get keys(): Iterable<string> {
    return this.#sets.keys()
  }

  add(key: string, session: Session): void {
    const set = this.#sets.get(key)
    if (set === undefined) this.#sets.set(key, new Set([session]))
    else set.add(session)
  }

  remove(key: string, session: Session): void {
    const set = this.#sets.get(key)
    set?.delete(session)
    if (set?.size === 0) this.#sets.delete(key)
  }
}

export class SessionBook {
  readonly #clock: Clock
  readonly #ofTwo = new Index()
  readonly #ofPerson = new Index()
  readonly #ofDomain = new Index()
  readonly #theirs = new Map<Session, Address>()
  /** By both full JIDs, once both are known. */
  readonly #byJids = new Map<string, Session>()
  readonly #jidsOf = new Map<Session, string>()
  /** Over, and still known by their JIDs. */
  readonly #late = new Map<Session, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The one begun last is at the end. */
  ofTwo(ours: Address, theirs: Address): readonly Session[] {
    return [...this.#ofTwo.of(keyOf(ours, theirs))]
  }

  ofPerson(ours: Address): ReadonlySet<Session> {
    return this.#ofPerson.of(ours.key)
  }

  ofDomain(domain: string): ReadonlySet<Session> {
    return this.#ofDomain.of(domain)
  }

  get domains(): Iterable<string> {
    return this.#ofDomain.keys
  }

  get all(): readonly Session[] {
    return [...this.#theirs.keys()]
  }

  byJids(ours: Jid, theirs: Jid): Session | undefined {
    return this.#byJids.get(jidsKey(ours, theirs))
  }

  add(session: Session, theirs: Address): void {
    const ours = session.parts.ours.address
    this.#theirs.set(session, theirs)
    this.#ofTwo.add(keyOf(ours, theirs), session)
    this.#ofPerson.add(ours.key, session)
    this.#ofDomain.add(theirs.domain, session)
  }

  /** Their JID is known, or another one than before (a re-INVITE). */
  named(session: Session): void {
    if (session.theirs === undefined) return
    this.#unname(session)
    const jids = jidsKey(session.parts.ours, session.theirs)
    this.#jidsOf.set(session, jids)
    this.#byJids.set(jids, session)
  }

  /** It is over; answers the domain that it was with. */
  remove(session: Session): string | undefined {
    const theirs = this.#theirs.get(session)
    if (theirs === undefined) return undefined
    const ours = session.parts.ours.address
    this.#theirs.delete(session)
    this.#ofTwo.remove(keyOf(ours, theirs), session)
    this.#ofPerson.remove(ours.key, session)
    this.#ofDomain.remove(theirs.domain, session)
    if (this.#jidsOf.has(session)) this.#forgetLater(session)
    return theirs.domain
  }

  stop(): void {
    for (const timer of this.#late.values()) timer.cancel()
    this.#late.clear()
  }

  #forgetLater(session: Session): void {
    const [oldest] = this.#late.size < lateMax ? [] : this.#late.keys()
    if (oldest !== undefined) this.#forget(oldest)
    this.#late.set(
      session,
      this.#clock.schedule(lateMs, () => this.#forget(session)),
    )
  }

  #forget(session: Session): void {
    this.#late.get(session)?.cancel()
    this.#late.delete(session)
    this.#unname(session)
  }

  #unname(session: Session): void {
    const jids = this.#jidsOf.get(session)
    this.#jidsOf.delete(session)
    if (jids !== undefined && this.#byJids.get(jids) === session) this.#byJids.delete(jids)
  }
}

const keyOf = (ours: Address, theirs: Address): string => `${ours.key}\n${theirs.key}`

const jidsKey = (ours: Jid, theirs: Jid): string =>
  `${fullJid(ours.address, ours.resource)}\n${fullJid(theirs.address, theirs.resource)}`
