// Subscriptions as XMPP says them (RFC 6121 §3): the words go to the core, which keeps the states of Appendix A.
import type { AuthorizationEvent, Contact } from '#core'
import type { Address, Envelope, Outcome } from '#model'
import { escapeValue } from '#wire/xml'
import { presenceEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { bareJid, type Jid } from '../codec/jid.ts'
import { writeSpliced } from '../codec/splice.ts'
import { readStanza, type Stanza } from '../codec/stanza.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { StanzaEnvelope } from '../envelope.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'

export function handleSubscription(
  session: BoundSession,
  stanza: Stanza,
  event: AuthorizationEvent,
  to: Jid | undefined,
): void {
  if (to === undefined) return session.sendError(stanza, stanzaError('bad-request'))
  const { owner } = session
  // One's own presence needs no subscription (RFC 6121 §4.2.2).
  if (to.address.key === owner.key) return
  const { contacts } = session.service
  // RFC 6121 §3.1.2: between bare addresses, whatever the client wrote.
  const envelope = presenceEnvelope(stanza, owner, '', { address: to.address, resource: '' })
  const id = stanza.id
  const known = session.handled?.defer()
  const onOutcome = (outcome: Outcome): void => {
    known?.()
    if (outcome.kind !== 'refused') return
    session.sendErrorFor('presence', id, bareJid(to.address), stanzaErrorOfRefusal(outcome))
  }
  switch (event) {
    case 'subscribe':
      return contacts.ask(owner, to.address, envelope, onOutcome)
    case 'unsubscribe':
      return contacts.giveUp(owner, to.address, envelope, onOutcome)
    case 'subscribed':
      return contacts.approve(owner, to.address, envelope, onOutcome)
    case 'unsubscribed':
      return contacts.refuse(owner, to.address, envelope, onOutcome)
  }
}

/** Tells the client what another says: requests where it is available, the rest also where it has the roster. */
export function writeAuthorizationEvent(
  session: BoundSession,
  event: AuthorizationEvent,
  from: Address,
  source: Envelope | undefined,
): void {
  // RFC 6121 §3.1.3: a request is for available resources; others see it when they become available.
  const hears = session.available || (session.interested && event !== 'subscribe')
  if (!hears) return
  if (source instanceof StanzaEnvelope) writeAs(session, source.stanza, from)
  else writePlain(session, event, from)
}

/** RFC 6121 §3.1.3: those who still wait for an answer, shown again at each sign-in. */
export function showPendingRequests(session: BoundSession): void {
  for (const contact of session.account.contacts.values()) {
    if (contact.authorization.pendingIn) showRequest(session, contact)
  }
}

function showRequest(session: BoundSession, { address, request }: Contact): void {
  const stanza = request?.protocol === session.protocol ? readStanza(request.raw) : undefined
  if (stanza === undefined) writePlain(session, 'subscribe', address)
  else writeAs(session, stanza, address)
}

function writeAs(session: BoundSession, stanza: Stanza, from: Address): void {
  const attributes = ` from='${escapeValue(bareJid(from))}' to='${escapeValue(session.bare)}'`
  writeSpliced(session.outgoing.begin(), stanza.frame, { attributes, replaced: ['from', 'to'] })
  session.outgoing.end()
}

function writePlain(session: BoundSession, event: AuthorizationEvent, from: Address): void {
  const addresses = `from='${escapeValue(bareJid(from))}' to='${escapeValue(session.bare)}'`
  session.outgoing.begin().writeUtf8(`<presence ${addresses} type='${event}'/>`)
  session.outgoing.end()
}
