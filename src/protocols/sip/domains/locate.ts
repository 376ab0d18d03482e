// Where the servers of a URI are, RFC 3263 §4: the transport (§4.1), then hosts and ports (§4.2). What fails on the way and what is
// tried next (§4.3) is `journey.ts`.

import { isIP } from 'node:net'
import type { NaptrRecord, Resolver, SrvRecord } from '#net'
import { type SipUri, uriParam } from '../codec/uri.ts'

/** By which we go to other domains. */
export type HopTransport = 'TLS' | 'TCP' | 'UDP'

/** Which server, by what. */
export interface Place {
  readonly transport: HopTransport
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
}

export interface Locating {
  readonly resolver: Resolver
  /** Nothing but TLS will do: the URI may be a sip one, and the deployment wants it all the same. */
  readonly secure: boolean
  /** Whether a domain that no record names is tried at its addresses; by default it is (§4.2). */
  readonly atAddresses?: boolean
}

interface Target {
  readonly host: string
  readonly port: number | undefined
  readonly transports: readonly HopTransport[]
  /** The URI names its transport. */
  readonly isNamed: boolean
}

const defaultPorts: Readonly<Record<HopTransport, number>> = { TLS: 5061, TCP: 5060, UDP: 5060 }

/** RFC 3263 §4.1: "The client MAY use any transport protocol it desires which is supported": one with TLS first, then a reliable one. */
const preferred: readonly HopTransport[] = ['TLS', 'TCP', 'UDP']

const services: Readonly<Record<string, HopTransport>> = {
  'SIPS+D2T': 'TLS',
  'SIP+D2T': 'TCP',
  'SIP+D2U': 'UDP',
}
const srvNames: Readonly<Record<HopTransport, string>> = {
  TLS: '_sips._tcp',
  TCP: '_sip._tcp',
  UDP: '_sip._udp',
}

/** In the order to be tried; none: it cannot be reached, or not as it must be. @throws DnsError */
export async function placesOf(uri: SipUri, locating: Locating): Promise<readonly Place[]> {
  const target = targetOf(uri, locating.secure)
  const { host, port, transports } = target
  const [first] = transports
  if (first === undefined) return []
  const common = commonTransport(target)
  // §4.2: "If TARGET is a numeric IP address, the client uses that address."
  if (isIP(host) !== 0) return [{ transport: common, host, port: port ?? defaultPorts[common] }]
  if (port !== undefined) return [{ transport: common, host, port }]
  if (target.isNamed) return bySrv(`${srvNames[first]}.${host}`, first, host, locating)
  const named = await byNaptr(host, transports, locating.resolver)
  return named ?? withoutNaptr(target, common, locating)
}

/** Places that the operator names, `host` or `host:port`; where the domain need not be secure, by TCP, and then by UDP. */
export function namedPlaces(servers: readonly string[], secure: boolean): readonly Place[] {
  const transports: readonly HopTransport[] = secure ? ['TLS'] : ['TCP', 'UDP']
  return servers.flatMap((written) => {
    const { host, port } = hostAndPort(written)
    return transports.map((transport) => ({ transport, host, port: port ?? defaultPorts[transport] }))
  })
}

/** `host`, `host:port`, `[address]:port`. */
export function hostAndPort(written: string): { readonly host: string; readonly port: number | undefined } {
  const match = /^\[([^\]]*)\](?::(\d+))?$/.exec(written) ?? /^([^:]*)(?::(\d+))?$/.exec(written)
  const [, host = written, port] = match ?? []
  return { host, port: port === undefined ? undefined : Number(port) }
}

/** RFC 3263 §4: TARGET is the value of maddr, "if [it] is present", else the host. */
function targetOf(uri: SipUri, secure: boolean): Target {
  const named = uriParam(uri, 'transport')?.toLowerCase()
  const host = (uriParam(uri, 'maddr') ?? uri.host).replace(/^\[|\]$/g, '')
  const isSips = uri.scheme === 'sips'
  return {
    host,
    port: uri.port,
    transports: transportsFor(named, isSips, secure),
    isNamed: named !== undefined,
  }
}

/** Which transports will do, the one we like most first. */
function transportsFor(named: string | undefined, isSips: boolean, secure: boolean): readonly HopTransport[] {
  switch (named) {
    case undefined:
      return isSips || secure ? ['TLS'] : preferred
    // RFC 3261 §26.2.2: deprecated, and often seen.
    case 'tls':
      return ['TLS']
    case 'tcp':
      // RFC 3261 §19.1.2: TLS over TCP is what a sips URI means by it.
      return isSips ? ['TLS'] : secure ? [] : ['TCP']
    case 'udp':
      return isSips || secure ? [] : ['UDP']
    default:
      // SCTP; and a web socket, by which nobody can be called.
      return []
  }
}

/** §4.1: of a numeric target, or one with a port, "UDP for a SIP URI, and TCP for a SIPS URI"; a named one as it is. */
function commonTransport({ transports, isNamed }: Target): HopTransport {
  if (isNamed || transports.length === 1) return transports[0] as HopTransport
  return 'UDP'
}

/** §4.1: the first service that we know; undefined where there are no records for us, as if there were none. */
async function byNaptr(
  host: string,
  transports: readonly HopTransport[],
  resolver: Resolver,
): Promise<readonly Place[] | undefined> {
  for (const record of await resolver.naptr(host)) {
    const transport = serviceOf(record)
    if (transport === undefined || !transports.includes(transport)) continue
    const found = await resolver.srv(record.replacement)
    if (found !== 'unavailable' && found.length > 0) return found.map((srv) => placeOf(srv, transport))
  }
  return undefined
}

/** "flags s": the replacement is asked for SRV; a regular expression would be none of this use. */
function serviceOf({ flags, service, replacement }: NaptrRecord): HopTransport | undefined {
  return flags === 's' && replacement !== '' ? services[service.toUpperCase()] : undefined
}

/** §4.1: "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it supports". */
async function withoutNaptr(
  { host, transports }: Target,
  common: HopTransport,
  { resolver, atAddresses }: Locating,
): Promise<readonly Place[]> {
  let isRefused = false
  for (const transport of transports) {
    const found = await resolver.srv(`${srvNames[transport]}.${host}`)
    // RFC 2782: one that is "decidedly not available" leaves the others.
    if (found === 'unavailable') isRefused = true
    else if (found.length > 0) return found.map((srv) => placeOf(srv, transport))
  }
  if (isRefused || atAddresses === false) return []
  // "If no SRV records are found, the client SHOULD use TCP for a SIPS URI, and UDP for a SIP URI."
  return [{ transport: common, host, port: defaultPorts[common] }]
}

/** §4.2: "because a transport was specified explicitly, the client performs an SRV query for that specific transport". */
async function bySrv(
  name: string,
  transport: HopTransport,
  host: string,
  { resolver, atAddresses }: Locating,
): Promise<readonly Place[]> {
  const found = await resolver.srv(name)
  if (found === 'unavailable') return []
  if (found.length > 0) return found.map((srv) => placeOf(srv, transport))
  return atAddresses === false ? [] : [{ transport, host, port: defaultPorts[transport] }]
}

const placeOf = ({ target, port }: SrvRecord, transport: HopTransport): Place => ({
  transport,
  host: target,
  port,
})
