// SEND (IMPP §18.4): OK only when the message is delivered, or durable (docs/specs/impp-1.0.md §7.5).

import type { Head, Outcome } from '#model'
import { messageEnvelope, presenceOfOutcome } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  acceptedTypes,
  addressOfUrl,
  type ImppRequest,
  type PresenceType,
  presenceTypeOf,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const send: Method = {
  when: 'logged-in',
  take(session: ClientSession, request: ImppRequest, reply: Reply): void {
    const { headers } = request
    const { address, connectionId } = session.login as Login
    const target = headers.get('target')
    if (target === undefined) return reply.error('malformed')
    const to = addressOfUrl(target)
    if (to === undefined) return reply.error('address-malformed')
    // Only a server reports (§7.5).
    if (headers.find('report') !== -1) return reply.error('permission-denied')
    // There are no rooms here to speak in (§7.5).
    if (headers.get('message-kind') === 'groupchat') return reply.error('operation-not-supported')
    if (headers.find('content-type') === -1 && isEmpty(request)) return reply.error('malformed')
    const accept = headers.get('accept')
    const type = (accept && presenceTypeOf(acceptedTypes(accept))) || 'pidf'
    const envelope = messageEnvelope(request, address, connectionId, to)
    const { head } = envelope
    session.service.messages.send(envelope, (outcome) => settle(session, head, type, outcome, reply))
  },
}

/** Nothing to say: no body, no subject, no chat state, no receipt. */
function isEmpty({ headers }: ImppRequest): boolean {
  return (
    headers.find('subject') === -1 && headers.find('chat-state') === -1 && headers.find('receipt-for') === -1
  )
}

function settle(
  session: ClientSession,
  head: Head,
  type: PresenceType,
  outcome: Outcome,
  reply: Reply,
): void {
  if (outcome.kind !== 'refused') return reply.ok(undefined, presenceOfOutcome(outcome, head.to, type))
  // The connection that asked is gone: the sender is told on another, or later.
  if (session.state === 'over') {
    return session.service.messages.report(
      { about: head.id, event: 'failed', condition: outcome.condition },
      head,
    )
  }
  reply.refuse(outcome)
}
