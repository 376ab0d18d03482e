// impp://host/user and back, remembered: the same few addresses come again and again.
// The global forms im: and pres: (RFC 3859, RFC 3860) name the same people.

import { type Address, addressOfUri, imppUri } from '#model'

/** LIMIT: addresses remembered; past it all are forgotten. */
const rememberedMax = 16_384
const remembered = new Map<string, Address>()

/** The address of an `impp:`, `im:` or `pres:` URL, or undefined (docs/specs/impp-1.0.md §3). */
export function addressOfUrl(url: string): Address | undefined {
  const known = remembered.get(url)
  if (known !== undefined) return known
  if (!/^(impp|im|pres):/i.test(url)) return undefined
  const address = addressOfUri(url)
  if (address === undefined) return undefined
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(url, address)
  return address
}

export { imppUri as urlOf }
