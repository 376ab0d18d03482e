// A presence entry as the document that all protocols share (RFC 3343 §3, RFC 3863; docs/mappings/apex.md).

import { type Address, type PresenceDocument, type PresenceTuple, presUri } from '#model'
import type { PresenceEntry } from './presence.ts'
import { readTimestamp } from './values.ts'

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

/** Words as a tupleInfo: `data:,words` (RFC 2397), the one URI that is the information itself. */
export function infoOfWords(words: string): string {
  return `data:,${encodeURIComponent(words.toWellFormed())}`
}

function noteOf(uri: string): PresenceTuple['notes'] {
  const words = /^data:(?:text\/plain)?(?:;charset=utf-8)?,(.*)$/i.exec(uri)?.[1]
  if (words === undefined) return []
  try {
    return [{ language: '', text: decodeURIComponent(words) }]
  } catch {
    return [] // a stray `%`: not words
  }
}
