// Other domains. A PeerLink leads to one of them by one protocol; a PeerProtocol makes the links of its protocol; Peers chooses
// which link carries what. Foreign people have no account here: what is known of them is with the local people it concerns.
import type { Address, Condition, Envelope, Outcome, ProtocolName } from '#model'
import type { AuthorizationEvent, TerminationReason, WatcherAgent } from '../agents.ts'
import type { FetchOutcome } from '../presence/presence-service.ts'
import type { TupleChange } from '../presence/presentities.ts'

/**
 * One other domain by one protocol. Made once and kept; it connects when it first has something to carry, connects again when
 * it must, and never lets the correctness of what it carries depend on a connection staying open (IMPP §13).
 */
export interface PeerLink {
  readonly protocol: ProtocolName
  /** A-labels, lower case. */
  readonly domain: string
  /**
   * True when the protocol has words for authorizations (XMPP's subscribe, subscribed...): then `say` carries them, and foreign
   * watchers are told by `watcher`. False where watching is by leased subscription alone (IMPP, SIP): the link then gives
   * `watch` for a wish, and foreign watchers subscribe here by `PresenceService.subscribe`.
   */
  readonly words: boolean
  /**
   * True when what it takes arrives in the order of the calls whatever is still unanswered, and none of two people is taken that follows
   * one which is given back, unless it is given after that: then the next need not wait for the outcome of the one before.
   */
  readonly keepsOrder?: boolean
  /**
   * Carries a message, a report or transit one hop on, with one hop less (RFC 3860 §4.1.1); those of one pair of people in the
   * order of the calls. `onOutcome` is called once: with the other domain's own word, with `relayed` where its protocol gives none,
   * or with a refusal. `connection-failed` and `remote-timeout` mean that the domain can't be reached now and has not taken
   * it: the relay stores it and offers it again. The link itself stores nothing and gives up within a bounded time. An envelope
   * offered again has the same `head.id`, by which the link lets the other domain recognise what it already took.
   */
  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void
  /** One of the four words, from a person here to one there. Only where `words`. `source`: the speaker's own stanza, if it is of this protocol. */
  say(event: AuthorizationEvent, from: Address, to: Address, source: Envelope | undefined): void
  /**
   * Somebody here looks at `presentity`, now and until `unwatch`: asks for its presence (a probe, or a subscription whose lease
   * the link renews by itself). Asking again while it watches asks for the whole state anew. What is learnt goes to `RemotePresence`.
   */
  watch(watcher: Address, presentity: Address): void
  /** Nobody of `watcher`'s devices looks any more. The authorization stays as it is. */
  unwatch(watcher: Address, presentity: Address): void
  /** What `watcher` may see of `presentity` now, once. */
  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void
  /** The agent by which a foreign person who is authorized is told of presence here. Only where `words`; made anew or kept, as the link likes. */
  watcher(watcher: Address): WatcherAgent | undefined
}

/** Where a link tells what it learnt of foreign presentities; each word is about one pair of people. */
export interface RemotePresence {
  /**
   * `presentity` changed for `watcher`; where `full`, what is not named is gone. `unknown`: nobody here looks, or may look: a link of
   * leases ends whatever brought this (RFC 6665 §4.1.3, 481); one of words treats it as directed presence (RFC 6121 §4.6.4).
   */
  changed(
    watcher: Address,
    presentity: Address,
    changes: readonly TupleChange[],
    full: boolean,
  ): 'known' | 'unknown'
  /** Where watching is by lease: the subscription waits for its presentity's word, or has it. `active` comes before the first `changed`. */
  pending(watcher: Address, presentity: Address): void
  active(watcher: Address, presentity: Address): void
  /**
   * It ended without our doing, and the link watches no more: what was known is gone. `rejected` withdraws the authorization too
   * (RFC 8048 §5.3). After another reason the link is asked again when its domain is `reachable`, or the watcher comes with a device.
   */
  ended(watcher: Address, presentity: Address, reason: TerminationReason): void
  /**
   * The domain was away and can be reached again: requests that were not answered are said again, and everybody here who looks
   * asks by `watch` for the whole state anew.
   */
  reachable(domain: string): void
}

/** The two abstract services of a domain, which it may offer by different protocols (RFC 3861 §3). Transit goes the way of messages. */
export type PeerService = 'messages' | 'presence'

/** What a domain offers by one protocol, and how that is known. */
export interface Way extends Readonly<Record<PeerService, boolean>> {
  /**
   * True when a record of the domain or the operator names the protocol. False: the domain has an address and has said nothing, and this
   * protocol is by its own rules to be tried there (RFC 6120 §3.2.2); such a way is taken only where no protocol is named (RFC 3861 §4).
   */
  readonly named: boolean
}

/** The domain does not offer the protocol. */
export const noWay: Way = { messages: false, presence: false, named: false }

/** Both services, by the word of the domain or of the operator. */
export const namedWay: Way = { messages: true, presence: true, named: true }

/** What a protocol that reaches other domains offers; a part of its `RunningProtocol`. */
export interface PeerProtocol {
  readonly protocol: ProtocolName
  /**
   * What can be had of the domain by this protocol, as DNS or the configuration says; remembered as long as DNS allows.
   * `unanswered`: DNS was silent or failed, so that nobody can say now; what is to be sent waits. Never rejects.
   */
  reaches(domain: string): Promise<Way | 'unanswered'>
  /** The link to the domain; the same object while somebody looks by it. One that was forgotten since still works. */
  linkTo(domain: string): PeerLink
  /** What `verona peers` shows of every domain with a link or a stream. */
  status(): readonly PeerStatus[]
  /**
   * Looks the domain up and tries each of its servers, as far as becoming ready to carry something for `ours`, a domain of ours; for an
   * operator who wants to know what is wrong. Never rejects, and takes a bounded time.
   */
  examine(ours: string, domain: string): Promise<PeerExamination>
}

