// The settings of this protocol, each defined once: the table [prim].

import {
  choice,
  flag,
  integer,
  listen,
  octets,
  optionalText,
  type SettingsOf,
  seconds,
  section,
} from '#config'

export const settings = section('prim', 'PRIM presence and PRIM IM (docs/specs/prim.md).', {
  presence: listen({
    doc: 'Where clients of PRIM presence connect (TCP; TLS by STARTTLS). Either listener takes both services.',
    builtIn: '127.0.0.1:7740',
  }),
  im: listen({
    doc: 'Where clients of PRIM IM connect (TCP; TLS by STARTTLS). Either listener takes both services.',
    builtIn: '127.0.0.1:7741',
  }),
  plainWithoutTls: flag({
    default: false,
    doc: 'Whether PLAIN may be used without TLS; true only on loopback, for load generators and laboratories.',
  }),
  bodyOctetsMax: octets({
    default: 262_144,
    min: 4096,
    max: 16_777_216,
    doc: 'The largest body taken (Max-Content-Length); a longer one ends the connection.',
  }),
  pendingMax: integer({
    default: 128,
    min: 1,
    max: 10_000,
    doc: 'Requests of one connection that may wait for their response at one time, in either direction.',
  }),
  queuedMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Messages and notifications that may wait until a client takes more; past it messages go to the store.',
  }),
  excessesMax: integer({
    default: 16,
    min: 1,
    max: 10_000,
    doc: 'Requests beyond pending_max one after the other, past which a connection is closed.',
  }),
  loginSeconds: seconds({ default: 30, min: 1, max: 3600, doc: 'How long a connection may take to log in.' }),
  pingSeconds: seconds({
    default: 120,
    min: 5,
    max: 86_400,
    doc: 'After how much silence of a client PING is sent, so that a dead connection is found.',
  }),
  responseSeconds: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'How long a client may take to respond; a message without a response counts as not delivered.',
  }),
  redirect: optionalText({
    doc: 'Where PRIM clients are sent instead of being served here (300): host or host:port.',
  }),
  strengthMin: choice(['none', 'weak', 'medium', 'strong'], {
    default: 'none',
    doc: 'The weakest AStrength of a message or a subscription from another domain that is taken; a weaker one is refused (410).',
  }),
  subscriptionSecondsMin: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'The shortest Duration of a subscription; a shorter one is made longer.',
  }),
  subscriptionSecondsMax: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'The longest Duration of a subscription; a longer one is made shorter.',
  }),
  publicationSecondsMax: seconds({
    default: 86_400,
    min: 60,
    max: 604_800,
    doc: 'The longest Duration of a leased value.',
  }),
  subscriptionsMax: integer({
    default: 500,
    min: 1,
    max: 100_000,
    doc: 'Subscriptions that one watcher may hold (505).',
  }),
})

export type PrimSettings = SettingsOf<typeof settings>
