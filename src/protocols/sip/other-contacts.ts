// Contacts that are no SIP URIs, such as mailto and tel: "The Contact header field values [...] typically consist of SIP or SIPS URIs [...],
// but can be URIs of any scheme" (RFC 3261 §10.2.1). They are kept, listed and told like phones, and nothing is ever sent to them (decision 0094).

import type { Account, Lease } from '#core'
import type { Param } from './codec/params.ts'
import type { ContactEvent } from './codec/registration-info.ts'
import type { SipContext } from './context.ts'

export interface OtherFacts {
  readonly uri: string
  /** 0 to 1. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  /** Its other parameters as they came. */
  readonly params: readonly Param[]
}

export interface OtherContact {
  facts: OtherFacts
  lease: Lease
  /** Clock.now() when it began. */
  readonly since: number
  renewed: boolean
}

/** One Contact of a REGISTER; `seconds` 0 takes it away. */
export interface OtherUpdate {
  readonly other: OtherFacts
  readonly seconds: number
}

export type TellOther = (account: Account, contact: OtherContact, event: ContactEvent) => void

export class OtherContacts {
  /** Bounded as phones are: both together are no more than `contacts_max`. */
  readonly #lists = new Map<string, OtherContact[]>()
  readonly #tell: TellOther

  constructor(tell: TellOther) {
    this.#tell = tell
  }

  /** In the order they came. */
  of(account: Account): readonly OtherContact[] {
    return this.#lists.get(keyOf(account)) ?? []
  }

  /** How many there would be. */
  countAfter(account: Account, updates: readonly OtherUpdate[]): number {
    const uris = new Set(this.of(account).map(({ facts }) => comparable(facts.uri)))
    for (const { other, seconds } of updates)
      if (seconds > 0) uris.add(comparable(other.uri))
      else uris.delete(comparable(other.uri))
    return uris.size
  }

  /** RFC 3261 §10.3 step 7: of the same Call-ID, and no later than what is known. */
  isLate(account: Account, updates: readonly OtherUpdate[]): boolean {
    return updates.some(({ other }) => {
      const before = this.#find(account, other.uri)?.facts
      return before !== undefined && before.callId === other.callId && other.cseq <= before.cseq
    })
  }

  update({ service }: SipContext, account: Account, { other, seconds }: OtherUpdate): void {
    const known = this.#find(account, other.uri)
    if (seconds === 0) {
      if (known !== undefined) this.#remove(account, known, 'unregistered')
      return
    }
    if (known?.lease.active === true) {
      known.facts = other
      known.renewed = true
      known.lease.renew(seconds)
      return this.#tell(account, known, 'refreshed')
    }
    const contact: OtherContact = {
      facts: other,
      lease: service.leases.grant(seconds, () => this.#remove(account, contact, 'expired')),
      since: service.clock.now(),
      renewed: false,
    }
    this.#lists.set(keyOf(account), [...this.of(account), contact])
    this.#tell(account, contact, 'registered')
  }

  removeAll(account: Account): void {
    for (const contact of this.of(account)) this.#remove(account, contact, 'unregistered')
  }

  #remove(account: Account, contact: OtherContact, event: ContactEvent): void {
    contact.lease.cancel()
    const left = this.of(account).filter((one) => one !== contact)
    if (left.length > 0) this.#lists.set(keyOf(account), left)
    else this.#lists.delete(keyOf(account))
    this.#tell(account, contact, event)
  }

  #find(account: Account, uri: string): OtherContact | undefined {
    return this.of(account).find(({ facts }) => comparable(facts.uri) === comparable(uri))
  }
}

/** An account that was taken away and made again is another. */
const keyOf = ({ address, record }: Account): string => `${address.key} ${record.created}`

/** Schemes know no case; what follows is compared as it is, for we know no more of the scheme (RFC 3986 §6.2.2.1). */
function comparable(uri: string): string {
  const colon = uri.indexOf(':')
  return uri.slice(0, colon).toLowerCase() + uri.slice(colon)
}
