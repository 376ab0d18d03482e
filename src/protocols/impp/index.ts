// The door of impp: IMPP/1.0, client to server (docs/specs/impp-1.0.md).
export { protocol } from './protocol.ts'
