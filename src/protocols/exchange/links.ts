// The links to other domains: one each, made when it is first asked for.

/** A link, and whether somebody here watches by it: to be found another would ask for all presence anew. */
export interface KeptLink {
  readonly isWatching: boolean
  stop(): void
}

export class Links<Link extends KeptLink> {
  readonly #links = new Map<string, Link>()
  readonly #most: number
  readonly #make: (domain: string) => Link

  /** @param most LIMIT: links that are remembered though nothing needs them; past it the longest known is forgotten */
  constructor(most: number, make: (domain: string) => Link) {
    this.#most = most
    this.#make = make
  }

  /** The one to a domain, if there is one. */
  get(domain: string): Link | undefined {
    return this.#links.get(domain)
  }

  to(domain: string): Link {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    if (this.#links.size >= this.#most) this.#forgetOne()
    const link = this.#make(domain)
    this.#links.set(domain, link)
    return link
  }

  /** The server stops. */
  stop(): void {
    for (const link of this.#links.values()) link.stop()
  }

  #forgetOne(): void {
    for (const [domain, link] of this.#links) if (!link.isWatching) return void this.#links.delete(domain)
  }
}
