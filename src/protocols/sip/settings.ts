// The settings of SIP, each defined once.

import { flag, integer, listenOnAll, octets, optionalText, type SettingsOf, seconds, section } from '#config'

export const sipSettings = section('sip', 'SIP phones and user agents (RFC 3261, SIMPLE).', {
  udp: listenOnAll({
    builtIn: '127.0.0.1:5060',
    doc: 'SIP over UDP; several addresses as a list, as in ["192.0.2.1:5060", "[2001:db8::1]:5060"].',
  }),
  tcp: listenOnAll({ builtIn: '127.0.0.1:5060', doc: 'SIP over TCP.' }),
  tls: listenOnAll({ builtIn: '127.0.0.1:5061', doc: 'SIP over TLS.' }),
  host: optionalText({
    doc: 'The name or address that Via and Contact give for this server; left out, the one that a phone reached, and the first domain where UDP listens on every address.',
  }),
  registrationSecondsMin: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'Registrations that ask for less are refused with 423.',
  }),
  registrationSecondsDefault: seconds({
    default: 3600,
    min: 1,
    doc: 'How long a registration lasts that names no time.',
  }),
  registrationSecondsMax: seconds({
    default: 86_400,
    min: 60,
    doc: 'Registrations that ask for more get this.',
  }),
  contactsMax: integer({
    default: 16,
    min: 1,
    max: 64,
    doc: 'Phones that one person may register at a time.',
  }),
  subscriptionSecondsMin: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'Subscriptions and publications that ask for less are refused with 423.',
  }),
  subscriptionSecondsDefault: seconds({
    default: 3600,
    min: 1,
    doc: 'How long a subscription or publication lasts that names no time.',
  }),
  subscriptionSecondsMax: seconds({
    default: 86_400,
    min: 60,
    doc: 'Subscriptions and publications that ask for more get this.',
  }),
  notifySecondsMin: seconds({
    default: 5,
    min: 0,
    max: 60,
    doc: 'Between two changes of one presence that a SIP watcher is told (RFC 3856 §6.10); the first is told at once, then the newest when the time is over.',
  }),
  messageBytesMax: octets({
    default: 60_000,
    min: 1300,
    max: 60_000,
    doc: 'Content of one MESSAGE or PUBLISH; more is refused with 413.',
  }),
  answerSeconds: seconds({
    default: 15,
    min: 1,
    max: 31,
    doc: 'How long a phone may take to answer a MESSAGE; then it counts as away and the message is stored. Less than the 32 seconds that its sender waits.',
  }),
  foreignSenders: flag({
    default: false,
    doc: 'Take requests whose From is of a domain that is not ours, unauthenticated; otherwise they are refused with 403.',
  }),
  otherDomains: flag({
    default: false,
    doc: 'Exchange messages, presence and calls with other domains by SIP: their servers come to the same listeners as phones, best to that for TLS, and prove their domain by certificate.',
  }),
  domainLeaseSeconds: seconds({
    default: 3600,
    min: 60,
    max: 86_400,
    doc: 'How long subscriptions to people of other domains are asked for; they are renewed before they end.',
  }),
  domainAnswerSeconds: seconds({
    default: 15,
    min: 1,
    max: 31,
    doc: 'How long another domain may take to answer a MESSAGE; then it counts as away and the message waits for it.',
  }),
  transactionsMax: integer({
    default: 65_536,
    min: 1024,
    max: 1_048_576,
    doc: 'Requests that are under way or may come again, each way; past it the oldest answered ones go, and when none is answered, new ones get 503 with Retry-After.',
  }),
  ringSecondsMax: seconds({
    default: 185,
    min: 181,
    doc: 'How long a phone that is called may go without a word before the call is given up (RFC 3261 Timer C); three times as long in all.',
  }),
  forkSeconds: seconds({
    default: 20,
    min: 5,
    max: 180,
    doc: 'How long the phones of one preference (q) ring before those of the next lower one do (RFC 3261 §16.6).',
  }),
  requestsPendingMax: integer({
    default: 32,
    min: 1,
    doc: 'Calls and other requests to phones that one person may have waiting for an answer; more are refused with 503.',
  }),
  messagesPendingMax: integer({
    default: 1000,
    min: 1,
    doc: 'Messages that one person may have waiting for an answer of phones; more are refused with 503 and Retry-After.',
  }),
  datagramsPerSourceMax: integer({
    default: 0,
    min: 0,
    doc: 'Datagrams a second, over five seconds, that are heard of one IP address; the rest gets no answer and is counted (verona_datagrams_dropped_total). 0 sets no limit: behind one address there may be a whole office or another server.',
  }),
  partialSecondsMax: seconds({
    default: 30,
    min: 1,
    doc: 'How long a message may take to come whole over TCP or TLS.',
  }),
  idleSecondsMax: seconds({
    default: 7200,
    min: 30,
    doc: 'How long a TCP or TLS connection may be silent.',
  }),
  strangerSecondsMax: seconds({
    default: 60,
    min: 5,
    doc: 'How long a connection may be without a message on which nobody has logged in; keep-alives do not count.',
  }),
  flowTimerSeconds: seconds({
    default: 120,
    min: 30,
    max: 3600,
    doc: 'How often a phone with outbound (RFC 5626) is asked to be heard of on its connection; silent for twice as long, it is closed.',
  }),
  serviceRoute: flag({
    default: false,
    doc: 'Tell phones by Service-Route (RFC 3608) to send their requests through the listener that they registered at.',
  }),
  webSocket: flag({
    default: true,
    doc: 'Offer SIP over web sockets (RFC 7118) at /sip of the HTTP listeners.',
  }),
})

export type SipSettings = SettingsOf<typeof sipSettings>
