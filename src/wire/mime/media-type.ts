// Content-Type (RFC 2045 §5).

import { parametersText, readParameters } from './parameters.ts'
import { isToken, ValueReader } from './tokens.ts'

export interface MediaType {
  /** In lower case. */
  readonly type: string
  /** In lower case. */
  readonly subtype: string
  /** `type/subtype` in lower case: what is compared. */
  readonly essence: string
  /** Names in lower case, values as meant (quotes, escapes and RFC 2231 undone). */
  readonly parameters: ReadonlyMap<string, string>
}

/** Reads a Content-Type value; undefined when it is malformed. */
export function parseMediaType(value: string): MediaType | undefined {
  const reader = new ValueReader(value)
  if (!reader.skip()) return undefined
  const type = reader.token().toLowerCase()
  if (type === '' || !reader.skip() || !reader.take('/') || !reader.skip()) return undefined
  const subtype = reader.token().toLowerCase()
  if (subtype === '') return undefined
  const parameters = readParameters(reader)
  return parameters && { type, subtype, essence: `${type}/${subtype}`, parameters }
}

/** A media type from its essence; throws RangeError when it is none. */
export function mediaType(essence: string, parameters: Readonly<Record<string, string>> = {}): MediaType {
  const [type, subtype, more] = essence.toLowerCase().split('/')
  if (
    type === undefined ||
    subtype === undefined ||
    more !== undefined ||
    !isToken(type) ||
    !isToken(subtype)
  ) {
    throw new RangeError(`not a media type: ${JSON.stringify(essence)}`)
  }
  return { type, subtype, essence: `${type}/${subtype}`, parameters: new Map(Object.entries(parameters)) }
}

/** The Content-Type value of it. */
export function mediaTypeText(type: MediaType): string {
  return type.essence + parametersText(type.parameters)
}

/** The charset of a text type, `us-ascii` where RFC 2046 §4.1.2 says so. */
export function charsetOf(type: MediaType): string {
  return type.parameters.get('charset') ?? 'us-ascii'
}
