// Where a client's server is, as a person names it or as its domain says, and the first of several that answers.

import type { Clock } from '#base'
import { connectTcp } from './connect-tcp.ts'
import type { Connection } from './connection.ts'
import { type Resolver, systemResolver } from './dns.ts'

export interface ServerPlace {
  readonly host: string
  readonly port: number
}

/** @throws TypeError when it is no `host`, `host:port` or `[address]:port` */
export function serverPlace(written: string, port: number): ServerPlace {
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(written)
  const named = Number(match?.[3] ?? port)
  if (match === null || named < 1 || named > 65_535)
    throw new TypeError(`${written} is no host:port, as im.example.com:${port}`)
  return { host: (match[1] ?? match[2]) as string, port: named }
}

export interface ServiceName {
  /** The labels of the SRV records: `_impp._tcp`. */
  readonly srv: string
  readonly port: number
  /** What a person calls it. */
  readonly protocol: string
}

/**
 * The servers that a domain has for its people, in the order to be tried; the domain itself where it says nothing. Rejects with an Error whose
 * message tells a person why: the domain says that it has no such service, or nobody answers for it.
 */
export async function serversOf(
  domain: string,
  { srv, port, protocol }: ServiceName,
  resolver: Resolver = systemResolver(),
): Promise<readonly ServerPlace[]> {
  const itself = [{ host: domain, port }]
  // RFC 6761 §6.3: no name server knows better.
  if (domain === 'localhost' || domain.endsWith('.localhost')) return itself
  const records = await resolver.srv(`${srv}.${domain}`)
  if (records === 'unavailable') throw new Error(`${domain} offers no ${protocol}`)
  return records.length === 0 ? itself : records.map(({ target, port }) => ({ host: target, port }))
}

/** One after the other. Rejects with an Error whose message tells a person why none of them will do. */
export async function connectFirst(places: readonly ServerPlace[], clock?: Clock): Promise<Connection> {
  const failures: string[] = []
  for (const place of places) {
    try {
      return await connectTcp({ ...place, ...(clock && { clock }) })
    } catch (error) {
      failures.push(unreachable(place, error as NodeJS.ErrnoException))
    }
  }
  throw new Error(failures.join('; '))
}

function unreachable({ host, port }: ServerPlace, error: NodeJS.ErrnoException): string {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return error.code === 'ECONNREFUSED'
    ? `nobody answers at ${where}; is the server running?`
    : `${where} cannot be reached: ${error.message}`
}
