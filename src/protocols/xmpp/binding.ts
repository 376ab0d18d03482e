// The only file through which both languages meet: stanza <-> envelope, view, outcome. Messages and presence have a file each.
import type { Bytes } from '#base'
import type { Address } from '#model'
import { messageHead } from './binding-message.ts'
import { presenceHead, transitHead } from './binding-presence.ts'
import type { Jid } from './codec/jid.ts'
import type { Stanza } from './codec/stanza.ts'
import { StanzaEnvelope } from './envelope.ts'

export { messageElement, messageKind, reportElement } from './binding-message.ts'
export { presenceElement, priorityOf } from './binding-presence.ts'

export function messageEnvelope(
  stanza: Stanza,
  from: Address,
  fromAgent: string,
  to: Jid,
  stamp: Bytes | undefined,
): StanzaEnvelope {
  return new StanzaEnvelope(messageHead(stanza, from, fromAgent, to), stanza, undefined, stamp)
}

export function presenceEnvelope(
  stanza: Stanza,
  from: Address,
  fromAgent: string,
  to: Jid,
  stamp?: Bytes,
): StanzaEnvelope {
  return new StanzaEnvelope(presenceHead(stanza, from, fromAgent, to), stanza, undefined, stamp)
}

export function transitEnvelope(
  stanza: Stanza,
  from: Address,
  fromAgent: string,
  to: Jid,
  stamp?: Bytes,
): StanzaEnvelope {
  return new StanzaEnvelope(transitHead(stanza, from, fromAgent, to), stanza, undefined, stamp)
}
