// The basic rules of the SIP grammar, RFC 3261 §25.1, as scans over text whose characters are octets
// (latin1): every function takes where to begin and where to stop and answers an offset. Complete.

const tokenChar = 1
const hostChar = 2
const userChar = 4
const uriParamChar = 8
const uriHeaderChar = 16
const wordChar = 32
const absoluteUriChar = 64
const passwordChar = 128

const classes = new Uint8Array(256)

function mark(flag: number, characters: string): void {
  for (const character of characters) classes[character.charCodeAt(0)]! |= flag
}

const alphanum = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const unreserved = `${alphanum}-_.!~*'()`
mark(tokenChar, `${alphanum}-.!%*_+\`'~`)
// COMPAT: the underscore is no hostname character, but names of containers and of Windows machines have it.
mark(hostChar, `${alphanum}-._`)
mark(userChar, `${unreserved}%&=+$,;?/`)
mark(passwordChar, `${unreserved}%&=+$,`)
mark(uriParamChar, `${unreserved}%[]/:&+$`)
mark(uriHeaderChar, `${unreserved}%[]/?:+$`)
mark(wordChar, `${alphanum}-.!%*_+\`'~()<>:\\"/[]?{}`)
mark(absoluteUriChar, `${unreserved}%;/?:@&=+$,[]`)

const is = (flag: number, code: number): boolean => code < 256 && (classes[code]! & flag) !== 0

export const isTokenChar = (code: number): boolean => is(tokenChar, code)
export const isHostChar = (code: number): boolean => is(hostChar, code)
export const isUserChar = (code: number): boolean => is(userChar, code)
export const isPasswordChar = (code: number): boolean => is(passwordChar, code)
export const isUriParamChar = (code: number): boolean => is(uriParamChar, code)
export const isUriHeaderChar = (code: number): boolean => is(uriHeaderChar, code)
export const isWordChar = (code: number): boolean => is(wordChar, code)
export const isAbsoluteUriChar = (code: number): boolean => is(absoluteUriChar, code)
export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
export const isHex = (code: number): boolean =>
  isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
export const isAlpha = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a

/** LWS = [*WSP CRLF] 1*WSP. The message parser has checked that a CRLF inside a value is followed by WSP. */
export const isLws = (code: number): boolean => code === 0x20 || code === 9 || code === 13 || code === 10

/** The first offset at or after `at` that is no linear white space. */
export function skipLws(text: string, at: number, end: number): number {
  while (at < end && isLws(text.charCodeAt(at))) at++
  return at
}

/** The offset after the token at `at`; `at` itself when none is there. */
export function skipToken(text: string, at: number, end: number): number {
  while (at < end && is(tokenChar, text.charCodeAt(at))) at++
  return at
}

/** The offset after the quoted-string that begins at `at`, or -1 when it has no end. */
export function skipQuoted(text: string, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) return i + 1
    if (code !== 0x5c) continue
    i++
    // "CR and LF cannot be escaped by this mechanism", RFC 3261 §25.1.
    const escaped = text.charCodeAt(i)
    if (i >= end || escaped > 0x7f || escaped === 13 || escaped === 10) return -1
  }
  return -1
}

/** The offset after the comment that begins at `at` with a parenthesis, or -1 when it has no end. */
export function skipComment(text: string, at: number, end: number): number {
  let depth = 0
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x28) depth++
    else if (code === 0x29 && --depth === 0) return i + 1
  }
  return -1
}

/** The offset after a host (hostname, IPv4address or IPv6reference), RFC 3261 §25.1; -1 when there is none. */
export function skipHost(text: string, at: number, end: number): number {
  if (at < end && text.charCodeAt(at) === 0x5b) {
    let colons = 0
    let i = at + 1
    for (; i < end; i++) {
      const code = text.charCodeAt(i)
      if (code === 0x3a) colons++
      else if (!isHex(code) && code !== 0x2e) break
    }
    // What stands between brackets is shaped like an address; whether it is one is for the resolver to judge.
    return colons >= 2 && i < end && text.charCodeAt(i) === 0x5d ? i + 1 : -1
  }
  let i = at
  while (i < end && is(hostChar, text.charCodeAt(i))) i++
  if (i === at) return -1
  const first = text.charCodeAt(at)
  return first === 0x2d || first === 0x2e ? -1 : i
}

/** The whole number in [at, end) of digits only, or -1 when it is none or greater than `max`. */
export function wholeNumber(text: string, at: number, end: number, max: number): number {
  if (at >= end) return -1
  let value = 0
  for (let i = at; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > max) return -1
  }
  return value
}

/** True when every % in [at, end) begins an escape of two hexadecimal digits. */
export function escapesAreWhole(text: string, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    if (text.charCodeAt(i) !== 0x25) continue
    if (i + 2 >= end || !isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false
  }
  return true
}

/** The text in [at, end) in lower case; most often it is so already. */
export function lowerSlice(text: string, at: number, end: number): string {
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return text.slice(at, end).toLowerCase()
  }
  return text.slice(at, end)
}

/** What a value means once its folds are gone: each LWS becomes one SP (RFC 3261 §7.3.1). */
export function unfolded(value: string): string {
  if (value.indexOf('\n') < 0) return value
  let out = ''
  for (let i = 0; i < value.length; ) {
    const next = skipLws(value, i, value.length)
    out += next > i ? ' ' : value[i]
    i = next > i ? next : i + 1
  }
  return out
}

/** Text of octets that are held one a character: UTF-8, each malformed sequence U+FFFD. */
export function utf8Of(octets: string): string {
  for (let i = 0; i < octets.length; i++)
    if (octets.charCodeAt(i) > 0x7f) return Buffer.from(octets, 'latin1').toString('utf8')
  return octets
}

/** UTF-8 octets of a text, one a character; the opposite of `utf8Of`. */
export function octetsOf(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1')
  return text
}

/** A copy that pins no larger text: a slice keeps the whole head alive that it was cut from. For what outlives its message. */
export function ownText(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('latin1')
}

/** What a quoted-string says: without its quotes and backslashes. Anything else comes back as it is. */
export function unquoted(value: string): string {
  if (value.charCodeAt(0) !== 0x22) return value
  if (value.indexOf('\\') < 0) return value.slice(1, -1)
  let out = ''
  for (let i = 1; i < value.length - 1; i++) {
    if (value.charCodeAt(i) === 0x5c) i++
    out += value[i]
  }
  return out
}

/** A quoted-string that says `value`; controls, which it cannot hold, become a space. */
export function quoted(value: string): string {
  let out = '"'
  for (const character of value) {
    const code = character.charCodeAt(0)
    if (code < 0x20 || code === 0x7f) out += ' '
    else out += character === '"' || character === '\\' ? `\\${character}` : character
  }
  return `${out}"`
}
