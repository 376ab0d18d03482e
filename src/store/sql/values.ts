// Single values as columns hold them, and back.
import type { Address } from '#model'

/** An address of its key, as it was stored: names are not prepared again. */
export function addressOfKey(key: string): Address {
  const at = key.lastIndexOf('@')
  return at < 0 ? { user: '', domain: key, key } : { user: key.slice(0, at), domain: key.slice(at + 1), key }
}

export function addressOfParts(user: string, domain: string): Address {
  return { user, domain, key: user === '' ? domain : `${user}@${domain}` }
}

/** Octets alone in their buffer: one that is a window on a larger one would carry all of it to the thread. */
export function ownOctets(octets: Uint8Array): Uint8Array {
  return octets.byteLength === octets.buffer.byteLength ? octets : Uint8Array.prototype.slice.call(octets)
}
