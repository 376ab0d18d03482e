// All sessions: which one carries a message, which ones are offered to us, and which one a stanza that comes is of.

import { randomId, type Timer } from '#base'
import { mayReach } from '#core'
import type { Envelope, InstantMessage, Outcome } from '#model'
import { type Address, addressOfUri, imUri, type Principal, refused } from '#model'
import { bodyOf, type Call, type CallUser, requestUri, type SipRequest } from '#protocols/sip'
import { fullJid, type Jid, prepareResource, type SessionTarget } from '#protocols/xmpp'
import { descriptionIn } from './descriptions.ts'
import type { UmppEnvironment } from './environment.ts'
import { newThread, Session } from './session.ts'

/** LIMIT: sessions of two people at a time, each a thread; past it further threads go by the one that was begun last. */
const sessionsOfTwoMax = 8
/**
 * Milliseconds for which the JIDs of a session are known after its end: what was said in it comes by another connection than the BYE, and maybe behind it.
 * LIMIT: sessions of which they are.
 */
const lateMs = 32_000
const lateMax = 1000

export interface SessionsParts {
  readonly environment: UmppEnvironment
  /** For people: what became of one, with the domain. */
  readonly onOver: (theirs: string, why: string) => void
}

export class Sessions {
  readonly #parts: SessionsParts
  /** By the people, `ours\ntheirs`, the one begun last at the end. */
  readonly #ofTwo = new Map<string, Session[]>()
  /** By both full JIDs, once both are known. */
  readonly #byJids = new Map<string, Session>()
  readonly #jidsOf = new Map<Session, string>()
  readonly #ofDomain = new Map<string, Set<Session>>()
  /** Over, and still known by their JIDs. */
  readonly #late = new Map<Session, Timer>()

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** Carries a message of somebody here to somebody of another domain, by a session that there is or a new one (U11). */
  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    const known = this.#ofTwo.get(keyOf(head.from, head.to)) ?? []
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
          (known.length >= sessionsOfTwoMax ? last : undefined))
    if (found !== undefined) return found.send(envelope, onOutcome)
    if (this.#isFull(head.to.domain)) return onOutcome(refused('resource-limit'))
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
    if (read.kind === 'no-sdp' && isMeant) return refusing(call, bodyOf(invite).length > 0 ? 415 : 488)
    // The INVITE of a phone may have what we can't read; one with messages that nobody could carry is for nobody.
    if (read.kind !== 'stream') return isMeant || read.kind === 'malformed' ? refusing(call, 488) : undefined
    const { stream, at, description } = read
    const theirs = from.address
    const ours = call.ends.ours
    if (!this.#isWelcome(from, ours) || stream.jid.address.domain !== theirs.domain)
      return refusing(call, 403)
    const to = addressOfUri(requestUri(invite))
    if (to === undefined) return refusing(call, 404)
    if (!this.#mayReach(to, theirs, stream.jid)) return refusing(call, 403)
    if (
      this.#isFull(theirs.domain) ||
      (this.#ofTwo.get(keyOf(to, stream.jid.address))?.length ?? 0) >= sessionsOfTwoMax
    )
      return refusing(call, 486)
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
    const session = this.#byJids.get(jidsKey(to, from))
    session?.used()
    return session?.target
  }

  linesOf(domain: string): readonly string[] {
    return [...(this.#ofDomain.get(domain) ?? [])].map(({ line }) => line)
  }

  get domains(): Iterable<string> {
    return this.#ofDomain.keys()
  }

  /** Every one is ended, and what waits given back. */
  stop(): void {
    for (const sessions of [...this.#ofDomain.values()]) for (const session of [...sessions]) session.stop()
    for (const timer of this.#late.values()) timer.cancel()
    this.#late.clear()
  }

  get #told() {
    return {
      onNamed: (session: Session) => this.#named(session),
      onOver: (session: Session, why: string) => this.#over(session, why),
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

  #isFull(domain: string): boolean {
    return (this.#ofDomain.get(domain)?.size ?? 0) >= this.#parts.environment.settings.sessionsMax
  }

  /** Who is here with one device of XMPP, and nothing else, is named by it (U70). */
  #onlyDevice(owner: Address): string | undefined {
    const agents = this.#parts.environment.service.directory.resident(owner)?.inbox.agents ?? []
    const [only] = agents
    return agents.length === 1 && only?.protocol === 'xmpp' ? only.id : undefined
  }

  #add(session: Session, theirs: Address): void {
    const key = keyOf(session.parts.ours.address, theirs)
    this.#keys.set(session, { key, domain: theirs.domain })
    this.#ofTwo.set(key, [...(this.#ofTwo.get(key) ?? []), session])
    const ofDomain = this.#ofDomain.get(theirs.domain)
    if (ofDomain === undefined) this.#ofDomain.set(theirs.domain, new Set([session]))
    else ofDomain.add(session)
  }

  readonly #keys = new Map<Session, { readonly key: string; readonly domain: string }>()

  /** Their JID is known, or another one than before (a re-INVITE). */
  #named(session: Session): void {
    if (session.theirs === undefined) return
    this.#unname(session)
    const jids = jidsKey(session.parts.ours, session.theirs)
    this.#jidsOf.set(session, jids)
    this.#byJids.set(jids, session)
  }

  #unname(session: Session): void {
    const jids = this.#jidsOf.get(session)
    this.#jidsOf.delete(session)
    if (jids !== undefined && this.#byJids.get(jids) === session) this.#byJids.delete(jids)
  }

  #forgetLater(session: Session): void {
    if (!this.#jidsOf.has(session)) return
    const [oldest] = this.#late.size < lateMax ? [] : this.#late.keys()
    if (oldest !== undefined) this.#forget(oldest)
    const { clock } = this.#parts.environment.service
    this.#late.set(
      session,
      clock.schedule(lateMs, () => this.#forget(session)),
    )
  }

  #forget(session: Session): void {
    this.#late.get(session)?.cancel()
    this.#late.delete(session)
    this.#unname(session)
  }

  #over(session: Session, why: string): void {
    const keys = this.#keys.get(session)
    this.#keys.delete(session)
    this.#forgetLater(session)
    if (keys === undefined) return
    const left = (this.#ofTwo.get(keys.key) ?? []).filter((each) => each !== session)
    if (left.length === 0) this.#ofTwo.delete(keys.key)
    else this.#ofTwo.set(keys.key, left)
    const ofDomain = this.#ofDomain.get(keys.domain)
    ofDomain?.delete(session)
    if (ofDomain?.size === 0) this.#ofDomain.delete(keys.domain)
    this.#parts.onOver(keys.domain, why)
  }
}

/** Answered behind the taker's return, as the user agent wants it. */
function refusing(call: Call, status: number): CallUser {
  queueMicrotask(() =>
    call.refuse(status, status === 415 ? { headers: [['Accept', 'application/sdp']] } : {}),
  )
  return { onAccepted: () => undefined, onRefused: () => undefined, onEnded: () => undefined }
}

/** The device's name where it can be a resource; else one for the session (U22). */
const resourceOf = ({ head }: Envelope): string => prepareResource(head.fromAgent) ?? newResource()

const newResource = (): string => `umpp-${randomId(8)}`

const threadOf = (envelope: Envelope): string => (envelope.view() as InstantMessage).thread

const keyOf = (ours: Address, theirs: Address): string => `${ours.key}\n${theirs.key}`

const jidsKey = (ours: Jid, theirs: Jid): string =>
  `${fullJid(ours.address, ours.resource)}\n${fullJid(theirs.address, theirs.resource)}`
