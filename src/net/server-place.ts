// Where a client's server is, as a person names it, and the first of several that answers.

import type { Clock } from '#base'
import { connectTcp } from './connect-tcp.ts'
import type { Connection } from './connection.ts'

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
