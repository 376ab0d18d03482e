// Octets and text. `Bytes` is any Uint8Array; a Node Buffer is one. Nothing here needs `node:`,
// so the browser's client can use it.

export type Bytes = Uint8Array

export const noBytes: Bytes = new Uint8Array(0)

const encoder = new TextEncoder()
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 octets of a string; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Bytes {
  return encoder.encode(text)
}

/** Text of UTF-8 octets; each malformed sequence becomes U+FFFD. */
export function text(bytes: Bytes): string {
  return lenient.decode(bytes)
}

/** Text of UTF-8 octets, or undefined when they are not well-formed (RFC 3629 §3). */
export function strictText(bytes: Bytes): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** One array out of several; the only copy. */
export function concat(parts: readonly Bytes[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** True when both hold the same octets. Not constant-time: never for secrets. */
export function sameBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A copy that pins no larger buffer. */
export function ownBytes(bytes: Bytes): Bytes {
  return Uint8Array.prototype.slice.call(bytes)
}
