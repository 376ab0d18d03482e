// The contract between BEEP and the profiles that use it (RFC 3080 §5.1): what a profile gives, and what it gets. Nothing here
// knows what a profile is for.

import type { Bytes } from '#base'
import type { Address } from '#model'
import type { Connection, StartTlsOptions, TlsContext } from '#net'
import type { BeepError, Entity, Greeting, OutgoingEntity, ProposedProfile } from './codec/index.ts'

/** RFC 3080 §2.1: the listener awaited the connection, the initiator opened it. */
export type Role = 'initiator' | 'listener'

/** Whose session it is, once SASL has succeeded: "for all existing and future channels" (§4). */
export interface BeepIdentity {
  /** The account's primary address. */
  readonly owner: Address
  /** The address that was logged in with. */
  readonly name: Address
}

/**
 * Why a session is over. `released`: both agreed (§2.4); `refused`: the other side was not available, or did not greet; `peer`: it closed
 * or broke the connection; `malformed`: it sent what RFC 3080 ends a session for; `limit`: it went past a bound of ours; `silent`: it did
 * not do in time what was due; `slow-reader`: it took nothing of what waits for it; `us`: terminate(); `tls`: the handshake failed.
 */
export type SessionEnd =
  | 'released'
  | 'refused'
  | 'peer'
  | 'malformed'
  | 'limit'
  | 'silent'
  | 'slow-reader'
  | 'us'
  | 'tls'

export interface SessionReason {
  readonly why: SessionEnd
  /** For the log, never for the peer. */
  readonly detail?: string
}

/** One connection with BEEP on it. */
export interface Session {
  readonly role: Role
  readonly connection: Connection
  /** What the peer said of itself; undefined until its greeting has come, and again after tuning. */
  readonly peer: Greeting | undefined
  /** Of the first successful start, in either direction: "meaningful for the duration of the BEEP session" (§2.3.1.2). */
  readonly serverName: string | undefined
  readonly identity: BeepIdentity | undefined
  /** True once it is over, or on its way there. */
  readonly closing: boolean
  readonly tuning: Tuning

  /** Asks the peer for a channel. `onOutcome` is called once, later; the handler is served from then on. */
  start(request: StartRequest, onOutcome: (outcome: StartOutcome) => void): void
  /** Asks the peer to end the session (§2.4); on a refusal it goes on. Channels with exchanges under way are waited for. */
  release(onOutcome?: (outcome: CloseOutcome) => void): void
  /** Ends it without a word. */
  terminate(reason: SessionReason): void
}

/** What tuning profiles may do with a session, and no others (§2: "initial tuning"). */
export interface Tuning {
  /** True while one of them is in the midst of an exchange: only one is at a time. */
  isUnderWay: boolean
  /** Runs once no exchange is open, in either direction, on any channel but channel 0. */
  whenQuiet(run: () => void): void
  /** Runs once at most so many replies of ours are due (§3.1.3.1: "any pending replies have been generated and sent"). */
  whenReplied(dueMax: number, run: () => void): void
  /** Nothing is sent any more but what waits on channel 0. */
  silence(): void
  /** The opposite: tuning did not come about. */
  speak(): void
  /** All channels are gone, TLS begins, and fresh greetings follow. When the handshake fails the session ends. */
  secure(context: TlsContext, options: StartTlsOptions, onSecure?: () => void): void
  /** SASL succeeded. */
  identify(identity: BeepIdentity): void
  failedLogin(): void
}

export interface StartRequest {
  /** In order of preference; the peer takes one of them. */
  readonly profiles: readonly ProposedProfile[]
  readonly serverName?: string
  readonly handler: ChannelHandler
  /** For a profile that only prepares the session: the time until it is in use goes on. */
  readonly isTuning?: boolean
}

export type StartOutcome =
  | {
      readonly kind: 'started'
      readonly channel: Channel
      readonly uri: string
      /** The answer to the initialization message: empty where there was none. It may hold an error (§3.1.1). */
      readonly content: Bytes
    }
  | { readonly kind: 'refused'; readonly error: BeepError }
  /** The session ended first. */
  | { readonly kind: 'lost' }

