// A session to a relay of another domain: found by SRV, under TLS, proven by its certificate, and told by bind for whom we speak (RFC 3340
// §3.1, §4.4.2). One place after another, until a relay takes it.

import { utf8 } from '#base'
import type { Connection, Place, PlaceFinder, Proof } from '#net'
import {
  type BeepProfile,
  type Channel,
  type ChannelHandler,
  type Session,
  startTls,
  tlsProfile,
} from '#protocols/beep'
import { apexProfile } from '../binding.ts'
import { bindDocument, isRefusal, readMessage } from '../codec/index.ts'
import { logInAsDomain } from './external.ts'
import type { MeshParts } from './mesh-parts.ts'
import type { Line } from './pair.ts'

/** LIMIT: addresses that are tried for one session. */
const addressesMax = 8

export interface OpeningParts extends MeshParts {
  readonly ours: string
  readonly theirs: string
  readonly places: Pick<PlaceFinder, 'find'>
  /** Channels to bind on. */
  readonly channels: number
  /** Whether the far end may speak for the domain. */
  readonly proof: (session: Session) => Proof
  /** What serves a channel that we opened. */
  readonly handler: (session: Session, onDrain: () => void, onClosed: () => void) => ChannelHandler
  readonly onChannel: (channel: Channel) => void
  readonly onChannelClosed: (channel: Channel) => void
  readonly onDrain: () => void
  readonly begin: (
    connection: Connection,
    profiles: readonly BeepProfile[],
    onGreeting: (session: Session) => void,
    onOver: (session: Session, detail: string) => void,
  ) => void
  readonly onOver: (session: Session, detail: string) => void
}

export async function openLine(parts: OpeningParts): Promise<Line> {
  const { theirs, places, dial } = parts
  const failures: string[] = []
  let tried = 0
  for (const { host: name, port } of (await places.find(theirs)).all) {
    for (const host of await addressesOf(parts, name, failures)) {
      if (++tried > addressesMax) break
      try {
        return await bound(parts, await dial({ host, port, direct: false } satisfies Place))
      } catch (error) {
        failures.push(`${host}:${port}: ${(error as Error).message}`)
      }
    }
  }
  throw new Error(failures.join('; ') || `${theirs} has no relay`)
}

async function addressesOf(
  { others }: OpeningParts,
  host: string,
  failures: string[],
): Promise<readonly string[]> {
  try {
    return await others.resolver.addresses(host)
  } catch (error) {
    // Another relay of the domain may be found.
    failures.push((error as Error).message)
    return []
  }
}

/** TLS, proof, login where it is offered, bind. Rejects when the session ends before. */
function bound(parts: OpeningParts, connection: Connection): Promise<Line> {
  const { ours, theirs, tls, relay } = parts
  const context = { secureContext: () => tls.secureContext(ours) }
  return new Promise((resolve, reject) => {
    const fail = (session: Session, why: string): void => {
      reject(new Error(why))
      session.terminate({ why: 'us', detail: why })
    }
    const greeted = (session: Session): void => {
      if (session.connection.tls === undefined && session.peer?.profiles.includes(tlsProfile))
        return startTls(session, { context, serverName: theirs }, (error) => {
          if (error !== undefined) fail(session, `TLS was refused: ${error.code} ${error.text ?? ''}`)
        })
      const proof = parts.proof(session)
      if (!proof.proven) return fail(session, proof.why)
      logInAsDomain(session, parts, (refusal) => {
        if (refusal !== undefined) return fail(session, refusal)
        for (let number = 0; number < parts.channels; number++)
          bind(parts, session, (why) => {
            if (why !== undefined) return fail(session, why)
            resolve({ session, since: relay.service.clock.now(), identity: proof.identity })
          })
      })
    }
    parts.begin(connection, [], greeted, (session, detail) => {
      reject(new Error(detail))
      parts.onOver(session, detail)
    })
  })
}

/** §4.4.2, with the start of the channel (§4.2). */
function bind(parts: OpeningParts, session: Session, onBound: (why?: string) => void): void {
  let opened: Channel | undefined
  const handler = parts.handler(session, parts.onDrain, () => {
    if (opened !== undefined) parts.onChannelClosed(opened)
  })
  const profiles = [{ uri: apexProfile, content: utf8(bindDocument(parts.ours, 1)) }]
  session.start({ profiles, serverName: parts.theirs, handler }, (outcome) => {
    if (outcome.kind === 'lost') return onBound('the session ended')
    if (outcome.kind === 'refused') return onBound(`APEX was refused: ${outcome.error.code}`)
    const answer = readMessage(outcome.content)
    if (isRefusal(answer) || answer.kind !== 'ok')
      return onBound(
        `bind was refused: ${isRefusal(answer) || answer.kind !== 'error' ? 'no answer' : `${answer.code} ${answer.text}`}`,
      )
    opened = outcome.channel
    parts.onChannel(outcome.channel)
    onBound()
  })
}
