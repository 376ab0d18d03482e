// The times of data that is held (dataTiming, RFC 3342 §2), kept over a restart: what was promised to its originator is reported then.

import { text, utf8 } from '#base'
import type { StoredSubscription } from '#core'
import { type DataTiming, type EndpointName, foreignPersonOf, readEndpoint } from '../codec/index.ts'
import type { Relay } from '../relay.ts'

const storedAs = 'apex-held'

/** Data for one recipient whose times run. */
export interface HeldData {
  /** The domain whose report service speaks. */
  readonly reporter: string
  readonly originator: EndpointName
  readonly recipient: EndpointName
  readonly transId: number
  /** As it stands when this is made. */
  readonly timing: DataTiming
  /** Milliseconds that were used before; of one that is read. */
  readonly used?: number
}

interface State {
  readonly reporter: string
  readonly originator: string
  readonly recipient: string
  readonly transId: number
  readonly timing: DataTiming
  /** Milliseconds since the epoch. */
  readonly since: number
}

export class KeptTimes {
  readonly #relay: Relay

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** `onKept` is called once: they are on the disk, or can't be. */
  keep(
    key: string,
    { reporter, originator, recipient, transId, timing }: HeldData,
    onKept: () => void = () => {},
  ): void {
    const { service } = this.#relay
    const [watcher, presentity] = [foreignPersonOf(originator), foreignPersonOf(recipient)]
    if (watcher === undefined || presentity === undefined) return onKept()
    const since = service.clock.now()
    const names = { originator: originator.written, recipient: recipient.written }
    const state: State = { reporter, ...names, transId, timing, since }
    service.store
      .putSubscription({
        id: idOf(key),
        protocol: storedAs,
        watcher,
        presentity,
        expires: since + Math.max(timing.noLaterThan, timing.reportAfter),
        state: utf8(JSON.stringify(state)),
      })
      .catch((error: unknown) => service.log.error('the times of held data could not be stored', { error }))
      .finally(onKept)
  }

  forget(key: string): void {
    this.#remove(idOf(key))
  }

  /** With what is left of each time: at least a millisecond of one that is over, so that it is reported. */
  async read(): Promise<readonly HeldData[]> {
    const { store, clock } = this.#relay.service
    return (await store.subscriptions(storedAs)).flatMap((stored) => {
      const held = heldOf(stored, clock.now())
      if (held === undefined) this.#remove(stored.id)
      return held === undefined ? [] : [held]
    })
  }

  #remove(id: string): void {
    const { service } = this.#relay
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('stored times could not be removed', { error }))
  }
}

function idOf(key: string): string {
  return `${storedAs} ${key}`
}

function heldOf({ state }: StoredSubscription, now: number): HeldData | undefined {
  const kept = JSON.parse(text(state)) as State
  const [originator, recipient] = [readEndpoint(kept.originator), readEndpoint(kept.recipient)]
  if (originator === undefined || recipient === undefined) return undefined
  const waited = now - kept.since
  const left = (milliseconds: number): number => (milliseconds === 0 ? 0 : Math.max(1, milliseconds - waited))
  const { noLaterThan, reportAfter } = kept.timing
  const timing = { ...kept.timing, noLaterThan: left(noLaterThan), reportAfter: left(reportAfter) }
  return { ...kept, originator, recipient, timing, used: waited }
}
