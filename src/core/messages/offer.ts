// One envelope offered to several agents, and what becomes of their answers.
import { type Envelope, type Refused, refused } from '#model'
import type { DeliveryAnswer, DeliveryContext, InboxAgent } from '../agents.ts'
import type { Translations } from '../translations.ts'

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'held' }
  | {
      readonly kind: 'refused' | 'declined'
      readonly reason: Refused
      /** Those for whom it is too large, now and whenever they come back. */
      readonly tooLargeFor: readonly InboxAgent[]
    }

export type Offer = (
  agents: readonly InboxAgent[],
  envelope: Envelope,
  context: DeliveryContext,
  onVerdict: (verdict: Verdict) => void,
) => void

const acceptedVerdict: Verdict = { kind: 'accepted' }
const noAgents: readonly InboxAgent[] = []
const heldVerdict: Verdict = { kind: 'held' }

/**
 * Offers an envelope to each; `onVerdict` is called once: `accepted` with the first that accepts; when none does, `refused` if any
 * device said no for its person, else `declined` with the first reason. Where none accepts at once and one holds it, `held` comes first and
 * one of the others later. An agent that throws has declined, and `fault` is told.
 */
export function offersOf(fault: (cause: unknown, what: string) => void, translations: Translations): Offer {
  return (agents, envelope, context, onVerdict) => {
    let waiting = agents.length
    let decided = false
    let no: Refused | undefined
    let reason: Refused | undefined
    let offering = true
    let isHeld = false
    let isTold = false
    let tooLargeFor: InboxAgent[] | undefined
    for (const agent of agents) {
      let answered = false
      const answer = (given: DeliveryAnswer): void => {
        if (answered) return
        if (given.kind === 'held') return hold()
        answered = true
        waiting--
        if (decided) return
        if (given.kind === 'accepted') {
          decided = true
          return onVerdict(acceptedVerdict)
        }
        if (given.kind === 'refused') no ??= given.outcome
        else {
          reason ??= refused(given.condition)
          if (given.condition === 'message-too-large') tooLargeFor = [...(tooLargeFor ?? []), agent]
        }
        if (waiting > 0) return
        decided = true
        const small = tooLargeFor ?? noAgents
        if (no !== undefined) onVerdict({ kind: 'refused', reason: no, tooLargeFor: small })
        else onVerdict({ kind: 'declined', reason: reason as Refused, tooLargeFor: small })
      }
      translations.count(envelope, agent.protocol)
      try {
        agent.deliver(envelope, context, answer)
      } catch (cause) {
        fault(cause, 'an agent could not be offered a message')
        answer({ kind: 'declined', condition: 'internal-fault' })
      }
    }
    offering = false
    if (isHeld) hold()

    function hold(): void {
      isHeld = true
      if (decided || offering || isTold) return
      isTold = true
      onVerdict(heldVerdict)
    }
  }
}
