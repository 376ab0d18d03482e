// A flow as text that only we can write (RFC 5626 §5.2): the user part of our Record-Route URIs. A call has one for each side, so that a
// later request of either finds the other, whatever NAT or browser it is behind; nothing of a call is kept here meanwhile.
//
// The keyed hash covers the Call-ID too: who was given a route may follow it in that call and in no other.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { TransportName } from '../flow.ts'

export interface FlowName {
  readonly transport: TransportName
  readonly address: string
  readonly port: number
}

/** A side that is another domain: its servers are found anew for each request, for connections between servers come and go. */
export interface DomainName {
  readonly ours: string
  readonly theirs: string
}

/** What one of our routes leads to. */
export type SideName = FlowName | DomainName

const domainMark = '9'
const transports: readonly TransportName[] = ['UDP', 'TCP', 'TLS', 'WS', 'WSS']
/** Octets of HMAC-SHA-256 that are kept (RFC 5626 §5.2 keeps 80 bits of its example). */
const macOctets = 10

export class FlowTokens {
  readonly #key: Uint8Array

  /** @param secret the server's own: what it wrote before a restart, it reads after */
  constructor(secret: Uint8Array) {
    this.#key = createHmac('sha256', secret).update('sip flow tokens').digest()
  }

  write(side: SideName, callId: string): string {
    const name = Buffer.from(
      'theirs' in side
        ? `${domainMark}${side.ours} ${side.theirs}`
        : `${transports.indexOf(side.transport)}${side.port} ${side.address}`,
      'latin1',
    )
    return Buffer.concat([this.#mac(name, callId), name]).toString('base64url')
  }

  /** The flow or the domain; undefined when the token is not ours, or is of another call. */
  read(token: string, callId: string): SideName | undefined {
    const octets = Buffer.from(token, 'base64url')
    const name = octets.subarray(macOctets)
    if (name.length < 4 || !timingSafeEqual(octets.subarray(0, macOctets), this.#mac(name, callId)))
      return undefined
    const text = name.toString('latin1')
    const space = text.indexOf(' ')
    if (text[0] === domainMark) return { ours: text.slice(1, space), theirs: text.slice(space + 1) }
    const transport = transports[Number(text[0])]
    if (transport === undefined) return undefined
    return { transport, port: Number(text.slice(1, space)), address: text.slice(space + 1) }
  }

  #mac(name: Buffer, callId: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(name)
      .update(callId, 'latin1')
      .digest()
      .subarray(0, macOctets)
  }
}
