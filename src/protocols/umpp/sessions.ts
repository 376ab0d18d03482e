// All sessions: which one carries a message, which ones are offered to us, and which one a stanza that comes is of.

import { randomId } from '#base'
import { mayReach } from '#core'
import type { Envelope, InstantMessage, Outcome } from '#model'
import { type Address, addressOfUri, imUri, type Principal, refused } from '#model'
import {
  bodyOf,
  type Call,
  type CallUser,
  type HeaderLine,
  requestUri,
  type SipRequest,
} from '#protocols/sip'
import { type Jid, prepareResource, type SessionTarget } from '#protocols/xmpp'
import { descriptionIn, sdpType, whyNone } from './descriptions.ts'
import type { UmppEnvironment } from './environment.ts'
import { newThread, Session, type SessionEnd } from './session.ts'
import { SessionBook } from './session-book.ts'
import { type WarningCode, warningOf } from './warnings.ts'

/** LIMIT: sessions of two people at a time, each a thread; past it further threads go by the one that was begun last. */
const sessionsOfTwoMax = 8
/** LIMIT: sessions of one domain that are shown to people; of more their number is. */
const shownMax = 20

export interface SessionsParts {
  readonly environment: UmppEnvironment
  /** False: the domain has no servers that we could offer one to. */
  readonly mayOffer: (theirs: string) => boolean
  /** The first session that a domain has offered to us stands, or the last with it is over. */
  readonly onChanged: (theirs: string) => void
  /** For people: what became of one, with the domain. */
  readonly onOver: (theirs: string, why: string) => void
}

export class Sessions {
  readonly #parts: SessionsParts
  readonly #book: SessionBook

  constructor(parts: SessionsParts) {
    this.#parts = parts
    this.#book = new SessionBook(parts.environment.service.clock)
  }

