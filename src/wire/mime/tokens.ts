// The lexical ground of MIME header values: tokens, quoted strings, comments (RFC 2045 §5.1, RFC 822 §3.3).

/** True for a character of a MIME token: US-ASCII but space, controls and tspecials (RFC 2045 §5.1). */
export function isTokenCode(code: number): boolean {
  return code > 32 && code < 127 && !tspecials.includes(String.fromCharCode(code))
}

const tspecials = '()<>@,;:\\"/[]?='

export function isToken(text: string): boolean {
  if (text.length === 0) return false
  for (let i = 0; i < text.length; i++) if (!isTokenCode(text.charCodeAt(i))) return false
  return true
}

/** Reads along one header value. Every method leaves `at` behind what it took. */
export class ValueReader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get done(): boolean {
    return this.at >= this.text.length
  }

  /** White space and comments, which may nest (RFC 822 §3.4.3). False when a comment does not end. */
  skip(): boolean {
    let depth = 0
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]
      if (c === '(') depth++
      else if (depth > 0) {
        if (c === '\\') this.at++
        else if (c === ')') depth--
      } else if (c !== ' ' && c !== '\t' && c !== '\r' && c !== '\n') break
    }
    return depth === 0
  }

  /** A token, or the empty string when there is none. */
  token(): string {
    const from = this.at
    while (this.at < this.text.length && isTokenCode(this.text.charCodeAt(this.at))) this.at++
    return this.text.slice(from, this.at)
  }

  /** One given character: taken, or false. */
  take(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  /** A quoted string without its quotes and escapes (RFC 822 §3.3), or undefined when it does not end. */
  quoted(): string | undefined {
    const end = this.text.indexOf('"', this.at + 1)
    if (end === -1) return undefined
    const plain = this.text.slice(this.at + 1, end)
    if (!plain.includes('\\')) {
      this.at = end + 1
      return plain
    }
    let value = ''
    for (this.at++; this.at < this.text.length; this.at++) {
      const c = this.text[this.at] as string
      if (c === '"') {
        this.at++
        return value
      }
      if (c !== '\\') value += c
      else if (++this.at < this.text.length) value += this.text[this.at]
    }
    return undefined
  }
}

/** `text` between quotes; a line end in it is refused, as no header may carry one. */
export function quote(text: string): string {
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text))
    throw new RangeError('a control character in a header value')
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
