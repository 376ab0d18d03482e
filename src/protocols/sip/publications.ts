// Event publication state, RFC 3903 §6: entity tags, each a lease on one device's presence tuple.

import { randomId } from '#base'
import type { Address, Outcome } from '#model'
import type { SipPresenceEnvelope } from './binding-presence.ts'
import type { SipContext } from './context.ts'
import { type Flow, remoteKey } from './flow.ts'
import type { RegisteredContact } from './registered-contact.ts'

/** LIMIT: publications at a time, over all presentities (each has a limit of tuples in the core as well). */
export const publicationsMax = 200_000

export interface Held {
  readonly presentity: Address
  readonly owner: Address
  tuple: string
  etag: string
  /** Where it came from. */
  flow: Flow
  source: SipPresenceEnvelope
  /** Clock.monotonic() at which it ends. */
  due: number
}

export type Put = Omit<Held, 'etag' | 'due'> & { readonly seconds: number }

export class Publications {
  readonly #byEtag = new Map<string, Held>()
  /** One a tuple: a device that begins anew takes its own place again. */
  readonly #byTuple = new Map<string, Held>()
  /** Those of no registered phone, by where they came from: when a phone registers from there, they are its own. */
  readonly #ofNoPhone = new Map<string, Held>()
  #context: SipContext | undefined

  set context(context: SipContext) {
    this.#context = context
  }

  get size(): number {
    return this.#byEtag.size
  }

  /** The publication that an entity tag names, if it is the presentity's (RFC 3903 §6 step 3). */
  find(etag: string, presentity: Address): Held | undefined {
    const held = this.#byEtag.get(etag)
    return held?.presentity.key === presentity.key ? held : undefined
  }

  /** Creates or modifies; answers with the outcome and the new entity tag. */
  put(put: Put, answer: (outcome: Outcome, etag: string) => void): void {
    const { presentity, owner, tuple, flow, seconds } = put
    const before = this.#byTuple.get(tupleKey(presentity, tuple))
    if (before === undefined && this.#byEtag.size >= publicationsMax)
      return answer({ kind: 'refused', condition: 'resource-limit' }, '')
    const source = put.source.keep()
    const held: Held = before ?? { presentity, owner, tuple, flow, source, etag: '', due: 0 }
    this.#publish(held, source, seconds, (outcome) => {
      if (outcome.kind === 'refused') return answer(outcome, '')
      this.#ofNoPhone.delete(placeKey(held))
      held.flow = flow
      held.source = source
      held.due = this.#dueIn(seconds)
      this.#byTuple.set(tupleKey(presentity, tuple), held)
      const phone = this.#phoneOf(held)
      if (phone !== undefined) phone.published = true
      else this.#ofNoPhone.set(placeKey(held), held)
      answer(outcome, this.#renamed(held))
    })
  }

  #publish(
    held: Held,
    source: SipPresenceEnvelope,
    seconds: number,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    const { presentity, owner, tuple } = held
    const onExpired = () => (this.#byEtag.get(held.etag) === held ? this.#ended(held) : undefined)
    this.#service.presence.publish({ presentity, by: owner, tuple, source, seconds, onExpired }, onOutcome)
  }

  /**
   * Whether a phone that registers has said its presence already: before it registered, or in an earlier registration. What came from where it is
   * takes the phone's own place, so that it is not shown twice.
   */
  speaksFor(phone: RegisteredContact, isAlone: boolean): boolean {
    const { owner, id, facts } = phone
    if (this.#byTuple.has(tupleKey(owner, id))) return true
    const held = this.#ofNoPhone.get(placeKey({ presentity: owner, flow: facts.flow }))
    if (held === undefined || !isAlone) return false
    const before = held.tuple
    const seconds = (held.due - this.#service.clock.monotonic()) / 1000
    this.#byTuple.delete(tupleKey(owner, before))
    this.#ofNoPhone.delete(placeKey(held))
    held.tuple = id
    this.#byTuple.set(tupleKey(owner, id), held)
    // First the new place, then the old one: shown twice for a moment, and never absent.
    this.#publish(held, held.source, seconds, () => undefined)
    const gone = { presentity: owner, by: owner, tuple: before, source: undefined, seconds: undefined }
    this.#service.presence.publish(gone, () => undefined)
    return true
  }

  #dueIn(seconds: number): number {
    return this.#service.clock.monotonic() + seconds * 1000
  }

  /** Refreshes without a change (RFC 3903 §4.3). */
  renew(held: Held, seconds: number, answer: (outcome: Outcome, etag: string) => void): void {
    this.#service.presence.renew(held, seconds, (outcome) => {
      if (outcome.kind !== 'refused') held.due = this.#dueIn(seconds)
      answer(outcome, outcome.kind === 'refused' ? '' : this.#renamed(held))
    })
  }

  /** Removes (RFC 3903 §4.5); a phone that is registered is open again in the same change. */
  remove(held: Held, answer: (outcome: Outcome, etag: string) => void): void {
    const { presentity, owner, tuple } = held
    const source = this.#phoneOf(held)?.registeredPresence()
    this.#service.presence.publish(
      { presentity, by: owner, tuple, source, seconds: undefined },
      (outcome) => {
        if (outcome.kind !== 'refused') this.#ended(held)
        // RFC 3903 §6 step 6: this answer too has a tag, never one from before.
        answer(outcome, outcome.kind === 'refused' ? '' : randomId(12))
      },
    )
  }

  /** An initial publication that is over at once: "MUST NOT store any event state" (RFC 3903 §6 step 5). A tag that is never found again. */
  none(presentity: Address, owner: Address, answer: (outcome: Outcome, etag: string) => void): void {
    const etag = randomId(12)
    this.#service.presence.publish(
      { presentity, by: owner, tuple: `sip-none-${etag}`, source: undefined, seconds: undefined },
      (outcome) => answer(outcome, etag),
    )
  }

  get #service(): SipContext['service'] {
    if (this.#context === undefined) throw new Error('the publications were not given their context')
    return this.#context.service
  }

  /** RFC 3903 §6 step 6: every success has an entity tag, and we choose a new one each time. */
  #renamed(held: Held): string {
    this.#byEtag.delete(held.etag)
    held.etag = randomId(12)
    this.#byEtag.set(held.etag, held)
    return held.etag
  }

  /** Forgets it. Where its phone is registered, what that says by itself. */
  #ended(held: Held): SipPresenceEnvelope | undefined {
    this.#byEtag.delete(held.etag)
    this.#byTuple.delete(tupleKey(held.presentity, held.tuple))
    if (this.#ofNoPhone.get(placeKey(held)) === held) this.#ofNoPhone.delete(placeKey(held))
    const phone = this.#phoneOf(held)
    if (phone !== undefined) phone.published = false
    return phone?.registeredPresence()
  }

  #phoneOf({ presentity, tuple }: Held): RegisteredContact | undefined {
    const account = this.#service.directory.resident(presentity)
    return this.#context?.registrar.contactWith(account, tuple)
  }
}

const tupleKey = (presentity: Address, tuple: string): string => `${presentity.key} ${tuple}`

const placeKey = ({ presentity, flow }: Pick<Held, 'presentity' | 'flow'>): string =>
  `${presentity.key} ${remoteKey(flow)}`
