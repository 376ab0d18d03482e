// The door of header-lines: RFC 822-style header blocks, shared by MIME, Message/CPIM, IMPP and PRIM.
export { HeaderLines } from './header-lines.ts'
export {
  type HeaderCondition,
  type HeaderFault,
  type HeaderRules,
  mimeHeaderRules,
  strictHeaderRules,
} from './rules.ts'
export { findBlockEnd, scanHeaderLines } from './scan.ts'
export { headerBlock, headerLine, isHeaderName, isHeaderValue, oneLine } from './write.ts'
