// The door of base: what needs nothing of Verona.
export { assert, unreachable } from './assert.ts'
export { BoundedQueue } from './bounded-queue.ts'
export { type Bytes, concat, noBytes, ownBytes, sameBytes, strictText, text, utf8 } from './bytes.ts'
export { type Clock, SystemClock, type Timer, VirtualClock } from './clock.ts'
export { orderedId, randomBelow, randomId } from './ids.ts'
export { RareMap, RareSet } from './rare.ts'
export { TokenBucket } from './token-bucket.ts'