  /** Carries a message of somebody here to somebody of another domain, by a session that there is or a new one (U11). */
  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    const known = this.#book.ofTwo(head.from, head.to)
    const last = known.at(-1)
    if (head.kind === 'report') {
      // What is told of a message is told in its session, or not at all: it is worth no new one.
      if (last === undefined) return onOutcome(refused('operation-not-supported'))
      return last.send(envelope, onOutcome)
    }
    const thread = threadOf(envelope)
    const found =
      thread === ''
        ? last
        : (known.find(({ parts }) => parts.thread === thread) ??
          (known.length >= sessionsOfTwoMax || !this.#parts.mayOffer(head.to.domain) ? last : undefined))
    if (found !== undefined) return found.send(envelope, onOutcome)
    // It came to us before, and may again.
    if (!this.#parts.mayOffer(head.to.domain)) return onOutcome(refused('connection-failed'))
    if (!this.#hasRoom(head.from, head.to.domain)) return onOutcome(refused('resource-limit'))
    const session = Session.offer(
      {
        environment: this.#parts.environment,
        ours: { address: head.from, resource: resourceOf(envelope) },
        device: head.fromAgent,
        thread: thread === '' ? newThread() : thread,
        ...this.#told,
      },
      imUri(head.to),
    )
    this.#add(session, head.to)
    session.send(envelope, onOutcome)
  }

  /** Looks at an INVITE of another domain (U53 to U71); undefined: it is for phones. */
  offered(call: Call, invite: SipRequest, from: Principal): CallUser | undefined {
    const isMeant = requestUri(invite).slice(0, 3).toLowerCase() === 'im:'
    const read = descriptionIn(invite)
    const { ours } = call.ends
    switch (read.kind) {
      case 'stream':
        break
      case 'no-sdp':
        return isMeant ? this.#refuse(call, bodyOf(invite).length > 0 ? 415 : 488, read.why) : undefined
      case 'other-kind':
        return this.#refuse(call, 488, 'Of the kinds of messages only chat', 305)
      case 'malformed':
        return this.#refuse(call, 488, read.why)
      default:
        // Of a phone's INVITE we need not understand everything.
        return isMeant ? this.#refuse(call, 488, whyNone(read)) : undefined
    }
    const { stream, at, description } = read
    const theirs = from.address
    if (!this.#isWelcome(from, ours)) return this.#refuse(call, 403)
    if (stream.jid.address.domain !== theirs.domain)
      return this.#refuse(call, 403, `a JID of ${stream.jid.address.domain}, which is another domain`)
    const to = addressOfUri(requestUri(invite))
    if (to === undefined) return this.#refuse(call, 404)
    if (!this.#mayReach(to, theirs, stream.jid)) return this.#refuse(call, 403)
    const isCrowded = this.#book.ofTwo(to, stream.jid.address).length >= sessionsOfTwoMax
    if (isCrowded || !this.#hasRoom(to, theirs.domain)) return this.#refuse(call, 486)
    const session = Session.answer(
      {
        environment: this.#parts.environment,
        ours: { address: to, resource: this.#onlyDevice(to) ?? newResource() },
        device: '',
        thread: stream.thread ?? newThread(),
        ...this.#told,
      },
      call,
      description,
      at,
      stream,
    )
    this.#add(session, stream.jid.address)
    return session
  }

  /** What a message of theirs is of; undefined: it is of no session. */
  targetOf(from: Jid, to: Jid): SessionTarget | undefined {
    const session = this.#book.byJids(to, from)
    if (session === undefined) return undefined
    this.#parts.environment.metrics.received.add()
    session.used()
    return session.target
  }

  /** There is one with somebody of the domain. */
  isWith(domain: string): boolean {
    return this.#book.ofDomain(domain).size > 0
  }

  linesOf(domain: string): readonly string[] {
    const all = this.#book.ofDomain(domain)
    const lines: string[] = []
    for (const { line } of all) {
      if (lines.length >= shownMax) break
      lines.push(line)
    }
    return all.size > shownMax ? [...lines, `${all.size - shownMax} sessions more`] : lines
  }

  get domains(): Iterable<string> {
    return this.#book.domains
  }

  /** Every one is ended, and what waits given back. */
  stop(): void {
    for (const session of this.#book.all) session.stop()
    this.#book.stop()
  }

  get #told() {
    return {
      onNamed: (session: Session) => this.#book.named(session),
      onUp: (session: Session) => this.#up(session),
      onOver: (session: Session, end: SessionEnd) => this.#over(session, end),
    }
  }

  #isWelcome({ address, vouchedBy }: Principal, ours: string): boolean {
    const { service, routeTo } = this.#parts.environment
    const policy = service.peers.policyFor(address.domain, ours)
    const isProven = vouchedBy === 'peer-domain' || routeTo(address.domain).tls === 'none'
    return policy.allowed && policy.messages && isProven
  }

  /** As whoever writes a message is told (RFC 2779 5.4.10): a blocked caller is refused visibly. SIP has found the account. */
  #mayReach(to: Address, caller: Address, { address, resource }: Jid): boolean {
    const account = this.#parts.environment.service.directory.resident(to)
    return account === undefined || (mayReach(account, caller) && mayReach(account, address, resource))
  }

  /** One more of that person with that domain; one that was silent for long makes room. */
  #hasRoom(ours: Address, domain: string): boolean {
    const { sessionsMax, sessionsOfPersonMax } = this.#parts.environment.settings
    if (this.#book.ofDomain(domain).size >= sessionsMax) return false
    const own = this.#book.ofPerson(ours)
    if (own.size < sessionsOfPersonMax) return true
    let idlest: Session | undefined
    for (const session of own)
      if (
        !session.isBusy &&
        session.state === 'up' &&
        session.usedAt < (idlest?.usedAt ?? Number.POSITIVE_INFINITY)
      )
        idlest = session
    idlest?.makeRoom()
    return idlest !== undefined
  }

  /** Who is here with one device of XMPP, and nothing else, is named by it (U70). */
  #onlyDevice(owner: Address): string | undefined {
    const agents = this.#parts.environment.service.directory.resident(owner)?.inbox.agents ?? []
    const [only] = agents
    return agents.length === 1 && only?.protocol === 'xmpp' ? only.id : undefined
  }

  #add(session: Session, theirs: Address): void {
    const isFirst = !this.isWith(theirs.domain)
    this.#book.add(session, theirs)
    this.#parts.environment.metrics.sessions.add()
    if (isFirst && session.role === 'answerer') this.#parts.onChanged(theirs.domain)
  }

  #up({ role, theirs }: Session): void {
    const { metrics, service } = this.#parts.environment
    metrics.setUps.with(role === 'offerer' ? 'us' : 'them').add()
    if (theirs === undefined || this.#parts.mayOffer(theirs.address.domain)) return
    // They come when they like, and what waits can go by nothing else. Where we can go to them the relay keeps its own pace: a session is no sign that its stream can be had.
    service.relay.retry(theirs.address.domain)
  }

  #over(session: Session, { why, wasUp, status }: SessionEnd): void {
    const { metrics } = this.#parts.environment
    const domain = this.#book.remove(session)
    if (domain === undefined) return
    metrics.sessions.add(-1)
    if (wasUp) metrics.ended.with(why).add()
    else if (session.role === 'offerer') metrics.refusals.with('them', String(status ?? 'none')).add()
    else metrics.refusals.with('us', String(status ?? 'none')).add()
    if (!this.isWith(domain)) this.#parts.onChanged(domain)
    this.#parts.onOver(domain, why)
  }

  /** Answered behind the taker's return, as the user agent wants it. */
  #refuse(call: Call, status: number, why?: string, code?: WarningCode): CallUser {
    const { metrics, service } = this.#parts.environment
    const { ours, theirs } = call.ends
    metrics.refusals.with('us', String(status)).add()
    service.log.debug('a session of another domain was refused', { domain: theirs, status, why })
    const headers: readonly HeaderLine[] = [
      ...(why === undefined ? [] : [warningOf(ours, why, code)]),
      ...(status === 415 ? [['Accept', sdpType] as const] : []),
    ]
    queueMicrotask(() => call.refuse(status, { headers }))
    return { onAccepted: () => undefined, onRefused: () => undefined, onEnded: () => undefined }
  }
}

/** The device's name where it can be a resource; else one for the session (U22). */
const resourceOf = ({ head }: Envelope): string => prepareResource(head.fromAgent) ?? newResource()

const newResource = (): string => `umpp-${randomId(8)}`

const threadOf = (envelope: Envelope): string => (envelope.view() as InstantMessage).thread
