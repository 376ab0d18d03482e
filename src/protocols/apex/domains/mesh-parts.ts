// What all that speaks with relays of other domains is given.

import type { PeerEnvironment } from '#core'
import type { Connection, Place, Resolver, TlsContext } from '#net'
import type { Relay } from '../relay.ts'

export interface MeshParts {
  readonly relay: Relay
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly others: PeerEnvironment<Resolver>
  /** Opens a TCP connection; rejects with an Error that says why there is none. */
  readonly dial: (place: Place) => Promise<Connection>
}
