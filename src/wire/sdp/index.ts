// The door of sdp: session descriptions, as far as offers and answers need them.
export { linesMax, mediaMax, octetsMax, parseSdp, type SdpFault } from './parse.ts'
export type { Connection, MediaDescription, Origin, SdpAttribute, SessionDescription } from './session.ts'
export { attributeOf, connectionOf } from './session.ts'
export { writeSdp } from './write.ts'
