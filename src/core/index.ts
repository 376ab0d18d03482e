// The door of core: the abstract service and its contracts.
export { type AccessPolicy, mayReach, maySubscribe, visible } from './access.ts'
export {
  type AccessAction,
  type AccessRule,
  type AccessRules,
  accessRulesMax,
  blocks,
  deviceKey,
  isBlocked,
  isPresenceClass,
  type PresenceClass,
  partyOfKey,
  type RulesChange,
  ruleFor,
  type VisibilityClass,
} from './access-rules.ts'
export { Account } from './account.ts'
export { type AccountOutcome, AccountService, type NewAccount } from './account-service.ts'
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
export { type Answer, Answered, type AnsweredLimits } from './answered.ts'
export { Archiving, type ArchivingPreferences, archives, archivingListMax } from './archiving.ts'
export { type Asks, asksPerSecondMax } from './asks.ts'
export type {
  Authenticator,
  Credentials,
  DigestHash,
  ImportedDigest,
  PasswordSetter,
  ScramHash,
  ScramVerifier,
  Secrets,
} from './authenticator.ts'
export { type Authorization, type Contact, contactsMax, noAuthorization } from './contact.ts'
export { ContactService } from './contact-service.ts'
export { Custody } from './custody.ts'
export { Directory, type Found } from './directory.ts'
export { type ForeignTuple, fetchedNotification, tuplesOf } from './foreign-documents.ts'
export { type Forward, forwardLocationMax, moved } from './forward.ts'
export { Inbox, inboxAgentsMax } from './inboxes.ts'
export { type LastActivity, lastActivityOf } from './last-activity.ts'
export { type Lease, Leases } from './leases.ts'
export type { ListChange } from './list-versions.ts'
export type { MessagePolicy } from './message-parts.ts'
export { MessageService } from './message-service.ts'
export { PresenceNotification, type VisibleSource } from './notification.ts'
export { createPeers, type PeerLinksParts, type PeerTable } from './peer-links.ts'
export { type RelayPolicy, type RelayQueueStatus, relayDefaults } from './peer-queue.ts'
export type { BeyondShareCounts, PeerShares } from './peer-shares.ts'
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
} from './peers.ts'
export { type FetchOutcome, PresenceService } from './presence-service.ts'
export { permanentTuple, type TupleChange } from './presentities.ts'
export type {
  Environment,
  Listener,
  PeerEnvironment,
  Protocol,
  RunningProtocol,
} from './protocol.ts'
export { type Publication, presenceClassesMax } from './publishing.ts'
export type { Relay } from './relay.ts'
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
export type { SubscriptionOutcome, SubscriptionRequest } from './subscribing.ts'
export { Transit } from './transit.ts'
export type { Turn } from './turns.ts'
export type { WatcherEvent, WatcherInfo, WatcherInfoAgent, WatcherStatus } from './watcher-information.ts'
