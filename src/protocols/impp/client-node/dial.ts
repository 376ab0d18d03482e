// Where a domain's server is (docs/specs/impp-1.0.md §2; IMPP §4, D8): what the caller says, else SRV, else the domain itself.

import { type Resolver, serversOf } from '#net'
import { ConnectionLost, type Dial, type Transport, webSocketDial } from '#protocols/impp/client'
import { openTcp } from './tcp-transport.ts'

export const imppPort = 7410

export interface NodeDialOptions {
  /** `host`, `host:port` or a WebSocket's URL; found by the domain when left out. */
  readonly server?: string
  /** PEM files of authorities to trust beside those of the system. Not for WebSockets: they trust what Node does. */
  readonly trust?: readonly string[]
  readonly resolver?: Resolver
}

export interface Place {
  readonly host: string
  readonly port: number
}

/** Dials with TCP, or the WebSocket where `server` is its URL. @throws TypeError when `server` is neither */
export function nodeDial(options: NodeDialOptions = {}): Dial {
  const { server, trust = [] } = options
  if (server !== undefined && /^wss?:/i.test(server)) return webSocketDial(server)
  const named = server === undefined ? undefined : placeOf(server)
  if (server !== undefined && named === undefined)
    throw new TypeError(`${server} is no host:port, as im.example.com:7410`)
  return async ({ domain, location, signal }) => {
    const places = await placesFor(domain, location, named, options.resolver)
    return firstOf(places, trust, signal)
  }
}

async function placesFor(
  domain: string,
  location: string | undefined,
  named: Place | undefined,
  resolver: Resolver | undefined,
): Promise<readonly Place[]> {
  const elsewhere = location === undefined ? named : placeOf(location)
  if (elsewhere !== undefined) return [elsewhere]
  if (location !== undefined)
    throw new ConnectionLost(`the server sends us to ${location}, which is no place`)
  return placesOfDomain(domain, resolver)
}

const clients = { srv: '_impp._tcp', port: imppPort, protocol: 'IMPP' } as const

/** In the order to be tried. Rejects with ConnectionLost where the domain says that it has no such service. */
export function placesOfDomain(domain: string, resolver?: Resolver): Promise<readonly Place[]> {
  return serversOf(domain, clients, resolver).catch((error: Error) => {
    throw new ConnectionLost(error.message)
  })
}

async function firstOf(
  places: readonly Place[],
  trust: readonly string[],
  signal: AbortSignal,
): Promise<Transport> {
  const failures: string[] = []
  for (const place of places) {
    try {
      return await openTcp({ ...place, trust, signal })
    } catch (error) {
      failures.push(unreachable(place, error as Error))
    }
  }
  throw new ConnectionLost(failures.join('; '))
}

function unreachable({ host, port }: Place, error: Error): string {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNREFUSED'
    ? `nobody answers at ${where}; is the server running?`
    : `${where} cannot be reached: ${error.message}`
}

/** `host`, `host:port`, `[::1]:port`; undefined: it is none. */
function placeOf(written: string): Place | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(written)
  const port = Number(match?.[3] ?? imppPort)
  if (match === null || port < 1 || port > 65_535) return undefined
  return { host: (match[1] ?? match[2]) as string, port }
}
