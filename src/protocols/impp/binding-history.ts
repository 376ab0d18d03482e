// A part of the binding (decision 0014): a message of the history as the unit that shows it (docs/specs/impp-1.0.md §11.5).

import { type Bytes, concat } from '#base'
import type { HistoryItem, StoredUnit } from '#core'
import type { Address, Condition, Envelope } from '#model'
import { domainConnectionId, sendOf } from './binding.ts'
import { envelopeBytes, fieldText, requestBytes, urlOf } from './codec/index.ts'
import { reasonOf } from './errors.ts'

/** Units one behind the other, each with its envelope. */
export const historyMediaType = 'application/impp-history'

export interface HistoryUnit {
  readonly bytes: Bytes
  /** Why the message could not be read, where the fault is ours. */
  readonly fault: unknown
}

/** A message that has no form here, or is larger than `octetsMax`, is there with its parties and the reason it is `Omitted` for. */
export function historyUnit(
  item: HistoryItem,
  revive: (unit: StoredUnit) => Envelope,
  own: Address,
  octetsMax: number,
): HistoryUnit {
  const fields: [string, string | undefined][] = [
    ['History-ID', item.id],
    ['Stored', new Date(item.at).toISOString()],
    ['Copy', item.direction === 'sent' ? 'sent' : undefined],
  ]
  let fault: unknown
  let omitted: Condition = 'internal-fault'
  try {
    const send = sendOf(revive(item), item.direction, own, item.id)
    const bytes = typeof send === 'string' ? undefined : concat([envelopeBytes(fields), ...send.octets])
    if (bytes !== undefined && bytes.length <= octetsMax) return { bytes, fault }
    omitted = typeof send === 'string' ? send : 'message-too-large'
  } catch (cause) {
    fault = cause
  }
  return { bytes: placeholder(item, own, [...fields, ['Omitted', reasonOf[omitted]]]), fault }
}

function placeholder(
  { id, head, direction }: HistoryItem,
  own: Address,
  fields: [string, string | undefined][],
): Bytes {
  const request = requestBytes('SEND', id, [
    ['From', urlOf(head.from)],
    ['Connection-ID', domainConnectionId],
    ['Target', urlOf(direction === 'sent' ? head.to : own)],
    ['Message-ID', fieldText(head.id)],
  ])
  return concat([envelopeBytes(fields), request])
}
