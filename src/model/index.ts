// The door of model: the nouns of RFC 2778, data and invariants only.
export {
  type Address,
  addressOf,
  addressOfUri,
  addressPartMax,
  foreignAddress,
  imppUri,
  imUri,
  jidEscaped,
  jidUnescaped,
  parseAddress,
  presUri,
  sipUri,
  uriIn,
  xmppUri,
} from './address.ts'
export {
  dayOf,
  daySeconds,
  daysInMonth,
  type Frequency,
  Recurrence,
  type Rule,
  recurringDaysMax,
  recurringDaysWithinDayMax,
  type Span,
  TimeZone,
  type WeekdayRule,
} from './calendar/index.ts'
export { type Condition, conditions } from './condition.ts'
export type { Content } from './content.ts'
export {
  type Envelope,
  type EnvelopeKind,
  type Head,
  hopsDefault,
  type MessageEnvelope,
  oneHopLess,
  type PresenceEnvelope,
  type ProtocolName,
  presenceHead,
  type WhenAbsent,
} from './envelope.ts'
export {
  type ChatState,
  type InstantMessage,
  type LanguageText,
  type MessageKind,
  type Report,
  senderNameOf,
} from './message.ts'
export { delivered, type Outcome, type PeerReply, type Refused, refused, relayed, stored } from './outcome.ts'
export { prepareDomain, prepareOpaque, prepareUsername } from './precis.ts'
export { type Basic, isOpen, type PresenceDocument, type PresenceTuple, type Show } from './presence.ts'
export type { Principal } from './principal.ts'
export {
  type AddressField,
  type AddressSubfield,
  type LookupResult,
  type Next,
  type Ordering,
  type Output,
  type Priority,
  type PriorityTest,
  type ProxyNode,
  type ProxyResult,
  priorities,
  type RejectStatus,
  type RequestFacts,
  type Script,
  type ScriptAction,
  type ScriptFault,
  type ScriptLocation,
  type ScriptNode,
  type StringField,
  type Switch,
  type TextTest,
} from './script.ts'
