// The door of the codec: payloads, the messages of the profile, and what services are told.

export {
  type EndpointName,
  endpointOf,
  foreignPersonOf,
  isService,
  personOf,
  readDomain,
  readEndpoint,
  sameEndpoint,
  serviceEndpoint,
  serviceOf,
  talkSubaddress,
} from './entity-name.ts'
export { documentOf, infoOfWords } from './entry-document.ts'
export {
  type ApexError,
  type ApexMessage,
  type Attach,
  type Bind,
  type Data,
  isRefusal,
  type Party,
  readMessage,
  recipientsMax,
  type Terminate,
} from './messages.ts'
export {
  type ApexOption,
  type DataHopping,
  type DataTiming,
  dataHoppingOf,
  dataTimingOf,
  readOption,
  type TargetHop,
} from './options.ts'
export {
  controlOf,
  entityOf,
  type Payload,
  partContent,
  partNamed,
  partOf,
  payloadBytes,
  readPayload,
  readPayloadBytes,
  withControl,
  xmlPayload,
} from './payload.ts'
export {
  entryTuplesMax,
  isNobody,
  isWaitingEntry,
  type PresenceEntry,
  type PresenceEntryTuple,
  presenceText,
  readPresence,
} from './presence.ts'
export { bodyOf, contentOfPart, type Related, relatedEntity, type Words, wordsOf } from './related.ts'
export { type ApexCode, codeOf, conditionOf, reasonOf, replyCodes } from './reply-codes.ts'
export {
  type AccessEntry,
  accessText,
  type Destination,
  notifyText,
  publishText,
  readAccessEntry,
  readServiceMessage,
  replyText,
  type ServiceFault,
  type ServiceMessage,
  setText,
  statusResponseText,
  subscribeText,
  terminateText,
} from './services.ts'
export { readTimestamp, readUniqueId, timestampText, uniqueIdMax } from './values.ts'
export {
  apexProfile,
  attachDocument,
  bindDocument,
  type DataChange,
  dataDocument,
  dataFor,
  errorDocument,
  type OutgoingData,
  okDocument,
  optionAround,
  payloadFor,
  terminateDocument,
} from './write.ts'
