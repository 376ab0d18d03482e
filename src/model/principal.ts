// Who acts. RFC 2778 §2.3: a principal is a person or program behind an address.
import type { Address } from './address.ts'

export interface Principal {
  readonly address: Address
  /** Who vouches for the address: we, the peer domain it belongs to, or nobody. */
  readonly vouchedBy: 'us' | 'peer-domain' | 'nobody'
}
