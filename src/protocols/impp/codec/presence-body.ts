// The body that carries presence: PIDF, or tags only (docs/specs/impp-1.0.md §10).

import type { Bytes } from '#base'
import type { PresenceDocument } from '#model'
import { parseMediaType } from '#wire/mime'
import { isPidf, olderPidfMediaType, parsePidf, pidfMediaType, writePidf } from '#wire/pidf'
import { parseTagOnly, tagOnlyMediaType, writeTagOnly } from './tag-only.ts'

export type PresenceType = 'pidf' | 'older-pidf' | 'tag-only'

const mediaTypes: Readonly<Record<PresenceType, string>> = {
  pidf: pidfMediaType,
  'older-pidf': olderPidfMediaType,
  'tag-only': tagOnlyMediaType,
}

/** The name in the example of IMPP §19. */
const exampleMediaType = 'application/presence'

/** The document; `not-understood` for another media type, `malformed` where the octets are not of it. `now` in milliseconds. */
export function parsePresenceBody(
  type: string,
  bytes: Bytes,
  now: number,
): PresenceDocument | 'not-understood' | 'malformed' {
  const essence = parseMediaType(type)?.essence
  if (essence === undefined) return 'malformed'
  if (isPidf(essence)) {
    const document = parsePidf(bytes, { now })
    return 'fault' in document ? 'malformed' : document
  }
  if (essence !== tagOnlyMediaType && essence !== exampleMediaType) return 'not-understood'
  return parseTagOnly(bytes) ?? 'malformed'
}

/** The first form among media types that we write; PIDF where nothing is asked for; undefined where we have none of them. */
export function presenceTypeOf(accepted: readonly string[]): PresenceType | undefined {
  if (accepted.length === 0) return 'pidf'
  for (const type of accepted) {
    if (type === pidfMediaType || type === '*/*' || type === 'application/*') return 'pidf'
    if (type === olderPidfMediaType) return 'older-pidf'
    if (type === tagOnlyMediaType || type === exampleMediaType) return 'tag-only'
  }
  return undefined
}

export function presenceBody(document: PresenceDocument, type: PresenceType): { type: string; bytes: Bytes } {
  const bytes =
    type === 'tag-only' ? writeTagOnly(document) : writePidf(document, type === 'pidf' ? 'pidf' : 'older')
  return { type: mediaTypes[type], bytes }
}
