// Where things are: the SIP servers of a domain by the labels of RFC 3861 (`_im._umpp`, `_pres._umpp`), and the XMPP hosts that session descriptions name,
// which may lead nobody into our own networks.

import type { PeerRoute, Service } from '#core'
import { DnsError, isPublicAddress, type Place, PlaceFinder, type Resolver } from '#net'
import type { SipPlace } from '#protocols/sip'
import type { StreamPlace } from './message-stream.ts'

/** LIMIT: addresses of one named host that are tried. */
const addressesMax = 4

export interface FindingParts {
  readonly service: Service
  readonly resolver: Resolver
  readonly routeTo: (domain: string) => PeerRoute
}

/** Never at the mere address of a domain: an INVITE there would ring phones (decision 0105). */
export function finderOf({ service, resolver, routeTo }: FindingParts): PlaceFinder {
  return new PlaceFinder({
    resolver,
    names: { own: [], label: 'umpp', port: 5061, atAddresses: false },
    serversOf: (domain) => routeTo(domain).servers,
    isChosen: (domain) => service.peers.policyFor(domain).protocol === 'umpp',
  })
}

/** As the user agent of SIP wants them; by TLS (U112), but in laboratories. */
export function sipPlaces(places: readonly Place[], { tls }: PeerRoute): readonly SipPlace[] {
  const transport = tls === 'none' ? 'TCP' : 'TLS'
  return places.map(({ host, port }) => ({ transport, host, port }))
}

/** The addresses of a host that a description names. Rejects with an Error that says why there are none that will do. */
export async function streamPlaces(
  { host, port }: StreamPlace,
  resolver: Resolver,
  mayBePrivate: boolean,
): Promise<readonly Place[]> {
  const addresses = await resolver.addresses(host)
  if (addresses.length === 0) throw new Error(`${host} has no address`)
  const allowed = mayBePrivate ? addresses : addresses.filter(isPublicAddress)
  if (allowed.length === 0) throw new Error(`${host} leads into a private network`)
  return allowed.slice(0, addressesMax).map((address) => ({ host: address, port, direct: false }))
}

/** Those of our domains that lead nowhere, so that no session description should name them as a host. */
export async function withoutAddress(domains: readonly string[], resolver: Resolver): Promise<string[]> {
  const found = await Promise.all(
    domains.map(async (domain) => {
      try {
        return (await resolver.addresses(domain)).length > 0
      } catch (error) {
        // Not known now: nothing is said of it.
        if (error instanceof DnsError) return true
        throw error
      }
    }),
  )
  return domains.filter((_domain, at) => !found[at])
}
