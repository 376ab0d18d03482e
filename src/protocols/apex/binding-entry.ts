// What a presence entry of APEX (RFC 3343 §3) says, as the abstract service's document (RFC 3863; docs/mappings/apex.md).

import { type Address, type PresenceDocument, type PresenceTuple, presUri } from '#model'
import { type PresenceEntry, readTimestamp } from './codec/index.ts'

/** What an entry says at a moment: each tuple open until its availableUntil. `name`: what its one tuple is called. */
export function documentOf(
  entry: PresenceEntry,
  presentity: Address,
  now: number,
  name?: string,
): PresenceDocument {
  const tuples = entry.tuples.map(
    ({ destination, availableUntil, tupleInfo }, at): PresenceTuple => ({
      id: name ?? `apex-${at + 1}`,
      basic: (readTimestamp(availableUntil) ?? 0) > now ? 'open' : 'closed',
      notes: noteOf(tupleInfo),
      contact: { uri: destination },
      statusExtensions: [],
      extensions: [],
    }),
  )
  return { entity: presUri(presentity), tuples, notes: [], extensions: [] }
}

/** `data:,words` (RFC 2397): the one URI that is the information itself. */
function noteOf(uri: string): PresenceTuple['notes'] {
  const words = /^data:(?:text\/plain)?(?:;charset=utf-8)?,(.*)$/i.exec(uri)?.[1]
  if (words === undefined) return []
  try {
    return [{ language: '', text: decodeURIComponent(words) }]
  } catch {
    return [] // a stray `%`: not words
  }
}
