// The data directory and what is in it.
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ServiceError, type Store } from '#core'
import type { Log } from '#observe'
import { openSqliteStore } from '#store'
import type { Configuration } from './configuration.ts'
import { mainSettings } from './settings.ts'

/** Opens the database of the installation, making directory and tables when they are not there. Rejects with ServiceError. */
export async function openStore({ config }: Configuration, _log: Log): Promise<Store> {
  const { data } = config.of(mainSettings)
  makeDirectory(data)
  return openSqliteStore({ file: databaseOf(data) })
}

/** Whether anything was ever kept here. */
export function isNew({ config }: Configuration): boolean {
  return !existsSync(databaseOf(config.of(mainSettings).data))
}

function databaseOf(data: string): string {
  return join(data, 'verona.sqlite')
}

function makeDirectory(data: string): void {
  try {
    makeWithParents(data)
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    const why = reasons[code] ?? message
    throw new ServiceError(
      'temporarily-unavailable',
      `the data directory ${data} cannot be made: ${why}`,
      { code },
      cause,
    )
  }
}

/** A directory at a time: Node's own `recursive` never ends where a parent refuses children with ENOENT, as /proc does. */
function makeWithParents(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return
  const parent = dirname(directory)
  if (parent !== directory) makeWithParents(parent)
  mkdirSync(directory, { mode: 0o700 })
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'a file has its name',
  ENOTDIR: 'a part of its path is a file',
  ENOENT: 'its place takes no directories',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

/** The socket by which the command line talks to the running server. */
export function controlSocketOf({ config }: Configuration): string {
  return join(config.of(mainSettings).data, 'control.sock')
}
