// Guards for what only we could have broken. Malformed input is never an assertion: it is a Condition.

/** Throws when `truth` is false: a fault of ours, never of a peer. */
export function assert(truth: unknown, what: string): asserts truth {
  if (!truth) throw new Error(`assertion failed: ${what}`)
}

/** Marks a place that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
