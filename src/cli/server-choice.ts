// Where a command that acts as a person connects: where --server says, else our own server for our own people, else where DNS has the
// server of the person's domain.
import type { Section } from '#config'
import type { Configuration } from '#server'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { LoginOptions } from './person.ts'

/** A protocol, as far as that goes. */
export interface Way {
  readonly protocol: string
  /** As people call it. */
  readonly name: string
  /** Its settings that hold a place for clients, the first that is set before the others. */
  readonly settings: readonly string[]
  readonly portExample: number
  /** Throws where no server can be. */
  readonly check: (server: string) => unknown
}

export interface Choice {
  /** Undefined: where DNS says. */
  readonly server?: string
  readonly tls: 'required' | 'preferred'
}

export function serverChoice(
  { server, address }: LoginOptions,
  configuration: Configuration,
  way: Way,
): Choice {
  if (server !== undefined) return { server: checked(server, way), tls: 'preferred' }
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  const isElsewhere = address.includes('@') && !configuration.domains.includes(domain)
  return isElsewhere
    ? { tls: 'required' }
    : { server: configuredServer(configuration, way), tls: 'preferred' }
}

/** What `--server` says, if a server can be there. */
function checked(server: string, { check, portExample }: Way): string {
  try {
    check(server)
    return server
  } catch {
    throw new CommandFailure(
      `--server expects host:port, as in im.example.com:${portExample}`,
      exitCodes.usage,
    )
  }
}

/** Where the configuration has clients of the protocol connect. */
function configuredServer({ config, protocols }: Configuration, { protocol, name, settings }: Way): string {
  const known = protocols.find((each) => each.name === protocol)
  const values =
    known === undefined ? {} : (config.of(known.settings as Section) as Readonly<Record<string, unknown>>)
  const places = settings.map(
    (setting) => values[setting] as { host: string | undefined; port: number } | undefined,
  )
  const place = places.find((each) => each !== undefined && each.port !== 0)
  if (place === undefined) {
    const named = [...settings].sort().reverse().join(', ')
    throw new CommandFailure(
      `the configuration names no place for ${name} clients ([${protocol}] ${named}); name one, or --server`,
    )
  }
  const { host = '127.0.0.1', port } = place
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
