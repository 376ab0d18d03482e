// Devices of the tests: what they were told is written down; how they answer is the test's choice.
import { text } from '#base'
import type { Address, Condition, Envelope, Outcome } from '#model'
import {
  type AgentCapabilities,
  type AuthorizationEvent,
  accepted,
  type ContactAgent,
  type DeliveryAnswer,
  type DeliveryContext,
  type InboxAgent,
  type TerminationReason,
  type WatcherAgent,
} from '../agents.ts'
import type { Contact } from '../people/contact.ts'
import type { PresenceNotification } from '../presence/notification.ts'
import { at, testProtocol } from './envelopes.ts'

type Answer = (answer: DeliveryAnswer) => void

export interface Received {
  readonly envelope: Envelope
  readonly context: DeliveryContext
}

/** An inbox agent that accepts at once, unless `onDeliver` says otherwise. */
export class Device implements InboxAgent {
  readonly protocol = testProtocol
  readonly owner: Address
  readonly id: string
  capabilities: AgentCapabilities
  keepsOrder = true
  signedOut = false
  readonly received: Received[] = []
  onDeliver: (envelope: Envelope, context: DeliveryContext, answer: Answer) => void = (_, __, answer) =>
    answer(accepted)

  constructor(owner: string, id = 'device', capabilities: Partial<AgentCapabilities> = {}) {
    this.owner = at(owner)
    this.id = id
    this.capabilities = {
      messages: true,
      priority: 0,
      receivedCopies: true,
      sentCopies: true,
      ...capabilities,
    }
  }

  deliver(envelope: Envelope, context: DeliveryContext, answer: Answer): void {
    this.received.push({ envelope: envelope.keep(), context })
    this.onDeliver(envelope, context, answer)
  }

  forward(envelope: Envelope, answer: (outcome: Outcome) => void): void {
    this.received.push({
      envelope: envelope.keep(),
      context: { copy: 'received', archiveId: '', storedAt: undefined },
    })
    answer({ kind: 'delivered' })
  }

  signOut(): void {
    this.signedOut = true
  }

  /** The texts of what came, sent copies marked. */
  get texts(): string[] {
    return this.received.map(
      ({ envelope, context }) => `${context.copy === 'sent' ? 'sent ' : ''}${text(envelope.raw)}`,
    )
  }
}

export const declined = (condition: Condition = 'content-not-understood'): DeliveryAnswer => ({
  kind: 'declined',
  condition,
})

export const saysNo = (condition: Condition = 'not-acceptable'): DeliveryAnswer => ({
  kind: 'refused',
  outcome: { kind: 'refused', condition },
})

/** A watcher that writes down what it learns, one line each. */
export class Watcher implements WatcherAgent {
  readonly protocol = testProtocol
  readonly watcher: Address
  readonly log: string[] = []
  /** What a client that only follows the changes believes, by presentity. */
  readonly believes = new Map<string, Map<string, string>>()
  last: PresenceNotification | undefined

  constructor(watcher: string) {
    this.watcher = at(watcher)
  }

  notify(notification: PresenceNotification): void {
    this.last = notification
    const { presentity, full, visibility, changes } = notification
    const said = changes.map(
      ({ kind, tuple, source }) => `${kind} ${tuple}${source === undefined ? '' : `=${text(source.raw)}`}`,
    )
    this.log.push(
      `${presentity.key}${full ? ' full' : ''}${visibility === 'basic' ? ' basic' : ''}: ${said.join(', ')}`,
    )
    this.#follow(notification)
  }

  terminated(subscriptionId: string, reason: TerminationReason): void {
    this.log.push(`terminated ${subscriptionId} ${reason}`)
  }

  activated(subscriptionId: string): void {
    this.log.push(`activated ${subscriptionId}`)
  }

  /** The lines since it was last asked. */
  take(): string[] {
    return this.log.splice(0)
  }

  #follow({ presentity, changes, full }: PresenceNotification): void {
    const known = full
      ? new Map<string, string>()
      : (this.believes.get(presentity.key) ?? new Map<string, string>())
    for (const { kind, tuple, source } of changes) {
      if (kind === 'removed') known.delete(tuple)
      else known.set(tuple, text(source?.raw ?? new Uint8Array()))
    }
    this.believes.set(presentity.key, known)
  }
}

/** Shows the list and who asks: `event romeo@…` and `push romeo@… to,pendingOut`. */
export class ListView implements ContactAgent {
  readonly log: string[] = []

  contactChanged(address: Address, contact: Contact | undefined): void {
    this.log.push(`push ${address.key} ${contact === undefined ? 'gone' : stateOf(contact)}`)
  }

  authorizationEvent(event: AuthorizationEvent, from: Address, source: Envelope | undefined): void {
    this.log.push(`${event} ${from.key}${source === undefined ? '' : ` "${text(source.raw)}"`}`)
  }

  take(): string[] {
    return this.log.splice(0)
  }
}

/** The flags that are set, in one word. */
export function stateOf({ authorization, listed }: Contact): string {
  const flags = Object.entries(authorization)
    .filter(([, set]) => set)
    .map(([flag]) => flag)
  return `${flags.join('+') || 'none'}${listed ? '' : ' unlisted'}`
}
