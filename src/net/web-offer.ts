// What protocols offer to browsers: paths of the HTTP listeners where a connection is a web socket (RFC 6455), and pages beside
// them. Whether a request may have what it asks for is decided here, without a socket.

import { BlockList, isIP } from 'node:net'
import { type Connection, plainAddress } from './connection.ts'
import type { HttpRequest, HttpResponse } from './http.ts'
import type { TlsInfo } from './tls-info.ts'

/**
 * A connection over a web socket. startTls() is none of its ways: TLS is there from the start (`wss:`) or never.
 * Where the offer says `messages`, each onData is one whole message, and what was written since the last endMessage() is one.
 */
export interface WebConnection extends Connection {
  readonly subprotocol: string
  /** What was written since the last message is one, and leaves at the end of the tick. */
  endMessage(): void
}

export interface WebOffer {
  /** `/impp` */
  readonly path: string
  /** RFC 6455 §1.9: the client must offer it too. */
  readonly subprotocol: string
  /** For people: `IMPP clients (WebSocket)`. */
  readonly purpose: string
  /** Text must be UTF-8 (RFC 6455 §8.1). `either` takes both, and writes binary. Other kinds end the connection with 1003. */
  readonly kind: 'text' | 'binary' | 'either'
  /** With `either`: a message that is UTF-8 is written as text, for scripts that read nothing else. */
  readonly prefersText?: boolean
  /** `stream`: a message's end means nothing; what is written in a tick leaves as one. */
  readonly framing: 'messages' | 'stream'
  /** LIMIT: octets of a message; more ends the connection with 1009. */
  readonly messageBytesMax: number
  readonly accept: (connection: WebConnection) => void
}

/** A page for everybody, such as `/.well-known/host-meta`. */
export interface WebPage {
  readonly path: string
  readonly answer: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
}

/** Where protocols put what they offer. Offers may come before and after the listeners are open. */
export interface WebOffers {
  /** The returned function takes the offer back; connections that are open stay. */
  offer(offer: WebOffer): () => void
  page(page: WebPage): () => void
}

export interface WebPolicy {
  /** Where scripts may come from beside the same host: `https://chat.example`, or `*`. Without `Origin` (no browser) all may. */
  readonly origins: readonly string[]
  /** Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: addresses, or networks as `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[]
}

/** Fields as node:http gives them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

/** RFC 6454, RFC 6455 §10.2: a page of another site speaks with the rights of whoever looks at it. */
export function mayComeFrom(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes('*')) return true
  if (allowed.some((one) => one.toLowerCase() === origin.toLowerCase())) return true
  if (host === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === host.toLowerCase()
}

/** RFC 6455 §11.3.4: tokens by preference, in one field or several. */
export function offersSubprotocol(field: string | undefined, subprotocol: string): boolean {
  return field?.split(',').some((token) => token.trim() === subprotocol) === true
}

export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #some: boolean

  /** @throws Error when one is no address and no network */
  constructor(addresses: readonly string[]) {
    this.#some = addresses.length > 0
    for (const one of addresses) {
      const [address = '', bits] = one.split('/')
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      if (bits === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(bits), family)
    }
  }

  has(address: string): boolean {
    return this.#some && this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  }

  /**
   * The address of the client. Each proxy appends whom it saw, so the list is read from its end, over those that are trusted: what
   * stands before the first other one was written by a stranger.
   */
  clientOf(peer: string, headers: HeaderFields): string {
    if (!this.has(peer)) return peer
    const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    let client = peer
    for (const hop of hops.reverse()) {
      const address = plainAddress(hop.trim())
      if (isIP(address) === 0) return client
      client = address
      if (!this.has(address)) return client
    }
    return client
  }

  /** What is known of TLS that a trusted proxy has ended: that there was some. It binds no channel. */
  tlsOf(peer: string, headers: HeaderFields): TlsInfo | undefined {
    return this.has(peer) && headers['x-forwarded-proto'] === 'https' ? forwardedTls : undefined
  }
}

const forwardedTls: TlsInfo = {
  protocol: 'forwarded',
  cipher: 'unknown',
  alpn: undefined,
  servername: undefined,
  authorized: false,
  authorizationError: 'TLS ends at a proxy',
  peerCertificate: () => undefined,
  exportKeyingMaterial: () => {
    throw new Error('TLS ends at a proxy: it has no keying material here')
  },
  tlsExporter: () => undefined,
  tlsUnique: () => undefined,
  tlsServerEndPoint: () => undefined,
}
