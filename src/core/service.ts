// The abstract service whole, as the bindings see it: two facades (IMPP §2: either may be offered without the other), the contact
// list, transit, and the contracts behind them.
import type { Clock } from '#base'
import type { Envelope } from '#model'
import type { Log, Metrics } from '#observe'
import { Leases } from './leases.ts'
import { Archiving } from './messages/archiving.ts'
import { reviveCoreMessage } from './messages/core-message.ts'
import { EarlierLife } from './messages/earlier-life.ts'
import { LateOutcomes } from './messages/late-outcomes.ts'
import { messageMetrics } from './messages/message-metrics.ts'
import type { MessagePolicy } from './messages/message-parts.ts'
import { MessageService } from './messages/message-service.ts'
import { coreProtocol, reviveReport } from './messages/report-envelope.ts'
import { Asks, asksPerSecondMax } from './peers/asks.ts'
import { LateNotices } from './peers/late-notices.ts'
import { OutgoingMessages } from './peers/outgoing-messages.ts'
import { type RelayPolicy, relayDefaults } from './peers/peer-queue.ts'
import { PeerShares } from './peers/peer-shares.ts'
import type { Peers, RemotePresence } from './peers/peers.ts'
import { Relay } from './peers/relay.ts'
import type { AccessPolicy } from './people/access.ts'
import { AccountService } from './people/account-service.ts'
import type { Authenticator, PasswordSetter } from './people/authenticator.ts'
import { ContactService } from './people/contact-service.ts'
import { Directory } from './people/directory.ts'
import { ForeignPresence } from './presence/foreign-presence.ts'
import { Notifier } from './presence/notifier.ts'
import { PresenceService } from './presence/presence-service.ts'
import { Router } from './router.ts'
import { noScripts, type ReadScript } from './scripts/reading.ts'
import { Scripts } from './scripts/scripts.ts'
import { ServiceError } from './service-error.ts'
import type { Store, StoredUnit } from './store.ts'
import { Transit } from './transit.ts'
import { Translations } from './translations.ts'

export interface ServicePolicy extends MessagePolicy, AccessPolicy {
  /** What happens to messages for domains that can't be reached; `relayDefaults` where it is silent. */
  readonly relay?: Partial<RelayPolicy>
  /** Questions about presence to one other domain a second. */
  readonly asksPerSecondMax?: number
}

export interface ServiceParts {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly store: Store
  readonly peers: Peers
  /** Our own domains, A-labels in lower case; the first is the default. */
  readonly domains: readonly string[]
  readonly policy: ServicePolicy
  readonly authenticator: Authenticator
  readonly passwords: PasswordSetter
  /** Makes an envelope again of what a protocol stored; undefined when the protocol is not known here. */
  readonly revive: (unit: StoredUnit) => Envelope | undefined
  /** Reads the scripts of our people; without it they have none. */
  readonly readScript?: ReadScript
  /** In 0..1, to spread what would else happen at one moment. */
  readonly random?: () => number
}

export interface Service {
  readonly clock: Clock
  /** When it was put together, in the clock's milliseconds. */
  readonly started: number
  readonly log: Log
  readonly metrics: Metrics
  readonly leases: Leases
  readonly messages: MessageService
  readonly presence: PresenceService
  readonly contacts: ContactService
  readonly accounts: AccountService
  /** Where the links to other domains tell what they learn of presence there. */
  readonly remotePresence: RemotePresence
  readonly archiving: Archiving
  /** What our people want done with requests to and from them (RFC 3880). */
  readonly scripts: Scripts
  /** To other domains: `load` before anybody may send, `start` once the protocols run, `stop` before the store is closed. */
  readonly relay: Relay
  /** Where a protocol hears what became of its messages that waited. */
  readonly late: LateOutcomes
  /** What was taken before this process began: `load` before anybody may send. */
  readonly earlier: EarlierLife
  readonly peers: Peers
  /** What may come from other domains and go to them a second. */
  readonly shares: PeerShares
  /** How fast other domains are asked about presence: links ask in turn what they ask by themselves. */
  readonly asks: Asks
  readonly transit: Transit
  readonly directory: Directory
  readonly router: Router
  readonly authenticator: Authenticator
  readonly passwords: PasswordSetter
  readonly store: Store
  readonly policy: ServicePolicy
  /** Revives a stored envelope; throws ServiceError when its protocol is not here. */
  revive(unit: StoredUnit): Envelope
}

