// Tuple ids. RFC 3863 §4.1.2 calls them arbitrary strings, its schema (§4.4) says xs:ID, and ours are resourceparts,
// in which anything may stand. What no xs:ID may hold is written `_xHHHH_` (its UTF-16 code), so that the id comes back.

const nameStart = /[A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u3001-\ud7ff]/
const nameRest = /[A-Za-z0-9_.\-\u00b7\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u1fff\u3001-\ud7ff]/

/** The id as an xs:ID (an NCName of the Basic Multilingual Plane). */
export function writtenId(id: string): string {
  let written = ''
  for (let i = 0; i < id.length; i++) {
    const character = id[i] as string
    const isPlain = (i === 0 ? nameStart : nameRest).test(character) && !escapeAt(id, i)
    written += isPlain ? character : `_x${id.charCodeAt(i).toString(16).toUpperCase().padStart(4, '0')}_`
  }
  return written
}

/** The id that `written` stands for: itself, where it is not of our making. */
export function idOf(written: string): string {
  if (!written.includes('_x')) return written
  const id = written.replace(/_x([0-9A-F]{4})_/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return id.isWellFormed() && writtenId(id) === written ? id : written
}

/** True where the id itself holds what looks like an escape. */
function escapeAt(id: string, at: number): boolean {
  return id[at] === '_' && /^_x[0-9A-F]{4}_/.test(id.slice(at, at + 7))
}
