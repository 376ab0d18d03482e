// Two services joined by links in memory, of words or of leases: what one says arrives at the other some turns later, in order, or not
// at all while the wire is cut.
import { setImmediate as turn } from 'node:timers/promises'
import {
  type AuthorizationEvent,
  namedWay,
  noWay,
  type PeerLink,
  type PeerProtocol,
  type PresenceNotification,
  type Service,
  type TerminationReason,
  type TupleChange,
  type WatcherAgent,
} from '#core'
import { type Address, type Outcome, type PresenceEnvelope, refused } from '#model'
import { presence, testProtocol } from '../../src/core/testing/envelopes.ts'
import type { Chance } from './random.ts'

/** LIMIT of the simulation's own protocol: seconds of a lease; it is renewed at half. */
const leaseSeconds = 60

type FetchAnswer = Parameters<PeerLink['fetch']>[2]

/** The wire between the two, and whether it is cut. */
export class Wire {
  up = true
  /** Whether DNS is silent now and then. */
  dnsFails = true
  readonly words: boolean
  readonly #chance: Chance
  readonly #lanes = [new Lane(), new Lane()] as const

  constructor(words: boolean, chance: Chance) {
    this.words = words
    this.#chance = chance
  }

  /** Carries what is done at the other side; false when the wire is cut now. What is under way when it is cut is lost. */
  carry(lane: 0 | 1, arrive: () => void): boolean {
    if (!this.up) return false
    this.#lanes[lane].push(this.#chance.below(3), () => {
      if (this.up) arrive()
    })
    return true
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#lanes.every((lane) => lane.length === 0)
  }
}

class Lane {
  #tail: Promise<void> = Promise.resolve()
  length = 0

  push(turns: number, arrive: () => void): void {
    this.length++
    this.#tail = this.#tail.then(async () => {
      for (let i = 0; i <= turns; i++) await turn()
      this.length--
      arrive()
    })
  }
}

const deedOf = {
  subscribe: 'ask',
  unsubscribe: 'giveUp',
  subscribed: 'approve',
  unsubscribed: 'refuse',
} as const

/** One side's link to the other. */
export class JoinedLink implements PeerLink {
  readonly protocol = testProtocol
  readonly domain: string
  readonly words: boolean
  readonly #lane: 0 | 1
  readonly #wire: Wire
  /** Ours, and theirs with its link back: set once both exist. */
  here!: Service
  there!: Service
  back!: JoinedLink
  readonly #leased = new Map<string, Leased>()

  constructor(domain: string, lane: 0 | 1, wire: Wire) {
    this.domain = domain
    this.#lane = lane
    this.#wire = wire
    this.words = wire.words
  }

  send(_envelope: unknown, onOutcome: (outcome: Outcome) => void): void {
    onOutcome(refused('connection-failed'))
  }

  say(event: AuthorizationEvent, from: Address, to: Address): void {
    this.#wire.carry(this.#lane, () => this.there.contacts[deedOf[event]](from, to, undefined, () => {}))
  }

  watch(watcher: Address, presentity: Address): void {
    if (!this.words) return this.#subscribe(watcher, presentity)
    this.#wire.carry(this.#lane, () =>
      this.there.presence.probe(presentity, this.back.watcher(watcher) as WatcherAgent),
    )
  }

  unwatch(watcher: Address, presentity: Address): void {
    const leased = this.#leased.get(nameOf(watcher, presentity))
    leased?.end()
    if (leased !== undefined) this.#leased.delete(leased.name)
  }

  fetch(watcher: Address, presentity: Address, onFetched: FetchAnswer): void {
    const isOnWire = this.#wire.carry(this.#lane, () =>
      this.there.presence.fetch(watcher, presentity, onFetched),
    )
    if (!isOnWire) onFetched(refused('connection-failed'))
  }

  /** Tells the watcher at the other side. */
  watcher(watcher: Address): WatcherAgent {
    return {
      protocol: testProtocol,
      watcher,
      notify: (notification) => this.#show(watcher, notification),
      terminated: () => {},
    }
  }

  #show(watcher: Address, notification: PresenceNotification): void {
    const { presentity, full } = notification
    const changes = carried(notification)
    this.#wire.carry(this.#lane, () => this.there.remotePresence.changed(watcher, presentity, changes, full))
  }

  #subscribe(watcher: Address, presentity: Address): void {
    const name = nameOf(watcher, presentity)
    const known = this.#leased.get(name)
    if (known !== undefined) return known.renew()
    const leased = new Leased(name, watcher, presentity, this, this.#wire, this.#lane)
    this.#leased.set(name, leased)
    leased.renew()
  }

  over(leased: Leased, reason: TerminationReason): void {
    if (this.#leased.get(leased.name) !== leased) return
    leased.forget()
    this.#leased.delete(leased.name)
    this.here.remotePresence.ended(leased.watcher, leased.presentity, reason)
  }
}

