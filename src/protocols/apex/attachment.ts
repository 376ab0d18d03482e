// An application that is attached as an endpoint (RFC 3340 §4.4.1): an agent of its owner's inbox (RFC 2778 §2.2), and the way to it.

import {
  type Account,
  type AgentCapabilities,
  type Custody,
  type DeliveryAnswer,
  type DeliveryContext,
  held,
  type InboxAgent,
  type Lease,
} from '#core'
import type { Address, Condition, Envelope } from '#model'
import type { Channel, OutgoingEntity, Reply } from '#protocols/beep'
import { answerOf, deliveryOf, protocolName } from './binding.ts'
import {
  type EndpointName,
  entityOf,
  isRefusal,
  readMessage,
  talkSubaddress,
  terminateDocument,
  xmlPayload,
} from './codec/index.ts'
import { ApexEnvelope } from './envelope.ts'
import type { Relay } from './relay.ts'

export interface AttachmentParts {
  readonly relay: Relay
  readonly account: Account
  readonly endpoint: EndpointName
  readonly transId: number
  /** Unique in the inbox. */
  readonly id: string
  /** The channel that it came by; undefined until it is open. */
  readonly channel: () => Channel | undefined
  readonly onEnded: () => void
}

export class Attachment implements InboxAgent {
  readonly protocol = protocolName
  readonly owner: Address
  readonly id: string
  readonly keepsOrder = true
  readonly #parts: AttachmentParts
  readonly #waiting = new Set<Lease>()
  #missed = false
  #over = false

  constructor(parts: AttachmentParts) {
    this.#parts = parts
    this.owner = parts.account.address
    this.id = parts.id
  }

  get account(): Account {
    return this.#parts.account
  }

  get endpoint(): EndpointName {
    return this.#parts.endpoint
  }

  get transId(): number {
    return this.#parts.transId
  }

  /** Subaddresses are applications of their own (§2.2): what a person is told goes to those that talk. */
  get capabilities(): AgentCapabilities {
    const { subaddress } = this.endpoint
    const talks = subaddress === '' || subaddress === talkSubaddress
    return { messages: talks, priority: 0, receivedCopies: talks, sentCopies: false }
  }

  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void {
    // What the same person sent elsewhere has no form here that says to whom.
    if (context.copy === 'sent') return answer({ kind: 'declined', condition: 'not-acceptable' })
    const { relay } = this.#parts
    const delivery = deliveryOf(envelope, this.endpoint, {
      storedAt: context.storedAt,
      now: relay.service.clock.now(),
      transIdOf: (message) => relay.asked.transIdOf(message),
    })
    if (delivery === 'expired') {
      // RFC 3342 §2.1: it is too late for it; whoever wanted to know was told when it became so.
      return answer({ kind: 'accepted' })
    }
    if (typeof delivery === 'string') return answer({ kind: 'declined', condition: delivery })
    const mayWait = envelope.head.whenAbsent === 'store'
    const { custody } = envelope instanceof ApexEnvelope ? envelope : { custody: undefined }
    this.send(delivery.entity, answer, patience(mayWait, custody, answer))
  }

  /**
   * Gives it data; the application's word follows once. False where it could not be given.
   * @param isPatient asked once the time to answer is over: true where the answer is waited for all the same; else it counts as none
   */
  send(
    entity: OutgoingEntity,
    onAnswer: (answer: DeliveryAnswer) => void,
    isPatient: () => boolean = () => false,
  ): boolean {
    const channel = this.#parts.channel()
    if (channel === undefined || this.#over) {
      onAnswer(gone)
      return false
    }
    const { leases } = this.#parts.relay.service
    let isAnswered = false
    const settle = (answer: DeliveryAnswer): void => {
      if (isAnswered) return
      isAnswered = true
      lease.cancel()
      this.#waiting.delete(lease)
      onAnswer(answer)
      this.#catchUp()
    }
    const lease = leases.grant(this.#parts.relay.settings.responseSeconds, () => {
      if (!isAnswered && !isPatient()) settle({ kind: 'declined', condition: 'remote-timeout' })
    })
    this.#waiting.add(lease)
    const isFull = channel.outstanding >= unansweredMax
    if (!isFull && channel.send(entity, (reply) => settle(wordOf(reply))) !== 'refused') return true
    this.#missed = true
    settle({ kind: 'declined', condition: 'resource-limit' })
    return false
  }

  /** It answers again: what went to the store meanwhile is for it. */
  #catchUp(): void {
    const channel = this.#parts.channel()
    if (!this.#missed || channel === undefined || channel.outstanding * 2 > unansweredMax) return
    if (channel.queuedBytes > 0) return
    this.#missed = false
    this.#parts.relay.caughtUp(this)
  }

  /** Whether something went to the store because the application was too slow, since this was asked last. */
  hasMissed(): boolean {
    const missed = this.#missed
    this.#missed = false
    return missed
  }

  /** Ends it and says so (§4.4.3). */
  terminate(code: number, text: string): void {
    if (this.#over) return
    const entity = entityOf(xmlPayload(terminateDocument(this.transId, code, text)))
    this.#parts.channel()?.send(entity, () => {})
    this.end()
  }

  /** It is no longer attached. What waits for its answer is decided when that comes, or its channel ends. */
  end(): void {
    if (this.#over) return
    this.#over = true
    const { relay, account, onEnded } = this.#parts
    relay.endpoints.delete(this)
    relay.service.messages.detach(account, this)
    relay.metrics.attachments.add(-1)
    onEnded()
  }

  signOut(reason: Condition): void {
    this.terminate(421, reason)
  }
}

/** LIMIT: data that one application has not answered; past it the store keeps the rest. */
const unansweredMax = 1000

const gone: DeliveryAnswer = { kind: 'declined', condition: 'connection-failed' }

/**
 * Whether an answer is waited for past its time. Who sent it by this protocol hears the application's own word, where the core has custody meanwhile
 * (decision 0143); others are answered now. Of the envelope, whose octets are a loan, nothing is held on to.
 */
function patience(
  mayWait: boolean,
  custody: Custody | undefined,
  answer: (answer: DeliveryAnswer) => void,
): () => boolean {
  return () => {
    if (!mayWait) return false
    if (custody !== undefined) return custody.row !== undefined
    answer(held)
    return true
  }
}

/** §4.4.4.2: `ok`, or an `error` in the negative reply. */
function wordOf(reply: Reply): DeliveryAnswer {
  if (reply.kind === 'RPY') return { kind: 'accepted' }
  if (reply.kind !== 'ERR') return gone
  const message = readMessage(reply.entity.body)
  return answerOf(!isRefusal(message) && message.kind === 'error' ? message.code : 550)
}
