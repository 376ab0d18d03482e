// Another domain in tests: every word that goes there is written down, and the test says what comes from there.
import {
  type AuthorizationEvent,
  type DomainExamination,
  noPeers,
  type PeerLink,
  type PeerPolicy,
  type Peers,
  type Service,
} from '#core'
import { type Address, parseAddress, refused } from '#model'

const policy: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

export class FarDomain implements Peers {
  readonly domain: string
  /** `subscribe romeo@localhost juliet@far.example`. */
  readonly heard: string[] = []
  readonly #link: PeerLink

  constructor(domain: string) {
    this.domain = domain
    const nothing = (): void => {}
    this.#link = {
      protocol: 'xmpp',
      domain,
      words: true,
      send: (_, onOutcome) => onOutcome(refused('operation-not-supported')),
      say: (event, from, to) => this.heard.push(`${event} ${from.key} ${to.key}`),
      watch: nothing,
      unwatch: nothing,
      fetch: (_watcher, _presentity, onFetched) => onFetched(refused('operation-not-supported')),
      watcher: () => undefined,
    }
  }

  /** One of the people there says a word to one of ours. */
  say(service: Service, event: AuthorizationEvent, user: string, to: Address): void {
    const from = parseAddress(`${user}@${this.domain}`) as Address
    const say = {
      subscribe: 'ask',
      unsubscribe: 'giveUp',
      subscribed: 'approve',
      unsubscribed: 'refuse',
    } as const
    service.contacts[say[event]](from, to, undefined, () => {})
  }

  takeHeard(): string[] {
    return this.heard.splice(0)
  }

  policyFor(): PeerPolicy {
    return policy
  }

  add(): void {}

  changed(): void {}

  examine(ours: string, domain: string): Promise<DomainExamination> {
    return noPeers.examine(ours, domain)
  }

  find(
    domain: string,
    _service: unknown,
    _protocol: unknown,
    use: (link: PeerLink | 'domain-unknown') => void,
  ): void {
    use(domain === this.domain ? this.#link : 'domain-unknown')
  }

  status(): [] {
    return []
  }
}
