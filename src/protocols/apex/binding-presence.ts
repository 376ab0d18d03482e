// Presence entries of APEX <-> the abstract service's documents (RFC 3343 §3, RFC 3863; docs/mappings/apex.md).

import type { PresenceNotification } from '#core'
import { type Address, hopsDefault, imUri, type PresenceTuple } from '#model'
import {
  endpointOf,
  entryTuplesMax,
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
    tupleInfo: words === undefined ? '' : `data:,${encodeURIComponent(words.toWellFormed())}`,
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

/** What a watcher sees of somebody who has not agreed yet: nothing. */
export function absentEntry(presentity: Address, now: number): PresenceEntry {
  const publisher = endpointOf(presentity).written
  return { publisher, lastUpdate: timestampText(now), publisherInfo: '', tuples: [absentTuple(presentity)] }
}
