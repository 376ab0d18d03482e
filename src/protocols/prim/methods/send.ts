// SEND (docs/specs/prim.md §6.1): 200 only when a device has taken the message; 101 when it is durable, or nobody will say.

import type { Head, Outcome } from '#model'
import { hopCountDefault, messageEnvelope, statusOfOutcome } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { decimal, field, isMessageId, type PrimRequest } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { tokenField, toOf } from './parties.ts'

export const send: Method = {
  when: 'logged-in',
  service: 'im',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const { names, agent, account } = session.login as Login
    const to = toOf(request, 'im')
    const hops = hopCountOf(request)
    if (to === undefined || names.im === undefined || hops === undefined || !isSend(request))
      return reply.error('malformed')
    if (hops === 0) return reply.error('too-many-hops')
    // §5.2: a server rates its own client's connection itself.
    const hop = { strength: session.strength, hops, now: session.service.clock.now() }
    const envelope = messageEnvelope(request, names.im, agent.id, to, hop)
    const { head } = envelope
    session.environment.answers.of(account.address).once(
      `${to.key}\n${head.mark}`,
      (outcome, isLast) => tell(session, head, outcome, reply, isLast),
      (respond) =>
        session.service.messages.send(envelope, (outcome) => respond(outcome, outcome.kind !== 'refused')),
    )
  },
}

/** The connection that asked may be gone: of a refusal the sender is told on another, or later. */
function tell(session: ClientSession, head: Head, outcome: Outcome, reply: Reply, isLast: boolean): void {
  if (outcome.kind !== 'refused' || session.state !== 'over') return reply.give(statusOfOutcome(outcome))
  const { condition } = outcome
  if (isLast) session.service.messages.report({ about: head.id, event: 'failed', condition }, head)
}

/** Whether its fields are those of a message. */
export function isSend(request: PrimRequest): boolean {
  const { headers } = request
  const isNamed = isMessageId(field(headers, 'Message-ID') ?? '')
  const isTyped = field(headers, 'Content-Type') !== undefined
  // Only a server reports (§6.1).
  const isReport = field(headers, 'Report') !== undefined
  return isNamed && isTyped && !isReport && tokenField(request, 'Conversation-ID') !== 'malformed'
}

export function hopCountOf({ headers }: PrimRequest): number | undefined {
  const value = field(headers, 'Hop-Count')
  const hops = value === undefined ? hopCountDefault : decimal(value)
  // LIMIT: nobody gives a message more hops than it would have here.
  return hops && Math.min(hops, hopCountDefault)
}
