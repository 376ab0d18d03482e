// The subscribe operations that people of other domains have in progress here (RFC 3343 §4: "kept in persistent storage"): what of one is stored
// beside its watcher and its presentity.

import { type Bytes, text, utf8 } from '#base'
import type { StoredSubscription } from '#core'
import { type EndpointName, readEndpoint } from '../codec/index.ts'
import type { SubscriptionParts } from '../services/subscription.ts'

interface Kept {
  readonly originator: string
  readonly publisher: string
  readonly transId: number
}

export function stateOf({ originator, publisher, transId }: SubscriptionParts): Bytes {
  const kept: Kept = { originator: originator.written, publisher, transId }
  return utf8(JSON.stringify(kept))
}

export type KeptParts = Pick<
  SubscriptionParts,
  'originator' | 'watcher' | 'presentity' | 'publisher' | 'transId' | 'domain'
>

/** What stateOf made, read again. */
export function partsOfStored({ watcher, presentity, state }: StoredSubscription): KeptParts {
  const { originator, publisher, transId } = JSON.parse(text(state)) as Kept
  const { domain } = presentity
  return {
    originator: readEndpoint(originator) as EndpointName,
    watcher,
    presentity,
    publisher,
    transId,
    domain,
  }
}
