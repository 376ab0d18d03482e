// The door of cpim: Message/CPIM (RFC 3862).
export {
  type CpimAddress,
  type CpimCondition,
  type CpimFault,
  type CpimHeader,
  type CpimMessage,
  type CpimName,
  cpimNamespace,
  unrecognisedRequirements,
} from './cpim-message.ts'
export { escaped, unescaped } from './escapes.ts'
export { parseCpim } from './parse.ts'
export { subjectOf, withSubject } from './subject.ts'
export { bodyOfTexts, type TextBody, textsOf } from './texts.ts'
export { type CpimHead, writeCpim } from './write.ts'
