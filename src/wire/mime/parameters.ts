// Parameters of a MIME header: `; name=value`, with charsets, languages and continuations (RFC 2045 §5.1, RFC 2231).

import { text, utf8 } from '#base'
import { decodeCharset } from './charset.ts'
import { isToken, isTokenCode, quote, type ValueReader } from './tokens.ts'

/** LIMIT: parameters of one header value; more make it malformed. */
export const parametersMax = 64

interface Section {
  readonly order: number
  readonly extended: boolean
  readonly value: string
}

/**
 * The parameters from where `reader` stands to the end, names in lower case, RFC 2231 undone; undefined when malformed or
 * when a name comes twice.
 */
export function readParameters(reader: ValueReader): Map<string, string> | undefined {
  const plain = new Map<string, string>()
  const sections = new Map<string, Section[]>()
  let count = 0
  for (;;) {
    if (!reader.skip()) return undefined
    if (reader.done) break
    if (!reader.take(';') || !reader.skip()) return undefined
    // COMPAT: a semicolon with nothing after it, written by many mailers and phones.
    if (reader.done) break
    if (++count > parametersMax) return undefined
    const name = reader.token().toLowerCase()
    if (name === '' || !reader.skip() || !reader.take('=') || !reader.skip()) return undefined
    const value = reader.text[reader.at] === '"' ? reader.quoted() : reader.token()
    if (value === undefined || (value === '' && reader.text[reader.at - 1] !== '"')) return undefined
    if (!addParameter(plain, sections, name, value)) return undefined
  }
  for (const [name, pieces] of sections) {
    const joined = joinSections(pieces)
    // RFC 2231 does not say which of two forms wins; the extended one carries more.
    if (joined !== undefined) plain.set(name, joined)
  }
  return plain
}

function addParameter(
  plain: Map<string, string>,
  sections: Map<string, Section[]>,
  name: string,
  value: string,
): boolean {
  const star = name.indexOf('*')
  if (star === -1) {
    if (plain.has(name)) return false
    plain.set(name, value)
    return true
  }
  // RFC 2231 §3: `name*0`, `name*1*`; §4: `name*`.
  const extended = name.endsWith('*')
  const number = name.slice(star + 1, extended ? -1 : undefined)
  const order = number === '' ? 0 : /^(0|[1-9][0-9]{0,2})$/.test(number) ? Number(number) : -1
  const base = name.slice(0, star)
  if (order === -1 || base === '' || (number === '' && name !== `${base}*`)) return false
  const pieces = sections.get(base) ?? []
  if (pieces.some((piece) => piece.order === order)) return false
  pieces.push({ order, extended, value })
  sections.set(base, pieces)
  return true
}

function joinSections(pieces: Section[]): string | undefined {
  pieces.sort((a, b) => a.order - b.order)
  let charset = ''
  const octets: number[] = []
  for (const [index, piece] of pieces.entries()) {
    if (piece.order !== index) break // RFC 2231 §3: numbering begins at 0 and has no gaps
    let value = piece.value
    if (piece.extended && index === 0) {
      const language = value.indexOf("'")
      const end = value.indexOf("'", language + 1)
      if (language === -1 || end === -1) return undefined
      charset = value.slice(0, language)
      value = value.slice(end + 1)
    }
    if (!pushOctets(octets, value, piece.extended)) return undefined
  }
  if (octets.length === 0 && pieces[0]?.order !== 0) return undefined
  const bytes = Uint8Array.from(octets)
  return charset === '' ? text(bytes) : decodeCharset(bytes, charset)
}

function pushOctets(octets: number[], value: string, percent: boolean): boolean {
  for (let i = 0; i < value.length; i++) {
    const character = String.fromCodePoint(value.codePointAt(i) as number)
    if (percent && character === '%') {
      const hex = value.slice(i + 1, i + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return false
      octets.push(Number.parseInt(hex, 16))
      i += 2
    } else {
      octets.push(...utf8(character))
      i += character.length - 1
    }
  }
  return true
}

/**
 * `; name=value` for each, quoted where a token will not do, by RFC 2231 §4 where US-ASCII will not do.
 * @throws RangeError for a name that is no token or a value with a line end.
 */
export function parametersText(parameters: Iterable<readonly [string, string]>): string {
  let written = ''
  for (const [name, value] of parameters) {
    if (!isToken(name)) throw new RangeError(`not a parameter name: ${JSON.stringify(name)}`)
    if (/[^\t -~]/.test(value)) written += `; ${name}*=utf-8''${percentEncoded(value)}`
    else written += `; ${name}=${isToken(value) ? value : quote(value)}`
  }
  return written
}

function percentEncoded(value: string): string {
  let encoded = ''
  for (const octet of utf8(value)) {
    // RFC 2231 §7 attribute-char: a token character but "*", "'" and "%".
    const plain = isTokenCode(octet) && octet !== 42 && octet !== 39 && octet !== 37
    encoded += plain ? String.fromCharCode(octet) : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
