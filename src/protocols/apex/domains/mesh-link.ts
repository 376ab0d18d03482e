// One other domain of the mesh as the core sees it (PeerLink): messages alone. Nothing is kept of what was passed on (RFC 3340 §1.1:
// best effort, stateless).

import type { FetchOutcome, PeerLink } from '#core'
import { type Address, type Envelope, type Outcome, refused, relayed } from '#model'
import type { Channel, OutgoingEntity, Reply } from '#protocols/beep'
import { departureOf, protocolName } from '../binding.ts'
import { isRefusal, readMessage } from '../codec/index.ts'
import { conditionOf } from '../errors.ts'
import type { Relay } from '../relay.ts'

export interface MeshLinkParts {
  readonly relay: Relay
  readonly domain: string
  /** The channel on which we serve `ours` there; rejects with why there is none. */
  readonly open: (ours: string, onGone: () => void) => Promise<Channel>
}

export class MeshLink implements PeerLink {
  readonly protocol = protocolName
  readonly words = false
  readonly domain: string
  lastError = ''
  readonly #parts: MeshLinkParts
  /** By domain of ours. */
  readonly #channels = new Map<string, Promise<Channel>>()
  #connected = 0

  constructor(parts: MeshLinkParts) {
    this.#parts = parts
    this.domain = parts.domain
  }

  get isConnected(): boolean {
    return this.#connected > 0
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.kind === 'transit' || head.kind === 'presence')
      return onOutcome(refused('operation-not-supported'))
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const entity = departureOf(envelope.keep())
    if (typeof entity === 'string') return onOutcome(refused(entity))
    this.carry(head.from.domain, entity, onOutcome)
  }

  /** Data on the channel for that domain of ours. `onOutcome` is called once. */
  carry(ours: string, entity: OutgoingEntity, onOutcome: (outcome: Outcome) => void): void {
    const { service, settings } = this.#parts.relay
    let isTold = false
    const tell = (outcome: Outcome): void => {
      if (isTold) return
      isTold = true
      lease.cancel()
      onOutcome(outcome)
    }
    const lease = service.leases.grant(settings.responseSeconds, () => tell(refused('remote-timeout')))
    this.#channelFor(ours).then(
      (channel) => {
        if (isTold) return
        if (channel.send(entity, (reply) => tell(outcomeOf(reply))) === 'refused')
          tell(refused('connection-failed'))
      },
      (error: unknown) => {
        this.lastError = `${new Date(service.clock.now()).toISOString()} ${(error as Error).message}`
        tell(refused('connection-failed'))
      },
    )
  }

  say(): void {
    // There are no words here (`words`).
  }

  watch(watcher: Address, presentity: Address): void {
    // Not by this protocol: `reaches` says so.
    this.#parts.relay.service.remotePresence.ended(watcher, presentity, 'giveup')
  }

  unwatch(): void {
    // Nothing is watched by it.
  }

  fetch(_watcher: Address, _presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    onFetched(refused('operation-not-supported'))
  }

  watcher(): undefined {
    return undefined
  }

  #channelFor(ours: string): Promise<Channel> {
    const known = this.#channels.get(ours)
    if (known !== undefined) return known
    let isOpen = false
    const gone = (): void => {
      if (this.#channels.get(ours) === opening) this.#channels.delete(ours)
      if (isOpen) this.#connected--
      isOpen = false
    }
    const opening: Promise<Channel> = this.#parts.open(ours, gone)
    this.#channels.set(ours, opening)
    opening.then(() => {
      isOpen = true
      this.#connected++
    }, gone)
    return opening
  }
}

/** §4.4.4.1 step 5.2: "the recipient's relay returns an ok". */
function outcomeOf(reply: Reply): Outcome {
  if (reply.kind === 'RPY') return relayed
  if (reply.kind !== 'ERR') return refused('connection-failed')
  const message = readMessage(reply.entity.body)
  return refused(
    !isRefusal(message) && message.kind === 'error' ? conditionOf(message.code) : 'internal-fault',
  )
}
