// A logged-in connection as an agent of its user's inbox (RFC 2778 §2.2; docs/specs/impp-1.0.md §8.1). What is not
// acknowledged by the client is not delivered.

import type { AgentCapabilities, DeliveryAnswer, DeliveryContext, InboxAgent } from '#core'
import type { Address, Condition, Envelope } from '#model'
import { answerOf, incomingSend, protocolName, sizeOf } from './binding.ts'
import type { Exchange } from './codec/index.ts'

/** What the agent needs of its session. */
export interface AgentParts {
  readonly owner: Address
  /** The address that was logged in with: Target of what comes. */
  readonly address: Address
  readonly connectionId: string
  /** `Inbox: open` (docs/specs/impp-1.0.md §6.3). */
  readonly takesMessages: boolean
  readonly exchange: Exchange
  /** Octets of a unit that the client takes. */
  readonly unitOctetsMax: number
  /** `Inbox: large`: octets of a unit below which another connection is to take it (docs/specs/impp-1.0.md §8.5). */
  readonly unitOctetsMin: number
  readonly freshId: () => string
  readonly signOut: (reason: Condition) => void
}

export class ImppAgent implements InboxAgent {
  readonly protocol = protocolName
  readonly owner: Address
  readonly id: string
  readonly capabilities: AgentCapabilities
  readonly octetsMax: number
  readonly keepsOrder = true
  readonly #parts: AgentParts
  #missed = false

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.owner = parts.owner
    this.id = parts.connectionId
    this.octetsMax = parts.unitOctetsMax
    const takes = parts.takesMessages
    this.capabilities = { messages: takes, priority: 0, receivedCopies: takes, sentCopies: takes }
  }

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    const parts = this.#parts
    const outgoing = incomingSend(envelope, context, parts.address, parts.freshId())
    if (typeof outgoing === 'string') return answer({ kind: 'declined', condition: outgoing })
    // IMPP §12: the client has said what it takes. The store keeps it for another device.
    const size = sizeOf(outgoing.octets)
    if (size > parts.unitOctetsMax) return answer({ kind: 'declined', condition: 'message-too-large' })
    if (size < parts.unitOctetsMin) return answer({ kind: 'declined', condition: 'not-acceptable' })
    const taken = parts.exchange.request(outgoing.key, outgoing.octets, (settled) => {
      if (settled === 'timeout') this.#missed = true
      answer(answerOf(settled))
    })
    if (taken) return
    this.#missed = true
    answer({ kind: 'declined', condition: 'resource-limit' })
  }

  /** Whether something went to the store because the client was too slow, since this was asked last. */
  hasMissed(): boolean {
    const missed = this.#missed
    this.#missed = false
    return missed
  }

  signOut(reason: Condition): void {
    this.#parts.signOut(reason)
  }
}
