// SIP and the abstract service: addresses, and envelopes made again. The files that speak both languages are this one,
// `binding-message.ts` and `binding-presence.ts`.

import type { Bytes } from '#base'
import { ServiceError } from '#core'
import { type Address, addressOf, type Envelope, type Head } from '#model'
import { SipMessageEnvelope } from './binding-message.ts'
import { SipPresenceEnvelope } from './binding-presence.ts'
import { ownText } from './codec/grammar.ts'
import { parseMessage } from './codec/message.ts'
import { parseSipUri, type SipUri, unescaped } from './codec/uri.ts'

/** LIMIT: URIs whose address is remembered; past it all are forgotten. */
const addressesMax = 65_536
const addresses = new Map<string, Address | undefined>()

/** The address that a SIP or SIPS URI names; undefined when it names none. One map look-up when it was asked before. */
export function addressOfSipUri(uri: string): Address | undefined {
  const known = addresses.get(uri)
  if (known !== undefined) return known
  const own = ownText(uri)
  const parsed = parseSipUri(own)
  const address = parsed === undefined ? undefined : addressOfParts(parsed)
  if (address === undefined) return undefined
  if (addresses.size >= addressesMax) addresses.clear()
  addresses.set(own, address)
  return address
}

function addressOfParts(uri: SipUri): Address | undefined {
  return addressOf(uri.user === undefined ? '' : unescaped(uri.user), uri.host)
}

/** Makes an envelope of ours again. @throws ServiceError when the octets are none */
export function revive(head: Head, raw: Bytes): Envelope {
  const request = parseMessage(raw)
  if (request.kind !== 'request')
    throw new ServiceError('internal-fault', 'a stored SIP unit is no request', { id: head.id })
  return head.kind === 'presence'
    ? new SipPresenceEnvelope(head, request)
    : new SipMessageEnvelope(head, request, undefined)
}

/** The route to a device that another party named with `gr` (RFC 5627 §3.1): its agent's id, or ''. */
export function agentOf(uri: SipUri): string {
  for (const param of uri.params)
    if (param.name === 'gr' && param.value !== undefined) return unescaped(param.value)
  return ''
}