/** A profile that is served to peers. One object serves all sessions. */
export interface BeepProfile {
  readonly uri: string
  /** True for those that only prepare the session (§2): one at a time, and they do not count as using it. */
  readonly isTuning?: boolean
  /** Whether the greeting of this session names it, and start may choose it. Without this method: always. */
  isOffered?(session: Session): boolean
  /** Why it is refused where it is not offered; 550 without this method. */
  refusal?(session: Session): BeepError | undefined
  /** The peer wants a channel. Exactly one of accept and refuse is to be called, now or later. */
  start(start: ChannelStart): void
}

export interface ChannelStart {
  readonly session: Session
  readonly number: number
  readonly uri: string
  /** As the peer wrote it; the session's own is set by the first start that succeeds. */
  readonly serverName: string | undefined
  /** The initialization message, decoded; empty where there was none. Yours to keep. */
  readonly content: Bytes
  /**
   * Creates the channel; `content` goes into the reply, at most 4096 octets. MSGs come from then on. Undefined when the session has
   * ended meanwhile. An initialization message that fails is answered inside `content` (§3.1.1), the channel exists.
   */
  accept(handler: ChannelHandler, content?: Bytes): Channel | undefined
  refuse(error: BeepError): void
}

/** What send() did. `slow-down`: taken, and onDrain will follow; `refused`: not taken, nothing will be called. */
export type SendResult = 'taken' | 'slow-down' | 'refused'

/** A channel that is open (§2.3). Octets given to it are read within the call; what must wait is copied. */
export interface Channel {
  readonly number: number
  readonly uri: string
  readonly session: Session
  /** `closing`: one side asked for its end; no new MSG goes out. */
  readonly state: 'open' | 'closing' | 'closed'
  /** Octets that wait for the peer to take more. */
  readonly queuedBytes: number
  /** MSGs sent whose replies are not complete. */
  readonly outstanding: number

  /**
   * Sends a MSG. `onReply` gets RPY or ERR once; or ANS any number of times, then NUL; or `lost` when the channel ends first. Several may
   * be outstanding: their replies come in their order (§2.6.1).
   */
  send(message: OutgoingEntity, onReply: (reply: Reply) => void): SendResult
  /** Lets no more in than the peer may already send, until resume(): for a handler that can't follow. */
  pause(): void
  resume(): void
  /** Asks the peer to close it (§2.3.1.3), once our own MSGs are replied to. */
  close(code?: number, text?: string, onOutcome?: (outcome: CloseOutcome) => void): void
}

export type CloseOutcome =
  | { readonly kind: 'closed' }
  | { readonly kind: 'refused'; readonly error: BeepError }
  | { readonly kind: 'lost' }

/** Entities are loans until the call returns. */
export type Reply =
  | { readonly kind: 'RPY' | 'ERR'; readonly entity: Entity }
  | { readonly kind: 'ANS'; readonly ansno: number; readonly entity: Entity }
  | { readonly kind: 'NUL' }
  /** No reply will come, or none that can be read; the channel closes. */
  | { readonly kind: 'lost'; readonly why: 'closed' | 'malformed' | 'too-large' }

/** What a profile does with the events of one channel. */
export interface ChannelHandler {
  /** A whole MSG. `entity` is a loan until the call returns; the replying may be later, and in any order among MSGs. */
  onMessage(entity: Entity, replying: Replying): void
  /**
   * A MSG that could not be given: `malformed` entity headers, or `too-large` (then it is answered before it is complete, §2.6.3).
   * Gives the negative reply in the words of the profile; without this method an `error` element is sent, 500 or 554.
   */
  negative?(why: 'malformed' | 'too-large'): OutgoingEntity
  /** What waits is written: whoever slowed down may go on. */
  onDrain?(): void
  /** The peer wants to close the channel; an error refuses (§2.3.1.3: "at any time"). Without this method: agreed. */
  onCloseAsked?(code: number, text: string): BeepError | undefined
  /** Called once, last. */
  onClosed?(why: 'closed' | 'lost' | 'reset'): void
}

/** How a MSG is answered: positive() or negative() once, or answer() any number of times and then end() (§2.1.1). */
export interface Replying {
  /** False once the channel is gone: what is said then is dropped. */
  readonly open: boolean
  positive(reply: OutgoingEntity): void
  negative(reply: OutgoingEntity): void
  /** One ANS; the numbers are given out here. Says whether to slow down. */
  answer(reply: OutgoingEntity): SendResult
  /** NUL. */
  end(): void
}
