// Reports that `ok` promised on data which nobody is to hold: it is not kept, so that after a kill its author hears that nothing came of it (RFC 3340
// §5.1, decision 0144). Written where an outcome takes longer than `ok_seconds`, and somebody asked for it.

import { randomId, text, utf8 } from '#base'
import { type EndpointName, foreignPersonOf, readEndpoint } from '../codec/index.ts'
import type { Relay } from '../relay.ts'

const storedAs = 'apex-promised'

/** LIMIT: milliseconds for which a promise may stand; every outcome is known long before. */
const standsFor = 86_400_000

export interface Promised {
  /** The domain whose report service speaks. */
  readonly reporter: string
  readonly originator: EndpointName
  readonly recipient: EndpointName
  readonly transIds: readonly number[]
}

interface State {
  readonly reporter: string
  readonly originator: string
  readonly recipient: string
  readonly transIds: readonly number[]
}

export class KeptPromises {
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** Answers with how to say that it was fulfilled. `onKept` is called once: it is on the disk, or can't be. */
  keep({ reporter, originator, recipient, transIds }: Promised, onKept: () => void): () => void {
    const { store, clock, log } = this.#relay.service
    const [watcher, presentity] = [foreignPersonOf(originator), foreignPersonOf(recipient)]
    if (watcher === undefined || presentity === undefined) {
      onKept()
      return () => {}
    }
    const id = `${storedAs} ${randomId()}`
    const names = { originator: originator.written, recipient: recipient.written }
    const state: State = { reporter, ...names, transIds }
    const expires = clock.now() + standsFor
    store
      .putSubscription({
        id,
        protocol: storedAs,
        watcher,
        presentity,
        expires,
        state: utf8(JSON.stringify(state)),
      })
      .catch((error: unknown) => log.error('a report that was promised could not be noted', { error }))
      .finally(onKept)
    return () => this.#remove(id)
  }

  /** Those of a former life: nobody knows what became of the data. */
  async restore(): Promise<void> {
    for (const { id, state } of await this.#relay.service.store.subscriptions(storedAs)) {
      const kept = JSON.parse(text(state)) as State
      const [originator, recipient] = [readEndpoint(kept.originator), readEndpoint(kept.recipient)]
      let left = originator === undefined || recipient === undefined ? 0 : kept.transIds.length
      if (left === 0) this.#remove(id)
      if (originator === undefined || recipient === undefined) continue
      const told = (): void => {
        if (--left === 0) this.#remove(id)
      }
      for (const transId of kept.transIds)
        this.#relay.report(
          kept.reporter,
          originator,
          recipient,
          { transId, code: 451, text: 'the relay was interrupted' },
          told,
        )
    }
  }

  #remove(id: string): void {
    const { store, log } = this.#relay.service
    store
      .removeSubscription(id)
      .catch((error: unknown) => log.error('a report that was promised could not be forgotten', { error }))
  }
}
