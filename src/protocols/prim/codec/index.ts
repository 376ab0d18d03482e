// What the rest of prim/ and a client may use of the codec.
export { addressOfAnyId, addressOfId, idOf, mailboxOf, type Scheme } from './addresses.ts'
export { defaultFramerLimits, type FramerLimits, headersMax, lineOctetsMax, UnitFramer } from './framer.ts'
export {
  classList,
  dateOf,
  dateText,
  decimal,
  field,
  isMessageId,
  isTokenText,
  mechanismList,
  textOfToken,
  tokenText,
} from './header-fields.ts'
export {
  type AclEntry,
  aclBytes,
  type ClassEntry,
  classTableBytes,
  inboxRights,
  listMediaType,
  parseAcl,
  parseClassTable,
  parseSubscribers,
  presenceRights,
  type Right,
  subscribersBytes,
} from './lists.ts'
export { bodyOf, contentOf, messageOf } from './message-fields.ts'
export { parsePresenceBody, presenceBody } from './presence-body.ts'
export { withHopFields, withStartLine } from './splice.ts'
export { conditionOf, isSuccess, phraseOf, phrases, statusOf } from './status.ts'
export { type Strength, strengthOf, weaker } from './strength.ts'
export type {
  PrimFault,
  PrimRequest,
  PrimResponse,
  PrimUnit,
  Token,
} from './unit.ts'
export { type Body, type Fields, repeatedResponse, requestBytes, responseBytes } from './write.ts'
