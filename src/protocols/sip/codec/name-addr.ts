// (name-addr / addr-spec) *(SEMI params), RFC 3261 §25.1: From, To, Contact, Route, Record-Route, Path,
// Reply-To. Complete.

import { isLws, skipLws, skipQuoted, skipToken, unfolded, unquoted, utf8Of } from './grammar.ts'
import type { HeaderId } from './header-names.ts'
import { findHeader, type SipMessage, stride } from './message.ts'
import { type Param, paramOf, paramsStopped, parseParams } from './params.ts'
import { isAbsoluteUri } from './uri.ts'

export interface NameAddr {
  /** As it came, quotes included; '' when there is none. */
  readonly display: string
  readonly uri: string
  readonly params: readonly Param[]
  /** Where the value begins and ends in the text. */
  readonly start: number
  readonly end: number
}

/** LIMIT: values of one header field that are looked at; more is malformed. */
export const valueCountMax = 100

/** One value at `at`; it ends at a comma or at `end`. undefined when it is malformed. */
export function parseNameAddr(text: string, at: number, end: number): NameAddr | undefined {
  const start = skipLws(text, at, end)
  let i = start
  let display = ''
  if (text.charCodeAt(i) === 0x22) {
    i = skipQuoted(text, i, end)
    if (i < 0) return undefined
    display = text.slice(start, i)
    i = skipLws(text, i, end)
  } else {
    // display-name = *(token LWS). A scheme and its colon end the loop: it is then an addr-spec.
    let wordEnd = skipToken(text, i, end)
    while (wordEnd > i) {
      i = skipLws(text, wordEnd, end)
      wordEnd = skipToken(text, i, end)
    }
    if (text.charCodeAt(i) === 0x3c && i < end) display = text.slice(start, i).trimEnd()
    else i = start
  }
  if (i >= end) return undefined
  return text.charCodeAt(i) === 0x3c
    ? inBrackets(text, start, i, end, display)
    : display === ''
      ? addrSpec(text, start, end)
      : undefined
}

function inBrackets(
  text: string,
  start: number,
  at: number,
  end: number,
  display: string,
): NameAddr | undefined {
  const close = text.indexOf('>', at)
  if (close < 0 || close >= end) return undefined
  const uri = text.slice(at + 1, close)
  if (!isAbsoluteUri(uri)) return undefined
  const params = parseParams(text, close + 1, end)
  const stopped = paramsStopped()
  return stopped < 0 ? undefined : { display, uri, params, start, end: stopped }
}

/** RFC 3261 §20.10: without brackets a comma, question mark or semicolon is not part of the URI. */
function addrSpec(text: string, start: number, end: number): NameAddr | undefined {
  let i = start
  for (; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3b || code === 0x2c || code === 0x3f || isLws(code)) break
  }
  const uri = text.slice(start, i)
  // RFC 4475 §3.1.2.13: a URI with a question mark had to be in brackets.
  if (text.charCodeAt(i) === 0x3f || !isAbsoluteUri(uri)) return undefined
  const params = parseParams(text, i, end)
  const stopped = paramsStopped()
  return stopped < 0 ? undefined : { display: '', uri, params, start, end: stopped }
}

/** The one value of a field that holds one (From, To); undefined when it is absent or malformed. */
export function nameAddrOf(message: SipMessage, id: HeaderId): NameAddr | undefined {
  const i = findHeader(message, id)
  if (i < 0) return undefined
  const end = message.index[i + 3]!
  const value = parseNameAddr(message.head, message.index[i + 2]!, end)
  return value !== undefined && value.end === end ? value : undefined
}

/** All values of all fields of that kind in order; undefined when one is malformed. */
export function nameAddrsOf(message: SipMessage, id: HeaderId): NameAddr[] | undefined {
  const values: NameAddr[] = []
  for (let i = findHeader(message, id); i >= 0; i = findHeader(message, id, i + stride)) {
    const end = message.index[i + 3]!
    let at = message.index[i + 2]!
    for (;;) {
      const value = parseNameAddr(message.head, at, end)
      if (value === undefined || values.length >= valueCountMax) return undefined
      values.push(value)
      if (value.end >= end) break
      at = value.end + 1
    }
  }
  return values
}

export const tagOf = (value: NameAddr): string | undefined => paramOf(value.params, 'tag')

/** The display name as a person would read it; undefined when there is none. */
export function displayName(value: NameAddr): string | undefined {
  return value.display === '' ? undefined : utf8Of(unquoted(unfolded(value.display)))
}

/** Contact = STAR: "*", which a REGISTER may carry (RFC 3261 §10.2.2). */
export function isContactStar(message: SipMessage, id: HeaderId): boolean {
  const i = findHeader(message, id)
  return i >= 0 && message.head.slice(message.index[i + 2], message.index[i + 3]) === '*'
}
