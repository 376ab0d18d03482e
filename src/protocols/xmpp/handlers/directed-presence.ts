// Directed presence (RFC 6121 §4.6): to whom it is addressed, who hears of the end, and whom a device has let know that it is here.
import { assert, concat, utf8 } from '#base'
import { visible } from '#core'
import type { Address } from '#model'
import { escapeValue, frameDocument, isXmlFault } from '#wire/xml'
import { transitEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid } from '../codec/jid.ts'
import { clientStream } from '../codec/namespaces.ts'
import { type Stanza, stanzaOf } from '../codec/stanza.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { isAvailable } from '../is-available.ts'

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

  delete(address: Address, resource: string): void {
    if (this.#addresses.size > 0) this.#addresses.delete(fullJid(address, resource))
  }

  has(address: Address, resource: string): boolean {
    if (this.#addresses.size === 0) return false
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

/** RFC 6121 §4.6.3. */
export function sendDirected(session: BoundSession, stanza: Stanza, to: Jid): void {
  const isGoodbye = stanza.type === 'unavailable'
  if (isGoodbye) session.directed.delete(to.address, to.resource)
  // Rule 1: contacts that may see it hear of the end anyway. Rule 3: not from a session that is not available.
  else if (!session.available || !hearsBroadcast(session, to.address)) {
    if (!session.directed.add(to)) return session.sendError(stanza, stanzaError('resource-constraint'))
  }
  sendTo(session, stanza, to)
}

function hearsBroadcast({ account }: BoundSession, address: Address): boolean {
  const isAuthorized = account.contacts.get(address.key)?.authorization.from === true
  return isAuthorized && visible(account, address) !== 'nothing'
}

/** To one device, or to all that are available (RFC 6121 §8.5.2.1.2). Refusals are silent (§8.5.1, §8.5.3.2.2). */
export function sendTo(
  session: BoundSession,
  stanza: Stanza,
  to: Jid,
  stamp = session.stampFor(stanza),
): void {
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

/**
 * RFC 6121 §4.6.3: whoever got directed presence gets the end of it, with the client's own words if it said any. Not those whom the
 * broadcast has just told.
 */
export function tellDirected(
  session: BoundSession,
  lastWords: Stanza | undefined,
  wasAvailable: boolean,
): void {
  const known = session.directed.takeAll()
  if (known.length === 0) return
  const stanza = lastWords ?? plainGoodbye()
  for (const to of known) {
    if (wasAvailable && hearsBroadcast(session, to.address)) continue
    const written = utf8(` to='${escapeValue(fullJid(to.address, to.resource))}'`)
    sendTo(session, stanza, to, concat([session.stampFor(stanza), written]))
  }
}

function plainGoodbye(): Stanza {
  const frame = frameDocument(utf8(`<presence type='unavailable'/>`), { outer: clientStream })
  const stanza = isXmlFault(frame) ? undefined : stanzaOf(frame)
  assert(stanza !== undefined, 'our own words are a stanza')
  return stanza
}
