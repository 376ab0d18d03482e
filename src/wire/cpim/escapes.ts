// The character escapes of Message/CPIM header values (RFC 3862 §2.3).

const named: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', r: '\r' }

/** The text meant. An unknown escape is the character after the backslash; a backslash at the very end is ignored (§2.3.1). */
export function unescaped(value: string): string {
  if (!value.includes('\\')) return value
  let plain = ''
  for (let i = 0; i < value.length; i++) {
    const character = value[i] as string
    if (character !== '\\') {
      plain += character
      continue
    }
    const next = value[++i]
    const hex = next === 'u' ? value.slice(i + 1, i + 5) : ''
    if (/^[0-9A-Fa-f]{4}$/.test(hex)) {
      plain += String.fromCharCode(Number.parseInt(hex, 16))
      i += 4
    } else if (next !== undefined) plain += named[next] ?? next
  }
  // "Escapes are of UCS-2 characters": two of them may make one, and one alone makes none.
  return plain.toWellFormed()
}

const letters: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

/** `text` as a header value: the backslash and controls are escaped, and nothing else may be (§2.3.1). */
export function escaped(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\\]/g, (character) => {
    return letters[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** `text` as a String of §3.6, its quotes included. */
export function quotedString(text: string): string {
  return `"${escaped(text).replace(/"/g, '\\"')}"`
}
