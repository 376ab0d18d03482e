// Where the servers of other domains are, by one protocol: as the operator says, else by DNS.
import type { PeerRoute, Service } from '#core'
import { PlaceFinder, type Resolver, type ServiceNames } from '#net'

export interface PlacesParts {
  readonly service: Service
  readonly resolver: Resolver
  readonly routeTo: (domain: string) => PeerRoute
}

/** @param names what the protocol is called in DNS */
export function placeFinder(
  protocol: string,
  names: ServiceNames,
  { service, resolver, routeTo }: PlacesParts,
): PlaceFinder {
  return new PlaceFinder({
    resolver,
    names,
    serversOf: (domain) => routeTo(domain).servers,
    isChosen: (domain) => service.peers.policyFor(domain).protocol === protocol,
  })
}
