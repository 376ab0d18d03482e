// IQ from the client (RFC 6120 §8.2.3, RFC 6121 §8.5): answered by the server for itself and for the account, or carried to
// the device that it names.
import { type Account, mayReach } from '#core'
import type { Address, Outcome } from '#model'
import { childElementOf, type Element } from '#wire/xml'
import { transitEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import type { Stanza } from '../codec/stanza.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { resultElement } from '../delivery.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'
import type { ServerSide } from './disco.ts'
import { iqHandlers } from './iq-handlers.ts'

/** Who asks, as far as what is answered to anybody goes: a session of ours, or somebody of another domain. */
export interface Asker extends ServerSide {
  readonly version: string
  readonly owner: Address
}

/** A request that the server answers itself. */
export interface IqRequest<S extends Asker = BoundSession> {
  readonly session: S
  readonly type: 'get' | 'set'
  /** The account's own bare address (or none), the bare address of another person here, or the server's domain. */
  readonly addressee: 'account' | 'person' | 'server'
  /** Whose address it is: another person's account where it is one, else the session's own. */
  readonly person: Account
  /** All requests that are answered here. */
  readonly handlers: readonly IqHandler[]
  /** The one child (RFC 6120 §8.2.3). */
  readonly payload: Element
  result(...children: Element[]): void
  error(error: StanzaError): void
}

export interface IqHandler {
  /** `{namespace}name` of the payload. */
  readonly payload: string
  readonly addressee: 'account' | 'server' | 'either'
  /**
   * `answered`: also on behalf of another person here (RFC 6121 §8.5.2.1.3); the handler decides what the asker may know. `forbidden`: said
   * to all who ask it of somebody else, whether there is such a person or not, so that it tells nothing.
   */
  readonly ofPersons?: 'answered' | 'forbidden'
  /** What service discovery says of it (XEP-0030 §3.1): as a feature of the server, and of each account. */
  readonly features?: { readonly server?: readonly string[]; readonly account?: readonly string[] }
  /** False where the settings leave it out: then it is neither answered nor discovered. */
  isOffered?(side: ServerSide): boolean
  get?(request: IqRequest): void
  set?(request: IqRequest): void
}

/** One that is answered to people of other domains too. */
export interface OpenIqHandler extends Omit<IqHandler, 'get' | 'set'> {
  get?(request: IqRequest<Asker>): void
  set?(request: IqRequest<Asker>): void
}

const handlers = new Map<string, IqHandler>(iqHandlers.map((handler) => [handler.payload, handler]))

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
  if (isRequest) answer(session, stanza, id, type, addressee, to)
}

/** RFC 6120 §10.3.3, §10.5.1, RFC 6121 §8.5.2.1.3. */
function addresseeOf(
  session: BoundSession,
  { address, resource }: Jid,
): 'account' | 'person' | 'server' | 'none' | 'elsewhere' {
  if (!session.service.router.isLocal(address.domain)) return 'elsewhere'
  if (address.user === '') return resource === '' ? 'server' : 'none'
  if (resource !== '') return 'elsewhere'
  return address.key === session.owner.key ? 'account' : 'person'
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
  addressee: 'account' | 'person' | 'server' | 'none',
  to: Jid,
): void {
  const { frame } = stanza
  const handler = handlers.get(`{${frame.childNamespace(0)}}${frame.childName(0)}`)
  const from = stanza.to ?? session.bare
  // RFC 6120 §8.4: what is not understood; RFC 6121 §8.5.2.1.3: what we do not answer for somebody.
  const unavailable = (): void => session.sendErrorFor('iq', id, from, stanzaError('service-unavailable'))
  if (handler === undefined || addressee === 'none' || handler.isOffered?.(session) === false)
    return unavailable()
  const payload = childElementOf(frame, 0)
  const ask = (asked: IqRequest['addressee'], person: Account): void => {
    if (!isFor(handler, asked)) return unavailable()
    const act = handler[type]
    if (act === undefined) return session.sendErrorFor('iq', id, from, stanzaError('feature-not-implemented'))
    // XEP-0198 §4: a change is handled when it is answered, which is when it is durable.
    const known = type === 'set' ? session.handled?.defer() : undefined
    act({
      session,
      type,
      addressee: asked,
      person,
      handlers: iqHandlers,
      payload,
      result: (...children) => {
        known?.()
        session.send(resultElement(id, from, session.full, ...children))
      },
      error: (error) => {
        known?.()
        session.sendErrorFor('iq', id, from, error)
      },
    })
  }
  if (addressee === 'person' && handler.ofPersons === 'forbidden')
    return session.sendErrorFor('iq', id, from, stanzaError('forbidden'))
  if (addressee !== 'person') return ask(addressee, session.account)
  session.service.directory.find(to.address, (found) => {
    if (session.ended) return
    if (found === 'fault') return session.sendErrorFor('iq', id, from, stanzaError('internal-server-error'))
    // RFC 6121 §8.5.1; a blocked one sees the same (XEP-0191 §3). An alias of one's own is oneself.
    if (found === 'unknown' || !mayReach(found, session.owner, session.id)) return unavailable()
    ask(found === session.account ? 'account' : 'person', found)
  })
}

function isFor(handler: IqHandler, addressee: IqRequest['addressee']): boolean {
  if (addressee === 'person') return handler.ofPersons === 'answered'
  return handler.addressee === 'either' || handler.addressee === addressee
}
