// Presence entries of APEX <-> the abstract service's documents (RFC 3343 §3, RFC 3863; docs/mappings/apex.md).

import { hash } from 'node:crypto'
import type { PresenceNotification, VisibleSource } from '#core'
import { type Address, hopsDefault, imUri, type PresenceTuple } from '#model'
import {
  endpointOf,
  entryTuplesMax,
  infoOfWords,
  isNobody,
  type PresenceEntry,
  type PresenceEntryTuple,
  readTimestamp,
  timestampText,
} from './codec/index.ts'
import { ApexPresenceEnvelope } from './presence-envelope.ts'

/** An entry that its owner published, as it is for the others from `now` on. */
export function entryEnvelope(entry: PresenceEntry, owner: Address, now: number): ApexPresenceEnvelope {
  return new ApexPresenceEnvelope(
    {
      protocol: 'apex',
      kind: 'presence',
      from: owner,
      fromAgent: '',
      to: owner,
      toAgent: '',
      id: entry.lastUpdate,
      hops: hopsDefault,
      size: 0,
      whenAbsent: 'drop',
      whenAgentGone: 'drop',
      storable: false,
      copyable: false,
    },
    entry,
    now,
  )
}

/** What a watcher may see, as tuples of an entry; `until` is what is said of a device that is open and says no end. */
export function tuplesOf(
  notification: PresenceNotification,
  { now, until }: { readonly now: number; readonly until: number },
): { readonly tuples: readonly PresenceEntryTuple[]; readonly publisherInfo: string } {
  const { presentity, visibility, sources } = notification
  const tuples: PresenceEntryTuple[] = []
  let publisherInfo = ''
  if (visibility !== 'full') {
    for (const tuple of notification.document().tuples) tuples.push(tupleOf(tuple, presentity, now, until))
  } else {
    for (const { source } of sources) {
      // Their own words, for those who have the same.
      if (source instanceof ApexPresenceEnvelope) {
        tuples.push(...source.entry.tuples)
        publisherInfo = source.entry.publisherInfo
      } else for (const tuple of source.view().tuples) tuples.push(tupleOf(tuple, presentity, now, until))
    }
  }
  // "one or more": nobody there is one destination that was available once.
  if (tuples.length === 0) tuples.push(absentTuple(presentity))
  return { tuples: tuples.slice(0, entryTuplesMax), publisherInfo }
}

function tupleOf(
  { basic, contact, notes, show, timestamp }: PresenceTuple,
  presentity: Address,
  now: number,
  until: number,
): PresenceEntryTuple {
  const words = notes[0]?.text ?? show
  const since = Math.min(readTimestamp(timestamp) ?? 0, now)
  return {
    destination: contact?.uri ?? imUri(presentity),
    availableUntil: timestampText(basic === 'open' ? until : since),
    tupleInfo: words === undefined ? '' : infoOfWords(words),
    capabilities: [],
  }
}

function absentTuple(presentity: Address): PresenceEntryTuple {
  return {
    destination: imUri(presentity),
    availableUntil: timestampText(0),
    tupleInfo: '',
    capabilities: [],
  }
}

/**
 * What a watcher sees of somebody who has not agreed yet: nobody, who has never updated his entry. That tells it from one who is seen and is not
 * there (decision 0135).
 */
export function absentEntry(presentity: Address): PresenceEntry {
  const publisher = endpointOf(presentity).written
  return { publisher, lastUpdate: timestampText(0), publisherInfo: '', tuples: [absentTuple(presentity)] }
}

/** An entry of another domain as what a watcher here knows of the presentity: a source a tuple, in the author's words. */
export function sourcesOf(
  entry: PresenceEntry,
  { watcher, presentity }: { readonly watcher: Address; readonly presentity: Address },
  now: number,
): readonly VisibleSource[] {
  const known = new Map<string, number>()
  return entry.tuples
    .filter((tuple) => !isNobody(tuple))
    .map((tuple) => {
      // Tuples have no names: the same destination is the same device, as often as it is there.
      const ordinal = (known.get(tuple.destination) ?? 0) + 1
      known.set(tuple.destination, ordinal)
      const stem = hash('sha256', tuple.destination, 'base64url').slice(0, 10)
      const name = ordinal === 1 ? `apex-${stem}` : `apex-${stem}-${ordinal}`
      const { head } = entryEnvelope(entry, presentity, now)
      // What is compared: another state when its time is over, though nobody says so, and the same while the others' change.
      const isOpen = (readTimestamp(tuple.availableUntil) ?? 0) > now
      const lastUpdate = isOpen ? timestampText(0) : tuple.availableUntil
      const alone = { ...entry, lastUpdate, tuples: [tuple] }
      return {
        tuple: name,
        source: new ApexPresenceEnvelope({ ...head, fromAgent: name, to: watcher }, alone, now, name),
      }
    })
}

/** When the next of its tuples is available no more, after `now`; undefined where none will. */
export function nextEndOf({ tuples }: PresenceEntry, now: number): number | undefined {
  const ends = tuples
    .map(({ availableUntil }) => readTimestamp(availableUntil) ?? 0)
    .filter((end) => end > now)
  return ends.length === 0 ? undefined : Math.min(...ends)
}
