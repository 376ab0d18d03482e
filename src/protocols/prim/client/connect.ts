// Where a person's server is (docs/specs/prim.md §2), and a login there.

import { type Clock, SystemClock } from '#base'
import { parseAddress } from '#model'
import { clientTlsContext, connectFirst, type Resolver, type ServerPlace, serverPlace, serversOf } from '#net'
import type { Scheme } from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { logIn, Redirected, secure } from './log-in.ts'
import { type Incoming, PrimClient } from './prim-client.ts'
import { ClientWire } from './wire.ts'

export const primPorts = { pres: 7740, im: 7741 } as const

/** LIMIT: servers that one after the other send us elsewhere. */
const redirectsMax = 3

export interface ConnectOptions {
  /** `user@domain`. */
  readonly address: string
  readonly password: string
  /** What to log in to, over one connection. */
  readonly services: readonly Scheme[]
  /** `host` or `host:port`; found by the domain when left out. */
  readonly server?: string
  /** `preferred`: a server without a certificate will do, and PLAIN is not spoken with it. */
  readonly tls: 'required' | 'preferred'
  /** PEM files of authorities to trust beside those of the system. */
  readonly trust?: readonly string[]
  readonly resolver?: Resolver
  readonly clock?: Clock
  /** Called for each message that comes; absent: none are taken. */
  readonly onMessage?: (incoming: Incoming) => void
}

/** Logs in. Rejects with Refused (`isLogin`: the name or the password is wrong) or ConnectionLost. */
export async function connect(options: ConnectOptions): Promise<PrimClient> {
  const address = parseAddress(options.address)
  if (address === undefined || address.user === '')
    throw new Refused(400, `${options.address} is no address`, 'address-malformed')
  const service = options.services[0] ?? 'pres'
  let places = await placesFor(options, address.domain, service)
  for (let redirects = 0; ; redirects++) {
    const wire = await firstOf(places, options.clock ?? new SystemClock())
    try {
      await secure(wire, clientTlsContext(options.trust ?? []), address.domain, options.tls)
      for (const each of options.services) await logIn(wire, each, { address, password: options.password })
      return await PrimClient.begin(wire, address, options)
    } catch (error) {
      wire.close()
      if (!(error instanceof Redirected)) throw error
      if (redirects === redirectsMax) throw new ConnectionLost(error.message)
      places = [placeOfRedirect(error.location, service)]
    }
  }
}

/** `host SP port` (docs/specs/prim.md §5). */
function placeOfRedirect(location: string, service: Scheme): Place {
  const [host = '', port = String(primPorts[service])] = location.split(' ')
  try {
    return placeNamed(`${host.includes(':') ? `[${host}]` : host}:${port}`, service)
  } catch {
    throw new ConnectionLost(`the server sends us to ${location}, which is no place`)
  }
}

export type Place = ServerPlace

/** @throws TypeError when it is no `host` or `host:port` */
export function placeNamed(written: string, service: Scheme): Place {
  return serverPlace(written, primPorts[service])
}

async function placesFor(
  { server, resolver }: ConnectOptions,
  domain: string,
  service: Scheme,
): Promise<readonly Place[]> {
  return server === undefined ? placesOfDomain(domain, service, resolver) : [placeNamed(server, service)]
}

const srvNames = { pres: '_presence-clients._tcp', im: '_im-clients._tcp' } as const

/** In the order to be tried. Rejects with ConnectionLost where the domain says that it has no such service. */
export function placesOfDomain(
  domain: string,
  service: Scheme,
  resolver?: Resolver,
): Promise<readonly Place[]> {
  const name = { srv: srvNames[service], port: primPorts[service], protocol: 'PRIM' }
  return serversOf(domain, name, resolver).catch(lost)
}

async function firstOf(places: readonly Place[], clock: Clock): Promise<ClientWire> {
  return new ClientWire(await connectFirst(places, clock).catch(lost), clock)
}

function lost(error: Error): never {
  throw new ConnectionLost(error.message)
}
