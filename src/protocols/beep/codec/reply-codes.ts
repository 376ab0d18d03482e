// The reply codes of RFC 3080 §8: what programs read in `close` and `error`.

export const replyCodes = {
  200: 'success',
  421: 'service not available',
  450: 'requested action not taken',
  451: 'requested action aborted',
  454: 'temporary authentication failure',
  500: 'general syntax error',
  501: 'syntax error in parameters',
  504: 'parameter not implemented',
  530: 'authentication required',
  534: 'authentication mechanism insufficient',
  535: 'authentication failure',
  537: 'action not authorized for user',
  538: 'authentication mechanism requires encryption',
  550: 'requested action not taken',
  553: 'parameter invalid',
  554: 'transaction failed',
} as const

/** A code of §8. Profiles define others (APEX 555, 556), so a code on the wire is any number from 100 to 599. */
export type ReplyCode = keyof typeof replyCodes

/** A refusal: the content of an `error` element. The text is for people, never for programs (§2.3.1.5). */
export interface BeepError {
  readonly code: number
  readonly text?: string | undefined
  /** The language of the text, where it was said. */
  readonly language?: string | undefined
}

/** `[1-5][0-9][0-9]` (§7.1). */
export function readReplyCode(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-5][0-9][0-9]$/.test(text) ? Number(text) : undefined
}

/** The error for a code of §8, with its meaning where there is no better text. */
export function beepError(code: ReplyCode, text: string = replyCodes[code]): BeepError {
  return { code, text }
}
