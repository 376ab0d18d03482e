// UDP addresses as flows. Hot: the flows to those who were heard last are remembered, so that who waits for them holds one object.

import type { Bytes } from '#base'
import type { Endpoint, UdpListener } from '#net'
import type { Flow } from './flow.ts'

/** LIMIT: flows over UDP that are remembered; a power of two. */
const datagramFlowsMax = 16_384

/** Where in their table the flow to an address is remembered. */
function placeOf({ address, port }: Endpoint): number {
  let place = port
  for (let i = 0; i < address.length; i++) place = Math.imul(place, 31) + address.charCodeAt(i)
  return (place ^ (place >>> 15)) & (datagramFlowsMax - 1)
}

/** One UDP address and port. */
class DatagramFlow implements Flow {
  readonly transport = 'UDP'
  readonly reliable = false
  readonly open = true
  readonly remote: Endpoint
  readonly sentBy: string
  known = false
  readonly #listener: UdpListener

  constructor(listener: UdpListener, sentBy: string, remote: Endpoint) {
    this.#listener = listener
    this.sentBy = sentBy
    this.remote = remote
  }

  send(octets: Bytes): boolean {
    return this.#listener.send(octets, this.remote.port, this.remote.address)
  }
}

export class DatagramFlows {
  /** The newest of a place stays. */
  readonly #flows: (DatagramFlow | undefined)[] = new Array(datagramFlowsMax).fill(undefined)
  readonly #listener: UdpListener
  readonly #sentBy: string

  /** @param sentBy how Via names the listener */
  constructor(listener: UdpListener, sentBy: string) {
    this.#listener = listener
    this.#sentBy = sentBy
  }

  get listener(): UdpListener {
    return this.#listener
  }

  /** Whether it can send there: an IPv4 socket knows no IPv6; one for all addresses of IPv6 is for both (`net/udp`). */
  reaches({ address }: Endpoint): boolean {
    const { local } = this.#listener
    return local.address === '::' || local.address.includes(':') === address.includes(':')
  }

  /** Whether who is there was heard by this socket lately. */
  knows(remote: Endpoint): boolean {
    const known = this.#flows[placeOf(remote)]
    return known?.remote.port === remote.port && known.remote.address === remote.address
  }

  to(remote: Endpoint): Flow {
    const place = placeOf(remote)
    const known = this.#flows[place]
    if (known?.remote.port === remote.port && known.remote.address === remote.address) return known
    const flow = new DatagramFlow(this.#listener, this.#sentBy, remote)
    this.#flows[place] = flow
    return flow
  }
}
