// What a session is given by whoever opened its connection.

import type { Clock } from '#base'
import type { Log } from '#observe'
import type { BeepError } from './codec/index.ts'
import type { SessionLimits } from './limits.ts'
import type { BeepProfile, Role, Session, SessionReason } from './profile.ts'

export interface SessionOptions {
  readonly role: Role
  readonly clock: Clock
  readonly log: Log
  readonly limits?: Partial<SessionLimits>
  /** What is served to the peer, in the order of the greeting. */
  readonly profiles?: readonly BeepProfile[]
  /** Optional features of channel management; none is registered (RFC 3080 §5.2). */
  readonly features?: readonly string[]
  /** Languages for the diagnostics that we get, the most desired first. */
  readonly localize?: readonly string[]
  /** Whether we operate as that server (§2.3.1.2); without it: as any. */
  readonly serves?: (serverName: string) => boolean
  /** Listener: why no session can be had now, usually 421; it is sent instead of a greeting. */
  readonly unavailable?: () => BeepError | undefined
  /** The peer has greeted: at the beginning, and again after TLS. */
  readonly onGreeting?: (session: Session) => void
  /** Called once, last. */
  readonly onClosed?: (session: Session, reason: SessionReason) => void
}
