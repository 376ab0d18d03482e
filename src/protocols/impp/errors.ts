// The errors of this protocol, both ways (docs/specs/impp-1.0.md §9). The table is the codec's, as the client needs it too.
export { authenticationFailed, conditionOf, reasonOf, sentenceOf } from './codec/index.ts'
