// What several methods read of a request first: whom it is about.

import type { Address } from '#model'
import { addressOfId, field, isTokenText, type PrimRequest, type Scheme } from '../codec/index.ts'

/** The person in To; undefined where there is none, or it is no identifier of the service. */
export function toOf({ headers }: PrimRequest, service: Scheme): Address | undefined {
  return addressOfId(field(headers, 'To') ?? '', service)
}

/** The value of a field that must be `token-text` where it is there. */
export function tokenField({ headers }: PrimRequest, name: string): string | undefined | 'malformed' {
  const value = field(headers, name)
  return value === undefined || isTokenText(value) ? value : 'malformed'
}
