// Header fields whose value is a number, a token with parameters, or a list of tokens, RFC 3261 §20, RFC 6665
// §8.2, RFC 3903 §11.3. Each answers undefined when the field is absent, 'malformed' when it cannot be read.

import { isWordChar, skipComment, skipLws, skipQuoted, skipToken, unfolded, wholeNumber } from './grammar.ts'
import { type HeaderId, header } from './header-names.ts'
import { findHeader, headerValue, type SipMessage, stride } from './message.ts'
import { valueCountMax } from './name-addr.ts'
import { type Param, paramOf, paramsStopped, parseParams } from './params.ts'

export type Malformed = 'malformed'

export interface Cseq {
  readonly number: number
  readonly method: string
}

/** CSeq = 1*DIGIT LWS Method; "expressible as a 32-bit unsigned integer and MUST be less than 2**31", §8.1.1.5. */
export function cseqOf(message: SipMessage): Cseq | undefined {
  const i = findHeader(message, header.cseq)
  if (i < 0) return undefined
  const { head } = message
  const end = message.index[i + 3]!
  const at = message.index[i + 2]!
  const numberEnd = skipToken(head, at, end)
  const number = wholeNumber(head, at, numberEnd, 0x7fffffff)
  const methodAt = skipLws(head, numberEnd, end)
  const methodEnd = skipToken(head, methodAt, end)
  if (number < 0 || methodAt === numberEnd || methodEnd === methodAt || methodEnd !== end) return undefined
  return { number, method: head.slice(methodAt, methodEnd) }
}

/** callid = word [ "@" word ]. */
export function callIdOf(message: SipMessage): string | undefined {
  const value = headerValue(message, header.callId)
  if (value === undefined || value === '') return undefined
  let atSigns = 0
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0x40) atSigns++
    else if (!isWordChar(code)) return undefined
  }
  return atSigns > 1 || value.startsWith('@') || value.endsWith('@') ? undefined : value
}

/** The default where a delta-seconds is too large to mean anything (RFC 4475 §3.1.2.4: "could treat them as if"). */
const secondsMax = 0xffffffff

/** A field that is delta-seconds: Expires, Min-Expires. More than 2**32-1 is read as 2**32-1. */
export function secondsOf(message: SipMessage, id: HeaderId): number | undefined | Malformed {
  const value = headerValue(message, id)
  return value === undefined ? undefined : deltaSeconds(value)
}

export function deltaSeconds(value: string): number | Malformed {
  if (value === '') return 'malformed'
  let seconds = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return 'malformed'
    seconds = Math.min(seconds * 10 + digit, secondsMax)
  }
  return seconds
}

/** Max-Forwards, 0 to 255 (RFC 3261 §20.22). */
export function maxForwardsOf(message: SipMessage): number | undefined | Malformed {
  const i = findHeader(message, header.maxForwards)
  if (i < 0) return undefined
  const number = wholeNumber(message.head, message.index[i + 2]!, message.index[i + 3]!, 255)
  return number < 0 ? 'malformed' : number
}

/** Retry-After = delta-seconds [ comment ] *( SEMI retry-param ): the seconds. */
export function retryAfterOf(message: SipMessage): number | undefined | Malformed {
  const value = headerValue(message, header.retryAfter)
  if (value === undefined) return undefined
  const numberEnd = skipToken(value, 0, value.length)
  let at = skipLws(value, numberEnd, value.length)
  if (value.charCodeAt(at) === 0x28) at = skipComment(value, at, value.length)
  if (at < 0) return 'malformed'
  parseParams(value, at, value.length)
  return paramsStopped() === value.length ? deltaSeconds(value.slice(0, numberEnd)) : 'malformed'
}

/** A value with parameters: Event, Subscription-State, Content-Disposition. */
export interface TokenWithParams {
  readonly value: string
  readonly params: readonly Param[]
}

/** The one value of a field `token *( SEMI generic-param )`, in the case it came in. */
export function tokenOf(message: SipMessage, id: HeaderId): TokenWithParams | undefined | Malformed {
  const value = headerValue(message, id)
  return value === undefined ? undefined : tokenWithParams(value)
}

export function tokenWithParams(value: string): TokenWithParams | Malformed {
  const end = skipToken(value, 0, value.length)
  const params = parseParams(value, end, value.length)
  if (end === 0 || paramsStopped() !== value.length) return 'malformed'
  return { value: value.slice(0, end), params }
}

/** Event = event-type *( SEMI event-param ), RFC 6665 §8.2.1: the package, its templates, and id. */
export interface EventHeader {
  readonly package: string
  readonly id: string | undefined
}

export function eventOf(message: SipMessage): EventHeader | undefined | Malformed {
  const event = tokenOf(message, header.event)
  if (event === undefined || event === 'malformed') return event
  return { package: event.value, id: paramOf(event.params, 'id') }
}

/** Subscription-State, RFC 6665 §8.2.3. */
export interface SubscriptionStateHeader {
  /** active, pending, terminated, or an extension, in lower case. */
  readonly state: string
  readonly reason: string | undefined
  readonly expires: number | undefined
  readonly retryAfter: number | undefined
}

