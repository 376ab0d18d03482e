// The settings of this protocol, each defined once: the table [impp].

import { flag, integer, listen, octets, optionalText, type SettingsOf, seconds, section } from '#config'

export const settings = section('impp', 'IMPP/1.0 (docs/specs/impp-1.0.md).', {
  client: listen({ doc: 'Where IMPP clients connect (TCP; TLS by STARTTLS).', builtIn: '127.0.0.1:7410' }),
  server: listen({
    doc: 'Where servers of other domains connect. Not spoken yet: when it is set, a warning is logged.',
  }),
  plainWithoutTls: flag({
    default: false,
    doc: 'Whether PLAIN may be used without TLS; true only on loopback, for load generators and laboratories.',
  }),
  messageOctetsMax: octets({
    default: 262_144,
    min: 4096,
    max: 16_777_216,
    doc: 'The largest request taken, headers and body together (Max-Message-Size).',
  }),
  pendingMax: integer({
    default: 128,
    min: 1,
    max: 10_000,
    doc: 'Requests of one connection that may wait for their response at one time (Max-Pending).',
  }),
  queuedMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Messages and notifications that may wait until a client takes more; past it messages go to the store.',
  }),
  loginSeconds: seconds({ default: 30, min: 1, max: 3600, doc: 'How long a connection may take to log in.' }),
  connectionSeconds: seconds({
    default: 120,
    min: 2,
    max: 86_400,
    doc: 'The lease of a connection: after this much silence it is closed. A PING is sent at half of it.',
  }),
  responseSeconds: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'How long a client may take to respond; a message without a response counts as not delivered.',
  }),
  excessesMax: integer({
    default: 16,
    min: 1,
    max: 10_000,
    doc: 'Requests beyond a limit (Max-Message-Size, Max-Pending) one after the other, past which a connection is closed.',
  }),
  redirect: optionalText({
    doc: 'Where IMPP clients are sent instead of being served here: host or host:port.',
  }),
  subscriptionSecondsDefault: seconds({
    default: 3600,
    min: 1,
    max: 604_800,
    doc: 'The lease of a subscription whose watcher asks for none.',
  }),
  subscriptionSecondsMin: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'The shortest lease of a subscription.',
  }),
  subscriptionSecondsMax: seconds({
    default: 86_400,
    min: 60,
    max: 604_800,
    doc: 'The longest lease of a subscription.',
  }),
  changeSecondsMax: seconds({
    default: 86_400,
    min: 60,
    max: 604_800,
    doc: 'The longest lease of a CHANGE.',
  }),
  subscriptionsMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Subscriptions that one connection may hold.',
  }),
  loginAttemptsMax: integer({
    default: 3,
    min: 1,
    max: 100,
    doc: 'Failed logins after which a connection is closed.',
  }),
})

export type ImppSettings = SettingsOf<typeof settings>
