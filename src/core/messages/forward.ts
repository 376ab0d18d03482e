// A person who has moved, for a while or for good (IMPP §18.8; RFC 6120 §8.3.3.5, §8.3.3.14; RFC 3261 §21.3): whoever may reach
// them is told where they are now.
import { type Address, addressOfUri, presUri, type Refused, refused } from '#model'
import { type AccessSubject, mayMessage } from '../people/access.ts'
import { ruleFor } from '../people/access-rules.ts'
import type { Directory } from '../people/directory.ts'
import type { Router } from '../router.ts'
import type { Scripts } from '../scripts/scripts.ts'

export interface Forward {
  /** A URI that names a person: impp, im, pres, sip, sips, xmpp. */
  readonly location: string
  readonly permanent: boolean
}

/** LIMIT: octets of a location. */
export const forwardLocationMax = 1024

interface Mover extends AccessSubject {
  readonly forward: Forward | undefined
}

/** What a requester is told instead of being served; the owner, and who is blocked, are told nothing. */
export function moved(owner: Mover, by: Address): Refused | undefined {
  const { forward } = owner
  if (forward === undefined || by.key === owner.address.key || !mayMessage(owner, by)) return undefined
  const condition = forward.permanent ? 'permanently-forwarded' : 'temporarily-forwarded'
  return { kind: 'refused', condition, location: forward.location }
}

/** The same of an account that may have to be loaded; and what a script has to say to a wish to watch (RFC 3880). */
export function whereMoved(
  {
    directory,
    router,
    scripts,
  }: { readonly directory: Directory; readonly router: Router; readonly scripts: Pick<Scripts, 'aboutWish'> },
  presentity: Address,
  watcher: Address,
  use: (elsewhere: Refused | undefined) => void,
): void {
  if (!router.isLocal(presentity.domain)) return use(scripts.aboutWish(watcher, presentity))
  directory.find(presentity, (found) => {
    if (typeof found === 'string') return use(undefined)
    use(
      moved(found, watcher) ??
        scripts.aboutWish(watcher, presentity) ??
        (router.isLocal(watcher.domain) ? undefined : named(found, presentity, watcher)),
    )
  })
}

/** One of another domain who asked by an alias: what comes back is from the primary address, which its domain would not know. */
function named(owner: Mover, asked: Address, by: Address): Refused | undefined {
  if (asked.key === owner.address.key) return undefined
  // A politely blocked one is told what anybody is; a blocked one no name.
  if (ruleFor(owner.rules, by)?.action === 'block') return refused('permission-denied')
  return { kind: 'refused', condition: 'permanently-forwarded', location: presUri(owner.address) }
}

/** Why a message from `by` is not taken: it is blocked, or the owner has moved. */
export function messageRefusal(owner: Mover, by: Address, agent = ''): Refused | undefined {
  return mayMessage(owner, by, agent) ? moved(owner, by) : refused('permission-denied')
}

/** Why nobody can be sent there: no URI that names a person, or just the one who has moved. */
export function locationFault(
  location: string,
  names: readonly Address[],
): 'address-malformed' | 'loop-detected' | undefined {
  if (location.length > forwardLocationMax || !/^[a-z]+:[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~]+$/i.test(location))
    return 'address-malformed'
  const address = addressOfUri(location)
  if (address === undefined || address.user === '') return 'address-malformed'
  return names.some(({ key }) => key === address.key) ? 'loop-detected' : undefined
}
