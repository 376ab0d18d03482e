// SEND (IMPP §18.4): OK only when the message is delivered, or durable (docs/specs/impp-1.0.md §7.5).

import type { Service } from '#core'
import type { Head, Outcome, Refused } from '#model'
import { messageEnvelope, notificationBody, presenceOfOutcome } from '../binding.ts'
import type { ClientSession, Login } from '../client-session.ts'
import {
  acceptedTypes,
  addressOfUrl,
  type Body,
  type Fields,
  type ImppRequest,
  type PresenceType,
  presenceTypeOf,
} from '../codec/index.ts'
import type { ImppEnvelope } from '../envelope.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

/** What a SEND was answered; the parties and the id are those of the request that is answered. */
export type SendAnswer =
  | { readonly kind: 'ok'; readonly fields: Fields | undefined; readonly body: Body | undefined }
  | { readonly kind: 'refused'; readonly refused: Refused }

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
    const mark = headers.get('transmission')
    if (mark === undefined) {
      return post(session.service, envelope, type, (said) => tell(session, envelope.head, said, reply))
    }
    const { answers, sessions } = session.environment
    const { head } = envelope
    const taken = answers.of(address).once(
      mark,
      (said, isLast) => tell(session, head, said, reply, isLast),
      (respond) => post(session.service, envelope, type, (said) => respond(said, said.kind === 'ok')),
    )
    if (taken === 'again') sessions.metrics.again.add()
  },
}

/** Nothing to say: no body, no subject, no chat state, no receipt. */
export function isEmpty({ headers }: ImppRequest): boolean {
  return (
    headers.find('subject') === -1 && headers.find('chat-state') === -1 && headers.find('receipt-for') === -1
  )
}

function post(
  service: Service,
  envelope: ImppEnvelope,
  type: PresenceType,
  settle: (said: SendAnswer) => void,
): void {
  const { head } = envelope
  const reply = { ok: (fields?: Fields, body?: Body) => settle({ kind: 'ok', fields, body }) }
  service.messages.send(envelope, (outcome) => {
    if (outcome.kind === 'refused') settle({ kind: 'refused', refused: outcome })
    else answer(service, head, type, outcome, reply)
  })
}

function tell(session: ClientSession, head: Head, said: SendAnswer, reply: Reply, isLast = true): void {
  if (said.kind === 'ok') return reply.ok(said.fields, said.body)
  if (session.state !== 'over') return reply.refuse(said.refused)
  if (!isLast) return
  // The connection that asked is gone: the sender is told on another, or later.
  const { condition } = said.refused
  session.service.messages.report({ about: head.id, event: 'failed', condition }, head)
}

/** IMPP §18.4: OK returns presence, usually empty: what the sender may see of a recipient who is not plainly there. */
export function answer(
  service: Service,
  { from, to }: Head,
  type: PresenceType,
  outcome: Exclude<Outcome, Refused>,
  reply: Pick<Reply, 'ok'>,
): void {
  const { kind } = outcome
  const fields: Fields | undefined = kind === 'delivered' ? undefined : [['Result', kind]]
  const recipient = service.directory.resident(to)
  const isThere = kind === 'delivered' && (recipient === undefined || recipient.presentity.isPlainlyOpen())
  const isKnown = kind === 'relayed' || outcome.presence !== undefined || recipient === undefined
  if (isThere || isKnown) return reply.ok(fields, presenceOfOutcome(outcome, to, type))
  service.presence.fetch(from, to, (fetched) => {
    const isWord = fetched.kind === 'fetched' && !recipient.presentity.isPlainlyOpen()
    const word = isWord ? notificationBody(fetched.notification, type) : undefined
    reply.ok(fields, word ?? presenceOfOutcome(outcome, to, type))
  })
}
