// Presence from the client (RFC 6121 §4): what each type is, and the broadcast with what follows from it.
import { concat } from '#base'
import type { Outcome } from '#model'
import { presenceEnvelope, priorityOf } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { parseJid } from '../codec/jid.ts'
import { writeSpliced } from '../codec/splice.ts'
import type { Stanza } from '../codec/stanza.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import type { StanzaEnvelope } from '../envelope.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'
import { sendDirected, sendTo, tellDirected } from './directed-presence.ts'
import { handleProbe } from './probe.ts'
import { handleSubscription, showPendingRequests } from './subscription.ts'

export function handlePresence(session: BoundSession, stanza: Stanza): void {
  const written = stanza.to
  const to = written === undefined ? undefined : parseJid(written)
  if (written !== undefined && to === undefined)
    return session.sendError(stanza, stanzaError('jid-malformed'))
  switch (stanza.type) {
    case undefined:
      return to === undefined ? becomeAvailable(session, stanza) : sendDirected(session, stanza, to)
    case 'unavailable':
      return to === undefined ? becomeUnavailable(session, stanza) : sendDirected(session, stanza, to)
    case 'subscribe':
    case 'subscribed':
    case 'unsubscribe':
    case 'unsubscribed':
      return handleSubscription(session, stanza, stanza.type, to)
    case 'probe':
      return to === undefined ? undefined : handleProbe(session, stanza, to)
    case 'error':
      return to === undefined ? undefined : sendTo(session, stanza, to)
    default:
      // RFC 6121 §4.7.1
      return session.sendError(stanza, stanzaError('bad-request'))
  }
}

/** RFC 6121 §4.2, §4.4. */
function becomeAvailable(session: BoundSession, stanza: Stanza): void {
  const priority = priorityOf(stanza)
  if (priority === undefined) return session.sendError(stanza, stanzaError('bad-request'))
  const { presence, messages } = session.service
  const isInitial = !session.available
  const couldTake = session.capabilities.messages
  session.become(true, priority)
  // The contacts' presence first (RFC 6121 §4.2.2), so that its own comes once, by the broadcast.
  if (isInitial) presence.watchContacts(session.account, session)
  presence.publish(
    {
      presentity: session.owner,
      by: session.owner,
      tuple: session.id,
      source: ownPresence(session, stanza),
      seconds: undefined,
    },
    refusalOf(session, stanza),
  )
  if (isInitial) showPendingRequests(session)
  // RFC 6121 §8.5.2.2, XEP-0160 §2: what waited comes with the first presence that may have it.
  if (!couldTake && priority >= 0) messages.ready(session.account)
}

function refusalOf(session: BoundSession, { id, to }: Stanza): (outcome: Outcome) => void {
  return (outcome) => {
    if (outcome.kind !== 'refused') return
    session.sendErrorFor('presence', id, to ?? session.bare, stanzaErrorOfRefusal(outcome))
  }
}

function ownPresence(session: BoundSession, stanza: Stanza): StanzaEnvelope {
  return presenceEnvelope(stanza, session.owner, session.id, session.bareJid, session.stampFor(stanza))
}

/** RFC 6121 §4.5: the client says goodbye and stays connected. */
function becomeUnavailable(session: BoundSession, stanza: Stanza): void {
  if (!session.available) return tellDirected(session, stanza, false)
  // RFC 6121 §4.5.2: to itself too, which no longer watches when the others are told.
  writeSpliced(session.outgoing.begin(), stanza.frame, {
    attributes: concat([session.stampFor(stanza), session.toAttribute]),
    replaced: ['from', 'to'],
  })
  session.outgoing.end()
  leave(session, stanza)
}

/** The session ends: if it said no goodbye, the server says it (RFC 6121 §4.5.1). */
export function endPresence(session: BoundSession): void {
  if (session.available) leave(session, undefined)
  else tellDirected(session, undefined, false)
}

function leave(session: BoundSession, stanza: Stanza | undefined): void {
  const { presence } = session.service
  session.become(false, 0)
  presence.unwatchContacts(session.account, session)
  const lastWords = stanza === undefined ? undefined : ownPresence(session, stanza)
  presence.publish(
    {
      presentity: session.owner,
      by: session.owner,
      tuple: session.id,
      source: undefined,
      ...(lastWords === undefined ? {} : { lastWords }),
      seconds: undefined,
    },
    () => {
      // Taking away what is there, or is not, can't be refused to its owner.
    },
  )
  tellDirected(session, stanza, true)
}
