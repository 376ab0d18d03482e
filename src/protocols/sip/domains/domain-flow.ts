// The way back to somebody of another domain as a flow: requests in a dialog that they began go by the connection that they came by while it
// is open, which they read as they read our answers (decision 0092), else by one that is opened to where the dialog says.

import type { Bytes } from '#base'
import type { Endpoint } from '#net'
import type { Flow, TransportName } from '../flow.ts'
import type { DomainsEnvironment, Ends } from './environment.ts'
import type { Reach } from './reach.ts'

export class DomainFlow implements Flow {
  readonly transport: TransportName
  readonly reliable = true
  readonly remote: Endpoint
  readonly sentBy: string
  readonly open = true
  known = true
  isOutward = true
  readonly #environment: DomainsEnvironment
  readonly #reach: Reach
  readonly #ends: Ends
  readonly #uri: string
  readonly #came: Flow

  /** @param uri the next hop @param came by which its request came */
  constructor(environment: DomainsEnvironment, reach: Reach, ends: Ends, uri: string, came: Flow) {
    const { settings } = environment
    this.#environment = environment
    this.#reach = reach
    this.#ends = ends
    this.#uri = uri
    this.#came = came
    this.transport = came.transport
    this.remote = { address: ends.theirs, port: 0 }
    this.sentBy = came.transport !== 'TLS' || settings.host !== undefined ? came.sentBy : ends.ours
  }

  /** Taken for sent; where no way is found, those who wait for an answer hear so. */
  send(octets: Bytes): boolean {
    const journey = this.#reach.journey({
      ...this.#ends,
      uri: this.#uri,
      size: octets.length,
      first: this.#came,
    })
    const next = (): void =>
      journey.next((flow) => {
        if (flow === undefined) {
          this.#reach.failed(this.#ends.theirs, journey.why)
          this.#environment.layer.flowEnded(this)
        } else if (!flow.send(octets)) next()
      })
    next()
    return true
  }
}
