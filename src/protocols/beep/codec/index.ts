// The door of the codec: frames, entities, and the messages of channel management and tuning.

export { errorText, isBeepError, managementOctetsMax, readBeepXml, readElement } from './beep-xml.ts'
export {
  beepXmlType,
  contentTypeDefault,
  Entity,
  entityBytes,
  entityHead,
  type OutgoingEntity,
  readEntity,
  transferEncodingDefault,
} from './entity.ts'
export {
  type DataFrame,
  type FrameFault,
  type FrameHeader,
  type FrameReason,
  initialWindow,
  type Keyword,
  number31Max,
  octetsBetween,
  type SeqFrame,
  seqnoAfter,
} from './frame.ts'
export { headerBytes, seqBytes, trailerBytes } from './frame-writer.ts'
export { type Admit, Framer } from './framer.ts'
export {
  type Close,
  closeText,
  errorMessage,
  type Greeting,
  greetingText,
  initializationOctetsMax,
  okText,
  type ProposedProfile,
  profileText,
  readReply,
  readRequest,
  type Start,
  startText,
} from './management.ts'
export { type BeepError, beepError, type ReplyCode, readReplyCode, replyCodes } from './reply-codes.ts'
export {
  blobText,
  proceedText,
  readTuning,
  readyText,
  saslProfile,
  type TuningMessage,
  tlsProfile,
  tuningOf,
} from './tuning.ts'
