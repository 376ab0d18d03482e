// The data directory and what is in it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '#core'
import type { Log } from '#observe'
import { openSqliteStore } from '#store'
import type { Configuration } from './configuration.ts'
import { mainSettings } from './settings.ts'

/** Opens the database of the installation, making directory and tables when they are not there. Rejects with ServiceError. */
export function openStore({ config }: Configuration, _log: Log): Promise<Store> {
  const { data } = config.of(mainSettings)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return openSqliteStore({ file: join(data, 'verona.sqlite') })
}

/** The socket by which the command line talks to the running server. */
export function controlSocketOf({ config }: Configuration): string {
  return join(config.of(mainSettings).data, 'control.sock')
}
