// Where the servers of another domain are (RFC 6120 §3.2, XEP-0368 §3): as the operator says, else SRV records of both kinds, mixed by
// priority and weight, else the domain's own addresses.
import type { PeerRoute } from '#core'
import { DnsError, type Resolver, srvOrder } from '#net'

export interface Place {
  readonly host: string
  readonly port: number
  /** TLS from the first octet (XEP-0368). */
  readonly direct: boolean
}

export const serverPort = 5269

export interface PlacesParts {
  readonly resolver: Resolver
  readonly routeTo: (domain: string) => PeerRoute
  /** The operator has said that this protocol is the one for the domain. */
  readonly isChosen: (domain: string) => boolean
}

/** In the order to be tried; none: the domain does not speak this protocol. @throws DnsError */
export async function placesOf(domain: string, parts: PlacesParts): Promise<readonly Place[]> {
  const { servers: configured } = parts.routeTo(domain)
  if (configured !== undefined && configured.length > 0) return configured.map(placeOf)
  const [plain, direct] = await Promise.all([
    parts.resolver.srv(`_xmpp-server._tcp.${domain}`),
    parts.resolver.srv(`_xmpps-server._tcp.${domain}`),
  ])
  // XEP-0368 §3: one kind that is refused leaves the other.
  const records = [
    ...(plain === 'unavailable' ? [] : plain.map((record) => ({ ...record, direct: false }))),
    ...(direct === 'unavailable' ? [] : direct.map((record) => ({ ...record, direct: true }))),
  ]
  if (records.length > 0) {
    const ordered = srvOrder(records)
    return ordered === 'unavailable'
      ? []
      : ordered.map((record) => ({
          host: record.target,
          port: record.port,
          direct: (record as (typeof records)[number]).direct,
        }))
  }
  // RFC 2782: "the service is decidedly not available".
  if (plain === 'unavailable' || direct === 'unavailable') return []
  // RFC 6120 §3.2.2
  if (parts.isChosen(domain)) return [{ host: domain, port: serverPort, direct: false }]
  const addresses = await parts.resolver.addresses(domain)
  return addresses.length === 0 ? [] : [{ host: domain, port: serverPort, direct: false }]
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
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(written)
  const named = bracketed ?? /^([^:]*)(?::(\d+))?$/.exec(written)
  const [, host = written, port] = named ?? []
  return { host, port: port === undefined ? serverPort : Number(port), direct: false }
}
