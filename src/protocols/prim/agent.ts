// A logged-in connection as an agent of its user's inbox (RFC 2778 §2.2): it takes messages while it listens (docs/specs/prim.md §6.1).
// What is not acknowledged by the client is not delivered.

import type { AgentCapabilities, DeliveryAnswer, DeliveryContext, InboxAgent } from '#core'
import type { Address, Condition, Envelope } from '#model'
import type { Exchange } from '#wire/exchange'
import { answerOf, protocolName, sendOf } from './binding.ts'
import type { PrimResponse } from './codec/index.ts'

/** What the agent needs of its session. */
export interface AgentParts {
  readonly owner: Address
  readonly id: string
  /** The inbox that it was logged in to: To of what comes. */
  readonly address: () => Address
  readonly exchange: Exchange<PrimResponse>
  /** Octets of a body that the client takes. */
  readonly bodyOctetsMax: () => number
  readonly freshId: () => string
  readonly now: () => number
  readonly isLocal: (domain: string) => boolean
  readonly signOut: (reason: Condition) => void
}

export class PrimAgent implements InboxAgent {
  readonly protocol = protocolName
  readonly owner: Address
  readonly id: string
  readonly keepsOrder = true
  /** LISTEN was said, and SILENCE was not. */
  listens = false
  readonly #parts: AgentParts
  #missed = false

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.owner = parts.owner
    this.id = parts.id
  }

  get capabilities(): AgentCapabilities {
    return { messages: this.listens, priority: 0, receivedCopies: this.listens, sentCopies: false }
  }

  get octetsMax(): number {
    return this.#parts.bodyOctetsMax()
  }

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    // A message to somebody else has no form here that says whose it was.
    if (context.copy === 'sent') return answer({ kind: 'declined', condition: 'not-acceptable' })
    const parts = this.#parts
    const strength = parts.isLocal(envelope.head.from.domain) ? 'medium' : 'none'
    const id = parts.freshId()
    const outgoing = { token: 'PRIM-IM', id, strength, now: context.storedAt ?? parts.now() } as const
    const send = sendOf(envelope, parts.address(), outgoing)
    if (typeof send === 'string') return answer({ kind: 'declined', condition: send })
    // docs/specs/prim.md §5.4: the client has said what it takes. The store keeps it for another device.
    if (send.bodyOctets > parts.bodyOctetsMax())
      return answer({ kind: 'declined', condition: 'message-too-large' })
    const taken = parts.exchange.request({ id }, send.octets, (settled) => {
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
