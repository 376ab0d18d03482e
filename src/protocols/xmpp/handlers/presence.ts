// Presence from the client (RFC 6121 §4): broadcast, directed, and what follows from both.
import { concat, utf8 } from '#base'
import type { Address, Outcome } from '#model'
import { escapeValue, frameDocument, isXmlFault } from '#wire/xml'
import { presenceEnvelope, priorityOf, transitEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import { clientStream } from '../codec/namespaces.ts'
import { type Stanza, stanzaOf } from '../codec/stanza.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import type { StanzaEnvelope } from '../envelope.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'
import { isAvailable } from '../is-available.ts'
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
      // RFC 6121 §4.3: clients need not ask, and may.
      return to === undefined ? undefined : session.service.presence.probe(to.address, session)
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
  if (!session.available) return
  leave(session, stanza)
}

/** The session ends: if it said no goodbye, the server says it (RFC 6121 §4.5.1). */
export function endPresence(session: BoundSession): void {
  if (session.available) leave(session, undefined)
  else tellDirected(session)
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
  tellDirected(session)
}

/** Addresses that hear of a session though they are no contacts of it (RFC 6121 §4.6.3). */
export class DirectedPresence {
  /** LIMIT: addresses remembered. */
  readonly #max: number
  readonly #addresses = new Map<string, Jid>()

  constructor(max: number) {
    this.#max = max
  }

  /** False when there are too many. */
  add(to: Jid): boolean {
    const key = fullJid(to.address, to.resource)
    if (!this.#addresses.has(key) && this.#addresses.size >= this.#max) return false
    this.#addresses.set(key, to)
    return true
  }

  delete(to: Jid): void {
    this.#addresses.delete(fullJid(to.address, to.resource))
  }

  has(address: Address, resource: string): boolean {
    return this.#addresses.has(fullJid(address, resource)) || this.#addresses.has(fullJid(address, ''))
  }

  /** All, which are forgotten. */
  takeAll(): readonly Jid[] {
    const all = [...this.#addresses.values()]
    this.#addresses.clear()
    return all
  }
}

/** Whether the session let that device know that it is here. */
export function receivesDirected(session: BoundSession, address: Address, resource: string): boolean {
  return session.directed.has(address, resource)
}

/** RFC 6121 §4.6. */
function sendDirected(session: BoundSession, stanza: Stanza, to: Jid): void {
  const isGoodbye = stanza.type === 'unavailable'
  if (isGoodbye) session.directed.delete(to)
  // Contacts that may see it hear of the end anyway.
  else if (session.account.contacts.get(to.address.key)?.authorization.from !== true) {
    if (!session.directed.add(to)) return session.sendError(stanza, stanzaError('resource-constraint'))
  }
  sendTo(session, stanza, to)
}

/** To one device, or to all that are available (RFC 6121 §8.5.2.1.2). Refusals are silent (§8.5.1, §8.5.3.2.2). */
function sendTo(session: BoundSession, stanza: Stanza, to: Jid, stamp = session.stampFor(stanza)): void {
  const { router, directory, transit } = session.service
  for (const device of router.isLocal(to.address.domain) && to.resource === '' ? devicesOf(to) : [to]) {
    const envelope = transitEnvelope(stanza, session.owner, session.id, device, stamp)
    transit.forward(envelope, () => {
      // Presence is never answered with an error by a server.
    })
  }

  function devicesOf({ address }: Jid): readonly Jid[] {
    const agents = directory.resident(address)?.inbox.agents ?? []
    return agents.filter(isAvailable).map((agent) => ({ address, resource: agent.id }))
  }
}

/** RFC 6121 §4.6.3: whoever got directed presence gets the end of it. */
function tellDirected(session: BoundSession): void {
  const known = session.directed.takeAll()
  if (known.length === 0) return
  const frame = frameDocument(utf8(`<presence type='unavailable'/>`), { outer: clientStream })
  const stanza = isXmlFault(frame) ? undefined : stanzaOf(frame)
  if (stanza === undefined) return
  for (const to of known) {
    const written = utf8(` to='${escapeValue(fullJid(to.address, to.resource))}'`)
    sendTo(session, stanza, to, concat([session.stampFor(stanza), written]))
  }
}
