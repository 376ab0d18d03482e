// The settings of this protocol, each defined once: the table [impp].

import {
  flag,
  integer,
  listen,
  octets,
  optionalList,
  optionalText,
  type SettingsOf,
  seconds,
  section,
} from '#config'

export const settings = section('impp', 'IMPP/1.0 (docs/specs/impp-1.0.md).', {
  client: listen({ doc: 'Where IMPP clients connect (TCP; TLS by STARTTLS).', builtIn: '127.0.0.1:7410' }),
  clientTls: listen({
    doc: 'Where IMPP clients connect with TLS from the first octet.',
    builtIn: '127.0.0.1:7412',
  }),
  server: listen({
    doc: 'Where servers of other domains connect (TCP, STARTTLS, both certificates).',
    serves: 'domains',
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
  directDomains: optionalList({
    doc: 'Domains whose servers our IMPP clients are sent to with their messages, instead of our passing these on (IMPP §10).',
  }),
  domainConnectSeconds: seconds({
    default: 30,
    min: 1,
    max: 600,
    doc: 'How long all tries to reach the servers of another domain may take together.',
  }),
  domainResponseSeconds: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'How long another domain may take to answer a request, new connections included.',
  }),
  domainProbeSeconds: seconds({
    default: 10,
    min: 1,
    max: 600,
    doc: 'How long another domain may be silent while an answer is due; then it is asked, and after as long again the connection is given up.',
  }),
  domainIdleSeconds: seconds({
    default: 300,
    min: 5,
    max: 86_400,
    doc: 'After how long without use a connection to another domain is closed.',
  }),
  domainPendingMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Requests of one connection from another domain that may wait for their response at one time (Max-Pending).',
  }),
  domainQueuedMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Requests to one other domain that may wait for their response or for a connection.',
  }),
  domainQueuedOctetsMax: octets({
    default: 33_554_432,
    min: 1_048_576,
    doc: 'Their octets together; past either limit messages wait on the disk.',
  }),
  domainsMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Other domains that are known at one time; past it those that nobody needs are forgotten, and more that connect are refused.',
  }),
  domainRequestsPerSecondMax: integer({
    default: 5000,
    min: 1,
    max: 1_000_000,
    doc: 'Requests a second that are read from one connection of another domain; it waits when it has more.',
  }),
  domainBulkOctets: octets({
    default: 65_536,
    min: 1024,
    max: 16_777_216,
    doc: 'From this size a request to another domain goes by a connection of its own, so that short ones need not wait (IMPP §12).',
  }),
  domainAnswersSeconds: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'How long it is remembered what another domain asked and got, so that nothing is done twice when it asks again.',
  }),
  domainAnswersMax: integer({
    default: 10_000,
    min: 100,
    max: 1_000_000,
    doc: 'Answers to one other domain that are remembered.',
  }),
  domainLeaseSeconds: seconds({
    default: 3600,
    min: 30,
    max: 604_800,
    doc: 'The lease that subscriptions to people of other domains are asked for; they are renewed as long as somebody here looks.',
  }),
  domainSubscriptionsMax: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    doc: 'Subscriptions that the people of one other domain may hold here.',
  }),
  domainStrangersMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Connections to impp.server that have not proven a domain yet; more are refused.',
  }),
  domainStrangersPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 100_000,
    doc: 'The same from one address (an IPv6 /64 counts as one).',
  }),
})

export type ImppSettings = SettingsOf<typeof settings>