/** Puts the service together. It opens nothing and starts nothing. */
export function createService(parts: ServiceParts): Service {
  const { clock, log, metrics, store, policy } = parts
  const fault = (cause: unknown, what: string): void => log.error(what, { error: cause })
  const revive = (unit: StoredUnit): Envelope => {
    if (unit.head.protocol === coreProtocol)
      return (unit.head.kind === 'report' ? reviveReport : reviveCoreMessage)(unit.head, unit.raw)
    const envelope = parts.revive(unit)
    if (envelope !== undefined) return envelope
    throw new ServiceError('internal-fault', 'a stored envelope is of a protocol that is not here', {
      protocol: unit.head.protocol,
    })
  }
  const router = new Router(parts.domains, parts.peers)
  const isLocal = (domain: string): boolean => router.isLocal(domain)
  const read = parts.readScript ?? noScripts
  const directory = new Directory(
    store,
    revive,
    (cause) => fault(cause, 'an account could not be loaded'),
    read,
  )
  const scripts = new Scripts({
    clock,
    directory,
    store,
    log,
    metrics,
    read,
    policy,
    send: (envelope) => messages.send(envelope, () => {}),
  })
  const leases = new Leases(clock)
  const translations = new Translations(metrics)
  const shares = new PeerShares({ clock, peers: parts.peers, metrics })
  const asks = new Asks({ clock, shares, perSecondMax: policy.asksPerSecondMax ?? asksPerSecondMax, fault })
  const notifier = new Notifier(directory, router, translations, new LateNotices(clock, shares, fault), fault)
  const contacts = new ContactService({ directory, store, policy, router, scripts, fault })
  const remotePresence = new ForeignPresence({ directory, router, leases, notifier, contacts, asks })
  const presence = new PresenceService({
    directory,
    store,
    leases,
    notifier,
    contacts,
    scripts,
    foreign: remotePresence,
    policy,
    router,
    now: () => clock.now(),
    fault,
  })
  const late = new LateOutcomes(fault)
  const relay = new Relay({
    late,
    clock,
    store,
    peers: parts.peers,
    shares,
    translations,
    policy: { ...relayDefaults, ...policy.relay },
    revive,
    metrics,
    report: (report, about, told) => messages.report(report, about, told),
    random: parts.random ?? Math.random,
    fault,
  })
  const earlier = new EarlierLife(clock, store)
  const now = (): number => clock.now()
  const messages = new MessageService({
    router,
    scripts,
    outgoing: new OutgoingMessages({ relay, router, directory, store, policy, now, fault }),
    directory,
    store,
    earlier,
    late,
    policy,
    revive,
    metrics: messageMetrics(metrics),
    translations,
    now,
    fault,
  })
  const accounts = new AccountService({ clock, store, directory, passwords: parts.passwords, isLocal })
  accounts.onRemoved = (account) => {
    presence.end(account)
    contacts.end(account)
  }
  return {
    clock,
    started: clock.now(),
    log,
    metrics,
    leases,
    messages,
    presence,
    contacts,
    accounts,
    remotePresence,
    scripts,
    archiving: new Archiving(directory, store, fault),
    relay,
    late,
    earlier,
    peers: parts.peers,
    shares,
    asks,
    transit: new Transit(router, directory, shares),
    directory,
    router,
    authenticator: parts.authenticator,
    passwords: parts.passwords,
    store,
    policy,
    revive,
  }
}
