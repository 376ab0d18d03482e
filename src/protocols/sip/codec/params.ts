// Parameters that follow a value, `*( SEMI generic-param )`, RFC 3261 §25.1.

import {
  isLws,
  isTokenChar,
  lowerSlice,
  skipHost,
  skipLws,
  skipQuoted,
  skipToken,
  unquoted,
} from './grammar.ts'

export interface Param {
  /** In lower case: names of parameters have none (RFC 3261 §7.3.1). */
  readonly name: string
  /** As it came, quotes included; undefined when there is no `=`. */
  readonly value: string | undefined
}

/** LIMIT: parameters of one value; more is malformed. */
export const paramCountMax = 64

/** Where the scan stopped: at a comma, or at the end. -1 when the parameters are malformed. */
let stopped = 0
export const paramsStopped = (): number => stopped

const none: readonly Param[] = []

/** Hot: those of one value as they are found; an array that grows by itself would be seventeen places long. */
const found: Param[] = []

/** Parameters from `at`, which stands at a semicolon, a comma or the end (after LWS). See `paramsStopped`. */
export function parseParams(text: string, at: number, end: number): readonly Param[] {
  let count = 0
  at = skipLws(text, at, end)
  while (at < end && text.charCodeAt(at) === 0x3b) {
    at = skipLws(text, at + 1, end)
    const nameEnd = skipToken(text, at, end)
    if (nameEnd === at || count >= paramCountMax) return fail()
    const name = lowerSlice(text, at, nameEnd)
    at = skipLws(text, nameEnd, end)
    let value: string | undefined
    if (at < end && text.charCodeAt(at) === 0x3d) {
      const valueAt = skipLws(text, at + 1, end)
      at = skipGenValue(text, valueAt, end)
      if (at < 0) return fail()
      value = text.slice(valueAt, at)
      at = skipLws(text, at, end)
    }
    found[count++] = { name, value }
  }
  if (at < end && text.charCodeAt(at) !== 0x2c) return fail()
  stopped = at
  return count === 0 ? none : found.slice(0, count)
}

function fail(): readonly Param[] {
  stopped = -1
  return none
}

/** gen-value = token / host / quoted-string. COMPAT: an IPv6 address without brackets (RFC 5118 §4.5). */
function skipGenValue(text: string, at: number, end: number): number {
  if (at >= end) return -1
  const code = text.charCodeAt(at)
  if (code === 0x22) return skipQuoted(text, at, end)
  if (code === 0x5b) return skipHost(text, at, end)
  let i = at
  while (i < end && (isTokenChar(text.charCodeAt(i)) || text.charCodeAt(i) === 0x3a)) i++
  return i === at || (i < end && !isEnd(text.charCodeAt(i))) ? -1 : i
}

const isEnd = (code: number): boolean => isLws(code) || code === 0x3b || code === 0x2c

/** The value of a parameter, unquoted; '' when it stands there without one, undefined when it is absent. */
export function paramOf(params: readonly Param[], name: string): string | undefined {
  for (const param of params)
    if (param.name === name) return param.value === undefined ? '' : unquoted(param.value)
  return undefined
}
