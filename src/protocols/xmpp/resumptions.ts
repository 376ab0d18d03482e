// Sessions that may be resumed (XEP-0198 §5), by the identifier that their client was given.
import type { Address } from '#model'
import type { BoundSession } from './bound-session.ts'
import type { Handled } from './handled.ts'

/** LIMIT: sessions that are over, whose clients can still be told how far they were read. */
const pastMax = 10_000

interface Past {
  readonly owner: string
  readonly handled: Handled | undefined
}

export class Resumptions {
  readonly #sessions = new Map<string, BoundSession>()
  /** The oldest is first. */
  readonly #past = new Map<string, Past>()

  add(id: string, session: BoundSession): void {
    this.#sessions.set(id, session)
  }

  /** The session is over. */
  end(id: string, handled: Handled | undefined): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#sessions.delete(id)
    this.#past.set(id, { owner: session.owner.key, handled })
    const [oldest] = this.#past.keys()
    if (this.#past.size > pastMax && oldest !== undefined) this.#past.delete(oldest)
  }

  /** The owner's session, or, where it is over, how much of what its client sent was handled. Others' are as unknown as none. */
  find(id: string, owner: Address): BoundSession | { readonly h: number | undefined } {
    const session = this.#sessions.get(id)
    if (session?.owner.key === owner.key) return session
    const past = this.#past.get(id)
    return { h: past?.owner === owner.key ? past.handled?.count : undefined }
  }
}
