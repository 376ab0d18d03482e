// Stanzas of people of other domains (RFC 6120 §8.1, §10; RFC 6121 §8): checked against the stream that they came by and the policy for
// their domain, and given to the core.
import { type AuthorizationEvent, mayComeBy } from '#core'
import { type Outcome, refused } from '#model'
import type { Frame } from '#wire/xml'
import { messageEnvelope, presenceEnvelope, transitEnvelope } from '../binding.ts'
import { stanzaFromServer } from '../codec/content-namespace.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import type { Stanza } from '../codec/stanza.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'
import { isAvailable } from '../is-available.ts'
import type { Channel } from './channel.ts'
import type { Components } from './components.ts'
import type { ServersEnvironment } from './environment.ts'
import { answerForeignIq } from './foreign-iq.ts'
import type { ServerLink } from './link.ts'
import type { Sessions, SessionTarget } from './sessions.ts'
import { addressedTo, errorBytes, stanzaBytes } from './writing.ts'

export interface IncomingParts {
  readonly environment: ServersEnvironment
  readonly linkTo: (domain: string) => ServerLink
  readonly components: Components
  readonly sessions: Sessions
}

/** One stanza and who it is between. */
export interface Arrival {
  readonly stanza: Stanza
  readonly from: Jid
  readonly to: Jid
  readonly channel: Channel
}

export class Incoming {
  readonly #parts: IncomingParts

  constructor(parts: IncomingParts) {
    this.#parts = parts
  }

  /** Hot path: no promise, no tree. */
  take(channel: Channel, frame: Frame): void {
    const stanza = stanzaFromServer(frame)
    // RFC 6120 §4.9.3.24
    if (stanza === undefined) return channel.fail('unsupported-stanza-type', 'it sends what is no stanza')
    const { metrics, service } = this.#parts.environment
    metrics.taken.add()
    const from = parseJid(stanza.from ?? '')
    const to = parseJid(stanza.to ?? '')
    // RFC 6120 §8.1.1.2, §8.1.2.2
    if (from === undefined || to === undefined)
      return channel.fail('improper-addressing', 'a stanza without the addresses of both ends')
    if (!channel.admitted.has(from.address.domain)) return this.#forged(channel, from.address.domain)
    // Beyond its share the domain waits: nothing more of this stream is read.
    const rest = service.shares.received(from.address.domain, frame.length)
    if (typeof rest === 'number' && rest > 0) channel.octets?.rest(rest)
    const arrival = { stanza, from, to, channel }
    if (!service.router.isLocal(to.address.domain)) return this.#passOn(arrival)
    if (!this.#isWelcome(arrival)) return this.#refuse(arrival, stanzaError('not-allowed'))
    if (stanza.kind === 'message') this.#message(arrival)
    else if (stanza.kind === 'presence') this.#presence(arrival)
    else this.#iq(arrival)
  }

  /** From a component to anybody, and from anybody to a component (XEP-0114 §3); for nobody else we are a way. */
  #passOn(arrival: Arrival): void {
    const { stanza, from, to, channel } = arrival
    const { components, environment, linkTo } = this.#parts
    const { domain } = to.address
    const isOut = components.isOf(channel)
    // RFC 6120 §10.5, §4.9.3.6
    if (!isOut && !components.has(domain)) return channel.fail('host-unknown', `a stanza to ${domain}`)
    const { peers } = environment.service
    if (!this.#isWelcome(arrival) || !peers.policyFor(domain).allowed)
      return this.#refuse(arrival, stanzaError('not-allowed'))
    const { kind, type, id } = stanza
    const bytes = stanzaBytes(stanza, fullJid(from.address, from.resource))
    linkTo(domain).carry(from.address.domain, bytes, (condition) => {
      // RFC 6120 §10.4.3
      if (type !== 'error' && type !== 'result' && kind !== 'presence')
        this.#sendError(kind, id, to, from, stanzaErrorOfRefusal(refused(condition)))
    })
  }

  /** RFC 6120 §8.1.2.2, §4.9.3.7: a domain speaks in the name of another. */
  #forged(channel: Channel, domain: string): void {
    const { metrics, service } = this.#parts.environment
    metrics.forged.add()
    service.log.warn('an XMPP server speaks in the name of another domain', {
      domain,
      proven: [...channel.admitted].join(),
    })
    channel.fail('invalid-from', `a stanza in the name of ${domain}`)
  }

