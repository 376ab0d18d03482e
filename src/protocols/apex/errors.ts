// The errors of this protocol, both ways (RFC 3340 §10). The table is the codec's, as a client needs it too.
export { codeOf, conditionOf, reasonOf } from './codec/index.ts'
