// What one format demands of its header lines, and how much a stranger may send (RFC 822 §3.1 and its heirs).

/** How strictly a block of header lines is read, and its limits. */
export interface HeaderRules {
  /** A line that begins with a space or tab continues the one before it (RFC 822 §3.1.1); otherwise it is malformed. */
  readonly folding: boolean
  /** A lone LF ends a line too (what mail tools write to disk); otherwise only CR LF does. */
  readonly bareLineFeed: boolean
  /** White space around a value is not part of it; otherwise the value is all that follows the colon. */
  readonly trim: boolean
  /** Octets above 127 must form well-formed UTF-8. */
  readonly utf8: boolean
  /** LIMIT: fields in a block. */
  readonly fieldsMax: number
  /** LIMIT: octets of one line, its line end not counted. */
  readonly lineOctetsMax: number
  /** LIMIT: octets of a block, its blank line included. */
  readonly blockOctetsMax: number
}

/** Header fields of a MIME entity (RFC 2045 §3): folded, any line end, any octet. */
export const mimeHeaderRules: HeaderRules = {
  folding: true,
  bareLineFeed: true,
  trim: true,
  utf8: false,
  fieldsMax: 200,
  lineOctetsMax: 16_384,
  blockOctetsMax: 65_536,
}

/** One header a line, CR LF, UTF-8: what IMPP and the protocols written after HTTP agree on. */
export const strictHeaderRules: HeaderRules = {
  folding: false,
  bareLineFeed: false,
  trim: true,
  utf8: true,
  fieldsMax: 64,
  lineOctetsMax: 8_192,
  blockOctetsMax: 32_768,
}

export type HeaderCondition =
  | 'block-too-long'
  | 'line-too-long'
  | 'too-many-fields'
  | 'no-colon'
  | 'bad-name'
  | 'bad-character'
  | 'bad-line-end'
  | 'bad-folding'
  | 'not-utf8'
  | 'unfinished'

/** Why a block was not understood, and where: `offset` counts from the beginning of the array. */
export interface HeaderFault {
  readonly fault: HeaderCondition
  readonly offset: number
}
