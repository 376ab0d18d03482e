// One other domain of the mesh as the core sees it (PeerLink): messages, and watching by leased subscription alone.

import { randomBelow } from '#base'
import { type FetchOutcome, fetchedNotification, type PeerLink } from '#core'
import { type Address, type Envelope, type Outcome, refused } from '#model'
import { departureOf, protocolName } from '../binding.ts'
import { outcomeOfReport } from '../binding-domains.ts'
import { sourcesOf } from '../binding-presence.ts'
import {
  dataDocument,
  endpointOf,
  entityOf,
  isWaitingEntry,
  readPresence,
  type ServiceFault,
  type ServiceMessage,
  serviceEndpoint,
  subscribeText,
  terminateText,
  xmlPayload,
} from '../codec/index.ts'
import { ApexEnvelope } from '../envelope.ts'
import type { Relay } from '../relay.ts'
import type { AnswersDue } from './answers-due.ts'
import { Doubts } from './doubts.ts'
import { freshMark } from './marks.ts'
import type { MeshPair } from './pair.ts'
import { Questions } from './questions.ts'
import { type Carried, outcomeOfCarried } from './sending.ts'
import { Watch } from './watch.ts'

export interface MeshLinkParts {
  readonly relay: Relay
  readonly domain: string
  readonly pairOf: (ours: string) => MeshPair
  readonly due: AnswersDue
}

export class MeshLink implements PeerLink {
  readonly protocol = protocolName
  readonly words = false
  readonly domain: string
  readonly #parts: MeshLinkParts
  readonly #watches = new Map<string, Watch>()
  /** Who hears what a service there says with a transID of ours. */
  readonly #listeners = new Map<
    number,
    { watcher: Address; heard(said: ServiceMessage | ServiceFault): void }
  >()
  readonly #doubts = new Doubts()
  readonly #questions: Questions

  constructor(parts: MeshLinkParts) {
    this.#parts = parts
    this.domain = parts.domain
    this.#questions = new Questions(parts.relay)
  }

  get isWatching(): boolean {
    return this.#watches.size > 0
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.kind === 'transit' || head.kind === 'presence')
      return onOutcome(refused('operation-not-supported'))
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const kept = envelope.keep()
    // The author of data asked for what he wants to know; of a message of another protocol we ask.
    const question =
      head.kind === 'message' && !(kept instanceof ApexEnvelope)
        ? this.#questions.ask(head, onOutcome)
        : undefined
    const mark = this.#doubts.markOf(kept) ?? freshMark(head)
    const entity = departureOf(kept, {
      mark,
      options: question?.option ?? '',
      transIdOf: (message) => this.#parts.relay.asked.transIdOf(message),
      waited: (data) => this.#parts.relay.holdings.waited(data),
    })
    if (typeof entity === 'string') {
      question?.withdraw()
      return onOutcome(refused(entity))
    }
    const pair = this.#parts.pairOf(head.from.domain)
    pair.request({ entity, lane: laneOf(head.from, head.to) }, (carried) => {
      this.#doubts.settled(kept, mark, carried)
      if (question === undefined) onOutcome(outcomeOfCarried(carried))
      else question.carried(carried)
    })
  }

  say(): void {
    // There are no words here (`words`).
  }

  watch(watcher: Address, presentity: Address): void {
    const key = laneOf(watcher, presentity)
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      watch = this.#begin(watcher, presentity)
      this.#watches.set(key, watch)
      this.#listeners.set(watch.transId, watch)
    }
    watch.want()
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.#watches.get(laneOf(watcher, presentity))?.unwant()
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const { service, settings } = this.#parts.relay
    const transId = this.#freshTransId()
    const tell = (fetched: FetchOutcome): void => {
      if (!this.#listeners.delete(transId)) return
      lease.cancel()
      onFetched(fetched)
    }
    const late = (): void => {
      this.#parts.due.expect(transId, watcher)
      tell(refused('remote-timeout'))
    }
    const lease = service.leases.grant(settings.domainResponseSeconds, late)
    const about = { watcher, presentity }
    this.#listeners.set(transId, {
      watcher,
      heard: (said) => tell(fetchedOf(said, about, service.clock.now())),
    })
    const publisher = endpointOf(presentity).written
    this.#say(about, subscribeText('subscribe', publisher, transId, 0), (carried) => {
      const outcome = outcomeOfCarried(carried)
      if (outcome.kind === 'refused') tell(outcome)
    })
  }

  watcher(): undefined {
    return undefined
  }

  /** What the presence service there says to one of ours; false where nobody asked. */
  heard(to: Address, said: ServiceMessage | ServiceFault): boolean {
    const listener = said.transId === undefined ? undefined : this.#listeners.get(said.transId)
    if (listener?.watcher.key !== to.key) return false
    listener.heard(said)
    return true
  }

  /** A status response of a relay there; false where we did not ask for it. */
  reported(to: Address, transId: number, code: number): boolean {
    return this.#questions.answered(to, transId, outcomeOfReport(code))
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    for (const watch of [...this.#watches.values()]) watch.over()
  }

  #begin(watcher: Address, presentity: Address): Watch {
    const { service, settings } = this.#parts.relay
    const about = { watcher, presentity }
    const transId = this.#freshTransId()
    return new Watch({
      ...about,
      pair: this.#parts.pairOf(watcher.domain),
      transId,
      say: (inline, onCarried) => this.#say(about, inline, onCarried),
      terminate: () => this.#say(about, terminateText(transId), () => {}),
      settings,
      remote: service.remotePresence,
      clock: service.clock,
      asks: service.asks,
      onOver: (over) => {
        this.#watches.delete(laneOf(over.watcher, over.presentity))
        this.#listeners.delete(over.transId)
        this.#parts.due.expect(over.transId, over.watcher)
      },
    })
  }

  /** To the presence service there, on behalf of one of ours. */
  #say(
    { watcher, presentity }: { readonly watcher: Address; readonly presentity: Address },
    inline: string,
    onCarried: (carried: Carried) => void,
  ): void {
    const document = dataDocument({
      content: '#Content',
      originator: endpointOf(watcher),
      recipient: serviceEndpoint('presence', this.domain),
      inline,
      options: freshMark(),
    })
    const lane = laneOf(watcher, presentity)
    const entity = entityOf(xmlPayload(document))
    this.#parts.pairOf(watcher.domain).request({ entity, lane }, onCarried)
  }

  #freshTransId(): number {
    for (;;) {
      const transId = 1 + randomBelow(2_147_483_647)
      if (!this.#listeners.has(transId)) return transId
    }
  }
}

function fetchedOf(
  said: ServiceMessage | ServiceFault,
  about: { readonly watcher: Address; readonly presentity: Address },
  now: number,
): FetchOutcome {
  if (said.kind === 'reply') {
    const outcome = outcomeOfReport(said.code)
    return outcome.kind === 'refused' ? outcome : refused('content-not-understood')
  }
  const entry = said.kind === 'publish' ? readPresence(said.presence) : undefined
  if (entry === undefined) return refused('content-not-understood')
  if (isWaitingEntry(entry)) return refused('permission-denied')
  return {
    kind: 'fetched',
    notification: fetchedNotification(about.presentity, sourcesOf(entry, about, now)),
  }
}

/** What is between two people stays in its order. */
function laneOf(from: Address, to: Address): string {
  return `${from.key}\n${to.key}`
}
