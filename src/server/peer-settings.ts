// What an operator says of other domains: with whom we speak, by what, and how long we try.
import {
  type Config,
  choice,
  flag,
  integer,
  optionalFlag,
  optionalList,
  optionalPath,
  optionalText,
  requiredText,
  type Setting,
  seconds,
  section,
} from '#config'
import { asksPerSecondMax, type PeerPolicy, type RelayPolicy, relayDefaults } from '#core'
import { prepareDomain } from '#model'
import { systemResolver } from '#net'

const tlsDoc =
  'verified: TLS with a certificate that proves the domain; encrypted: TLS with any, the domain proved otherwise where the protocol can; none: as the other side likes, for laboratories.'

/** What one domain may send and be sent a second: keys of `[peers]` for all, and of `[[peer]]` for one. */
const shareDocs = {
  fromPerSecondMax:
    'Stanzas or requests that are taken from it a second; beyond that it is read more slowly, or refused and told when to come again.',
  fromOctetsPerSecondMax: 'Octets of these.',
  toPerSecondMax:
    'Stanzas or requests that are sent to it a second; beyond that messages wait in its queue, presence is told later, and what cannot wait is refused.',
  toOctetsPerSecondMax: 'Octets of these, as they are before they are written in its protocol.',
} as const

/** LIMIT: of a share; more is none. */
const shareMax = 10_000_000_000

type ShareKey = keyof typeof shareDocs

function shareOf(key: ShareKey, otherwise: string): Setting<number> {
  return integer({ doc: `${shareDocs[key]} 0: ${otherwise}`, default: 0, min: 0, max: shareMax })
}

const sharesOfAll = {
  fromPerSecondMax: shareOf('fromPerSecondMax', 'as many as the protocol’s own settings allow.'),
  fromOctetsPerSecondMax: shareOf('fromOctetsPerSecondMax', 'any.'),
  toPerSecondMax: shareOf('toPerSecondMax', 'any number.'),
  toOctetsPerSecondMax: shareOf('toOctetsPerSecondMax', 'any.'),
}

const sharesOfOne = {
  fromPerSecondMax: shareOf('fromPerSecondMax', 'as [peers] says.'),
  fromOctetsPerSecondMax: shareOf('fromOctetsPerSecondMax', 'as [peers] says.'),
  toPerSecondMax: shareOf('toPerSecondMax', 'as [peers] says.'),
  toOctetsPerSecondMax: shareOf('toOctetsPerSecondMax', 'as [peers] says.'),
}

export type Shares = Readonly<Record<ShareKey, number>>

/** What a domain may send and be sent; undefined where nothing is said. @param own of its table, where it has one */
export function sharesIn(all: Shares, own: Shares | undefined): PeerPolicy['shares'] {
  const of = (key: ShareKey): number | undefined => own?.[key] || all[key] || undefined
  const sideOf = (units: number | undefined, octets: number | undefined) =>
    units === undefined && octets === undefined
      ? undefined
      : { perSecondMax: units, octetsPerSecondMax: octets }
  const from = sideOf(of('fromPerSecondMax'), of('fromOctetsPerSecondMax'))
  const to = sideOf(of('toPerSecondMax'), of('toOctetsPerSecondMax'))
  return from === undefined && to === undefined ? undefined : { from, to }
}

export const peersSettings = section(
  'peers',
  'Other domains. What is said of single ones is in [[peer]] tables.',
  {
    policy: choice(['open', 'listed', 'closed'], {
      doc: 'With whom messages and presence are exchanged: open, every domain that proves its name; listed, those of the [[peer]] tables alone; closed, nobody, whatever the tables say.',
      default: 'open',
    }),
    protocols: optionalList({
      doc: 'The order in which protocols are tried with a domain that does not speak the sender\'s own, as in ["xmpp", "sip"]; those left out come after. Left out: xmpp, impp, sip, umpp, prim, apex.',
    }),
    tls: choice(['verified', 'encrypted', 'none'], {
      doc: `What connections with other domains must be. ${tlsDoc}`,
      default: 'verified',
    }),
    trust: optionalPath({
      doc: 'PEM file of authorities whose certificates prove other domains, beside those that the system trusts.',
    }),
    retryFirstSeconds: seconds({
      doc: 'The wait after a domain could not be reached; it doubles with every failure, and a random half of it is left out.',
      default: relayDefaults.retryFirst / 1000,
      min: 1,
      max: 3600,
    }),
    retryMaxSeconds: seconds({
      doc: 'The longest such wait.',
      default: relayDefaults.retryMax / 1000,
      min: 1,
      max: 86_400,
    }),
    expiryHours: integer({
      doc: 'Hours that a message waits for a domain that cannot be reached; then its sender is told that it failed.',
      default: relayDefaults.expiry / 3_600_000,
      min: 1,
      max: 8760,
    }),
    queueLengthMax: integer({
      doc: 'Messages that may wait for one domain; past it their senders are refused.',
      default: relayDefaults.queueLengthMax,
      min: 1,
      max: 10_000_000,
    }),
    queuesLengthMax: integer({
      doc: 'Messages that may wait for all domains together.',
      default: relayDefaults.queuesLengthMax,
      min: 1,
      max: 10_000_000,
    }),
    senderLengthMax: integer({
      doc: 'Messages of one sender that may wait for all domains together, so that nobody fills the queues of others.',
      default: relayDefaults.senderLengthMax,
      min: 1,
      max: 10_000_000,
    }),
    queueOctetsMax: integer({
      doc: 'Octets of the messages that may wait for one domain; past it their senders are refused.',
      default: relayDefaults.queueOctetsMax,
      min: 1,
      max: 1_000_000_000_000,
    }),
    queuesOctetsMax: integer({
      doc: 'Octets of the messages that may wait for all domains together.',
      default: relayDefaults.queuesOctetsMax,
      min: 1,
      max: 1_000_000_000_000,
    }),
    senderOctetsMax: integer({
      doc: 'Octets of the messages of one sender that may wait for all domains together.',
      default: relayDefaults.senderOctetsMax,
      min: 1,
      max: 1_000_000_000_000,
    }),
    handOverPerSecondMax: integer({
      doc: 'Messages that waited, handed over to one domain a second once it can be reached; those that are sent meanwhile go beside them.',
      default: relayDefaults.handOverPerSecondMax,
      min: 1,
      max: 1_000_000,
    }),
    ...sharesOfAll,
    asksPerSecondMax: integer({
      doc: 'Questions about presence to one domain a second: subscriptions and their renewals, probes, requests. After a restart, ours or its, more wait for their turn.',
      default: asksPerSecondMax,
      min: 1,
      max: 1_000_000,
    }),
  },
)