/** One domain by one protocol, as a look at it found it. Text is for people. */
export interface PeerExamination {
  readonly reached: Way | 'unanswered'
  /** Where its servers are known from: `SRV _xmpp-server._tcp.capulet.example`; why they are not. */
  readonly source: string
  /** In the order in which they would be tried. */
  readonly tries: readonly { readonly where: string; readonly isGood: boolean; readonly outcome: string }[]
}

/** What would be done with a domain. */
export interface DomainExamination {
  readonly domain: string
  readonly policy: PeerPolicy
  /** In the order in which they would be taken where the sender's own protocol does not lead there. */
  readonly protocols: readonly (PeerExamination & { readonly protocol: ProtocolName })[]
  /** The protocol by which each service would go, or why by none. */
  readonly goes: Readonly<Record<PeerService, ProtocolName | Condition>>
}

/** One domain by one protocol, as an operator sees it. Text is for people. */
export interface PeerStatus {
  readonly protocol: ProtocolName
  readonly domain: string
  readonly state: 'connected' | 'connecting' | 'idle' | 'backing-off'
  /** One line a connection: direction, address, security, age. */
  readonly connections: readonly string[]
  /** Who the other side proved to be: `certificate of capulet.example, until 2027-01-02`; empty when it did not. */
  readonly identity: string
  /** The last failure, with its time (ISO 8601); empty when there was none. */
  readonly lastError: string
}

/** What one side of two domains may send a second, in stanzas or requests and in their octets; undefined: as much as it likes. */
export interface PeerShare {
  readonly perSecondMax: number | undefined
  readonly octetsPerSecondMax: number | undefined
}

/** The policy of our domain for another (IMPP §10, D28..D34). */
export interface PeerPolicy {
  /** False: nothing is sent to it and nothing taken from it. */
  readonly allowed: boolean
  /** The protocol for messages and presence, both ways; undefined: whichever reaches it, and whichever they come by. */
  readonly protocol: ProtocolName | undefined
  /** True: its users' names are trusted when the domain is authenticated (D33). */
  readonly trusted: boolean
  readonly messages: boolean
  readonly presence: boolean
  /** Calls and what else is set up by SIP's INVITE. */
  readonly calls: boolean
  /** What comes from it and what goes to it a second (decision 0131); left out: nothing is said. */
  readonly shares?: { readonly from?: PeerShare | undefined; readonly to?: PeerShare | undefined } | undefined
}

/**
 * Whether somebody there may send messages, or have to do with presence, by a protocol that bears these names: its own, and that of
 * another which stands on it. What comes is held to the protocol that the policy names as what goes is (decision 0133).
 */
export function mayComeBy(
  policy: PeerPolicy,
  service: PeerService,
  ...protocols: readonly ProtocolName[]
): boolean {
  const { allowed, protocol } = policy
  return allowed && policy[service] && (protocol === undefined || protocols.includes(protocol))
}

/** How a protocol gets to a domain, as the configuration says. */
export interface PeerRoute {
  /** `host` or `host:port`, in the order to be tried, instead of what DNS says; undefined: DNS is asked. */
  readonly servers: readonly string[] | undefined
  /**
   * What the connection must be: `verified`, TLS with a certificate that proves the domain; `encrypted`, TLS with any, the domain proved
   * otherwise where the protocol can (XMPP: dialback) or taken on trust; `none`, as the other side likes: for laboratories.
   */
  readonly tls: 'verified' | 'encrypted' | 'none'
  /** The name that its certificate must prove; undefined: the domain's own. */
  readonly identity?: string | undefined
  /** Whether dialback may prove a domain (XMPP); undefined: as the protocol's own settings say. */
  readonly dialback?: boolean | undefined
}

/** Which link carries what, and with whom we speak at all. */
export interface Peers {
  /**
   * What may be done with the domain, and how, by people of `ours`; without it, what may be done by anybody here.
   * Domains that no table names get the policy for strangers.
   */
  policyFor(domain: string, ours?: string): PeerPolicy
  /** Called by the server once its protocols run; before, no domain is reached. */
  add(protocol: PeerProtocol): void
  /**
   * The link that carries `service` for an envelope of `protocol` (the same protocol where the domain names it, so that nothing is
   * translated; else the first named; else one that is only implied), or why there is none: `permission-denied` by policy, `domain-unknown`, `connection-failed` while DNS
   * is silent. Calls back in the same tick when it is known.
   */
  find(
    domain: string,
    service: PeerService,
    protocol: ProtocolName | undefined,
    use: (link: PeerLink | Condition) => void,
  ): void
  /** The ways to a domain may be others than were learnt: its protocols are asked anew when it is needed next. */
  changed(domain: string): void
  status(): readonly PeerStatus[]
  /** Asks every protocol, whatever the policy. Never rejects. */
  examine(ours: string, domain: string): Promise<DomainExamination>
}

/** Nothing is forbidden: there is no way. */
const anybody: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: false,
  messages: true,
  presence: true,
  calls: true,
}

/** A server that speaks to no other domain. */
export const noPeers: Peers = {
  policyFor: () => anybody,
  add: () => {},
  find: (_domain, _service, _protocol, use) => use('domain-unknown'),
  changed: () => {},
  status: () => [],
  examine: async (_ours, domain) => ({
    domain,
    policy: anybody,
    protocols: [],
    goes: { messages: 'domain-unknown', presence: 'domain-unknown' },
  }),
}
