// The door of prim: PRIM presence and PRIM IM (docs/specs/prim.md).
export { protocol } from './protocol.ts'
