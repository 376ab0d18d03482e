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
  server: listen({
    doc: 'Where servers of other domains connect, for both services (TCP, STARTTLS, both certificates); 7742 is usual.',
    serves: 'domains',
  }),
  serverAnonymous: flag({
    default: false,
    doc: 'Whether a domain may be verified by the address of its server (ANONYMOUS; DNS, VERIFYSERVER) where it shows no certificate.',
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
  answersSeconds: seconds({
    default: 600,
    min: 60,
    max: 604_800,
    doc: 'How long it is remembered what SEND was answered to, so that nothing is delivered twice when a client asks again.',
  }),
  answersMax: integer({
    default: 256,
    min: 16,
    max: 100_000,
    doc: 'Answers to the SEND requests of one user that are remembered; not less than pending_max is sensible.',
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
  domainConnectSeconds: seconds({
    default: 30,
    min: 1,
    max: 600,
    doc: 'How long a connection with another domain may take to get ready.',
  }),
  domainResponseSeconds: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'How long another domain may take to answer a request.',
  }),
  domainIdleSeconds: seconds({
    default: 300,
    min: 5,
    max: 86_400,
    doc: 'After how long without use a connection with another domain is closed.',
  }),
  domainPendingMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Requests of one connection with another domain that may wait for their response at one time, in either direction.',
  }),
  domainQueuedMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Requests to one other domain that may wait for a connection; past it messages wait on the disk.',
  }),
  domainRequestsPerSecondMax: integer({
    default: 5000,
    min: 1,
    max: 1_000_000,
    doc: 'Requests a second that are read from one connection of another domain; it waits when it has more.',
  }),
  domainAnswersSeconds: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'How long it is remembered what a SEND of another domain was answered, so that nothing is delivered twice when it asks again.',
  }),
  domainAnswersMax: integer({
    default: 100_000,
    min: 100,
    max: 1_000_000,
    doc: 'Answers to other domains that are remembered.',
  }),
  domainLeaseSeconds: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'The Duration that subscriptions to people of other domains are asked for; they are renewed as long as somebody here looks.',
  }),
  domainSubscriptionsMax: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    doc: 'Subscriptions that the people of one other domain may hold here (505).',
  }),
  domainConnectionsMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Connections of other domains to prim.server; more are refused.',
  }),
  domainStrangersPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 100_000,
    doc: 'Of them, those from one address that have not proven a domain yet (an IPv6 /64 counts as one).',
  }),
})

export type PrimSettings = SettingsOf<typeof settings>
