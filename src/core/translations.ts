// Counts what crosses from one protocol to another, and so has to be looked into. It stays flat for traffic within a protocol,
// which is passed on as octets.
import type { Envelope } from '#model'
import type { CounterFamily, Metrics } from '#observe'

export class Translations {
  readonly #counted: CounterFamily

  constructor(metrics: Metrics) {
    this.#counted = metrics.counterFamily({
      name: 'verona_translations',
      help: 'Messages and presence offered to a device or domain of another protocol than they came by.',
      labels: ['from', 'to'],
    })
  }

  /** An envelope goes to an agent of `protocol`. */
  count({ head }: Envelope, protocol: string): void {
    if (head.protocol !== protocol) this.#counted.with(head.protocol, protocol).add()
  }
}
