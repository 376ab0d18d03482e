// What watchers of other domains are told no sooner than their domain's share allows (decision 0131): what changes meanwhile is told once, as it
// is by then.
import type { Clock } from '#base'
import type { WatcherAgent } from '../agents.ts'
import { PresenceNotification } from '../presence/notification.ts'
import type { TupleChange } from '../presence/presentities.ts'
import type { PeerShares } from './peer-shares.ts'
import { Turns } from './turns.ts'

interface Late {
  agent: WatcherAgent
  notification: PresenceNotification
}

type Tell = (agent: WatcherAgent, notification: PresenceNotification) => void

export class LateNotices {
  readonly #clock: Clock
  readonly #shares: PeerShares
  readonly #fault: (cause: unknown, what: string) => void
  /** Those that wait, by domain. */
  readonly #lines = new Map<string, Turns>()
  /** Of agents that stand for a watcher, by watcher and presentity; of others, by themselves. */
  readonly #late = new Map<string | WatcherAgent, Late>()

  constructor(clock: Clock, shares: PeerShares, fault: (cause: unknown, what: string) => void) {
    this.#clock = clock
    this.#shares = shares
    this.#fault = fault
  }

  /** False while nothing limits what goes to that domain. */
  concerns(domain: string): boolean {
    return this.#shares.limitsTo(domain)
  }

  /** Tells it in the domain's turn: at once where that has come. */
  tell(agent: WatcherAgent, notification: PresenceNotification, tell: Tell): void {
    const key =
      agent.standsForWatcher === true ? `${agent.watcher.key}\n${notification.presentity.key}` : agent
    const late = this.#late.get(key)
    if (late !== undefined) {
      late.agent = agent
      late.notification = merged(late.notification, notification)
      return
    }
    const { domain } = agent.watcher
    const own: Late = { agent, notification }
    this.#late.set(key, own)
    this.#lineTo(domain).next(() => {
      this.#late.delete(key)
      this.#shares.sent(domain, octetsOf(own.notification))
      tell(own.agent, own.notification)
    })
    if (this.#late.has(key)) this.#shares.beyond(domain, 'to', 'delayed')
  }

  #lineTo(domain: string): Turns {
    const known = this.#lines.get(domain)
    if (known !== undefined) return known
    for (const [other, line] of this.#lines) if (line.isEmpty) this.#lines.delete(other)
    const line = new Turns(
      this.#clock,
      () => this.#shares.untilTo(domain),
      (cause) => this.#fault(cause, 'a watcher of another domain could not be notified'),
    )
    this.#lines.set(domain, line)
    return line
  }
}

/** One for both: a tuple as it is now, and all that there is now. What the first one takes away stays taken away, unless it is back. */
function merged(before: PresenceNotification, after: PresenceNotification): PresenceNotification {
  const changes = new Map<string, TupleChange>()
  for (const change of before.changes)
    if (!after.full || change.kind === 'removed') changes.set(change.tuple, change)
  for (const change of after.changes) {
    changes.delete(change.tuple)
    changes.set(change.tuple, change)
  }
  const { presentity, visibility, sources } = after
  return new PresenceNotification(
    presentity,
    visibility,
    [...changes.values()],
    before.full || after.full,
    sources,
  )
}

function octetsOf({ changes }: PresenceNotification): number {
  let octets = 0
  for (const { source } of changes) octets += source?.raw.length ?? 0
  return octets
}
