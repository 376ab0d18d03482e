// Opens a connection to another domain: its servers in their order, each by all its addresses, until one is ready or the time is
// up (docs/specs/impp-1.0.md §12.1).

import type { Connection, Place, PlaceFinder } from '#net'
import type { Dial } from '#protocols/exchange'
import type { DomainsEnvironment } from './environment.ts'
import type { Parties } from './session.ts'
import { DomainSession } from './session.ts'
import { InitiatorSetUp } from './set-up-initiator.ts'

/** LIMIT: addresses that are tried for one connection. */
const addressesMax = 8

export interface OpeningParts {
  readonly environment: DomainsEnvironment
  readonly places: Pick<PlaceFinder, 'find'>
  readonly dial: Dial
  readonly ours: string
  readonly theirs: string
  readonly bulk: boolean
  /** Called in the tick in which it got ready: what follows the far end's last word is already for its owner. */
  readonly onReady: (session: DomainSession, parties: Parties) => void
}

/** The connection broke before it was ready, for no reason that was said. */
class Broken extends Error {}

/** Resolves when a connection is ready; rejects with an Error that tells of each address why not. */
export async function openSession(parts: OpeningParts, signal: AbortSignal): Promise<void> {
  const failures: string[] = []
  let tried = 0
  for (const place of (await parts.places.find(parts.theirs)).all) {
    for (const host of await addressesOf(parts, place, failures)) {
      if (signal.aborted) throw new Error(['the time is up', ...failures].join('; '))
      if (++tried > addressesMax) break
      // One that was there and broke may have met an accident of the network: it gets another try.
      for (let tries = 2, ended = true; ended && tries > 0 && !signal.aborted; tries--) {
        try {
          const connection = await parts.dial({ host, port: place.port, direct: false }, signal)
          return await setUp(parts, connection, signal)
        } catch (error) {
          ended = error instanceof Broken
          failures.push(`${host}:${place.port}: ${(error as Error).message}`)
        }
      }
    }
  }
  throw new Error(failures.length === 0 ? `${parts.theirs} has no server for IMPP` : failures.join('; '))
}

/** Tries the one place that `places` knows, up to where requests could be sent, and closes again: for an operator who asks. */
export async function tryServer(parts: Omit<OpeningParts, 'onReady'>, signal: AbortSignal): Promise<string> {
  let found = ''
  let opened: DomainSession | undefined
  const onReady = (session: DomainSession, { identity }: Parties): void => {
    opened = session
    found = `ready, ${session.connection.tls?.protocol ?? 'no TLS'}, ${identity === '' ? 'it did not prove itself' : identity}`
  }
  await openSession({ ...parts, onReady }, signal)
  // Not before it is ready to all: one that is over before that never was.
  opened?.close('it was opened to see whether it can be')
  return found
}

async function addressesOf(
  { environment }: OpeningParts,
  { host }: Place,
  failures: string[],
): Promise<readonly string[]> {
  try {
    const found = await environment.resolver.addresses(host)
    if (found.length === 0) failures.push(`${host} has no address`)
    return found
  } catch (error) {
    // Another server of the domain may be found.
    failures.push((error as Error).message)
    return []
  }
}

function setUp(parts: OpeningParts, connection: Connection, signal: AbortSignal): Promise<void> {
  const { environment, ours, theirs, bulk } = parts
  return new Promise((resolve, reject) => {
    const onReady = (ready: DomainSession, parties: Parties): void => {
      signal.removeEventListener('abort', abort)
      parts.onReady(ready, parties)
      resolve()
    }
    const session = new DomainSession({
      connection,
      environment,
      role: 'initiator',
      bulk,
      setUp: new InitiatorSetUp({ ours, theirs, onReady }),
      onFailed: (_session, why, broke) => reject(broke ? new Broken(why) : new Error(why)),
    })
    const abort = (): void => session.fail('the time is up')
    signal.addEventListener('abort', abort, { once: true })
    session.start()
  })
}
