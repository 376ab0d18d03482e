// What is put on the topmost Via of a request that came, RFC 3261 §18.2.1 and RFC 3581 §4.

import type { ViaStamp } from './codec/splice.ts'
import type { Via } from './codec/via.ts'
import type { Flow } from './flow.ts'

/** RFC 3261 §18.2.1: received where sent-by differs from the source; RFC 3581 §4: both where the client asked. */
export function stampOf(via: Via, flow: Flow): ViaStamp {
  const { address, port } = flow.remote
  const bracketed = address.includes(':') ? `[${address}]` : address
  const asked = via.rport === ''
  return {
    received: asked || via.host !== bracketed ? address : undefined,
    rport: asked ? port : undefined,
  }
}
