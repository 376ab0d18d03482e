// What another domain says of somebody, as a presentity here would have it: tuple by tuple.
import { hash } from 'node:crypto'
import { type Address, type PresenceDocument, presUri } from '#model'
import { PresenceNotification, type VisibleSource } from './notification.ts'

/** LIMIT: characters of a tuple's id that are kept as they came; a longer one is no resourcepart (RFC 7622 §3.4). */
const tupleIdMax = 255

export interface ForeignTuple {
  readonly tuple: string
  /** It alone; what is of no tuple is with the first. */
  readonly document: PresenceDocument
}

/** The tuples of a foreign document. One that says something, but of no tuple, is a tuple of that name; one that says nothing is none. */
export function tuplesOf(document: PresenceDocument, presentity: Address): readonly ForeignTuple[] {
  const { tuples, notes, extensions } = document
  const whole = { entity: presUri(presentity), notes, extensions }
  if (tuples.length === 0) {
    const isEmpty = notes.length === 0 && extensions.length === 0
    return isEmpty ? [] : [{ tuple: 'presence', document: { ...whole, tuples } }]
  }
  return tuples.map((own, at) => {
    const tuple = own.id.length > tupleIdMax ? hash('sha256', own.id, 'base64url') : own.id
    const rest = at === 0 ? whole : { ...whole, notes: [], extensions: [] }
    return { tuple, document: { ...rest, tuples: [{ ...own, id: tuple }] } }
  })
}

/** What another domain answered to one who asked once. */
export function fetchedNotification(
  presentity: Address,
  sources: readonly VisibleSource[],
): PresenceNotification {
  const changes = sources.map(({ tuple, source }) => ({ kind: 'added', tuple, source }) as const)
  return new PresenceNotification(presentity, 'full', changes, true, sources)
}
