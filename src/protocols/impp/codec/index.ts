// What the rest of impp/ and the client may use of the codec.
export { addressOfUrl, urlOf } from './addresses.ts'
export { Exchange, type ExchangeKey, type ExchangeLimits, type Settled } from './exchange.ts'
export { defaultFramerLimits, type FramerLimits, UnitFramer } from './framer.ts'
export { acceptedTypes, decimal, leaseTimeOf, leaseTimeText } from './header-fields.ts'
export {
  type ContactEntry,
  type ContactState,
  contactText,
  listBytes,
  listEntriesMax,
  listMediaType,
  parseContacts,
  parseRules,
  parseWatchers,
  type RuleEntry,
  ruleText,
  type WatcherEntry,
  watcherText,
} from './lists.ts'
export {
  contentOf,
  fieldsOf,
  fieldText,
  isHint,
  messageBody,
  messageFields,
  messageOf,
  textField,
} from './message-fields.ts'
export { type PresenceType, parsePresenceBody, presenceBody, presenceTypeOf } from './presence-body.ts'
export { authenticationFailed, conditionOf, reasonOf, sentenceOf } from './reasons.ts'
export { tagOnlyMediaType } from './tag-only.ts'
export {
  type ImppFault,
  type ImppRequest,
  type ImppResponse,
  type ImppUnit,
  version,
} from './unit.ts'
export { type Body, envelopeBytes, type Fields, requestBytes, responseBytes } from './write.ts'
