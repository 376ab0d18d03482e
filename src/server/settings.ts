// The server's own settings; a protocol's are beside its code.
import {
  choice,
  flag,
  integer,
  listen,
  optionalList,
  optionalPath,
  path,
  requiredText,
  seconds,
  section,
  tables,
} from '#config'
import { prepareDomain } from '#model'
import { TrustedProxies } from '#net'
import { logLevels } from '#observe'
import { dnsSettings, peersSettings, peerTable } from './peer-settings.ts'

/** The functions of a domain (IMPP §4): which of them this process has. */
export const domainFunctions = ['authenticator', 'forwarder', 'locator'] as const
export type DomainFunction = (typeof domainFunctions)[number]

export const mainSettings = section('', 'What the server is for, and where it keeps its state.', {
  data: path({
    doc: 'Directory of everything the server keeps: the database, its own certificates, the control socket.',
    default: './data',
  }),
  domains: optionalList({
    doc: 'The domains that are served; the first is the default. A [[domain]] table adds one and says more of it. With neither: localhost.',
    check: (names) =>
      names.length === 0
        ? 'names no domain; write one, as in ["example.com"], or leave it out'
        : names.map(notDomain).find((wrong) => wrong !== undefined),
  }),
  functions: optionalList({
    doc: 'What this process does for its domains: "authenticator" (logs people in and serves them), "forwarder" (speaks with other domains), "locator" (sends clients to another server, where [impp] redirect names one). Left out: all of them.',
    check: notFunctions,
  }),
  domain: tables(
    {
      name: requiredText({ doc: 'The domain.', check: notDomain }),
      certificate: optionalPath({
        doc: 'PEM file: the certificate, then its chain. Without it, the domain is in the certificate that the server makes itself.',
      }),
      key: optionalPath({ doc: 'PEM file of the private key.' }),
      policy: choice(['default', 'confirm', 'open'], {
        doc: 'Whether people of this domain see each other at once (open) or by the word of the one watched (confirm); default: as [presence] confirm_same_domain says.',
        default: 'default',
      }),
      peers: choice(['default', 'open', 'listed', 'closed'], {
        doc: 'With whom this domain exchanges messages and presence; default: as [peers] policy says.',
        default: 'default',
      }),
    },
    { doc: 'A domain with settings of its own.' },
  ),
  peer: tables(peerTable, { doc: 'What holds for one other domain.' }),
})

function notFunctions(names: readonly string[]): string | undefined {
  const known: readonly string[] = domainFunctions
  const wrong = names.find((name) => !known.includes(name))
  if (wrong !== undefined) return `${JSON.stringify(wrong)} is none of ${domainFunctions.join(', ')}`
  return names.length === 0 ? 'names no function; name one, or leave it out' : undefined
}

function notDomain(name: string): string | undefined {
  return prepareDomain(name) === undefined ? `${JSON.stringify(name)} is not a domain name` : undefined
}

export const httpSettings = section('http', 'Metrics and health over HTTP, and web sockets.', {
  listen: listen({
    doc: 'Where /metrics and /health are served, and web sockets (without TLS: for a proxy, or on loopback).',
    builtIn: '127.0.0.1:8080',
  }),
  listenTls: listen({
    doc: 'Where web sockets are served over TLS, with the certificates of the domains. Neither /metrics nor /health is here.',
  }),
  origins: optionalList({
    doc: 'Sites whose scripts may open web sockets beside those of the same host, as "https://chat.example.com"; "*" for all.',
    check: (names) => names.map(notOrigin).find((wrong) => wrong !== undefined),
  }),
  trustedProxies: optionalList({
    doc: 'Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses, or networks as "10.0.0.0/8".',
    check: (names) => names.map(notNetwork).find((wrong) => wrong !== undefined),
  }),
  connectionsMax: integer({
    default: 20_000,
    min: 1,
    max: 1_000_000,
    doc: 'Connections at a time, of each listener and of all web sockets.',
  }),
  connectionsPerAddressMax: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    doc: 'Connections of one address at a time (an IPv6 /64 counts as one); trusted proxies count for their clients.',
  }),
  pingSeconds: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'After so much silence a web socket gets a ping; after twice as much it is cut.',
  }),
})

function notOrigin(name: string): string | undefined {
  const isOrigin = name === '*' || (URL.canParse(name) && new URL(name).origin === name)
  return isOrigin
    ? undefined
    : `${JSON.stringify(name)} is no origin; write one as "https://chat.example.com"`
}

function notNetwork(name: string): string | undefined {
  try {
    new TrustedProxies([name])
    return undefined
  } catch {
    return `${JSON.stringify(name)} is neither an address nor a network, as "10.0.0.0/8"`
  }
}

export const historySettings = section('history', 'The one history of all protocols.', {
  enabled: flag({ doc: 'Whether messages are kept after their delivery.', default: true }),
  retentionDays: integer({
    doc: 'Days that delivered messages are kept; 0 keeps them for ever.',
    default: 0,
    min: 0,
    max: 36_500,
  }),
  undeliveredMax: integer({
    doc: 'Messages that may wait for one absent person; past it their senders are told that the mailbox is full.',
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
})

export const presenceSettings = section('presence', 'Who may watch whom.', {
  confirmSameDomain: flag({
    doc: 'Whether a watcher of the same domain needs the word of the person watched. False lets colleagues see each other at once.',
    default: true,
  }),
})

export const authSettings = section('auth', 'How people log in.', {
  scramIterations: integer({
    doc: 'PBKDF2 iterations of the SCRAM verifiers of passwords that are set from now on (RFC 7677 §4 asks for 4096 or more).',
    default: 10_000,
    min: 4096,
    max: 10_000_000,
  }),
  scram: flag({
    doc: 'Whether SCRAM is offered. False leaves PLAIN over TLS, which completes accounts that were imported with digests alone; set it back when they are.',
    default: true,
  }),
  personAuthorities: optionalPath({
    doc: 'PEM file of the authorities whose certificates log people in (EXTERNAL), by their e-mail addresses or URIs. Name none that issues to anybody who asks.',
  }),
  md5Digest: flag({
    doc: 'Whether SIP phones may log in with MD5 Digest; many know nothing better. False keeps no MD5 secrets of new passwords.',
    default: true,
  }),
  saslDigestMd5: flag({
    doc: 'Whether SASL offers DIGEST-MD5 to clients of BEEP that know nothing better; it is historic (RFC 6331) and needs md5_digest.',
    default: false,
  }),
})

export const logSettings = section('log', 'What the server says about itself.', {
  level: choice(logLevels, { doc: 'The least grave lines that are written.', default: 'info' }),
  format: choice(['auto', 'text', 'json'], {
    doc: 'How lines are written; auto: text on a terminal, else JSON.',
    default: 'auto',
  }),
})

export const serverSections = [
  mainSettings,
  httpSettings,
  historySettings,
  presenceSettings,
  authSettings,
  peersSettings,
  dnsSettings,
  logSettings,
] as const
