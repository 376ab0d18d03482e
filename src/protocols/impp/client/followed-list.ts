// A list of one's own that is followed (docs/specs/impp-1.0.md §11.3, §11.4): asked for once, kept by what the server tells, and asked
// for again after a reconnection or when the server could not keep up.

import type { Bytes } from '#base'
import { ConnectionLost } from './failures.ts'
import { Feed } from './feed.ts'

export interface FollowedListParts<Entry> {
  /** The bodies of all pages; the server tells of changes from then on. */
  readonly ask: () => Promise<Bytes[]>
  readonly parse: (bytes: Bytes) => Entry[] | undefined
  readonly keyOf: (entry: Entry) => string
  /** The entry says that there is none any more. */
  readonly isGone: (entry: Entry) => boolean
  readonly onTrouble: (error: Error) => void
}

interface Follower<Shown> {
  latest: readonly Shown[] | undefined
  readonly feed: Feed<readonly Shown[]>
}

export class FollowedList<Entry, Shown> {
  readonly #parts: FollowedListParts<Entry>
  readonly #shownOf: (entry: Entry) => Shown
  readonly #followers = new Set<Follower<Shown>>()
  #entries: Map<string, Entry> | undefined
  /** What was told while the list is being asked for: it is newer. */
  #early: Entry[] | undefined

  constructor(parts: FollowedListParts<Entry>, shownOf: (entry: Entry) => Shown) {
    this.#parts = parts
    this.#shownOf = shownOf
  }

  /** The whole list, now and after each change; to a slow reader only the latest. */
  async *follow(signal: AbortSignal | undefined): AsyncGenerator<readonly Shown[], void, undefined> {
    const follower: Follower<Shown> = {
      latest: undefined,
      feed: new Feed(() => {
        const { latest } = follower
        follower.latest = undefined
        return latest
      }),
    }
    this.#followers.add(follower)
    if (this.#entries !== undefined) this.#show([follower])
    else if (this.#early === undefined) void this.#ask()
    try {
      yield* follower.feed.iterate(signal)
    } finally {
      this.#followers.delete(follower)
    }
  }

  /** There is a new login, which follows nothing yet. */
  restore(): void {
    this.#entries = undefined
    if (this.#followers.size > 0 && this.#early === undefined) void this.#ask()
  }

  /** False when the octets are no such list. */
  told(body: Bytes, overflow: boolean): boolean {
    const changes = this.#parts.parse(body)
    if (changes === undefined) return false
    if (overflow) {
      this.restore()
      return true
    }
    if (this.#early !== undefined) this.#early.push(...changes)
    else if (this.#entries !== undefined) this.#change(changes)
    return true
  }

  end(error: Error | undefined): void {
    for (const { feed } of this.#followers) feed.end(error)
  }

  async #ask(): Promise<void> {
    this.#early = []
    try {
      const pages = await this.#parts.ask()
      const entries = pages.flatMap((page) => this.#parts.parse(page) ?? malformed())
      const early = this.#early
      this.#entries = new Map(entries.map((entry) => [this.#parts.keyOf(entry), entry]))
      this.#change(early)
    } catch (error) {
      for (const { feed } of this.#followers) feed.end(error as Error)
      if (!(error instanceof ConnectionLost)) this.#parts.onTrouble(error as Error)
    } finally {
      this.#early = undefined
    }
  }

  #change(changes: readonly Entry[]): void {
    const entries = this.#entries as Map<string, Entry>
    for (const change of changes) {
      const key = this.#parts.keyOf(change)
      if (this.#parts.isGone(change)) entries.delete(key)
      else entries.set(key, change)
    }
    this.#show(this.#followers)
  }

  #show(followers: Iterable<Follower<Shown>>): void {
    const shown = [...(this.#entries as Map<string, Entry>).values()].map(this.#shownOf)
    for (const follower of followers) {
      follower.latest = shown
      follower.feed.wake()
    }
  }
}

function malformed(): never {
  throw new ConnectionLost('the server’s list is not well-formed')
}