  #isWelcome({ stanza, from, to }: Arrival): boolean {
    const { peers } = this.#parts.environment.service
    const policy = peers.policyFor(from.address.domain, to.address.domain)
    if (!policy.allowed || !policy.trusted) return false
    if (stanza.kind === 'message') return mayComeBy(policy, 'messages', 'xmpp', 'umpp')
    return stanza.kind === 'iq' || mayComeBy(policy, 'presence', 'xmpp')
  }

  /** Answers it with an error (RFC 6120 §8.3.1); never one that is an error itself, nor presence. */
  #refuse({ stanza, from, to }: Arrival, error: StanzaError): void {
    const { kind, type, id } = stanza
    if (type === 'error' || type === 'result' || kind === 'presence') return
    this.#sendError(kind, id, to, from, error)
  }

  #sendError(
    kind: string,
    id: string | undefined,
    of: Jid,
    to: Jid,
    error: StanzaError,
    session?: SessionTarget,
  ): void {
    const bytes = errorBytes(
      kind,
      id,
      fullJid(of.address, of.resource),
      fullJid(to.address, to.resource),
      error,
    )
    const [ours, theirs] = [of.address.domain, to.address.domain]
    if (session !== undefined) this.#parts.sessions.tell(ours, theirs, session, bytes)
    else this.#parts.linkTo(theirs).write(ours, bytes)
  }

  #message(arrival: Arrival): void {
    const { stanza, from, to, channel } = arrival
    const { service } = this.#parts.environment
    const { type } = stanza
    if (to.resource === '') {
      // RFC 6121 §8.5.2.1.1
      if (type === 'error' && to.address.user === '') return
      // RFC 6120 §10.5.1: the server itself reads no messages.
      if (type === 'groupchat' || to.address.user === '')
        return this.#refuse(arrival, stanzaError('service-unavailable'))
    }
    const session = this.#parts.sessions.targetOf(from, to, stanza.type)
    const target = session === undefined ? to : { address: to.address, resource: session.device }
    const own = target.resource === to.resource ? stanza : addressedTo(stanza, target)
    const envelope = messageEnvelope(own, from.address, from.resource, target, undefined)
    const known = channel.management?.handled.defer()
    const { head } = envelope
    service.messages.send(envelope, (outcome) => {
      known?.()
      if (outcome.kind !== 'refused' || head.kind === 'report') return
      const id = head.id === '' ? undefined : head.id
      this.#sendError('message', id, to, from, stanzaErrorOfRefusal(outcome), session)
    })
  }

  #presence(arrival: Arrival): void {
    const { stanza } = arrival
    switch (stanza.type) {
      case undefined:
      case 'unavailable':
        return this.#told(arrival)
      case 'probe':
        return this.#probed(arrival)
      case 'subscribe':
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        return this.#word(arrival, stanza.type)
      case 'error':
        return this.#parts
          .linkTo(arrival.from.address.domain)
          .refused(arrival.to.address, arrival.from.address)
      default:
        // RFC 6121 §4.7.1
        return this.#sendError('presence', stanza.id, arrival.to, arrival.from, stanzaError('bad-request'))
    }
  }

  /** RFC 6121 §4.2.3, §4.4.3, §4.5.3; what nobody asked for is directed presence (§4.6.4). */
  #told(arrival: Arrival): void {
    const { stanza, from, to } = arrival
    const envelope = presenceEnvelope(stanza, from.address, from.resource, to)
    const link = this.#parts.linkTo(from.address.domain)
    if (to.resource === '' && link.learnt(to.address, from, envelope, stanza.type === 'unavailable')) return
    this.#directed(arrival)
  }

  #directed({ stanza, from, to }: Arrival): void {
    const { directory, transit } = this.#parts.environment.service
    const devices =
      to.resource !== ''
        ? [to.resource]
        : (directory.resident(to.address)?.inbox.agents ?? []).filter(isAvailable).map(({ id }) => id)
    for (const resource of devices) {
      const device = { address: to.address, resource }
      transit.forward(transitEnvelope(stanza, from.address, from.resource, device), () => {
        // RFC 6121 §8.5.3.2.2: presence is never answered with an error by a server.
      })
    }
  }

  /** RFC 6121 §4.3.2. */
  #probed({ stanza, from, to }: Arrival): void {
    const { presence } = this.#parts.environment.service
    const agent = this.#parts.linkTo(from.address.domain).prober(from.address, stanza.id)
    presence.probe(to.address, agent)
  }

  /** RFC 6121 §3: between bare addresses, whatever was written. */
  #word({ stanza, from, to, channel }: Arrival, event: AuthorizationEvent): void {
    const { contacts } = this.#parts.environment.service
    const bare: Jid = { address: to.address, resource: '' }
    const envelope = presenceEnvelope(stanza, from.address, '', bare)
    const known = channel.management?.handled.defer()
    const onOutcome = (): void => known?.()
    const link = this.#parts.linkTo(from.address.domain)
    if (event === 'unsubscribed') link.refused(to.address, from.address)
    contacts[verbs[event]](from.address, to.address, envelope, onOutcome)
  }

  #iq(arrival: Arrival): void {
    const { stanza, from, to } = arrival
    const { type, id } = stanza
    const { service } = this.#parts.environment
    const isRequest = type === 'get' || type === 'set'
    // RFC 6120 §8.2.3: rules 1, 2 and 5.
    const isGood = isRequest
      ? stanza.frame.childCount === 1
      : type === 'error' || (type === 'result' && stanza.frame.childCount <= 1)
    if (!isGood || id === undefined) return this.#refuse(arrival, stanzaError('bad-request'))
    if (to.resource === '' || to.address.user === '') {
      // Answers to us have done their work by arriving.
      if (isRequest)
        answerForeignIq(this.#parts.environment, arrival, type, (bytes) =>
          this.#parts.linkTo(from.address.domain).write(to.address.domain, bytes),
        )
      return
    }
    service.transit.forward(transitEnvelope(stanza, from.address, from.resource, to), (outcome: Outcome) => {
      // RFC 6120 §8.2.3: an answer is never answered.
      if (outcome.kind !== 'refused' || !isRequest) return
      // RFC 6121 §8.5.1: whom one may not reach looks like whom nobody knows.
      this.#sendError('iq', id, to, from, stanzaErrorOfRefusal(outcome))
    })
  }
}

const verbs = {
  subscribe: 'ask',
  unsubscribe: 'giveUp',
  subscribed: 'approve',
  unsubscribed: 'refuse',
} as const satisfies Record<AuthorizationEvent, string>
