// Which requests of other domains are taken: those that come by a connection on which the domain has proven itself (RFC 5922 §7.4), or, where
// the operator says so, from its servers' addresses, or from anywhere.

import type { PeerRoute } from '#core'
import type { Address, Principal } from '#model'
import { DnsError } from '#net'
import type { Flow } from '../flow.ts'
import type { DomainsEnvironment } from './environment.ts'
import { proofOf } from './identity.ts'
import { hostAndPort } from './locate.ts'

/** Seconds for which the addresses of a domain's named servers are remembered. */
const addressesSeconds = 60
/** LIMIT: domains whose addresses are remembered. */
const domainsMax = 1000

export type Verdict =
  | { readonly taken: true; readonly vouchedBy: Principal['vouchedBy'] }
  /** `why` is for the log, never for the peer. */
  | { readonly taken: false; readonly why: string }

interface Addresses {
  readonly until: number
  readonly all: Promise<ReadonlySet<string>>
}

export class Admission {
  readonly #environment: DomainsEnvironment
  readonly #addresses = new Map<string, Addresses>()

  constructor(environment: DomainsEnvironment) {
    this.#environment = environment
  }

  /** Whether a request in the name of somebody of that domain is taken; in the same tick where that needs no DNS. */
  judge(flow: Flow, { domain }: Pick<Address, 'domain'>, use: (verdict: Verdict) => void): void {
    const { peers } = this.#environment.service
    const policy = peers.policyFor(domain)
    if (!policy.allowed) return use(no('the policy for it is to take nothing'))
    if (!policy.trusted) return use(no('its word about its users is not taken'))
    const route = this.#environment.routeTo(domain)
    const proof = proofOf(flow.tls, [route.identity ?? domain], route.tls)
    if (proof.proven) return use({ taken: true, vouchedBy: 'peer-domain' })
    if (route.tls === 'verified' || (route.tls === 'encrypted' && flow.tls === undefined))
      return use(no(proof.why))
    this.#bySource(flow, domain, route, proof.why, use)
  }

  /** Whether that may leave the tick. */
  asksDns(domain: string): boolean {
    const { servers, tls } = this.#environment.routeTo(domain)
    return servers !== undefined && tls !== 'verified'
  }

  /** Without a proof: where the operator named its servers, from them; where not, and nothing is asked of it, from anywhere. */
  #bySource(
    flow: Flow,
    domain: string,
    { servers, tls }: PeerRoute,
    why: string,
    use: (verdict: Verdict) => void,
  ): void {
    if (servers === undefined) return use(tls === 'none' ? { taken: true, vouchedBy: 'nobody' } : no(why))
    this.#addressesOf(domain, servers).then(
      (addresses) =>
        use(
          addresses.has(flow.remote.address)
            ? { taken: true, vouchedBy: 'peer-domain' }
            : no(`${flow.remote.address} is none of its servers`),
        ),
      (error: unknown) => use(no(error instanceof DnsError ? error.message : String(error))),
    )
  }

  #addressesOf(domain: string, servers: readonly string[]): Promise<ReadonlySet<string>> {
    const { service, resolver } = this.#environment
    const now = service.clock.monotonic()
    const known = this.#addresses.get(domain)
    if (known !== undefined && known.until > now) return known.all
    if (this.#addresses.size >= domainsMax) this.#addresses.clear()
    const all = Promise.all(servers.map((server) => resolver.addresses(hostAndPort(server).host))).then(
      (found) => new Set(found.flat()),
    )
    all.catch(() => this.#addresses.delete(domain))
    this.#addresses.set(domain, { until: now + addressesSeconds * 1000, all })
    return all
  }
}

const no = (why: string): Verdict => ({ taken: false, why })
