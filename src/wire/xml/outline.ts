// What is found of an element: offsets from its first octet. The columns of its tables.

/** Columns of `attributes`: nameStart, colon (0: no prefix), nameEnd, valueStart, valueEnd, flags. */
export const attributeColumns = 6
/** The value holds a reference, or whitespace that normalisation turns into a space. */
export const valueNeedsDecoding = 1
export const valueBeyondAscii = 2

/**
 * Columns of `children`: start, colon (0: no prefix), nameEnd, namespaceStart, namespaceEnd, tagEnd, end. A
 * namespaceStart below 0 is a binding outside the element (scope.ts); else the namespace is the text between the offsets.
 */
export const childColumns = 7

export interface Outline {
  /** Octets of the element. */
  readonly length: number
  /** The name: from 1 to nameEnd, with its prefix before `colon` (0: none). */
  readonly colon: number
  readonly nameEnd: number
  readonly namespaceStart: number
  readonly namespaceEnd: number
  /** Behind the start tag. */
  readonly tagEnd: number
  /** Where the content stops. */
  readonly contentEnd: number
  readonly selfClosing: boolean
  /** Of the start tag. */
  readonly attributes: readonly number[]
  readonly children: readonly number[]
  /** Bit k: the outer binding k was used by a prefix inside; bit 31 stands for all from 31 on. */
  readonly outerUsed: number
}
