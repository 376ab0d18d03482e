// Two sessions joined in memory, a profile that echoes, and a peer by hand that speaks octets.

import assert from 'node:assert/strict'
import { VirtualClock } from '#base'
import { type Connection, type ConnectionPairOptions, connectionPair, flushConnections } from '#net'
import { silentLog } from '#observe'
import type { BeepProfile, Channel, ChannelHandler, SessionReason, StartOutcome } from '../profile.ts'
import { BeepSession } from '../session.ts'
import type { SessionOptions } from '../session-options.ts'

export const echoUri = 'http://example.com/beep/echo'

/** Answers every MSG with its own content; what came with the start goes back in its reply. */
export const echoProfile: BeepProfile = {
  uri: echoUri,
  start: (start) => void start.accept(echoHandler, start.content),
}

export const echoHandler: ChannelHandler = {
  onMessage: (entity, replying) => replying.positive({ contentType: entity.contentType, body: entity.body }),
}

export interface Side {
  readonly session: BeepSession
  readonly connection: Connection
  /** Why it is over, once it is. */
  ended(): SessionReason | undefined
}

export interface Pair {
  readonly clock: VirtualClock
  readonly listener: Side
  readonly initiator: Side
  /** Lets everything happen that follows without time. */
  flush(): void
}

type Options = Partial<SessionOptions>

export function pair(listener: Options = {}, initiator: Options = {}, net: ConnectionPairOptions = {}): Pair {
  const clock = new VirtualClock()
  const [ours, theirs] = connectionPair({ clock, ...net })
  const sides = {
    listener: side(ours, { role: 'listener', clock, log: silentLog, profiles: [echoProfile], ...listener }),
    initiator: side(theirs, { role: 'initiator', clock, log: silentLog, ...initiator }),
  }
  flushConnections()
  return { clock, ...sides, flush: flushConnections }
}

function side(connection: Connection, options: SessionOptions): Side {
  let reason: SessionReason | undefined
  const session = new BeepSession(connection, {
    ...options,
    onClosed: (ended, why) => {
      assert.equal(reason, undefined, 'told once')
      reason = why
      options.onClosed?.(ended, why)
    },
  }).begin()
  return { session, connection, ended: () => reason }
}

/** A channel of the initiator to the echo of the listener. */
export function openEcho({ initiator, flush }: Pair, handler: ChannelHandler = echoHandler): Channel {
  const outcomes: StartOutcome[] = []
  initiator.session.start({ profiles: [{ uri: echoUri }], handler }, (outcome) => outcomes.push(outcome))
  flush()
  const [outcome] = outcomes
  assert.ok(outcome?.kind === 'started', JSON.stringify(outcomes))
  return outcome.channel
}

export interface Hand {
  readonly clock: VirtualClock
  readonly session: BeepSession
  /** Sends octets to the session and answers with what it wrote since. */
  say(octets?: string | Uint8Array): string
  ended(): SessionReason | undefined
  /** Why the hand's own end is over: the session closed the connection. */
  isCut(): boolean
  readonly connection: Connection
}

/** A peer that is not ours: every octet is written by the test. */
export function hand(options: Options = {}, net: ConnectionPairOptions = {}): Hand {
  const clock = new VirtualClock()
  const [ours, theirs] = connectionPair({ clock, ...net })
  let heard = ''
  let isCut = false
  theirs.start({
    onData: (octets) => {
      heard += Buffer.from(octets).toString('latin1')
    },
    onEnd: () => {
      isCut = true
    },
    onClose: () => {
      isCut = true
    },
  })
  const { session, ended } = side(ours, {
    role: 'listener',
    clock,
    log: silentLog,
    profiles: [echoProfile],
    ...options,
  })
  return {
    clock,
    session,
    connection: theirs,
    ended,
    isCut: () => isCut,
    say: (octets = '') => {
      if (octets.length > 0) theirs.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets)
      flushConnections()
      const said = heard
      heard = ''
      return said
    },
  }
}

/** A frame by hand. */
export function frame(header: string, payload = ''): string {
  return `${header} ${Buffer.byteLength(payload)}\r\n${payload}END\r\n`
}

export const xmlHead = 'Content-Type: application/beep+xml\r\n\r\n'

/** A frame of channel 0, or of a tuning channel. */
export function xmlFrame(header: string, body: string): string {
  return frame(header, `${xmlHead}${body}\r\n`)
}
