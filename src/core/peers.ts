// Other domains: a PeerLink carries envelopes to one of them, by whatever protocol it speaks.
import type { Address, Envelope, Outcome } from '#model'

export interface PeerLink {
  readonly protocol: string
  readonly domain: string
  /** Carries it one hop on, with one hop less (RFC 3860 §4.1.1). */
  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void
}

/** Which link leads to a domain. */
export interface Peers {
  /** The link, or undefined when no configured protocol reaches the domain. */
  linkTo(address: Address): PeerLink | undefined
}

/** A server that speaks to no other domain. */
export const noPeers: Peers = { linkTo: () => undefined }