/** How long and how much waits for other domains, as the core's relay uses it. */
export function relayPolicyOf(config: Config): RelayPolicy {
  const { retryFirstSeconds, retryMaxSeconds, expiryHours, ...limits } = config.of(peersSettings)
  const { queueLengthMax, queuesLengthMax, senderLengthMax } = limits
  const { queueOctetsMax, queuesOctetsMax, senderOctetsMax, handOverPerSecondMax } = limits
  return {
    retryFirst: retryFirstSeconds * 1000,
    retryMax: Math.max(retryFirstSeconds, retryMaxSeconds) * 1000,
    expiry: expiryHours * 3_600_000,
    queueLengthMax,
    queuesLengthMax,
    senderLengthMax,
    queueOctetsMax,
    queuesOctetsMax,
    senderOctetsMax,
    handOverPerSecondMax,
  }
}

/** The settings of a [[peer]] table. */
export const peerTable = {
  domain: requiredText({
    doc: 'The other domain.',
    check: (name) =>
      prepareDomain(name) === undefined ? `${JSON.stringify(name)} is not a domain name` : undefined,
  }),
  allowed: flag({ doc: 'False: nothing is sent to it and nothing taken from it.', default: true }),
  protocol: optionalText({ doc: 'The protocol to use, as "xmpp"; left out: whichever reaches it.' }),
  trusted: flag({
    doc: 'Whether the names of its users are believed once the domain itself is authenticated (IMPP §10). False: what its users send is taken as unauthenticated.',
    default: true,
  }),
  messages: flag({ doc: 'Whether messages are exchanged with it.', default: true }),
  presence: flag({ doc: 'Whether presence is exchanged with it.', default: true }),
  calls: flag({ doc: 'Whether calls (SIP INVITE) are exchanged with it.', default: true }),
  servers: optionalList({
    doc: 'Its servers, in the order to be tried, instead of what DNS says: "host:port", of the table\'s protocol; "sip://host:port" of another one.',
    check: (servers) =>
      servers.length === 0
        ? 'names no server; write one, as in ["10.0.0.1:5269"], or leave it out'
        : servers
            .filter((server) => serverOf(server) === undefined)
            .map((server) => `"${server}" is no server; write "host:port" or "sip://host:port"`)[0],
  }),
  identity: optionalText({
    doc: 'The name that its certificate must prove, where that is not the domain: of its provider, as in "xmpp.hosting.example".',
    check: (name) =>
      prepareDomain(name) === undefined ? `${JSON.stringify(name)} is not a domain name` : undefined,
  }),
  tls: choice(['default', 'verified', 'encrypted', 'none'], {
    doc: 'What connections with it must be; default: as [peers] tls says.',
    default: 'default',
  }),
  ...sharesOfOne,
  dialback: optionalFlag({
    doc: 'XMPP: whether it and we may prove ourselves to each other by dialback (XEP-0220) where certificates do not; left out: as [xmpp] dialback says.',
  }),
}

export interface NamedServer {
  /** Undefined: the protocol of its table. */
  readonly protocol: string | undefined
  /** `host` or `host:port`. */
  readonly where: string
}

/** `host`, `host:port`, `[::1]:port`, with `protocol://` before it or not; undefined when it is none. */
export function serverOf(written: string): NamedServer | undefined {
  const match = /^(?:([a-z][a-z0-9]*):\/\/)?((?:\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?)$/.exec(
    written,
  )
  if (match === null) return undefined
  const port = match[3] === undefined ? 1 : Number(match[3])
  return port >= 1 && port <= 65_535 ? { protocol: match[1], where: match[2] as string } : undefined
}

export const dnsSettings = section('dns', 'Which name servers are asked about other domains.', {
  servers: optionalList({
    doc: 'Name servers, as in ["127.0.0.1:5353"]; left out: those of the system.',
    check: (servers) => {
      if (servers.length === 0) return 'names no server; write one, as in ["127.0.0.1:53"], or leave it out'
      try {
        systemResolver({ servers })
      } catch {
        return `${JSON.stringify(servers)} are not addresses of name servers; write "127.0.0.1:53" or "[::1]:53"`
      }
      return undefined
    },
  }),
  dnssec: flag({
    doc: 'Whether the way to the name servers is safe, so that their word for a validated answer counts; that of name servers on this machine always does.',
    default: false,
  }),
})
