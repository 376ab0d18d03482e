// Text of a body by its charset parameter (RFC 2046 §4.1.2).

import { type Bytes, strictText } from '#base'

/** The text of `bytes`, or undefined when the charset is not one of ours or the octets do not belong to it. */
export function decodeCharset(bytes: Bytes, charset: string): string | undefined {
  switch (charset.toLowerCase()) {
    case 'utf-8':
    case 'utf8':
      return strictText(bytes)
    case 'us-ascii':
    case 'ascii':
      return bytes.every((octet) => octet < 128) ? latin1(bytes) : undefined
    case 'iso-8859-1':
    case 'latin1':
      return latin1(bytes)
    default:
      return decodeByTable(bytes, charset)
  }
}

// Not TextDecoder: what it calls iso-8859-1 is windows-1252 (WHATWG Encoding §4.2), which moves 0x80..0x9F.
function latin1(bytes: Bytes): string {
  let decoded = ''
  for (let i = 0; i < bytes.length; i += 4096) {
    decoded += String.fromCharCode(...bytes.subarray(i, i + 4096))
  }
  return decoded
}

function decodeByTable(bytes: Bytes, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // the charset is unknown here, or the octets are not of it: both are this function's answer
  }
}