let count = 0

/** A leased subscription at the other side, renewed from this one. */
class Leased {
  readonly name: string
  readonly watcher: Address
  readonly presentity: Address
  readonly #id = `joined-${++count}`
  readonly #link: JoinedLink
  readonly #wire: Wire
  readonly #lane: 0 | 1
  readonly #renewal: { cancel(): void }
  #lease: { cancel(): void; renew(seconds: number): void }

  constructor(
    name: string,
    watcher: Address,
    presentity: Address,
    link: JoinedLink,
    wire: Wire,
    lane: 0 | 1,
  ) {
    this.name = name
    this.watcher = watcher
    this.presentity = presentity
    this.#link = link
    this.#wire = wire
    this.#lane = lane
    const { leases } = link.here
    const again = (): { cancel(): void } =>
      leases.grant(leaseSeconds / 2, () => {
        this.#timer = again()
        this.renew()
      })
    this.#timer = again()
    this.#renewal = { cancel: () => this.#timer.cancel() }
    this.#lease = leases.grant(leaseSeconds, () => link.over(this, 'timeout'))
  }

  #timer: { cancel(): void }

  renew(): void {
    this.#wire.carry(this.#lane, () => {
      const { watcher, presentity } = this
      const request = { id: this.#id, watcher, presentity, seconds: leaseSeconds, agent: this.#agent() }
      this.#link.there.presence.subscribe(request, (outcome) =>
        this.#answer(() => {
          if (outcome.kind === 'refused')
            return this.#link.over(this, outcome.condition === 'permission-denied' ? 'rejected' : 'giveup')
          this.#lease.renew(outcome.seconds)
          this.#link.here.remotePresence[outcome.kind](watcher, presentity)
        }),
      )
    })
  }

  end(): void {
    this.forget()
    this.#wire.carry(this.#lane, () =>
      this.#link.there.presence.unsubscribe(this.presentity, this.#id, this.watcher, () => {}),
    )
  }

  forget(): void {
    this.#renewal.cancel()
    this.#lease.cancel()
  }

  #answer(arrive: () => void): void {
    this.#wire.carry(this.#lane === 0 ? 1 : 0, arrive)
  }

  #agent(): WatcherAgent {
    const { watcher, presentity } = this
    const { remotePresence } = this.#link.here
    return {
      protocol: testProtocol,
      watcher,
      notify: (notification) => {
        const changes = carried(notification)
        this.#answer(() => remotePresence.changed(watcher, presentity, changes, notification.full))
      },
      activated: () => this.#answer(() => remotePresence.active(watcher, presentity)),
      terminated: (_, reason) => this.#answer(() => this.#link.over(this, reason)),
    }
  }
}

function nameOf(watcher: Address, presentity: Address): string {
  return `${watcher.key} ${presentity.key}`
}

/** What goes over the wire: for one that may not see all, that a device is there. */
function carried({ presentity, visibility, changes }: PresenceNotification): readonly TupleChange[] {
  if (visibility === 'full') return changes
  const open = (): PresenceEnvelope => presence(presentity.key, 'basic').keep()
  return changes.map((change) => ({ ...change, source: change.source === undefined ? undefined : open() }))
}

/** The protocol that reaches the other side; it takes its time to say so. */
export function protocolOf(link: JoinedLink, wire: Wire, chance: Chance): PeerProtocol {
  return {
    protocol: testProtocol,
    reaches: async (domain) => {
      for (let i = chance.below(4); i > 0; i--) await turn()
      if (wire.dnsFails && chance.percent(10)) return 'unanswered'
      return domain === link.domain ? namedWay : noWay
    },
    examine: async () => ({ reached: namedWay, source: 'the simulation', tries: [] }),
    linkTo: () => link,
    status: () => [],
  }
}
