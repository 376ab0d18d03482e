// The door of core: the abstract service and its contracts.

export {
  type AgentCapabilities,
  type AuthorizationEvent,
  absentDocument,
  accepted,
  type ContactAgent,
  type DeliveryAnswer,
  type DeliveryContext,
  held,
  type InboxAgent,
  type TerminationReason,
  type WatcherAgent,
} from './agents.ts'
export { type Lease, Leases } from './leases.ts'
export { Archiving, type ArchivingPreferences, archives, archivingListMax } from './messages/archiving.ts'
export { Custody } from './messages/custody.ts'
export { type Forward, forwardLocationMax, moved } from './messages/forward.ts'
export { Inbox, inboxAgentsMax } from './messages/inboxes.ts'
export type { MessagePolicy } from './messages/message-parts.ts'
export { MessageService } from './messages/message-service.ts'
export { type Answer, Answered, type AnsweredLimits } from './peers/answered.ts'
export { type Asks, asksPerSecondMax } from './peers/asks.ts'
export { createPeers, type PeerLinksParts, type PeerTable } from './peers/peer-links.ts'
export { type RelayPolicy, type RelayQueueStatus, relayDefaults } from './peers/peer-queue.ts'
export type { BeyondShareCounts, PeerShares } from './peers/peer-shares.ts'
export {
  type DomainExamination,
  mayComeBy,
  namedWay,
  noPeers,
  noWay,
  type PeerExamination,
  type PeerLink,
  type PeerPolicy,
  type PeerProtocol,
  type PeerRoute,
  type PeerService,
  type PeerShare,
  type PeerStatus,
  type Peers,
  type RemotePresence,
  type Way,
} from './peers/peers.ts'
export type { Relay } from './peers/relay.ts'
export type { Turn } from './peers/turns.ts'
export { type AccessPolicy, mayReach, maySubscribe, visible } from './people/access.ts'
export {
  type AccessAction,
  type AccessRule,
  type AccessRules,
  accessRulesMax,
  blocks,
  deviceKey,
  isBlocked,
  isPresenceClass,
  isWholeDomain,
  ofWholeDomain,
  type PresenceClass,
  partyOfKey,
  type RulesChange,
  readSubject,
  ruleFor,
  type VisibilityClass,
} from './people/access-rules.ts'
export { Account } from './people/account.ts'
export { type AccountOutcome, AccountService, type NewAccount } from './people/account-service.ts'
export type {
  Authenticator,
  Credentials,
  DigestHash,
  ImportedDigest,
  PasswordSetter,
  ScramHash,
  ScramVerifier,
  Secrets,
} from './people/authenticator.ts'
export { type Authorization, type Contact, contactsMax, noAuthorization } from './people/contact.ts'
export { ContactService } from './people/contact-service.ts'
export { Directory, type Found } from './people/directory.ts'
export type { ListChange } from './people/list-versions.ts'
export { type ForeignTuple, fetchedNotification, tuplesOf } from './presence/foreign-documents.ts'
export { type LastActivity, lastActivityOf } from './presence/last-activity.ts'
export { PresenceNotification, type VisibleSource } from './presence/notification.ts'
export { type FetchOutcome, PresenceService } from './presence/presence-service.ts'
export { permanentTuple, type TupleChange } from './presence/presentities.ts'
export { type Publication, presenceClassesMax } from './presence/publishing.ts'
export type { SubscriptionOutcome, SubscriptionRequest } from './presence/subscribing.ts'
export type {
  WatcherEvent,
  WatcherInfo,
  WatcherInfoAgent,
  WatcherStatus,
} from './presence/watcher-information.ts'
export type {
  Environment,
  Listener,
  PeerEnvironment,
  Protocol,
  RunningProtocol,
} from './protocol.ts'
export { Router } from './router.ts'
export type { ReadScript } from './scripts/reading.ts'
export { redirection, rejection } from './scripts/results.ts'
export { type Decision, type Proxying, ScriptRun } from './scripts/run.ts'
export { type Asked, diversionsMax, type Scripted, Scripts } from './scripts/scripts.ts'
export { createService, type Service, type ServiceParts, type ServicePolicy } from './service.ts'
export { ServiceError } from './service-error.ts'
export {
  type AccountRecord,
  type AccountState,
  documentOctetsMax,
  documentsMax,
  type HistoryEntry,
  type HistoryFilter,
  type HistoryItem,
  type HistoryQuery,
  type HistoryRow,
  historyIdsMax,
  type QueuedDomain,
  type QueuedUnit,
  type Store,
  type StoredSubscription,
  type StoredUnit,
} from './store.ts'
export { Transit } from './transit.ts'
