// How a stream that is logged in gets its session: a new one with a resource (RFC 6120 §7), or the one that its client had (XEP-0198 §5).
import { randomId } from '#base'
import type { Account } from '#core'
import type { Address, Refused } from '#model'
import { BoundSession, type Stream } from './bound-session.ts'
import type { SessionEnvironment } from './session-environment.ts'
import type { StreamManagement } from './stream-management.ts'

/** LIMIT: seconds that a resumption waits for outcomes of what the client sent before; decision 0066. */
const patienceSeconds = 5

export interface Entering {
  readonly user: Address
  readonly domain: string
  /** Of the stream header. */
  readonly lang: string | undefined
  readonly stream: Stream
}

/** @param onBound called once, later where the account must be loaded */
export function bindResource(
  environment: SessionEnvironment,
  entering: Entering,
  wanted: string | undefined,
  onBound: (bound: BoundSession | 'internal-server-error' | 'resource-constraint') => void,
): void {
  environment.service.directory.find(entering.user, (found) => {
    if (!entering.stream.isOpen) return
    if (found === 'unknown') return onBound('resource-constraint')
    if (found === 'fault') return onBound('internal-server-error')
    attach(environment, entering, found, wanted ?? randomId(), onBound)
  })
}

function attach(
  environment: SessionEnvironment,
  { domain, lang, stream }: Entering,
  account: Account,
  wanted: string,
  onBound: (bound: BoundSession | 'internal-server-error' | 'resource-constraint') => void,
): void {
  const { service } = environment
  let resource = wanted
  const older = account.inbox.named(resource)
  // RFC 6120 §7.7.2.2: we choose to end the older session. What is not ours keeps its name.
  if (older instanceof BoundSession) older.signOut('conflict')
  else if (older !== undefined) resource = randomId()
  const session = new BoundSession({ ...environment, account, resource, domain, lang, stream })
  service.messages.attach(session, (attached: Account | Refused) => {
    if ('kind' in attached && attached.condition === 'resource-limit' && endAwaited(account))
      return attach(environment, { user: account.address, domain, lang, stream }, account, resource, onBound)
    if ('kind' in attached)
      return onBound(
        attached.condition === 'internal-fault' ? 'internal-server-error' : 'resource-constraint',
      )
    environment.metrics.sessions.add()
    service.contacts.attach(account, session)
    onBound(session)
  })
}

/** Whoever is here goes before a session whose client is not: the one that waits longest ends. False when none waits. */
function endAwaited(account: Account): boolean {
  for (const agent of account.inbox.agents) {
    if (!(agent instanceof BoundSession) || !agent.isAway) continue
    agent.end()
    return true
  }
  return false
}

/** `unknown` is also what is over, with the count of what was handled where that is known. */
export type Resumed =
  | { readonly kind: 'resumed'; readonly session: BoundSession }
  | { readonly kind: 'unknown'; readonly h: number | undefined }
  | { readonly kind: 'impossible'; readonly sent: number }

/** @param onResumed called once, unless the stream ends before */
export function resumeSession(
  { service, resumptions }: SessionEnvironment,
  { user, stream }: Entering,
  wanted: { readonly previous: string; readonly h: number },
  onResumed: (resumed: Resumed) => void,
): void {
  const found = resumptions.find(wanted.previous, user)
  if (!(found instanceof BoundSession)) return onResumed({ kind: 'unknown', h: found.h })
  const management = found.management as StreamManagement
  const { unacknowledged, handled } = management
  // Before the session is touched: what is wrong with this stream is no harm to the other.
  if (!unacknowledged.isPossible(wanted.h))
    return onResumed({ kind: 'impossible', sent: unacknowledged.sent })
  found.letGo()
  // What the client were told is not handled it would send again.
  let isWaiting = true
  const goOn = (): void => {
    if (!isWaiting) return
    isWaiting = false
    patience.cancel()
    if (!stream.isOpen) return
    // Meanwhile it may have ended, or its client may have come by another way.
    if (!found.isAway) return onResumed({ kind: 'unknown', h: handled.count })
    found.resume(stream, wanted.h)
    onResumed({ kind: 'resumed', session: found })
  }
  const patience = service.leases.grant(patienceSeconds, goOn)
  management.whenSettled(goOn)
}
