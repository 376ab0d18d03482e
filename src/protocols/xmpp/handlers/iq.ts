// IQ from the client (RFC 6120 §8.2.3, RFC 6121 §8.5): answered by the server for itself and for the account, or carried to
// the device that it names.
import type { Outcome } from '#model'
import { childElementOf, type Element } from '#wire/xml'
import { transitEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import type { Stanza } from '../codec/stanza.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { resultElement } from '../delivery.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'
import { carbonsIq } from './carbons.ts'
import { discoInfoIq, discoItemsIq } from './disco.ts'
import { pingIq } from './ping.ts'
import { rosterIq } from './roster.ts'
import { bindIq, sessionIq } from './session.ts'
import { timeIq } from './time.ts'
import { versionIq } from './version.ts'

/** A request that the server answers itself. */
export interface IqRequest {
  readonly session: BoundSession
  readonly type: 'get' | 'set'
  /** The account's own bare address (or none), or the server's domain. */
  readonly addressee: 'account' | 'server'
  /** The one child (RFC 6120 §8.2.3). */
  readonly payload: Element
  result(...children: Element[]): void
  error(error: StanzaError): void
}

export interface IqHandler {
  /** `{namespace}name` of the payload. */
  readonly payload: string
  readonly addressee: 'account' | 'server' | 'either'
  get?(request: IqRequest): void
  set?(request: IqRequest): void
}

const handlers = new Map<string, IqHandler>(
  [rosterIq, pingIq, discoInfoIq, discoItemsIq, versionIq, timeIq, ...carbonsIq, bindIq, sessionIq].map(
    (handler) => [handler.payload, handler],
  ),
)

export function handleIq(session: BoundSession, stanza: Stanza): void {
  const { type, id } = stanza
  const isRequest = type === 'get' || type === 'set'
  // RFC 6120 §8.2.3: rules 1, 2 and 5.
  const isGood = isRequest
    ? stanza.frame.childCount === 1
    : type === 'error' || (type === 'result' && stanza.frame.childCount <= 1)
  if (!isGood || id === undefined) {
    if (type !== 'result') session.sendError(stanza, stanzaError('bad-request'))
    return
  }
  const to = stanza.to === undefined ? session.bareJid : parseJid(stanza.to)
  if (to === undefined) {
    if (isRequest) session.sendError(stanza, stanzaError('jid-malformed'))
    return
  }
  const addressee = addresseeOf(session, to)
  if (addressee === 'elsewhere') return carry(session, stanza, id, to)
  // Answers to us (of pings) have done their work by arriving.
  if (isRequest) answer(session, stanza, id, type, addressee)
}

/** RFC 6120 §10.3.3, §10.5.1, RFC 6121 §8.5.2.1.3. */
function addresseeOf(
  session: BoundSession,
  { address, resource }: Jid,
): 'account' | 'server' | 'other' | 'elsewhere' {
  if (!session.service.router.isLocal(address.domain)) return 'elsewhere'
  if (address.user === '') return resource === '' ? 'server' : 'other'
  if (resource !== '') return 'elsewhere'
  return address.key === session.owner.key ? 'account' : 'other'
}

function carry(session: BoundSession, stanza: Stanza, id: string, to: Jid): void {
  const envelope = transitEnvelope(stanza, session.owner, session.id, to, session.stampFor(stanza))
  const isRequest = stanza.type === 'get' || stanza.type === 'set'
  session.service.transit.forward(envelope, (outcome: Outcome) => {
    // RFC 6120 §8.2.3: an answer is never answered.
    if (outcome.kind !== 'refused' || !isRequest) return
    session.sendErrorFor('iq', id, fullJid(to.address, to.resource), stanzaErrorOfRefusal(outcome))
  })
}

function answer(
  session: BoundSession,
  stanza: Stanza,
  id: string,
  type: 'get' | 'set',
  addressee: 'account' | 'server' | 'other',
): void {
  const { frame } = stanza
  const handler = handlers.get(`{${frame.childNamespace(0)}}${frame.childName(0)}`)
  const from = stanza.to ?? session.bare
  const answers = handler !== undefined && addressee !== 'other' && isFor(handler, addressee)
  // RFC 6120 §8.4: what is not understood; RFC 6121 §8.5.2.1.3: what we do not answer for somebody.
  if (!answers) return session.sendErrorFor('iq', id, from, stanzaError('service-unavailable'))
  const act = handler[type]
  if (act === undefined) return session.sendErrorFor('iq', id, from, stanzaError('feature-not-implemented'))
  act({
    session,
    type,
    addressee,
    payload: childElementOf(frame, 0),
    result: (...children) => session.send(resultElement(id, from, session.full, ...children)),
    error: (error) => session.sendErrorFor('iq', id, from, error),
  })
}

function isFor(handler: IqHandler, addressee: 'account' | 'server'): boolean {
  return handler.addressee === 'either' || handler.addressee === addressee
}