export function subscriptionStateOf(message: SipMessage): SubscriptionStateHeader | undefined | Malformed {
  const state = tokenOf(message, header.subscriptionState)
  if (state === undefined || state === 'malformed') return state
  const seconds = (name: string): number | undefined => {
    const value = deltaSeconds(paramOf(state.params, name) ?? '')
    return value === 'malformed' ? undefined : value
  }
  return {
    state: state.value.toLowerCase(),
    reason: paramOf(state.params, 'reason')?.toLowerCase(),
    expires: seconds('expires'),
    retryAfter: seconds('retry-after'),
  }
}

/** A list of tokens over all fields of that kind: Allow, Supported, Require, Proxy-Require, Unsupported. */
export function tokensOf(message: SipMessage, id: HeaderId): string[] | undefined | Malformed {
  let tokens: string[] | undefined
  for (let i = findHeader(message, id); i >= 0; i = findHeader(message, id, i + stride)) {
    tokens ??= []
    const { head } = message
    const end = message.index[i + 3]!
    let at = message.index[i + 2]!
    // Allow, Supported and the like may be empty.
    if (at === end) continue
    for (;;) {
      at = skipLws(head, at, end)
      const tokenEnd = skipToken(head, at, end)
      if (tokenEnd === at || tokens.length >= valueCountMax) return 'malformed'
      tokens.push(head.slice(at, tokenEnd))
      at = skipLws(head, tokenEnd, end)
      if (at === end) break
      if (head.charCodeAt(at++) !== 0x2c) return 'malformed'
    }
  }
  return tokens
}

/** A media type or range: `type/subtype` in lower case, with parameters. */
export interface MediaType {
  readonly type: string
  readonly params: readonly Param[]
}

/** One media-type or media-range at `at`; where it ends is `mediaStopped`. */
let mediaStopped = 0
function mediaType(text: string, at: number, end: number): MediaType | undefined {
  at = skipLws(text, at, end)
  const typeEnd = skipToken(text, at, end)
  const slash = skipLws(text, typeEnd, end)
  if (typeEnd === at || text.charCodeAt(slash) !== 0x2f) return undefined
  const subtypeAt = skipLws(text, slash + 1, end)
  const subtypeEnd = skipToken(text, subtypeAt, end)
  if (subtypeEnd === subtypeAt) return undefined
  const params = parseParams(text, subtypeEnd, end)
  mediaStopped = paramsStopped()
  if (mediaStopped < 0) return undefined
  return { type: `${text.slice(at, typeEnd)}/${text.slice(subtypeAt, subtypeEnd)}`.toLowerCase(), params }
}

/** Content-Type; undefined when absent. */
export function contentTypeOf(message: SipMessage): MediaType | undefined | Malformed {
  const i = findHeader(message, header.contentType)
  if (i < 0) return undefined
  const end = message.index[i + 3]!
  const media = mediaType(message.head, message.index[i + 2]!, end)
  return media !== undefined && mediaStopped === end ? media : 'malformed'
}

/** Content-Type as it came, folds undone: what an envelope carries on; undefined when absent. */
export function contentTypeText(message: SipMessage): string | undefined {
  const value = headerValue(message, header.contentType)
  return value === undefined ? undefined : unfolded(value)
}

/** Accept: the ranges; an empty list when it stands there with nothing, which means that none is taken (§20.1). */
export function acceptOf(message: SipMessage): MediaType[] | undefined | Malformed {
  let ranges: MediaType[] | undefined
  for (
    let i = findHeader(message, header.accept);
    i >= 0;
    i = findHeader(message, header.accept, i + stride)
  ) {
    ranges ??= []
    const end = message.index[i + 3]!
    let at = message.index[i + 2]!
    if (at === end) continue
    for (;;) {
      const range = mediaType(message.head, at, end)
      if (range === undefined || ranges.length >= valueCountMax) return 'malformed'
      ranges.push(range)
      if (mediaStopped >= end) break
      at = mediaStopped + 1
    }
  }
  return ranges
}

/** True when a media type (in lower case, without parameters) falls in one of the ranges with a q above 0. */
export function accepts(ranges: readonly MediaType[], type: string): boolean {
  const slash = type.indexOf('/')
  const wildcard = `${type.slice(0, slash)}/*`
  for (const range of ranges)
    if (range.type === type || range.type === wildcard || range.type === '*/*')
      if (Number(paramOf(range.params, 'q') ?? 1) > 0) return true
  return false
}

/** The pieces of a value at commas that stand outside quotes; undefined when a quote does not end. */
export function commaSplit(value: string): string[] | undefined {
  const pieces: string[] = []
  let from = 0
  for (let i = 0; i < value.length; ) {
    const code = value.charCodeAt(i)
    if (code === 0x22) {
      i = skipQuoted(value, i, value.length)
      if (i < 0) return undefined
    } else {
      if (code === 0x2c) {
        pieces.push(value.slice(from, i).trim())
        from = i + 1
      }
      i++
    }
  }
  pieces.push(value.slice(from).trim())
  return pieces
}
