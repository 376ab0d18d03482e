// Event publication state, RFC 3903 §6: entity tags, each a lease on one device's presence tuple.

import { randomId } from '#base'
import type { Address, Outcome } from '#model'
import type { SipPresenceEnvelope } from './binding-presence.ts'
import type { SipContext } from './context.ts'
import type { RegisteredContact } from './registered-contact.ts'

/** LIMIT: publications at a time, over all presentities (each has a limit of tuples in the core as well). */
export const publicationsMax = 200_000

export interface Held {
  readonly presentity: Address
  readonly owner: Address
  readonly tuple: string
  etag: string
}

export class Publications {
  readonly #byEtag = new Map<string, Held>()
  /** One a tuple: a device that begins anew takes its own place again. */
  readonly #byTuple = new Map<string, Held>()
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
  put(
    presentity: Address,
    owner: Address,
    tuple: string,
    source: SipPresenceEnvelope,
    seconds: number,
    answer: (outcome: Outcome, etag: string) => void,
  ): void {
    const key = tupleKey(presentity, tuple)
    const before = this.#byTuple.get(key)
    if (before === undefined && this.#byEtag.size >= publicationsMax)
      return answer({ kind: 'refused', condition: 'resource-limit' }, '')
    const held: Held = before ?? { presentity, owner, tuple, etag: '' }
    const onExpired = () => (this.#byTuple.get(key) === held ? this.#ended(held) : undefined)
    this.#service.presence.publish(
      { presentity, by: owner, tuple, source, seconds, onExpired },
      (outcome) => {
        if (outcome.kind === 'refused') return answer(outcome, '')
        this.#byTuple.set(key, held)
        answer(outcome, this.#renamed(held))
      },
    )
  }

  /** Refreshes without a change (RFC 3903 §4.3). */
  renew(held: Held, seconds: number, answer: (outcome: Outcome, etag: string) => void): void {
    this.#service.presence.renew(held.presentity, held.tuple, seconds, (outcome) =>
      answer(outcome, outcome.kind === 'refused' ? '' : this.#renamed(held)),
    )
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
