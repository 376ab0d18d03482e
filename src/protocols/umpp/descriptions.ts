// What a message of SIP says of a message stream (RFC 3264): the offer of an INVITE, the answer of its 2xx.

import { bodyOf, contentTypeText, type SipRequest, type SipResponse } from '#protocols/sip'
import { parseSdp, type SessionDescription } from '#wire/sdp'
import { type MessageStream, streamIn } from './message-stream.ts'

export const sdpType = 'application/sdp'

/**
 * `no-sdp`: another content, or none; `unreadable`: no description; `none`: one without messages that could be had; `other-kind`: one with messages of a kind
 * that is not carried here; `malformed`: messages that nobody could carry.
 */
export type DescriptionReading =
  | {
      readonly kind: 'stream'
      readonly description: SessionDescription
      readonly at: number
      readonly stream: MessageStream
    }
  | { readonly kind: 'none' | 'other-kind'; readonly description: SessionDescription }
  | { readonly kind: 'no-sdp' | 'unreadable' | 'malformed'; readonly why: string }

/** Why there is no stream. */
export function whyNone(reading: Exclude<DescriptionReading, { kind: 'stream' }>): string {
  return 'why' in reading ? reading.why : 'no messages'
}

export function descriptionIn(message: SipRequest | SipResponse): DescriptionReading {
  const type = contentTypeText(message)
  if (type?.split(';', 1)[0]?.trim().toLowerCase() !== sdpType)
    return { kind: 'no-sdp', why: type === undefined ? 'no description' : `a body of ${type}` }
  const description = parseSdp(bodyOf(message))
  if ('fault' in description)
    return { kind: 'unreadable', why: `the description: ${description.why} (line ${description.line})` }
  const reading = streamIn(description)
  if (reading.kind === 'malformed') return reading
  if (reading.kind === 'other-kind') return { kind: 'other-kind', description }
  if (reading.kind !== 'stream') return { kind: 'none', description }
  return { ...reading, description }
}

/** What an answer to a re-INVITE is made of where its offer had nothing. */
export const emptyDescription: SessionDescription = {
  origin: {
    user: '-',
    sessionId: '0',
    version: '0',
    networkType: 'IN',
    addressType: 'IP4',
    address: '0.0.0.0',
  },
  name: '-',
  connection: undefined,
  times: ['0 0'],
  attributes: [],
  media: [],
}
