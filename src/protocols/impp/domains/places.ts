// Where the servers of another domain are (IMPP §4, D9; docs/specs/impp-1.0.md §12.1): as the operator says, else the SRV
// record `_impp-server._tcp`, else, where the operator wants this protocol for the domain, its own addresses.

import type { PeerRoute } from '#core'
import { DnsError, type Resolver } from '#net'

export interface Place {
  readonly host: string
  readonly port: number
}

export const domainPort = 7411

export interface PlacesParts {
  readonly resolver: Resolver
  readonly routeTo: (domain: string) => PeerRoute
  /** The operator has said that this protocol is the one for the domain. */
  readonly isChosen: (domain: string) => boolean
}

/** In the order to be tried; none: the domain does not speak this protocol. @throws DnsError */
export async function placesOf(
  domain: string,
  { resolver, routeTo, isChosen }: PlacesParts,
): Promise<readonly Place[]> {
  const { servers: configured } = routeTo(domain)
  if (configured !== undefined && configured.length > 0) return configured.map(placeOf)
  const records = await resolver.srv(`_impp-server._tcp.${domain}`)
  if (records === 'unavailable') return []
  if (records.length > 0) return records.map(({ target, port }) => ({ host: target, port }))
  return isChosen(domain) ? [{ host: domain, port: domainPort }] : []
}

/** Whether it can be reached, as far as DNS says. Never rejects. */
export async function reaches(domain: string, parts: PlacesParts): Promise<boolean | 'unanswered'> {
  try {
    return (await placesOf(domain, parts)).length > 0
  } catch (error) {
    if (error instanceof DnsError) return 'unanswered'
    throw error
  }
}

/** `host`, `host:port`, `[address]:port`. */
export function placeOf(written: string): Place {
  const [, host = written, port] =
    /^(.*?)(?::(\d+))?$/.exec(
      written.includes(']') || /^[^:]*(:\d+)?$/.test(written) ? written : `[${written}]`,
    ) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? domainPort : Number(port) }
}
