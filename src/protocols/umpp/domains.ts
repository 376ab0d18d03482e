// All other domains by this protocol (PeerProtocol).

import {
  namedWay,
  noWay,
  type PeerExamination,
  type PeerLink,
  type PeerProtocol,
  type PeerStatus,
  type Way,
} from '#core'
import { addressOf } from '#model'
import type { PlaceFinder } from '#net'
import type { UmppEnvironment } from './environment.ts'
import { UmppLink } from './link.ts'
import { sipPlaces } from './places.ts'
import { Sessions } from './sessions.ts'

/** LIMIT: domains whose last failure, or link, is remembered; past it the oldest goes. */
const rememberedMax = 10_000

export interface DomainsParts {
  readonly environment: UmppEnvironment
  readonly finder: PlaceFinder
  /** XMPP's own link to a domain. */
  readonly xmppLink: ((domain: string) => PeerLink) | undefined
}

export class Domains implements PeerProtocol {
  readonly protocol = 'umpp'
  readonly sessions: Sessions
  readonly #parts: DomainsParts
  readonly #links = new Map<string, UmppLink>()
  readonly #errors = new Map<string, string>()
  /** Domains that a record names, and those that have none and a session with us; as far as is remembered. */
  readonly #named = new Set<string>()
  readonly #unnamed = new Set<string>()

  constructor(parts: DomainsParts) {
    this.#parts = parts
    const { environment } = parts
    this.sessions = new Sessions({
      environment,
      mayOffer: (domain) => !this.#unnamed.has(domain),
      onChanged: (domain) => {
        // Where no record names it, its sessions are the way to it.
        if (!this.#named.has(domain)) environment.service.peers.changed(domain)
      },
      onOver: (domain, why) => this.#over(domain, why),
    })
    environment.userAgent.onReachable((domain) => this.#links.get(domain)?.askAgain())
  }

  async reaches(domain: string): Promise<Way | 'unanswered'> {
    const reached = await this.#parts.finder.reaches(domain)
    if (reached === 'unanswered') return reached
    const isNamed = reached.messages || reached.presence
    remember(this.#named, domain, isNamed)
    // Who has no record and opened a session to us is answered by it.
    remember(this.#unnamed, domain, !isNamed && this.sessions.isWith(domain))
    if (!isNamed)
      return this.sessions.isWith(domain) ? { messages: true, presence: false, named: true } : noWay
    return reached.messages && reached.presence ? namedWay : { ...reached, named: true }
  }

  linkTo(domain: string): UmppLink {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    if (this.#links.size >= rememberedMax) this.#forget()
    const { environment, xmppLink } = this.#parts
    const { otherwise } = environment.settings
    const link = new UmppLink({
      domain,
      environment,
      sessions: this.sessions,
      otherwise: otherwise === 'xmpp' && xmppLink !== undefined ? () => xmppLink(domain) : undefined,
    })
    this.#links.set(domain, link)
    return link
  }

  status(): readonly PeerStatus[] {
    return [...new Set([...this.#links.keys(), ...this.sessions.domains])].map((domain) => {
      const connections = this.sessions.linesOf(domain)
      return {
        protocol: this.protocol,
        domain,
        state: connections.length > 0 ? 'connected' : 'idle',
        connections,
        identity: this.#identityOf(domain),
        lastError: this.#errors.get(domain) ?? '',
      } as const
    })
  }

  /** Asks each of its servers what it can (RFC 3261 §11): nobody is called. */
  async examine(ours: string, domain: string): Promise<PeerExamination> {
    const { environment, finder } = this.#parts
    const from = addressOf('', ours)
    return finder.examine(
      domain,
      (place, signal) =>
        new Promise((resolve, reject) => {
          if (from === undefined) return reject(new Error(`${ours} is no domain`))
          const places = async () => sipPlaces([place], environment.routeTo(domain))
          const asked = environment.userAgent.request(
            { method: 'OPTIONS', uri: `sip:${domain}`, from, places },
            {
              onResponse: ({ status }) => {
                if (status >= 200) resolve(`a SIP server answers ${status}`)
              },
              onFailure: (_failure, why) => reject(new Error(why)),
            },
          )
          signal.addEventListener('abort', () => {
            asked.drop()
            reject(new Error('the time is up'))
          })
        }),
      environment.settings.answerSeconds * 1000,
    )
  }

  stop(): void {
    this.sessions.stop()
    for (const link of this.#links.values()) link.stop()
  }

  /** Who the servers that its calls come from have proven to be. */
  #identityOf(domain: string): string {
    const open = this.#parts.environment.userAgent.reach.ways.connections.get(domain) ?? []
    return open.find(({ identity }) => identity !== '')?.identity ?? ''
  }

  /** Why sessions end is shown where it is no goodbye. */
  #over(domain: string, why: string): void {
    if (ordinary.has(why)) return
    this.#errors.delete(domain)
    if (this.#errors.size >= rememberedMax) this.#forgetError()
    const { clock, log } = this.#parts.environment.service
    this.#errors.set(domain, `${new Date(clock.now()).toISOString()} ${why}`)
    log.debug('a session with another domain failed', { domain, why })
  }

  #forgetError(): void {
    for (const oldest of this.#errors.keys()) return void this.#errors.delete(oldest)
  }

  #forget(): void {
    for (const [domain, link] of this.#links) if (link.isIdle) return void this.#links.delete(domain)
  }
}

const ordinary: ReadonlySet<string> = new Set(['bye', 'idle', 'crowded', 'stop', 'withdrawn'])

function remember(domains: Set<string>, domain: string, is: boolean): void {
  domains.delete(domain)
  if (is) domains.add(domain)
  const [oldest] = domains
  if (domains.size > rememberedMax && oldest !== undefined) domains.delete(oldest)
}
