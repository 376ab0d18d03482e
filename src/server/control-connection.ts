// The management API for the command line: of the server that runs, or of one that is opened for the moment with its accounts
// alone when none does.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient, Health, NotRunning, startControl } from '#admin'
import { createLog } from '#observe'
import type { Configuration } from './configuration.ts'
import { controlSocketOf, isNew } from './data.ts'
import { openAccounts } from './offline.ts'
import { mainSettings } from './settings.ts'
import { version } from './version.ts'

export interface ControlConnection {
  readonly control: ControlClient
  /** True when it is the running server that answers. */
  readonly running: boolean
  /** Resolves when everything that was asked is durable. */
  close(): Promise<void>
}

/** The running server's management API; undefined when no server runs. Rejects with NotRunning when it is another user's, or out of reach. */
export async function connectControl(configuration: Configuration): Promise<ControlConnection | undefined> {
  const control = new ControlClient(controlSocketOf(configuration))
  try {
    await control.status()
  } catch (error) {
    if (error instanceof NotRunning && !couldRun.has(error.code)) return undefined
    throw error
  }
  return { control, running: true, close: async () => {} }
}

/** With these a server may run all the same, or never could: no store may be opened behind it. */
const couldRun: ReadonlySet<string> = new Set(['EACCES', 'EINVAL'])

/** The running server's management API, or one of our own over the store. */
export async function openControl(configuration: Configuration): Promise<ControlConnection> {
  return (await connectControl(configuration)) ?? (await controlOfOurOwn(configuration))
}

async function controlOfOurOwn(configuration: Configuration): Promise<ControlConnection> {
  const log = createLog({ level: 'warn', format: 'text', write: (line) => void process.stderr.write(line) })
  // Often a command in the wrong directory: the server that was meant keeps its data elsewhere.
  if (isNew(configuration))
    log.warn('no server runs here and there was no database: a new one is made', {
      data: configuration.config.of(mainSettings).data,
    })
  const accounts = await openAccounts(configuration, log)
  // A place of its own: the server's socket stays free for a server that starts meanwhile.
  const directory = mkdtempSync(join(tmpdir(), 'verona-'))
  const path = join(directory, 'control.sock')
  const clear = (): void => rmSync(directory, { recursive: true, force: true })
  try {
    const listener = await startControl({
      path,
      service: accounts.service,
      peers: accounts.peerBook,
      health: new Health(accounts.service.clock, log, []),
      log,
      version,
      domains: configuration.domains,
      listeners: () => [],
      onStop: () => {},
    })
    const close = async (): Promise<void> => {
      await listener.close()
      await accounts.close()
      clear()
    }
    return { control: new ControlClient(path), running: false, close }
  } catch (error) {
    await accounts.close()
    clear()
    throw error
  }
}
