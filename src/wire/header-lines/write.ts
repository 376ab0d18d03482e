// Header lines out. Nothing that a peer wrote can end a line early: a value with a line end in it is refused.

/** True when `name` may stand before a colon (RFC 822 §3.2). */
export function isHeaderName(name: string): boolean {
  if (name.length === 0) return false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code <= 32 || code >= 127 || code === 58) return false
  }
  return true
}

/** True when `value` may follow the colon as it stands: no control but tab, no white space at its ends. */
export function isHeaderValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 32 ? code !== 9 : code === 127) return false
  }
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1))
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9
}

/** `value` on one line: each run of controls and white space becomes one space. For text that people wrote. */
export function oneLine(value: string): string {
  return value.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim()
}

/**
 * One line, its CR LF included.
 * @throws RangeError when the name or the value could not be read back as given (a line end is smuggled in).
 */
export function headerLine(name: string, value: string): string {
  if (!isHeaderName(name)) throw new RangeError(`not a header name: ${JSON.stringify(name)}`)
  if (!isHeaderValue(value)) throw new RangeError(`not a value for header ${name}`)
  return value === '' ? `${name}:\r\n` : `${name}: ${value}\r\n`
}

/** All lines and the blank line that ends them. Fields without a value (undefined) are left out. */
export function headerBlock(fields: Iterable<readonly [name: string, value: string | undefined]>): string {
  let block = ''
  for (const [name, value] of fields) if (value !== undefined) block += headerLine(name, value)
  return `${block}\r\n`
}
