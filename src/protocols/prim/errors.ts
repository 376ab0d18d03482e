// The errors of this protocol, both ways (docs/specs/prim.md §7). The table is the codec's, as a client needs it too.
export { conditionOf, statusOf } from './codec/index.ts'
