// Streams for sessions that were set up by other means than DNS (UMPP §4.1): to a named place, bound to the domain whose certificate proves it, not to
// the name of the place; and the stanzas that come for a session's JIDs, whose device here the folder that drives the sessions knows.

import type { Bytes } from '#base'
import { type Condition, type Envelope, type Outcome, refused, relayed } from '#model'
import type { Place } from '#net'
import type { Jid } from '../codec/jid.ts'
import type { ServersEnvironment } from './environment.ts'
import type { ServerPair } from './pair.ts'
import type { ParcelFate } from './parcel.ts'
import { sessionBytes } from './writing.ts'

/** A session's two ends. */
export interface SessionEnds {
  /** Ours. */
  readonly from: Jid
  readonly to: Jid
  /** In every stanza. */
  readonly thread: string
}

/** What a message that comes is of. */
export interface SessionTarget {
  /** The device that it is for; '' for all that its owner has. */
  readonly device: string
  /** Where the session's far end is, for what is told of it. */
  readonly places: readonly Place[]
}

/**
 * Asked of each message from another domain, with its type, before it is delivered; undefined where it is of no session, and delivered as its
 * JID says.
 */
export type SessionTaker = (from: Jid, to: Jid, type: string | undefined) => SessionTarget | undefined

export class Sessions {
  readonly #environment: ServersEnvironment
  readonly #pairOf: (ours: string, theirs: string, at?: readonly Place[]) => ServerPair
  #taker: SessionTaker | undefined

  constructor(
    environment: ServersEnvironment,
    pairOf: (ours: string, theirs: string, at?: readonly Place[]) => ServerPair,
  ) {
    this.#environment = environment
    this.#pairOf = pairOf
  }

  onMessage(taker: SessionTaker): void {
    this.#taker = taker
  }

  /** Has a stream opened to one of the places, proven to be the far JID's domain, before there is something to carry. */
  open({ from, to }: SessionEnds, places: readonly Place[]): void {
    this.#pairOf(from.address.domain, to.address.domain, places).want()
  }

  /**
   * Carries a message of the session, in the order of the calls: where we wait for theirs, by the stream that they opened, if it goes both ways; else by
   * one to the places. `onOutcome` once, within a bounded time: `relayed`, or why it has not been taken.
   */
  send(
    envelope: Envelope,
    ends: SessionEnds,
    places: readonly Place[],
    isOpener: boolean,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    const { service } = this.#environment
    const { head } = envelope
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const [ours, theirs] = [ends.from.address.domain, ends.to.address.domain]
    const pair = isOpener ? this.#pairOf(ours, theirs, places) : this.#wayBack(ours, theirs, places)
    pair.send({
      bytes: sessionBytes(envelope, ends, service.clock.now()),
      // Given back it is offered again, maybe by another session, and what was taken of it is known by this.
      head: head.whenAbsent === 'store' ? head : undefined,
      settle: (fate) => onOutcome(fate === 'taken' ? relayed : refused(conditions[fate])),
    })
  }

  /**
   * What is known of a message for which there is no session now: an earlier one may have carried it (decision 0126). `relayed`: it was taken; unreachable:
   * that is to be asked, and it may be offered again; undefined: they do not have it.
   */
  recollect({ head }: Envelope): Outcome | undefined {
    if (head.whenAbsent !== 'store') return undefined
    const { aftermath } = this.#pairOf(head.from.domain, head.to.domain)
    if (aftermath.hasTaken(head)) return relayed
    if (!aftermath.mayHave(head)) return undefined
    aftermath.want()
    return refused('connection-failed')
  }

  // For what comes.

  targetOf(from: Jid, to: Jid, type: string | undefined): SessionTarget | undefined {
    return to.resource === '' ? undefined : this.#taker?.(from, to, type)
  }

  /** What is told of a message of a session goes the session's way: their domain may have no other. */
  tell(ours: string, theirs: string, { places }: SessionTarget, bytes: Bytes): void {
    this.#wayBack(ours, theirs, places).send({ bytes })
  }

  /** The stream that they opened, if it goes both ways; else one to the places. */
  #wayBack(ours: string, theirs: string, places: readonly Place[]): ServerPair {
    const theirStream = this.#pairOf(ours, theirs)
    return theirStream.carries ? theirStream : this.#pairOf(ours, theirs, places)
  }
}

const conditions: Readonly<Record<Exclude<ParcelFate, 'taken'>, Condition>> = {
  'given-back': 'connection-failed',
  'too-large': 'message-too-large',
  // The place is not the domain's: another session may name a better one.
  'host-unknown': 'connection-failed',
}
