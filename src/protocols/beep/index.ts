// The door of beep: sessions, channels, and the contract of profiles (RFC 3080, RFC 3081). A substrate for other protocols: it has no
// binding, and the server starts nothing of it.
export {
  type BeepError,
  beepError,
  beepXmlType,
  contentTypeDefault,
  Entity,
  errorText,
  type Greeting,
  initializationOctetsMax,
  isBeepError,
  type OutgoingEntity,
  type ProposedProfile,
  type ReplyCode,
  readBeepXml,
  readElement,
  replyCodes,
  saslProfile,
  tlsProfile,
} from './codec/index.ts'
export {
  type BeepSettings,
  beepSettings,
  defaultSessionLimits,
  type SessionLimits,
  sessionLimits,
} from './limits.ts'
export type {
  BeepIdentity,
  BeepProfile,
  Channel,
  ChannelHandler,
  ChannelStart,
  CloseOutcome,
  Reply,
  Replying,
  Role,
  SendResult,
  Session,
  SessionEnd,
  SessionReason,
  StartOutcome,
  StartRequest,
  Tuning,
} from './profile.ts'
export { beginSession } from './session.ts'
export type { SessionOptions } from './session-options.ts'
export { type SaslProfilesOptions, type SaslServer, saslProfilesOf } from './tuning/sasl.ts'
export { authenticate, type LoginOutcome, offeredMechanisms } from './tuning/sasl-client.ts'
export { type StartTlsRequest, startTls, type TlsProfileOptions, tlsProfileOf } from './tuning/tls.ts'
