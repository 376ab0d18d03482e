// The parameters of a challenge, as a phone reads them.

import { unquoted } from '../codec/grammar.ts'
import { commaSplit } from '../codec/headers.ts'

export function parseAuth(value: string): Map<string, string> {
  const params = new Map<string, string>()
  for (const piece of commaSplit(value.replace(/^Digest +/i, '')) ?? []) {
    const equals = piece.indexOf('=')
    params.set(piece.slice(0, equals).trim().toLowerCase(), unquoted(piece.slice(equals + 1).trim()))
  }
  return params
}
