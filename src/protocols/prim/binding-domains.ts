// A part of the binding (decision 0014): what goes to other domains and comes from them, by PRIM (docs/specs/prim.md §8).

import { hash } from 'node:crypto'
import type { Bytes } from '#base'
import { PresenceNotification, type VisibleSource } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Head,
  hopsDefault,
  type Outcome,
  type PresenceDocument,
  presUri,
  refused,
  relayed,
} from '#model'
import type { Settled } from '#wire/exchange'
import { type OutgoingRequest, protocolName, sendOf } from './binding.ts'
import {
  field,
  idOf,
  isSuccess,
  type PrimRequest,
  type PrimResponse,
  parsePresenceBody,
  presenceBody,
  requestBytes,
  type Strength,
  withHopFields,
  withStartLine,
} from './codec/index.ts'
import { PrimEnvelope } from './envelope.ts'
import { conditionOf } from './errors.ts'

/** A message as SEND to another domain, made once its id is known; or why it has no form. */
export function forwardedSend(
  envelope: Envelope,
  strength: Strength,
  now: number,
): ((id: string) => readonly Bytes[]) | Condition {
  const { head } = envelope
  const hops: readonly [string, string][] = [['Hop-Count', String(head.hops - 1)]]
  if (envelope instanceof PrimEnvelope) {
    const { parts } = envelope.keep()
    return (id) => [withHopFields(parts, 'SEND', 'PRIM', id, hops)]
  }
  const outgoing = { token: 'PRIM', id: '1', strength, now } as const
  const send: OutgoingRequest | Condition = sendOf(envelope, head.to, outgoing)
  if (typeof send === 'string') return send
  const [octets] = send.octets as readonly [Bytes]
  return (id) => withStartLine(octets, 'SEND', 'PRIM', id, send.bodyOctets)
}

/** The other domain's word about a SEND. What nobody answered is offered again. */
export function outcomeOf(settled: Settled<PrimResponse>): Outcome {
  if (settled === 'timeout') return refused('remote-timeout')
  if (settled === 'closed') return refused('connection-failed')
  if (isSuccess(settled.status)) return { kind: 'delivered' }
  if (settled.status === 101) return relayed
  return refused(refusalIn(settled))
}

export function refusalIn({ status }: PrimResponse): Condition {
  // A gateway that had no answer is between the two domains: it can be offered again.
  return status === 504 ? 'remote-timeout' : conditionOf(status)
}

/** What a unit says of presence; undefined where it has no body. */
export function documentIn(
  { headers, body }: Pick<PrimRequest, 'headers' | 'body'>,
  now: number,
): PresenceDocument | 'malformed' | 'not-understood' {
  return parsePresenceBody(field(headers, 'Content-Type') ?? '', body, now)
}

/** Longer ids of tuples are no resourcepart (RFC 7622 §3.4). */
const tupleIdMax = 1023

/** A document as tuples of the core; what it says outside of its tuples is with the first. */
export function sourcesOf(
  document: PresenceDocument,
  watcher: Address,
  presentity: Address,
): readonly VisibleSource[] {
  const { tuples, notes, extensions } = document
  const whole = { entity: presUri(presentity), notes, extensions }
  if (tuples.length === 0) {
    const isEmpty = notes.length === 0 && extensions.length === 0
    return isEmpty ? [] : [sourceOf({ ...whole, tuples }, 'presence', watcher, presentity)]
  }
  return tuples.map((tuple, at) => {
    const id = tuple.id.length > tupleIdMax ? hash('sha256', tuple.id, 'base64url') : tuple.id
    const rest = at === 0 ? whole : { ...whole, notes: [], extensions: [] }
    return sourceOf({ ...rest, tuples: [{ ...tuple, id }] }, id, watcher, presentity)
  })
}

/** The same document gives the same octets. */
function sourceOf(
  document: PresenceDocument,
  tuple: string,
  watcher: Address,
  presentity: Address,
): VisibleSource {
  const fields: [string, string][] = [
    ['From', idOf(presentity, 'pres')],
    ['To', idOf(watcher, 'pres')],
  ]
  const raw = requestBytes('NOTIFY', 'PRIM', '1', fields, presenceBody(document))
  const head: Head = {
    protocol: protocolName,
    kind: 'presence',
    from: presentity,
    fromAgent: tuple,
    to: watcher,
    toAgent: '',
    id: 'presence',
    hops: hopsDefault,
    size: raw.length,
    whenAbsent: 'drop',
    whenAgentGone: 'drop',
    storable: false,
    copyable: false,
  }
  return { tuple, source: new PrimEnvelope(head, raw, undefined, document) }
}

export function fetchedNotification(
  document: PresenceDocument,
  watcher: Address,
  presentity: Address,
): PresenceNotification {
  const sources = sourcesOf(document, watcher, presentity)
  const changes = sources.map(({ tuple, source }) => ({ kind: 'added', tuple, source }) as const)
  return new PresenceNotification(presentity, 'full', changes, true, sources)
}
