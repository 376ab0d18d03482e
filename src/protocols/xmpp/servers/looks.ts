// Who here looks at whom in other domains by XMPP. Apart from the links, so that those can be forgotten and made anew.
import type { Address } from '#model'

/** Somebody here who looks at somebody there. */
export interface Look {
  readonly watcher: Address
  /** Something came since it was last asked for: what came first was the whole that we knew then. */
  heard: boolean
}

export class Looks {
  /** By the domain that is looked into; how much there can be is limited where people look (`foreignPresentitiesMax`). */
  readonly #byDomain = new Map<string, Map<string, Look>>()

  begin(watcher: Address, presentity: Address): void {
    const { domain } = presentity
    const looks = this.#byDomain.get(domain) ?? new Map<string, Look>()
    looks.set(keyOf(watcher, presentity), { watcher, heard: false })
    this.#byDomain.set(domain, looks)
  }

  end(watcher: Address, presentity: Address): void {
    const looks = this.#byDomain.get(presentity.domain)
    looks?.delete(keyOf(watcher, presentity))
    if (looks?.size === 0) this.#byDomain.delete(presentity.domain)
  }

  of(watcher: Address, presentity: Address): Look | undefined {
    return this.#byDomain.get(presentity.domain)?.get(keyOf(watcher, presentity))
  }

  isInto(domain: string): boolean {
    return this.#byDomain.has(domain)
  }

  /** Whether somebody of that domain of ours looks into the other. */
  isFrom(ours: string, theirs: string): boolean {
    for (const { watcher } of this.#byDomain.get(theirs)?.values() ?? [])
      if (watcher.domain === ours) return true
    return false
  }
}

function keyOf(watcher: Address, presentity: Address): string {
  return `${watcher.key}\n${presentity.key}`
}
