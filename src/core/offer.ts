// One envelope offered to several agents, and what becomes of their answers.
import { type Envelope, type Refused, refused } from '#model'
import type { DeliveryAnswer, DeliveryContext, InboxAgent } from './agents.ts'
import type { Translations } from './translations.ts'

export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' | 'declined'; readonly reason: Refused }

export type Offer = (
  agents: readonly InboxAgent[],
  envelope: Envelope,
  context: DeliveryContext,
  onVerdict: (verdict: Verdict) => void,
) => void

const acceptedVerdict: Verdict = { kind: 'accepted' }

/**
 * Offers an envelope to each; `onVerdict` is called once: `accepted` with the first that accepts; when none does, `refused` if any
 * device said no for its person, else `declined` with the first reason. An agent that throws has declined, and `fault` is told.
 */
export function offersOf(fault: (cause: unknown, what: string) => void, translations: Translations): Offer {
  return (agents, envelope, context, onVerdict) => {
    let waiting = agents.length
    let decided = false
    let no: Refused | undefined
    let reason: Refused | undefined
    for (const agent of agents) {
      let answered = false
      const answer = (given: DeliveryAnswer): void => {
        if (answered) return
        answered = true
        waiting--
        if (decided) return
        if (given.kind === 'accepted') {
          decided = true
          return onVerdict(acceptedVerdict)
        }
        if (given.kind === 'refused') no ??= given.outcome
        else reason ??= refused(given.condition)
        if (waiting > 0) return
        decided = true
        if (no !== undefined) onVerdict({ kind: 'refused', reason: no })
        else onVerdict({ kind: 'declined', reason: reason as Refused })
      }
      translations.count(envelope, agent.protocol)
      try {
        agent.deliver(envelope, context, answer)
      } catch (cause) {
        fault(cause, 'an agent could not be offered a message')
        answer({ kind: 'declined', condition: 'internal-fault' })
      }
    }
  }
}
