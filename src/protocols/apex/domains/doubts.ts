// How data was marked of which nobody knows whether the other domain took it: offered again, it is marked so again (docs/specs/apex.md §5).

import { hash } from 'node:crypto'
import type { Envelope } from '#model'
import type { Carried } from './sending.ts'

/** LIMIT: messages that are remembered until they are offered again. */
const doubtfulMax = 10_000

export class Doubts {
  readonly #marks = new Map<string, string>()

  /** Undefined where it was answered, or never sent: what looks the same is another message then. */
  markOf(envelope: Envelope): string | undefined {
    return this.#marks.size === 0 ? undefined : this.#marks.get(offerOf(envelope))
  }

  settled(envelope: Envelope, mark: string, carried: Carried): void {
    if (carried === 'timeout') this.#remember(offerOf(envelope), mark)
    else if (carried !== 'unreachable' && this.#marks.size > 0) this.#marks.delete(offerOf(envelope))
  }

  #remember(offer: string, mark: string): void {
    if (this.#marks.size >= doubtfulMax) {
      for (const oldest of this.#marks.keys()) {
        this.#marks.delete(oldest)
        break
      }
    }
    this.#marks.set(offer, mark)
  }
}

/** What two offers of one message have in common. */
function offerOf({ head, raw }: Envelope): string {
  const said = [head.from.key, head.fromAgent, head.to.key, head.id].join('\n')
  return hash('sha256', Buffer.concat([Buffer.from(`${said}\n`), raw]), 'base64')
}
