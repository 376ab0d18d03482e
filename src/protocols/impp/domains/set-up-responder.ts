// Getting ready as the one who was connected to: who asks, for which domain, and whether the certificate says so
// (docs/specs/impp-1.0.md §12.2; IMPP §10, §15.1.2).

import { text, utf8 } from '#base'
import { prepareDomain } from '#model'
import { proofOfDomain } from '#net'
import { decodeBase64 } from '#wire/mime'
import { decimal, type ImppRequest, type ImppResponse } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { type DomainSession, largestUnit, type Parties, type SetUp } from './session.ts'

/** LIMIT: a domain that takes less cannot be spoken with. */
const unitOctetsMin = 4096

export interface ResponderParts {
  /** False when there are too many connections of the two already. */
  readonly admits: (ours: string, theirs: string) => boolean
  readonly onReady: (session: DomainSession, parties: Parties) => void
  /** It said to be `theirs` and could not prove it, or is not welcome. */
  readonly onRefused: (session: DomainSession, theirs: string, why: string) => void
}

export class ResponderSetUp implements SetUp {
  readonly #parts: ResponderParts
  /** What HELLO said. */
  #greeted: { readonly ours: string; readonly theirs: string } | undefined

  constructor(parts: ResponderParts) {
    this.#parts = parts
  }

  begin(): void {
    // The initiator speaks first.
  }

  request(session: DomainSession, request: ImppRequest, reply: Reply): void {
    if (request.envelope !== undefined) return reply.error('malformed')
    switch (request.method) {
      case 'HELLO':
        return this.#hello(session, request, reply)
      case 'STARTTLS':
        return this.#startTls(session, reply)
      case 'AUTH':
        return this.#auth(session, request, reply)
      default:
        // IMPP §18.8 (E5).
        return reply.error('domain-authentication-required')
    }
  }

  response(session: DomainSession, _response: ImppResponse): void {
    session.fail('a response came before anything was asked')
  }

  /** All that was said before TLS is forgotten. */
  secured(): void {
    this.#greeted = undefined
  }

  #hello(session: DomainSession, { headers }: ImppRequest, reply: Reply): void {
    const { service, settings } = session.environment
    const ours = prepareDomain(headers.get('domain') ?? '')
    const theirs = prepareDomain(headers.get('originating-domain') ?? '')
    const unitOctets = limit(headers.get('max-message-size'))
    const pending = limit(headers.get('max-pending'))
    if (ours === undefined || theirs === undefined || unitOctets === 'bad' || pending === 'bad')
      return reply.error('malformed')
    if (unitOctets !== undefined && unitOctets < unitOctetsMin) return reply.error('not-acceptable')
    if (!service.router.isLocal(ours)) return reply.error('target-unknown')
    // Nobody out there speaks for a domain of ours.
    if (service.router.isLocal(theirs)) return reply.error('permission-denied')
    this.#greeted = { ours, theirs }
    session.stated(unitOctets, pending)
    const isSecure = session.connection.tls !== undefined
    reply.ok([
      ['Domain', ours],
      ['Max-Message-Size', String(largestUnit(settings.messageOctetsMax))],
      ['Max-Pending', String(settings.domainPendingMax)],
      ['STARTTLS', isSecure ? 'active' : 'required'],
      ['Mechanisms', isSecure ? 'EXTERNAL' : undefined],
    ])
  }

  #startTls(session: DomainSession, reply: Reply): void {
    if (session.connection.tls !== undefined) return reply.error('operation-not-supported')
    if (this.#greeted === undefined) return reply.error('malformed')
    reply.ok()
    session.startTls('responder')
  }

  #auth(session: DomainSession, { headers }: ImppRequest, reply: Reply): void {
    const greeted = this.#greeted
    if (greeted === undefined) return reply.error('malformed')
    if (headers.get('mechanism') !== 'EXTERNAL') return reply.error('not-acceptable')
    const { ours, theirs } = greeted
    const proof = proofOfDomain(session.connection.tls, theirs, session.environment.routeTo(theirs))
    if (!proof.proven)
      return this.#refuse(session, reply, 'domain-authentication-required', theirs, proof.why)
    // RFC 4422 Appendix A: EXTERNAL's one message is whom to act as; empty: whom the certificate names.
    const data = headers.get('data')
    const wished = data === undefined || data === '=' ? theirs : domainIn(data)
    if (wished !== theirs)
      return this.#refuse(
        session,
        reply,
        'domain-authentication-required',
        theirs,
        'it asked to act as another domain',
      )
    if (!session.environment.service.peers.policyFor(theirs, ours).allowed)
      return this.#refuse(session, reply, 'permission-denied', theirs, 'our policy does not allow it')
    if (!this.#parts.admits(ours, theirs))
      return this.#refuse(session, reply, 'resource-limit', theirs, 'it has too many connections')
    reply.granted(`impp://${theirs}/`, '0', [
      ['Auth-State', 'done'],
      ['Lease-Time', String(session.environment.settings.connectionSeconds)],
    ])
    this.#parts.onReady(session, { ours, theirs, identity: proof.identity })
  }

  /** One try a connection: another certificate needs another connection anyway. */
  #refuse(
    session: DomainSession,
    reply: Reply,
    condition: 'domain-authentication-required' | 'permission-denied' | 'resource-limit',
    theirs: string,
    why: string,
  ): void {
    reply.error(condition)
    this.#parts.onRefused(session, theirs, why)
    session.close(why)
  }
}

function domainIn(data: string): string | undefined {
  const octets = decodeBase64(utf8(data))
  return octets === undefined ? undefined : prepareDomain(text(octets))
}

function limit(value: string | undefined): number | undefined | 'bad' {
  if (value === undefined) return undefined
  const number = decimal(value)
  return number === undefined || number === 0 ? 'bad' : number
}
