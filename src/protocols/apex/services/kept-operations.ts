// The subscribe and watch operations of our own applications, kept over a restart (RFC 3343 §4: "kept in persistent storage"). Those of people of
// other domains are kept by domains/foreign-state.ts.

import { text, utf8 } from '#base'
import type { StoredSubscription } from '#core'
import type { Address } from '#model'
import { type EndpointName, readEndpoint } from '../codec/index.ts'
import type { Relay } from '../relay.ts'

/** Beside the operations of other domains, which are stored by the protocol's own name. */
const storedAs = 'apex-edge'

/** One operation, as far as it must be known to go on. */
export interface KeptOperation {
  readonly kind: 'subscribe' | 'watch'
  readonly originator: EndpointName
  readonly transId: number
  readonly watcher: Address
  readonly presentity: Address
  /** The subject as the originator wrote it. */
  readonly publisher: string
  /** The service's. */
  readonly domain: string
}

interface State {
  readonly kind: KeptOperation['kind']
  readonly originator: string
  readonly transId: number
  readonly publisher: string
  readonly domain: string
}

export class KeptOperations {
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Rejects when the store could not keep it. */
  keep(operation: KeptOperation, seconds: number): Promise<void> {
    const { service } = this.#relay
    const { kind, originator, transId, watcher, presentity, publisher, domain } = operation
    const state: State = { kind, originator: originator.written, transId, publisher, domain }
    return service.store.putSubscription({
      id: idOf(operation),
      protocol: storedAs,
      watcher,
      presentity,
      expires: service.clock.now() + seconds * 1000,
      state: utf8(JSON.stringify(state)),
    })
  }

  forget(operation: Pick<KeptOperation, 'kind' | 'originator' | 'transId'>): void {
    this.#remove(idOf(operation))
  }

  /** What was in progress before a restart, each with the seconds that are left. */
  async restore(resume: (operation: KeptOperation, seconds: number) => void): Promise<void> {
    const { service } = this.#relay
    for (const stored of await service.store.subscriptions(storedAs)) {
      const seconds = (stored.expires - service.clock.now()) / 1000
      const operation = operationOf(stored)
      if (operation === undefined || seconds < 1 || !this.#relay.isOurs(operation.originator.domain))
        this.#remove(stored.id)
      else resume(operation, seconds)
    }
  }

  #remove(id: string): void {
    const { service } = this.#relay
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('a stored operation could not be removed', { error }))
  }
}

function idOf({ kind, originator, transId }: Pick<KeptOperation, 'kind' | 'originator' | 'transId'>): string {
  return `${storedAs} ${kind} ${originator.written} ${transId}`
}

function operationOf({ watcher, presentity, state }: StoredSubscription): KeptOperation | undefined {
  const kept = JSON.parse(text(state)) as State
  const originator = readEndpoint(kept.originator)
  return originator && { ...kept, originator, watcher, presentity }
}
