// Receipts between SIP and the model: disposition notifications (RFC 5438) in Message/CPIM (RFC 3862), and what other protocols ask for
// and tell. Nothing is ever told here on a device's behalf (decision 0095).

import type { Bytes } from '#base'
import { type Address, type Content, type Envelope, type InstantMessage, imUri, type Report } from '#model'
import { parseCpim, writeCpim } from '#wire/cpim'
import { describingFields, writeEntity } from '#wire/mime'
import { contentTypeText } from './codec/headers.ts'
import {
  cpimMediaType,
  type Imdn,
  type ImdnHeaders,
  imdnHeaderNamespace,
  imdnHeaders,
  imdnIn,
  imdnMediaType,
  writeImdn,
} from './codec/imdn.ts'
import { bodyOf, type SipRequest } from './codec/message.ts'

/** True for a MESSAGE whose body is Message/CPIM. Hot: most are not. */
export function isCpim(request: SipRequest): boolean {
  return isCpimType(contentTypeText(request) ?? '')
}

const isCpimType = (type: string): boolean =>
  type.length >= cpimMediaType.length && type.slice(0, cpimMediaType.length).toLowerCase() === cpimMediaType

/** What a MESSAGE asks to be told of; undefined where it is no readable Message/CPIM. */
export function asksOf(request: SipRequest): ImdnHeaders | undefined {
  if (!isCpim(request)) return undefined
  const message = parseCpim(bodyOf(request))
  return 'fault' in message ? undefined : imdnHeaders(message)
}

/** What a Message/CPIM says beside its text: what it asks for, or that it is a notification. Those of one kind are all that it says. */
export function receiptsIn(
  bytes: Bytes,
): Pick<InstantMessage, 'receiptRequested' | 'displayRequested' | 'receiptFor' | 'displayedFor'> {
  const message = parseCpim(bytes)
  if ('fault' in message) return {}
  const imdn = imdnIn(message)
  if (imdn?.status === 'delivered') return { receiptFor: imdn.about }
  if (imdn?.status === 'displayed') return { displayedFor: imdn.about }
  const { messageId, asked } = imdnHeaders(message)
  if (messageId === '') return {}
  return {
    ...(asked.has('positive-delivery') ? { receiptRequested: true } : {}),
    ...(asked.has('display') ? { displayRequested: true } : {}),
  }
}

/** A text or other content in Message/CPIM that asks for what its author asked; undefined where that is nothing. */
export function askingContent(view: InstantMessage, payload: Content, at: number): Content | undefined {
  const asked = [
    view.receiptRequested === true ? 'positive-delivery' : undefined,
    view.displayRequested === true ? 'display' : undefined,
  ].filter((value) => value !== undefined)
  if (asked.length === 0 || view.id === '' || isCpimType(payload.type)) return undefined
  const fields = describingFields(payload.fields).map(({ name, value }) => [name, value] as const)
  const entity = writeEntity([['Content-Type', payload.type], ...fields], payload.bytes)
  return inCpim(view.from, view.to, view.id, at, entity, asked.join(', '))
}

/** What a person's device of another protocol tells of a message: it arrived, or was shown. */
export function receiptContent(view: InstantMessage, id: string, at: number): Content | undefined {
  const { from, to, receiptFor, displayedFor } = view
  if (displayedFor !== undefined)
    return notification({ about: displayedFor, type: 'display', status: 'displayed' }, from, to, id, at)
  if (receiptFor !== undefined)
    return notification({ about: receiptFor, type: 'delivery', status: 'delivered' }, from, to, id, at)
  return undefined
}

/** Whether a phone that reads Message/CPIM is to be told of it: it failed, and that was asked for (RFC 5438 §8.2). */
export function isTold(report: Report): boolean {
  return report.event === 'failed' && report.asked === true && report.about !== ''
}

/** A late failure (RFC 5438 §8.2). */
export function failureContent(envelope: Envelope, at: number): Content {
  const { head } = envelope
  const { about } = envelope.view() as Report
  return notification({ about, type: 'delivery', status: 'failed' }, head.from, head.to, head.id, at)
}

/** In the name of the recipient, as RFC 5438 §8.1 shows it. @param at when the message was sent, as far as is known here */
export function notification(imdn: Imdn, from: Address, to: Address, id: string, at: number): Content {
  const document = writeImdn(imdn, new Date(at).toISOString(), imUri(from))
  const entity = writeEntity(
    [
      ['Content-Type', imdnMediaType],
      // §7.2.1: "MUST insert a Content-Disposition header field set to the value 'notification'".
      ['Content-Disposition', 'notification'],
      ['Content-Length', String(document.length)],
    ],
    document,
  )
  return inCpim(from, to, id, at, entity, undefined)
}

function inCpim(
  from: Address,
  to: Address,
  id: string,
  at: number,
  entity: Bytes,
  asked: string | undefined,
): Content {
  const others = [{ namespace: imdnHeaderNamespace, name: 'Message-ID', value: id }]
  if (asked !== undefined)
    others.push({ namespace: imdnHeaderNamespace, name: 'Disposition-Notification', value: asked })
  const bytes = writeCpim(
    {
      from: { name: '', uri: imUri(from) },
      to: [{ name: '', uri: imUri(to) }],
      dateTime: new Date(at).toISOString(),
      others,
    },
    entity,
  )
  return { type: cpimMediaType, bytes, fields: [] }
}
