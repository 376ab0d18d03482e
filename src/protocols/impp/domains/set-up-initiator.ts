// Getting ready as the one who opened the connection: HELLO, STARTTLS, the other domain's certificate, HELLO again, AUTH EXTERNAL
// with ours (docs/specs/impp-1.0.md §12.2; IMPP §15.1.2).

import { utf8 } from '#base'
import { proofOfDomain } from '#net'
import { encodeBase64 } from '#wire/mime'
import { decimal, type ImppResponse } from '../codec/index.ts'
import { type DomainSession, largestUnit, type Parties, type SetUp } from './session.ts'

type Step = 'greeting' | 'starting-tls' | 'securing' | 'greeting-again' | 'authenticating'

export interface InitiatorParts {
  readonly ours: string
  readonly theirs: string
  readonly onReady: (session: DomainSession, parties: Parties) => void
}

export class InitiatorSetUp implements SetUp {
  readonly #parts: InitiatorParts
  readonly #parties: { readonly ours: string; readonly theirs: string }
  #step: Step = 'greeting'
  #awaited = ''
  #identity = ''

  constructor(parts: InitiatorParts) {
    this.#parts = parts
    this.#parties = { ours: parts.ours, theirs: parts.theirs }
  }

  begin(session: DomainSession): void {
    this.#greet(session)
  }

  /** Nobody asks who has not answered us yet. */
  request(
    _session: DomainSession,
    _request: unknown,
    reply: { error(condition: 'domain-authentication-required'): void },
  ): void {
    reply.error('domain-authentication-required')
  }

  secured(session: DomainSession): void {
    const { theirs } = this.#parts
    const proof = proofOfDomain(session.connection.tls, theirs, session.environment.routeTo(theirs))
    if (!proof.proven) return session.fail(proof.why)
    this.#identity = proof.identity
    this.#step = 'greeting-again'
    this.#greet(session)
  }

  response(session: DomainSession, response: ImppResponse): void {
    if (response.id !== this.#awaited) return session.fail('the far end answers what it was not asked')
    if (!response.ok) return session.fail(`${this.#step} was refused: ${reasonIn(response)}`)
    switch (this.#step) {
      case 'greeting':
        if (!/^(available|required)$/.test(response.headers.get('starttls') ?? ''))
          return session.fail('the far end offers no TLS')
        this.#step = 'starting-tls'
        this.#awaited = session.ask('STARTTLS', [])
        return
      case 'starting-tls':
        this.#step = 'securing'
        return session.startTls(this.#parts)
      case 'greeting-again':
        return this.#authenticate(session, response)
      case 'authenticating':
        if (response.headers.get('auth-state') !== 'done')
          return session.fail('the far end goes on with EXTERNAL')
        return this.#parts.onReady(session, { ...this.#parties, identity: this.#identity })
      case 'securing':
        return session.fail('the far end answers in the clear')
    }
  }

  #greet(session: DomainSession): void {
    const { ours, theirs } = this.#parts
    const { messageOctetsMax, domainPendingMax } = session.environment.settings
    this.#awaited = session.ask('HELLO', [
      ['Domain', theirs],
      ['Originating-Domain', ours],
      ['Max-Message-Size', String(largestUnit(messageOctetsMax))],
      ['Max-Pending', String(domainPendingMax)],
    ])
  }

  #authenticate(session: DomainSession, { headers }: ImppResponse): void {
    const mechanisms = (headers.get('mechanisms') ?? '').split(' ')
    if (!mechanisms.includes('EXTERNAL'))
      return session.fail('the far end takes no certificate (no EXTERNAL)')
    session.stated(decimal(headers.get('max-message-size') ?? ''), decimal(headers.get('max-pending') ?? ''))
    this.#step = 'authenticating'
    this.#awaited = session.ask('AUTH', [
      ['Mechanism', 'EXTERNAL'],
      ['Data', encodeBase64(utf8(this.#parts.ours))],
    ])
  }
}

function reasonIn({ headers }: ImppResponse): string {
  const text = headers.get('text')
  return text === undefined ? `${headers.get('reason')}` : `${headers.get('reason')} (${text})`
}
