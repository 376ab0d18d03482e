// The door of pidf: presence documents as XML (RFC 3863).
export {
  idLengthMax,
  isPidf,
  notesMax,
  olderPidfMediaType,
  olderPidfNamespace,
  type PidfCondition,
  type PidfFault,
  pidfMediaType,
  pidfNamespace,
  tuplesMax,
} from './names.ts'
export { type PidfOptions, parsePidf } from './parse.ts'
export { notesOfPersons } from './show.ts'
export { idOf, writtenId } from './tuple-id.ts'
export { writePidf } from './write.ts'
