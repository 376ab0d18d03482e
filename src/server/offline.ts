// The accounts and contacts of an installation whose server does not run, for the command line.
import { SystemClock } from '#base'
import type { Service } from '#core'
import { type Log, Metrics } from '#observe'
import { assemble } from './assembly.ts'
import type { Configuration } from './configuration.ts'
import { openStore } from './data.ts'
import type { PeerBook } from './peer-book.ts'

export interface OfflineAccounts {
  readonly service: Service
  readonly peerBook: PeerBook
  /** Resolves when everything is durable. */
  close(): Promise<void>
}

export async function openAccounts(configuration: Configuration, log: Log): Promise<OfflineAccounts> {
  const store = await openStore(configuration, log)
  const { service, peerBook } = await assemble({
    configuration,
    clock: new SystemClock(),
    log,
    metrics: new Metrics(),
    store,
  })
  // So that what waits for other domains can be given up; nothing is handed over.
  await service.relay.load()
  const close = async (): Promise<void> => {
    await service.relay.stop()
    await store.close()
  }
  return { service, peerBook, close }
}
