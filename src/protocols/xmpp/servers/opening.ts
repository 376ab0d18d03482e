// Opens a stream to another domain: its servers in their order, each by all its addresses, until one is ready or the time is up
// (RFC 6120 §3.2.1, XEP-0368).
import type { Connection, Place, PlaceFinder, TlsContext } from '#net'
import type { Channel } from './channel.ts'
import { proofPolicyOf, type ServersEnvironment } from './environment.ts'
import type { InitiatingPolicy } from './initiating.ts'
import { InitiatingStream, ownContext, type Ready, type StreamFailure } from './initiating-stream.ts'

/** LIMIT: addresses that are tried for one stream. */
const addressesMax = 8

/** How TLS begins where it begins at once. */
export interface DirectTls {
  readonly context: TlsContext
  readonly servername: string
  readonly alpn: readonly string[]
}

/** Opens a connection; rejects with an Error that says why there is none. */
export type Dial = (
  place: { readonly host: string; readonly port: number; readonly tls: DirectTls | undefined },
  signal: AbortSignal,
) => Promise<Connection>

export interface OpeningParts {
  readonly environment: ServersEnvironment
  readonly places: Pick<PlaceFinder, 'find'>
  readonly dial: Dial
  readonly ours: string
  readonly theirs: string
  readonly purpose: InitiatingPolicy['purpose']
  readonly question?: { readonly key: string; readonly id: string }
  readonly resume?: { readonly id: string; readonly h: number } | undefined
  /** Called in the tick in which it got ready: what follows the far end's last word is already for its channel. */
  readonly onReady: (ready: Ready) => Channel
  readonly onAnswer?: (answer: string) => void
}

/** The connection broke before it was ready, for no reason that was said. */
class Broken extends Error {}

/** A server that the names lead to does not have the domain. */
class HostUnknown extends Error {}

/** DNS knows no server of the domain, or those that it knows do not have it. */
export class NoServer extends Error {}

/** Resolves when a stream is ready, or its question answered; rejects with an Error that tells of each address why not. */
export async function openStream(parts: OpeningParts, signal: AbortSignal): Promise<void> {
  const failures: string[] = []
  const { all: places } = await parts.places.find(parts.theirs)
  if (places.length === 0) throw new NoServer(`${parts.theirs} has no server for XMPP`)
  let tried = 0
  let unknown = 0
  for (const place of places) {
    for (const host of await addressesOf(parts, place, failures)) {
      if (signal.aborted) throw new Error(['the time is up', ...failures].join('; '))
      if (++tried > addressesMax) break
      // One that was there and broke may have met an accident of the network: it gets another try.
      for (let tries = 2, ended = true; ended && tries > 0 && !signal.aborted; tries--) {
        try {
          const { ours, theirs, environment } = parts
          const tls = place.direct
            ? { context: ownContext(environment, ours), servername: theirs, alpn: ['xmpp-server'] }
            : undefined
          const connection = await parts.dial({ host, port: place.port, tls }, signal)
          return await setUp(parts, connection, signal)
        } catch (error) {
          ended = error instanceof Broken
          if (error instanceof HostUnknown) unknown++
          failures.push(`${host}:${place.port}: ${(error as Error).message}`)
        }
      }
    }
  }
  const why = failures.join('; ') || 'the time is up'
  throw unknown > 0 && unknown === failures.length ? new NoServer(why) : new Error(why)
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
  const { environment, ours, theirs, purpose, question, resume } = parts
  return new Promise((resolve, reject) => {
    const abort = (): void => stream.giveUp('the time is up')
    const stream = new InitiatingStream({
      connection,
      environment,
      policy: { ours, theirs, purpose, ...proofPolicyOf(environment, theirs) },
      ...(question && { question }),
      resume,
      onReady: (_stream, ready) => {
        signal.removeEventListener('abort', abort)
        const channel = parts.onReady(ready)
        resolve()
        return channel
      },
      onAnswer: (answer) => {
        parts.onAnswer?.(answer)
        resolve()
      },
      onFailed: (why, how) => {
        signal.removeEventListener('abort', abort)
        reject(errorOf(how, why))
      },
    })
    signal.addEventListener('abort', abort, { once: true })
    stream.start()
  })
}

function errorOf(how: StreamFailure, why: string): Error {
  if (how === 'host-unknown') return new HostUnknown(why)
  return how === 'unsaid' ? new Broken(why) : new Error(why)
}
