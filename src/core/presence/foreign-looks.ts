// Who of our people looks at whom in other domains. A link watches while a session or a leased subscription looks, and no longer.
import type { Address } from '#model'
import type { Asks } from '../peers/asks.ts'
import type { PeerLink } from '../peers/peers.ts'
import type { Account } from '../people/account.ts'
import { ForeignPresentity, foreignPresentitiesMax } from './foreign-presentities.ts'

export class ForeignLooks {
  readonly #asks: Asks
  readonly #byDomain = new Map<string, Map<ForeignPresentity, Account>>()

  constructor(asks: Asks) {
    this.#asks = asks
  }

  /** All that look into the domain now. */
  into(domain: string): readonly (readonly [ForeignPresentity, Account])[] {
    return [...(this.#byDomain.get(domain) ?? [])]
  }

  /** The presentity as the account holds it, from now on by `link`; undefined when the account's limit is met. */
  hold(account: Account, address: Address, link: PeerLink): ForeignPresentity | undefined {
    const known = account.foreign.get(address.key)
    if (known !== undefined) {
      if (known.link !== link) this.#change(account, known, link)
      return known
    }
    if (account.foreign.size >= foreignPresentitiesMax) return undefined
    const presentity = new ForeignPresentity(address, link)
    account.foreign.set(address.key, presentity)
    const looks = this.#byDomain.get(address.domain)
    if (looks === undefined) this.#byDomain.set(address.domain, new Map([[presentity, account]]))
    else looks.set(presentity, account)
    return presentity
  }

  /** The way to the domain is another now. */
  #change(account: Account, presentity: ForeignPresentity, link: PeerLink): void {
    if (presentity.watching) presentity.link.unwatch(account.address, presentity.address)
    presentity.watching = false
    presentity.link = link
  }

  /** Looks, or looks away where nobody does any more. */
  settle(account: Account, presentity: ForeignPresentity): void {
    if (isLookedAt(account, presentity) || presentity.wish !== undefined) this.look(account, presentity)
    else this.drop(account, presentity)
  }

  /** Asks the link to watch, if it does not, in the turn of its domain. */
  look(account: Account, presentity: ForeignPresentity): void {
    if (presentity.watching || account.foreign.get(presentity.address.key) !== presentity) return
    // Where the protocol has words, there is nothing to look at before the presentity's.
    if (presentity.link.words && !maySee(account, presentity.address)) return
    presentity.watching = true
    presentity.turn?.cancel()
    presentity.turn = this.#asks.next(presentity.address.domain, () => {
      if (presentity.watching) presentity.link.watch(account.address, presentity.address)
    })
  }

  drop(account: Account, presentity: ForeignPresentity): void {
    const { address, link } = presentity
    if (account.foreign.get(address.key) !== presentity) return
    presentity.endWish()
    presentity.turn?.cancel()
    account.foreign.delete(address.key)
    const looks = this.#byDomain.get(address.domain)
    looks?.delete(presentity)
    if (looks?.size === 0) this.#byDomain.delete(address.domain)
    if (presentity.watching) link.unwatch(account.address, address)
    presentity.watching = false
  }
}

/** RFC 6121 §4.3: the owner may see the contact. */
export function maySee(account: Account, presentity: Address): boolean {
  return account.contacts.get(presentity.key)?.authorization.to === true
}

/** The owner sees the contact, or has asked to. */
export function isAwaited(account: Account, presentity: Address): boolean {
  const authorization = account.contacts.get(presentity.key)?.authorization
  return authorization?.to === true || authorization?.pendingOut === true
}

export function isLookedAt(account: Account, { address, isSubscribed }: ForeignPresentity): boolean {
  return isSubscribed || (account.watchers.size > 0 && isAwaited(account, address))
}
