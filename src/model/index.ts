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
