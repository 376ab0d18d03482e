// A part of the binding (decision 0014): what goes to other domains and comes from them, by PRIM (docs/specs/prim.md §8).

import type { Bytes } from '#base'
import { type ForeignTuple, tuplesOf, type VisibleSource } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Head,
  type Outcome,
  type PresenceDocument,
  presenceHead,
  type Report,
  refused,
  relayed,
} from '#model'
import type { Settled } from '#wire/exchange'
import { hopCountDefault, type OutgoingRequest, protocolName, sendOf } from './binding.ts'
import {
  decimal,
  field,
  idOf,
  isMessageId,
  isSuccess,
  type PrimRequest,
  type PrimResponse,
  parsePresenceBody,
  presenceBody,
  requestBytes,
  type Strength,
  textOfToken,
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
  // What came by another protocol began with more than there are here.
  const left = Math.min(head.hops, hopCountDefault) - 1
  const outgoing = { token: 'PRIM', id: '1', strength, now, hops: left } as const
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

/** A report of another domain, and the head of the message that it is about (§6.1); undefined where it says nothing. */
export function reportIn(
  { headers }: PrimRequest,
  recipient: Address,
  sender: Address,
): { readonly report: Report; readonly about: Head } | undefined {
  const id = field(headers, 'About') ?? ''
  if (field(headers, 'Report') !== 'failed' || !isMessageId(id)) return undefined
  const status = decimal(field(headers, 'Status') ?? '')
  const report: Report = {
    // As its sender wrote it, by whatever protocol: what needed escapes here has them.
    about: textOfToken(id),
    event: 'failed',
    ...(status !== undefined && { condition: conditionOf(status) }),
  }
  const message = { protocol: protocolName, kind: 'message', fromAgent: '', toAgent: '', id } as const
  const rest = { hops: hopCountDefault, size: 0, whenAbsent: 'drop', whenAgentGone: 'inbox' } as const
  const about = { ...message, ...rest, from: sender, to: recipient, storable: false, copyable: false }
  return { report, about }
}

export function refusalIn({ status }: PrimResponse): Condition {
  // A gateway that had no answer, or a server that did nothing with it, is between the two domains: it can be offered again.
  return status === 504 || status === 500 ? 'remote-timeout' : conditionOf(status)
}

/** What a unit says of presence; undefined where it has no body. */
export function documentIn(
  { headers, body }: Pick<PrimRequest, 'headers' | 'body'>,
  now: number,
): PresenceDocument | 'malformed' | 'not-understood' {
  return parsePresenceBody(field(headers, 'Content-Type') ?? '', body, now)
}

/** A foreign document tuple by tuple, as a presentity here would have it. */
export function sourcesOf(
  document: PresenceDocument,
  watcher: Address,
  presentity: Address,
): readonly VisibleSource[] {
  return tuplesOf(document, presentity).map((each) => sourceOf(each, watcher, presentity))
}

/** The same document gives the same octets. */
function sourceOf({ tuple, document }: ForeignTuple, watcher: Address, presentity: Address): VisibleSource {
  const fields: [string, string][] = [
    ['From', idOf(presentity, 'pres')],
    ['To', idOf(watcher, 'pres')],
  ]
  const raw = requestBytes('NOTIFY', 'PRIM', '1', fields, presenceBody(document))
  const head = presenceHead({
    protocol: protocolName,
    from: presentity,
    fromAgent: tuple,
    to: watcher,
    id: 'presence',
    size: raw.length,
  })
  return { tuple, source: new PrimEnvelope(head, raw, undefined, document) }
}
