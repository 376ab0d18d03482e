// The derived property of a code point in the two PRECIS string classes (RFC 8264 §8 and §9). Complete; it
// follows the Unicode version of the running engine, as RFC 8264 §13.4 allows.

/** What a code point may be: in any class, in the FreeformClass only, if its context rule holds, or nowhere. */
export type DerivedProperty = 'pvalid' | 'free' | 'context' | 'disallowed'

const unassigned = /^\p{Cn}$/u // noncharacters included
const ignorable = /^\p{Default_Ignorable_Code_Point}$/u
const control = /^\p{Cc}$/u
const oldHangulJamo = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/u
const letterDigits = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u
const freeOnly = /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]$/u

/** RFC 5892 §2.6, category F. */
const exceptions = new Map<number, DerivedProperty>([
  ...each('pvalid', 0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007),
  ...each('context', 0xb7, 0x375, 0x5f3, 0x5f4, 0x30fb),
  ...each('context', ...range(0x660, 0x669), ...range(0x6f0, 0x6f9)),
  ...each('disallowed', 0x640, 0x7fa, 0x302e, 0x302f, ...range(0x3031, 0x3035), 0x303b),
])

/** LIMIT: code points whose property is remembered, so that a long name costs no more than its length. */
const rememberedMax = 4096
const remembered = new Map<string, DerivedProperty>()

/** The derived property of one code point. */
export function derivedProperty(character: string): DerivedProperty {
  const known = remembered.get(character)
  if (known !== undefined) return known
  const property = computed(character)
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(character, property)
  return property
}

/** The steps, in the order that RFC 8264 §8 forbids to change. */
function computed(character: string): DerivedProperty {
  const point = character.codePointAt(0) as number
  const exception = exceptions.get(point)
  if (exception !== undefined) return exception
  if (unassigned.test(character)) return 'disallowed'
  if (point >= 0x21 && point <= 0x7e) return 'pvalid'
  if (point === 0x200c || point === 0x200d) return 'context'
  if (oldHangulJamo.test(character)) return 'disallowed'
  if (ignorable.test(character)) return 'disallowed'
  if (control.test(character)) return 'disallowed'
  if (character.normalize('NFKC') !== character) return 'free'
  if (letterDigits.test(character)) return 'pvalid'
  if (freeOnly.test(character)) return 'free'
  return 'disallowed'
}

function each(value: DerivedProperty, ...points: number[]): [number, DerivedProperty][] {
  return points.map((point) => [point, value])
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
