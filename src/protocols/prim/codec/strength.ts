// AStrength: how sure the origin of a command is (docs/specs/prim.md §5.2).

export type Strength = 'none' | 'weak' | 'medium' | 'strong'

const order: readonly Strength[] = ['none', 'weak', 'medium', 'strong']

/** Undefined for a word that is none of them. */
export function strengthOf(value: string | undefined): Strength | undefined {
  if (value === undefined) return 'none'
  return order.find((each) => each === value)
}

/** What a relay passes on: never more than it was told, never more than its connection is worth. */
export function weaker(a: Strength, b: Strength): Strength {
  return order.indexOf(a) < order.indexOf(b) ? a : b
}
