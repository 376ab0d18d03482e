// Why a session is refused, in words for the other side's operator (RFC 3261 §20.43).

import { type HeaderLine, headerValuesNamed, type SipResponse } from '#protocols/sip'

/** RFC 3261 §20.43: 305, a format in the description that is not had; 399, what the codes have no number for. */
export type WarningCode = 305 | 399

/** @param agent our domain */
export function warningOf(agent: string, why: string, code: WarningCode = 399): HeaderLine {
  // A quoted-string: printable, with its two signs escaped.
  const words = why.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
  return ['Warning', `${code} ${agent} "${words}"`]
}

/** The words of its warnings, as they stand; '' where it has none. */
export function warningIn(response: SipResponse): string {
  const texts = headerValuesNamed(response, 'Warning').map((value) => /"((?:[^"\\]|\\.)*)"/.exec(value)?.[1])
  return texts.flatMap((text) => (text ? [text.replace(/\\(.)/g, '$1')] : [])).join('; ')
}
