// The settings of XMPP, each defined once.
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

/** XEP-0157 §3. */
function onlyUris(addresses: readonly string[]): string | undefined {
  const wrong = addresses.find((address) => !/^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(address))
  return wrong === undefined ? undefined : `expects URIs, as mailto:abuse@example.org, not ${wrong}`
}

/** RFC 6120 §4.9.3.19: a name or an address, IPv6 in brackets, and a port or none. */
function onlyHost(where: string): string | undefined {
  const isGood = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$/.test(where)
  return isGood ? undefined : `expects host or host:port, not ${where}`
}

/** RFC 7395 §3.6.1: no lower security than what the client has. */
function onlyWebSocketUri(uri: string): string | undefined {
  return URL.canParse(uri) && new URL(uri).protocol === 'wss:' ? undefined : `expects a wss: URI, not ${uri}`
}

/** XEP-0114 §3 */
function onlyComponents(written: readonly string[]): string | undefined {
  const wrong = written.findIndex((each) => !/^\S+\s+\S+$/.test(each.trim()))
  return wrong < 0
    ? undefined
    : `expects "DOMAIN SECRET", as in ["chat.example.org s3cret"], at place ${wrong + 1}`
}

export const xmppSettings = section('xmpp', 'XMPP clients and servers.', {
  client: listen({ builtIn: '127.0.0.1:5222', doc: 'Where XMPP clients connect and begin TLS by STARTTLS.' }),
  clientTls: listen({
    builtIn: '127.0.0.1:5223',
    doc: 'Where XMPP clients connect with TLS from the first octet.',
  }),
  server: listen({
    serves: 'domains',
    doc: 'Where XMPP servers of other domains connect and begin TLS by STARTTLS; the port for it is 5269. Without it XMPP is not spoken with other domains.',
  }),
  serverTls: listen({
    serves: 'domains',
    doc: 'Where XMPP servers of other domains connect with TLS from the first octet (XEP-0368).',
  }),
  dialback: flag({
    default: true,
    doc: 'Whether a domain whose server shows no certificate that proves it may prove itself by dialback (XEP-0220): where `tls` for it is verified, only if the server that answers for the domain shows one. A [[peer]] table may say otherwise.',
  }),
  dialbackSecret: optionalText({
    doc: 'What dialback keys are made of; the same on all machines that serve the domains. Left out: made anew at each start.',
  }),
  serverConnectSeconds: seconds({
    default: 30,
    min: 1,
    max: 600,
    doc: 'How long all tries to reach the servers of another domain may take together.',
  }),
  serverIdleSeconds: seconds({
    default: 600,
    min: 10,
    max: 86_400,
    doc: 'After how long without use a stream to another domain is closed.',
  }),
  serverProbeSeconds: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'How long another server may leave a request to acknowledge stanzas unanswered, or all that was written to it unread; then its connection is given up.',
  }),
  serverResumptionSeconds: seconds({
    default: 120,
    min: 0,
    max: 3600,
    doc: 'How long a stream with another server that broke is awaited and tried again (XEP-0198); 0: it is not resumed, but asked how much of it was taken.',
  }),
  serverQueuedMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Stanzas to one other domain that may wait for a stream or for being acknowledged.',
  }),
  serverStanzasPerSecondMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Stanzas a second that are read from one stream of another server; it waits when it has more.',
  }),
  serverStreamsOfDomainMax: integer({
    default: 16,
    min: 1,
    max: 10_000,
    doc: 'Streams that the servers of one other domain may have open to us.',
  }),
  serverStrangersMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'Connections of servers that have not proven a domain yet; more are refused.',
  }),
  serverStrangersPerAddressMax: integer({
    default: 20,
    min: 1,
    max: 100_000,
    doc: 'The same of one network address (an IPv6 /64 counts as one).',
  }),
  component: listen({
    serves: 'domains',
    doc: 'Where external components connect (XEP-0114), without TLS: an address of this machine, or behind a tunnel.',
  }),
  components: optionalList({
    doc: 'The components that may connect, each as "DOMAIN SECRET", as in ["chat.example.org s3cret"]. Where `[peers] policy` is listed, their domains need [[peer]] tables.',
    check: onlyComponents,
  }),
  plainWithoutTls: flag({
    default: false,
    doc: 'Let clients log in without TLS, by PLAIN too; only on loopback, for load generators and laboratories.',
  }),
  stanzaOctetsMax: octets({
    default: 262_144,
    min: 10_000,
    max: 16_777_216,
    doc: 'The largest stanza that is taken; a larger one ends its stream.',
  }),
  idleSeconds: seconds({
    default: 300,
    min: 10,
    max: 86_400,
    doc: 'How long a client may say nothing before its session ends; it is pinged at half of it.',
  }),
  negotiationSecondsMax: seconds({
    default: 60,
    min: 5,
    max: 600,
    doc: 'How long a client may take to log in and bind a resource.',
  }),
  loginFailuresMax: integer({
    default: 5,
    min: 2,
    max: 20,
    doc: 'Failed logins on one stream before it is closed.',
  }),
  directedPresenceMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'How many addresses a session may have sent directed presence to; they are told when it ends.',
  }),
  resumptionSecondsMax: seconds({
    default: 600,
    min: 0,
    max: 86_400,
    doc: 'How long a session waits for a client whose connection broke to come back (XEP-0198); 0: it does not.',
  }),
  resumptionLocation: optionalText({
    doc: 'Where a client should come back to resume its session, as `host:port`; unset: where it was.',
    check: onlyHost,
  }),
  acknowledgeStanzas: integer({
    default: 10,
    min: 1,
    max: 10_000,
    doc: 'After so many stanzas that a client has not acknowledged it is asked to.',
  }),
  acknowledgeSeconds: seconds({
    default: 5,
    min: 1,
    max: 3600,
    doc: 'After so long a client is asked to acknowledge the stanzas that it was sent, however few.',
  }),
  unacknowledgedStanzasMax: integer({
    default: 2000,
    min: 10,
    max: 1_000_000,
    doc: 'Stanzas that a client may leave unacknowledged; past it its session ends, and its messages wait for the next.',
  }),
  unacknowledgedOctetsMax: octets({
    default: 2_097_152,
    min: 10_000,
    max: 1_073_741_824,
    doc: 'The same in octets.',
  }),
  webSocket: flag({
    default: true,
    doc: 'Offer XMPP over web sockets (RFC 7395) at /xmpp-websocket of the HTTP listeners, and say so in /.well-known/host-meta.',
  }),
  webSocketUri: optionalText({
    doc: 'What /.well-known/host-meta tells browsers: a `wss:` URI; unset: the host that they asked.',
    check: onlyWebSocketUri,
  }),
  seeOtherHost: optionalText({
    doc: 'Sends every client that connects over TCP elsewhere, as `host` or `host:port`; for maintenance.',
    check: onlyHost,
  }),
  seeOtherUri: optionalText({
    doc: 'Sends every client that connects over a web socket elsewhere: a `wss:` URI.',
    check: onlyWebSocketUri,
  }),
  registration: flag({
    default: false,
    doc: 'Let anybody make an account from an XMPP client (XEP-0077).',
  }),
  registrationsAnHourMax: integer({
    default: 5,
    min: 1,
    max: 10_000,
    doc: 'How many accounts one network address may try to make in an hour.',
  }),
  passwordChange: flag({
    default: false,
    doc: 'Let XMPP clients change the password of the account that they are logged in to.',
  }),
  accountRemoval: flag({
    default: false,
    doc: 'Let XMPP clients remove the account that they are logged in to, with all that it owns.',
  }),
  vcardOctetsMax: octets({
    default: 131_072,
    min: 1024,
    max: 262_144,
    doc: 'The largest vCard that is kept, with its photo; a larger one is refused.',
  }),
  tellVersion: flag({
    default: true,
    doc: 'Whether clients that ask are told the name and version of this software (XEP-0092).',
  }),
  abuseAddresses: optionalList({
    doc: 'Where abuse of the server is reported: URIs, as `mailto:abuse@example.org`; shown to clients that ask (XEP-0157).',
    check: onlyUris,
  }),
  adminAddresses: optionalList({
    doc: 'Who runs the server: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
  feedbackAddresses: optionalList({
    doc: 'Where praise and complaints go: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
  salesAddresses: optionalList({
    doc: 'Where service is bought: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
  securityAddresses: optionalList({
    doc: 'Where faults of security are reported: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
  statusAddresses: optionalList({
    doc: 'Where the state of the service is shown: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
  supportAddresses: optionalList({
    doc: 'Where help is found: URIs, shown to clients that ask.',
    check: onlyUris,
  }),
})

export type XmppSettings = SettingsOf<typeof xmppSettings>
