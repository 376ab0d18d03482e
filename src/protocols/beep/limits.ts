// What a peer may make us hold and do. Each bound has a setting, for the protocols that stand on BEEP to put among their own.

import { integer, octets, type Section, type SettingsOf, seconds } from '#config'
import { initialWindow } from './codec/index.ts'

export interface SessionLimits {
  /** LIMIT: channels of one session, channel 0 not counted. RFC 3080 §2.3 wants at least 257 with it. */
  readonly channelsMax: number
  /** LIMIT: octets of one message; a MSG past it is answered with ERR, a reply past it closes its channel. */
  readonly messageOctetsMax: number
  /** Octets that the peer may send ahead on a channel; not less than 4096 (RFC 3081 §3.1.1). */
  readonly windowOctets: number
  /** LIMIT: octets of messages that are not complete, over all channels, beyond a window of each. */
  readonly assemblyOctetsMax: number
  /** LIMIT: MSGs of one channel that wait for our reply before its window closes. */
  readonly exchangesMax: number
  /** LIMIT: octets that wait on one channel for its window: past half of it the writer is told to slow down, past all MSGs are refused. */
  readonly queueOctetsMax: number
  /** Octets of one frame that we send: the grain in which channels take turns (RFC 3081 §3.1.4). */
  readonly frameOctetsMax: number
  /** LIMIT: ANS messages of one reply that may be incomplete at one time. */
  readonly answersMax: number
  /** LIMIT: SEQ frames in a row that acknowledge nothing new. */
  readonly idleSeqMax: number
  /** LIMIT: seconds until the greeting of the peer must have come. */
  readonly greetingSecondsMax: number
  /** LIMIT: seconds until a channel that is no tuning channel must be open. */
  readonly tuningSecondsMax: number
  /** LIMIT: seconds that octets may wait for a window, or a close for its answer. */
  readonly stallSecondsMax: number
  /** LIMIT: failed logins of one session. */
  readonly loginAttemptsMax: number
}

/** The settings of BEEP below another protocol: `section(name, doc, { ...own, ...beepSettings })`. */
export const beepSettings = {
  beepChannelsMax: integer({
    default: 257,
    min: 257,
    max: 100_000,
    doc: 'BEEP channels that one session may have open, beside channel 0.',
  }),
  messageOctetsMax: octets({
    default: 262_144,
    min: 4096,
    max: 16_777_216,
    doc: 'The largest BEEP message taken, headers and body together.',
  }),
  beepWindowOctets: octets({
    default: 16_384,
    min: initialWindow,
    max: 16_777_216,
    doc: 'Octets that a peer may send ahead on each BEEP channel.',
  }),
  beepAssemblyOctetsMax: octets({
    default: 1_048_576,
    min: 4096,
    max: 268_435_456,
    doc: 'Octets of incomplete messages of one BEEP session; past it channels wait for each other.',
  }),
  beepExchangesMax: integer({
    default: 128,
    min: 1,
    max: 10_000,
    doc: 'Messages of one BEEP channel that may wait for our reply; past it no more are read from that channel.',
  }),
  beepQueueOctetsMax: octets({
    default: 1_048_576,
    min: 4096,
    max: 268_435_456,
    doc: 'Octets that may wait on one BEEP channel for the peer to take them.',
  }),
  beepFrameOctetsMax: octets({
    default: 4096,
    min: 64,
    max: 1_048_576,
    doc: 'The largest payload of a BEEP frame that we send: the grain in which channels take turns.',
  }),
  beepTuningSeconds: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'How long a BEEP session may take until it is in use: greeting, TLS and login together.',
  }),
  beepStallSeconds: seconds({
    default: 120,
    min: 5,
    max: 86_400,
    doc: 'How long a peer may leave what waits for it on a BEEP channel unread.',
  }),
  loginAttemptsMax: integer({
    default: 3,
    min: 1,
    max: 100,
    doc: 'Failed logins after which a BEEP session is ended.',
  }),
} as const

export type BeepSettings = SettingsOf<Section<typeof beepSettings>>

export const defaultSessionLimits: SessionLimits = {
  channelsMax: 257,
  messageOctetsMax: 262_144,
  windowOctets: 16_384,
  assemblyOctetsMax: 1_048_576,
  exchangesMax: 128,
  queueOctetsMax: 1_048_576,
  frameOctetsMax: 4096,
  answersMax: 256,
  idleSeqMax: 1024,
  greetingSecondsMax: 30,
  tuningSecondsMax: 60,
  stallSecondsMax: 120,
  loginAttemptsMax: 3,
}

/** The limits that the settings ask for. */
export function sessionLimits(settings: BeepSettings): SessionLimits {
  return {
    ...defaultSessionLimits,
    channelsMax: settings.beepChannelsMax,
    messageOctetsMax: settings.messageOctetsMax,
    windowOctets: settings.beepWindowOctets,
    assemblyOctetsMax: settings.beepAssemblyOctetsMax,
    exchangesMax: settings.beepExchangesMax,
    queueOctetsMax: settings.beepQueueOctetsMax,
    frameOctetsMax: settings.beepFrameOctetsMax,
    greetingSecondsMax: Math.min(defaultSessionLimits.greetingSecondsMax, settings.beepTuningSeconds),
    tuningSecondsMax: settings.beepTuningSeconds,
    stallSecondsMax: settings.beepStallSeconds,
    loginAttemptsMax: settings.loginAttemptsMax,
  }
}
