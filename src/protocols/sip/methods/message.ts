// MESSAGE from a phone to anybody, RFC 3428 §7 and RFC 3261 §16: the core finds who takes it; the first answer of any of
// their devices is the answer.

import type { Outcome } from '#model'
import { messageEnvelope, type SipMessageEnvelope } from '../binding-message.ts'
import { header } from '../codec/header-names.ts'
import { headerValue, requestUri } from '../codec/message.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'
import { refuse } from '../refusal.ts'
import type { RegisteredContact } from '../registered-contact.ts'

export function message(context: SipContext, incoming: Incoming): void {
  const refusal = contentRefusal(context, incoming)
  // RFC 3428 §4: MESSAGE makes no dialog; one inside a dialog that we have no part in is for nobody.
  if (incoming.parts.toTag !== undefined) return incoming.answer(481)
  context.authentication.identify(incoming, 'proxy', (identity) => {
    if (refusal !== undefined)
      return incoming.answer(refusal, refusal === 415 ? [['Accept-Encoding', 'identity']] : undefined)
    if (incoming.parts.maxForwards === 0) return incoming.answer(483)
    const { service, registrar } = context
    const aim = registrar.gruus.aimOf(incoming.parts.uri, requestUri(incoming.request))
    if (aim === undefined) return incoming.answer(404)
    const sender = registrar.contactAt(service.directory.resident(identity.owner), incoming.flow)
    const from = identity.principal.address
    const envelope = messageEnvelope(incoming, from, sender?.id ?? '', aim.to, aim.agent)
    // Who writes Message/CPIM reads it.
    if (envelope.live?.asks !== undefined) {
      if (sender !== undefined) sender.readsCpim = true
      else if (identity.principal.vouchedBy === 'peer-domain') context.domains?.writesCpim(from)
    }
    const { pendingMessages } = context
    const owner = identity.owner.key
    // LIMIT: each waits with a transaction on either side.
    if (pendingMessages.count(owner) >= context.settings.messagesPendingMax) return incoming.answer(503)
    let isAnswered = false
    let isPending = false
    service.messages.send(envelope, (outcome) => {
      isAnswered = true
      if (isPending) pendingMessages.leave(owner)
      answer(incoming, envelope, outcome)
      if (sender !== undefined) tellOfProcessing(context, sender, envelope, outcome)
    })
    if (isAnswered) return
    isPending = true
    pendingMessages.enter(owner)
  })
}

/** RFC 5438 §8.1: who asked is told what we did, once; what a device does, that device tells. */
function tellOfProcessing(
  { service }: SipContext,
  sender: RegisteredContact,
  { head, live }: SipMessageEnvelope,
  { kind }: Outcome,
): void {
  const asks = live?.asks
  if (asks === undefined || asks.messageId === '' || !asks.asked.has('processing')) return
  // The status of the answer says it.
  if (kind === 'refused') return
  const status = kind === 'stored' ? 'stored' : 'processed'
  const sent = Date.parse(asks.dateTime ?? '')
  sender.tell(
    { about: asks.messageId, type: 'processing', status },
    head.to,
    Number.isNaN(sent) ? service.clock.now() : sent,
  )
}

/** The status for a body that cannot be carried. */
function contentRefusal({ settings }: SipContext, incoming: Incoming): number | undefined {
  const { request } = incoming
  const length = request.raw.length - request.bodyStart
  if (length > settings.messageBytesMax) return 413
  // RFC 3261 §20.15: "The Content-Type header field MUST be present if the body is not empty."
  if (length > 0 && headerValue(request, header.contentType) === undefined) return 400
  const encoding = headerValue(request, header.contentEncoding)
  return encoding !== undefined && encoding.toLowerCase() !== 'identity' ? 415 : undefined
}

/** RFC 3428 §7: 200 where it was delivered, 202 where it will be; a SIP device's own answer goes back as it came. */
function answer(incoming: Incoming, envelope: SipMessageEnvelope, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'delivered': {
      const response = envelope.live?.response
      return response === undefined
        ? incoming.answer(200)
        : incoming.answerWith(response.status, response.octets)
    }
    case 'stored':
    case 'relayed':
      return incoming.answer(202)
    case 'refused': {
      const { detail, condition } = outcome
      if (detail?.protocol === 'sip') return incoming.answerWith(detail.code, Buffer.from(detail.raw))
      // RFC 3261 §22.1: a far end's wish for a password is not ours to pass on as a challenge without one.
      if (condition === 'authentication-required') return incoming.answer(403)
      return refuse(incoming, outcome)
    }
  }
}
