// A UDP address that somebody else named: in a Contact, a Path or a route. Whoever has an account could name strangers' addresses and have
// their messages and calls sent there, each to many and many times (RFC 3261 §26.1.5, RFC 5393 §3). So few datagrams go to an address
// until something there answers one of them (decision 0093).

import type { Bytes, Clock } from '#base'
import { type Endpoint, RateLimit } from '#net'
import type { SparingLog } from '#observe'
import type { Flow } from './flow.ts'

/** How often a request is sent in all before Timer F (RFC 3261 §17.1.2.2). */
const datagramsOfRequest = 11

/** LIMIT: datagrams to an IP address that never answered: two requests at first, then one an hour. */
const datagramsAtFirst = 2 * datagramsOfRequest

export class ClaimedAddresses {
  readonly #budget: RateLimit
  readonly #strangers: SparingLog

  constructor(clock: Clock, strangers: SparingLog) {
    this.#budget = new RateLimit({
      perSecond: datagramsOfRequest / 3600,
      burst: datagramsAtFirst,
      clock,
    })
    this.#strangers = strangers
  }

  /** The flow itself, where somebody logged in from there or answered. */
  to(flow: Flow): Flow {
    return flow.known ? flow : new ClaimedFlow(flow, this)
  }

  /** Requests were sent there and nothing came back: another way is to be tried, where there is one. */
  isSilent({ known, remote }: Flow): boolean {
    return !known && this.#budget.left(remote.address) < datagramsOfRequest
  }

  take({ address }: Endpoint): boolean {
    if (this.#budget.take(address)) return true
    this.#strangers.count('messages are meant for an address that never answers', address)
    return false
  }
}

class ClaimedFlow implements Flow {
  readonly transport = 'UDP'
  readonly reliable = false
  readonly open = true
  readonly remote: Endpoint
  readonly sentBy: string
  readonly #flow: Flow
  readonly #claims: ClaimedAddresses

  constructor(flow: Flow, claims: ClaimedAddresses) {
    this.remote = flow.remote
    this.sentBy = flow.sentBy
    this.#flow = flow
    this.#claims = claims
  }

  get known(): boolean {
    return this.#flow.known
  }

  set known(known: boolean) {
    this.#flow.known = known
  }

  /** What is too much is known not to arrive: its transaction fails at once. */
  send(octets: Bytes): boolean {
    return (this.#flow.known || this.#claims.take(this.remote)) && this.#flow.send(octets)
  }
}
