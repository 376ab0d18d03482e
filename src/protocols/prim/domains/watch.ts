// Somebody here who watches somebody of another domain: one leased subscription there with an id of ours, renewed before it ends for as
// long as it is wanted (docs/specs/prim.md §8.4). What is learnt goes to RemotePresence.

import { randomBelow, randomId, type Timer } from '#base'
import type { Turn } from '#core'
import type { Address } from '#model'
import type { Settled } from '#wire/exchange'
import { documentIn, refusalIn, sourcesOf } from '../binding-domains.ts'
import {
  dateText,
  decimal,
  field,
  idOf,
  isSuccess,
  type PrimRequest,
  type PrimResponse,
  requestBytes,
} from '../codec/index.ts'
import type { DomainPair } from './pair.ts'

/** Seconds until a SUBSCRIBE that failed is sent again: the first time, and at most. */
const againSeconds = { first: 5, most: 300 }

type State = 'idle' | 'asking' | 'held' | 'over'

export class Watch {
  readonly watcher: Address
  readonly presentity: Address
  readonly id = randomId(8).replace(/[-_]/g, '')
  readonly #pair: DomainPair
  readonly #onOver: (watch: Watch) => void
  #state: State = 'idle'
  #wanted = true
  #askAgain = false
  #timer: Timer | undefined
  #turn: Turn | undefined
  #againSeconds = againSeconds.first
  #told: 'nothing' | 'pending' | 'active' = 'nothing'
  /** Until then the first NOTIFY may still come. */
  #doubt: Timer | undefined

  constructor(pair: DomainPair, watcher: Address, presentity: Address, onOver: (watch: Watch) => void) {
    this.#pair = pair
    this.watcher = watcher
    this.presentity = presentity
    this.#onOver = onOver
  }

  /** It is wanted, and the whole state anew. */
  want(): void {
    this.#wanted = true
    if (this.#state === 'asking') this.#askAgain = true
    else if (this.#state !== 'over') this.#ask()
  }

  unwant(): void {
    this.#wanted = false
    if (this.#state === 'held') this.#subscribe(0, () => {})
    // What is under way is ended when it has been answered.
    if (this.#state !== 'asking') this.over()
  }

  /** NOTIFY of this subscription: a status to answer with. */
  notified(request: PrimRequest): number {
    if (!this.#wanted) return 403
    // RFC 3859 §3.4; 0: it has been cancelled there, and nothing more will come, whatever it still says.
    if (field(request.headers, 'Duration') === '0') {
      this.#ended('rejected')
      return 200
    }
    const document = documentIn(request, this.#pair.environment.service.clock.now())
    if (typeof document === 'string') return 400
    const { remotePresence } = this.#pair.environment.service
    this.#tell('active')
    const changes = sourcesOf(document, this.watcher, this.presentity).map(
      ({ tuple, source }) => ({ kind: 'changed', tuple, source }) as const,
    )
    const isKnown = remotePresence.changed(this.watcher, this.presentity, changes, true) === 'known'
    return isKnown ? 200 : 403
  }

  /** CANCELSUBSCRIPTION, from servers that say it so. */
  cancelled(): void {
    this.#ended('rejected')
  }

  /** Nothing more is asked, and nobody told. */
  over(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#timer?.cancel()
    this.#turn?.cancel()
    this.#doubt?.cancel()
    this.#onOver(this)
  }

  #ask(): void {
    this.#timer?.cancel()
    this.#turn?.cancel()
    this.#state = 'asking'
    this.#askAgain = false
    this.#subscribe(this.#pair.environment.settings.domainLeaseSeconds, (settled) => this.#answered(settled))
  }

  #subscribe(seconds: number, settle: (settled: Settled<PrimResponse>) => void): void {
    const { watcher, presentity, id: subscription } = this
    const { clock } = this.#pair.environment.service
    const octets = (id: string): Uint8Array[] => [
      requestBytes('SUBSCRIBE', 'PRIM', id, [
        ['From', idOf(watcher, 'pres')],
        ['To', idOf(presentity, 'pres')],
        ['Duration', String(seconds)],
        ['Subscription-ID', subscription],
        ['Date', dateText(clock.now())],
        ['AStrength', 'medium'],
      ]),
    ]
    if (!this.#pair.request({ octets, settle })) settle('closed')
  }

  #answered(settled: Settled<PrimResponse>): void {
    if (this.#state !== 'asking') return
    this.#state = 'idle'
    if (typeof settled === 'string') this.#tryAgain()
    else if (isSuccess(settled.status)) this.#granted(settled)
    else this.#refused(settled)
    if ((this.#state as State) === 'held' && !this.#wanted) this.unwant()
    else if (!this.#wanted) this.over()
    else if (this.#askAgain) this.#ask()
  }

  #granted({ headers }: PrimResponse): void {
    const { settings } = this.#pair.environment
    const seconds = decimal(field(headers, 'Duration') ?? '') || settings.domainLeaseSeconds
    this.#state = 'held'
    this.#againSeconds = againSeconds.first
    if (this.#wanted && this.#told === 'nothing') this.#awaitNotify()
    // RFC 6665 §4.1.2.2: renewed before it ends, and not all at one moment.
    this.#askIn((seconds * (60 + randomBelow(25))) / 100)
  }

  /**
   * §8.4: the presence that follows says that it may be seen. The response alone does not say that it may not: who was allowed before
   * would lose what it has. NOTIFY may need a connection first.
   */
  #awaitNotify(): void {
    const { settings, service } = this.#pair.environment
    const seconds = settings.domainConnectSeconds + settings.domainResponseSeconds
    this.#doubt ??= service.clock.schedule(seconds * 1000, () => {
      if (this.#wanted && this.#told === 'nothing') this.#tell('pending')
    })
  }

  #refused(response: PrimResponse): void {
    const condition = refusalIn(response)
    if (condition === 'permission-denied') this.#ended('rejected')
    else if (condition === 'target-unknown') this.#ended('noresource')
    else this.#tryAgain()
  }

  #tryAgain(): void {
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    this.#askIn((seconds * (75 + randomBelow(50))) / 100)
  }

  #askIn(seconds: number): void {
    this.#timer?.cancel()
    const { clock, asks } = this.#pair.environment.service
    this.#timer = clock.schedule(seconds * 1000, () => {
      this.#turn?.cancel()
      // All who watch there may want to at one moment (decision 0132).
      this.#turn = asks.next(this.presentity.domain, () => {
        if (this.#wanted && this.#state !== 'over') this.#ask()
      })
    })
  }

  #tell(state: 'pending' | 'active'): void {
    if (this.#told === state) return
    this.#told = state
    this.#pair.environment.service.remotePresence[state](this.watcher, this.presentity)
  }

  #ended(reason: 'rejected' | 'noresource'): void {
    const wanted = this.#wanted
    this.#wanted = false
    this.over()
    if (wanted) this.#pair.environment.service.remotePresence.ended(this.watcher, this.presentity, reason)
  }
}
