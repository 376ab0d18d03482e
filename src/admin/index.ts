// The door of admin: monitoring for everybody who may reach it, management for whoever owns the server.
export { ControlClient, ControlError, NotRunning } from './client.ts'
export { type ControlOptions, startControl } from './control.ts'
export { Health, type HealthCheck } from './health.ts'
export { type MonitoringOptions, startMonitoring } from './monitoring.ts'
export { type PublicWebOptions, startPublicWeb } from './public-web.ts'
export type {
  AccountBatch,
  AccountBatchResult,
  AccountInfo,
  AccountPage,
  AccountResult,
  ContactAction,
  ContactActionBody,
  ContactInfo,
  ContactList,
  DomainExamination,
  DroppedQueue,
  ErrorBody,
  ForwardInfo,
  Ha1Body,
  HealthReport,
  HealthResult,
  NewAccountBody,
  PasswordBody,
  PeerInfo,
  PeerList,
  PeerQueueInfo,
  PeerSettings,
  PeerTables,
  RuleInfo,
  ServerStatus,
} from './types.ts'
