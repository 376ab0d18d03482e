// More domains by one stream that we opened (XEP-0220 §2.6): we ask by dialback for others of ours and to others of theirs, and where the
// stream goes both ways they ask for others of theirs (XEP-0288 §2.2).
import type { Timer } from '#base'
import type { Dialback } from '../codec/server-stream.ts'
import { dialbackText } from '../codec/server-stream.ts'
import type { StanzaCondition } from '../codec/stanza-error.ts'
import {
  type DialbackEffect,
  pairOf,
  pairsMax,
  type ReceivingPolicy,
  requested,
  type Verification,
  verified,
} from './dialback-requests.ts'
import { proofBy, type ServersEnvironment } from './environment.ts'
import type { StreamOctets } from './octets.ts'

/** LIMIT: seconds for the answer to a request of ours; then the pair gets a stream of its own. */
const answerSecondsMax = 10

/** Asks a domain itself whether a key is its own (XEP-0220 §2.1.2). */
export type Verify = (
  question: { readonly from: string; readonly to: string; readonly key: string; readonly id: string },
  onAnswer: (answer: 'valid' | 'invalid' | StanzaCondition, why: string) => void,
) => void

export interface MultiplexingParts {
  readonly octets: StreamOctets
  readonly environment: ServersEnvironment
  readonly policy: ReceivingPolicy
  /** The two that the stream was opened for. */
  readonly ours: string
  readonly theirs: string
  /** Theirs: what keys are for. */
  readonly streamId: string
  readonly provenBy: 'certificate' | 'dialback'
  /** It takes dialback at all; and says errors without ending the stream. */
  readonly hasDialback: boolean
  readonly hasErrors: boolean
  readonly isBothWays: boolean
  readonly verify: Verify
  /** They have proven to be another domain. */
  readonly onAdmitted: (ours: string, theirs: string) => void
  readonly onRefused: (theirs: string, why: string) => void
}

interface Asked {
  readonly onAnswer: (isValid: boolean) => void
  readonly late: Timer
}

export class Multiplexing {
  readonly parts: MultiplexingParts
  #verification: Verification
  readonly #asked = new Map<string, Asked>()
  /** Pairs that were asked for and allowed. */
  #shared = 0

  constructor(parts: MultiplexingParts) {
    this.parts = parts
    const { isBothWays, ours, theirs, octets } = parts
    this.#verification = {
      secure: octets.connection.tls !== undefined,
      verifying: [],
      authorized: isBothWays ? [pairOf(ours, theirs)] : [],
    }
  }

  /** Whether one more pair may be asked for: between a domain of ours and theirs, or, where errors end no stream, to another of theirs. */
  mayAsk(theirs: string): boolean {
    const { hasDialback, hasErrors, octets } = this.parts
    if (!hasDialback || !octets.isOpen || (theirs !== this.parts.theirs && !hasErrors)) return false
    return this.#asked.size + this.#shared + 1 < pairsMax
  }

  /** Asks to be let send from `ours` to `theirs`; calls back once, within a bounded time. */
  ask(ours: string, theirs: string, onAnswer: (isValid: boolean) => void): void {
    const pair = pairOf(ours, theirs)
    if (this.#asked.has(pair) || !this.parts.octets.isOpen) return onAnswer(false)
    const { environment, streamId, octets } = this.parts
    const late = environment.service.clock.schedule(answerSecondsMax * 1000, () =>
      this.#answered(pair, false),
    )
    this.#asked.set(pair, { onAnswer, late })
    const key = environment.keys.keyOf({ receiving: theirs, originating: ours, streamId })
    octets.writeUtf8(dialbackText({ kind: 'result', from: ours, to: theirs, key }))
  }

  /** An element of dialback that came by the stream. */
  take(dialback: Dialback): void {
    const { from, to, type, kind } = dialback
    // XEP-0220 §3.1: an answer counts only where it was asked for.
    if (type !== 'request') {
      if (kind === 'result') this.#answered(pairOf(to, from), type === 'valid')
      return
    }
    const { environment, octets, isBothWays, policy, streamId } = this.parts
    const proves =
      kind === 'result'
        ? from !== '' && proofBy(environment, octets.connection.tls, from).proven
        : environment.keys.isKey(dialback.key, { receiving: from, originating: to, streamId: dialback.id })
    if (kind === 'result' && !isBothWays) return this.#refuseOneWay(dialback)
    const [next, effects] = requested(policy, this.#verification, { dialback, proves })
    this.#verification = next
    for (const effect of effects) this.#carryOut(effect, streamId)
  }

  /** Its stream is gone. */
  over(): void {
    for (const pair of [...this.#asked.keys()]) this.#answered(pair, false)
  }

  /** On a stream that goes our way alone nobody sends, and so nobody need prove anything. */
  #refuseOneWay({ kind, from, to }: Dialback): void {
    const condition = 'feature-not-implemented'
    this.parts.octets.writeUtf8(dialbackText({ kind, from: to, to: from, type: 'error', condition }))
  }

  #answered(pair: string, isValid: boolean): void {
    const asked = this.#asked.get(pair)
    if (asked === undefined) return
    this.#asked.delete(pair)
    asked.late.cancel()
    if (isValid) this.#shared++
    asked.onAnswer(isValid)
  }

  #carryOut(effect: DialbackEffect, streamId: string): void {
    const { octets, verify, onAdmitted, onRefused } = this.parts
    switch (effect.do) {
      case 'send-dialback':
        return octets.writeUtf8(dialbackText(effect.answer))
      case 'authorize':
        return onAdmitted(effect.ours, effect.theirs)
      case 'refused':
        return onRefused(effect.theirs, effect.why)
      case 'check-key': {
        const { from, to, key } = effect
        // XEP-0288 §2.2: never by the connection that it came by.
        return verify({ from, to, key, id: streamId }, (answer, why) => {
          if (!octets.isOpen) return
          if (answer !== 'valid') onRefused(from, why)
          const [next, effects] = verified(this.#verification, { from, to, answer })
          this.#verification = next
          for (const each of effects) this.#carryOut(each, streamId)
        })
      }
    }
  }
}
