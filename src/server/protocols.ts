// The protocols are those whose folders are there: to add one, make its folder with a door. Nothing else names it. A door
// without `protocol` is a substrate of others (beep, exchange): there is nothing of it to start.
import { readdirSync } from 'node:fs'
import type { Logins } from '#auth'
import type { Protocol } from '#core'
import type { Resolver, TlsContexts, WebOffers } from '#net'

/** What the server knows of a protocol: its settings are its own business. */
export type AnyProtocol = Protocol<unknown, TlsContexts, Logins, WebOffers, Resolver>

/** The doors of all protocol folders, in the order of their names. */
export async function loadProtocols(): Promise<AnyProtocol[]> {
  const folders = readdirSync(new URL('../protocols/', import.meta.url), { withFileTypes: true })
  const names = folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const doors = await Promise.all(
    names.sort().map((name) => import(`#protocols/${name}`) as Promise<{ protocol?: AnyProtocol }>),
  )
  return doors.flatMap(({ protocol }) => (protocol === undefined ? [] : [protocol]))
}
