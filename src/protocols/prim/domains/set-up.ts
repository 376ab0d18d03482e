// Getting ready (docs/specs/prim.md §8.2): STARTTLS and LOGIN, from either side. Who opened the connection has looked the other domain up, and
// wants its certificate; who was connected to wants that of the domain that LOGIN names, or, where the operator lets ANONYMOUS, its address.

import { prepareDomain } from '#model'
import { proofOfDomain } from '#net'
import type { Settled } from '#wire/exchange'
import { field, mechanismList, type PrimRequest, type PrimResponse, requestBytes } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Leg, SetUp } from './leg.ts'

export interface InitiatorParts {
  readonly ours: string
  readonly theirs: string
  readonly onReady: (leg: Leg) => void
}

export class InitiatorSetUp implements SetUp {
  readonly #parts: InitiatorParts

  constructor(parts: InitiatorParts) {
    this.#parts = parts
  }

  begin(leg: Leg): void {
    const { ours, theirs } = this.#parts
    if (leg.environment.routeTo(theirs).tls === 'none') return this.#login(leg, 'ANONYMOUS')
    const id = leg.freshId()
    leg.exchange.request({ id }, [requestBytes('STARTTLS', 'PRIM', id, [])], (settled) => {
      if (isStatus(settled, 200)) leg.startTls(false, ours, theirs)
      else leg.fail(`STARTTLS was refused: ${said(settled)}`)
    })
  }

  secured(leg: Leg): void {
    const { theirs } = this.#parts
    const proof = proofOfDomain(leg.connection.tls, theirs, leg.environment.routeTo(theirs))
    if (!proof.proven) return leg.fail(proof.why)
    this.#login(leg, 'EXTERNAL')
  }

  /** Nobody asks who has not answered us yet. */
  request(_leg: Leg, _request: PrimRequest, reply: Reply): void {
    reply.error('domain-authentication-required')
  }

  #login(leg: Leg, mechanism: string): void {
    this.#step(leg, 'init', mechanism, (begun) => {
      if (!isStatus(begun, 100)) return leg.fail(`LOGIN was refused: ${said(begun)}`)
      this.#step(leg, 'continue', mechanism, (done) => {
        if (!isStatus(done, 200)) return leg.fail(`LOGIN was refused: ${said(done)}`)
        leg.ready(this.#parts.theirs, mechanism === 'EXTERNAL' ? 'strong' : 'none')
        this.#parts.onReady(leg)
      })
    })
  }

  #step(leg: Leg, state: string, mechanism: string, settle: (settled: Settled<PrimResponse>) => void): void {
    const id = leg.freshId()
    const fields: [string, string][] = [
      ['Domain', this.#parts.ours],
      ['Auth-State', state],
      ['SASL-Mech', mechanism],
    ]
    leg.exchange.request({ id }, [requestBytes('LOGIN', 'PRIM', id, fields)], settle)
  }
}

function isStatus(settled: Settled<PrimResponse>, status: number): boolean {
  return typeof settled === 'object' && settled.status === status
}

function said(settled: Settled<PrimResponse>): string {
  return typeof settled === 'object' ? String(settled.status) : settled
}

export interface ResponderParts {
  /** Whether the address is one of the domain's servers: by DNS, then by asking one of them (VERIFYSERVER). */
  readonly verifies: (domain: string, address: string) => Promise<boolean>
  /** Whether the address is one of our servers. */
  readonly isOurs: (address: string) => Promise<boolean>
  readonly onReady: (leg: Leg) => void
  readonly onRefused: (theirs: string, why: string) => void
}

export class ResponderSetUp implements SetUp {
  readonly #parts: ResponderParts
  /** What `init` said. */
  #begun: { readonly theirs: string; readonly mechanism: string } | undefined
  #deciding = false

  constructor(parts: ResponderParts) {
    this.#parts = parts
  }

  begin(): void {
    // The initiator speaks first.
  }

  /** All that was said before TLS is forgotten. */
  secured(): void {
    this.#begun = undefined
  }

  request(leg: Leg, request: PrimRequest, reply: Reply): void {
    switch (request.method) {
      case 'STARTTLS':
        return this.#startTls(leg, reply)
      case 'LOGIN':
        return this.#login(leg, request, reply)
      case 'VERIFYSERVER':
        return this.#verifyServer(request, reply)
      default:
        return reply.error('domain-authentication-required')
    }
  }

  #startTls(leg: Leg, reply: Reply): void {
    if (leg.connection.tls !== undefined || this.#begun !== undefined) return reply.error('malformed')
    reply.ok()
    leg.startTls(true, '', '')
  }

  #login(leg: Leg, { headers }: PrimRequest, reply: Reply): void {
    const theirs = prepareDomain(field(headers, 'Domain') ?? '')
    const wanted = mechanismList(field(headers, 'SASL-Mech') ?? '')
    if (theirs === undefined || wanted === undefined || this.#deciding) return reply.error('malformed')
    if (field(headers, 'Auth-State') === 'init' && this.#begun === undefined)
      return this.#begin(leg, theirs, wanted, reply)
    const begun = this.#begun
    const isSame = begun?.theirs === theirs && wanted[0] === begun.mechanism
    if (field(headers, 'Auth-State') !== 'continue' || begun === undefined || !isSame)
      return this.#refuse(leg, theirs, 'it goes on with something else', reply)
    if (begun.mechanism === 'EXTERNAL') {
      const proof = proofOfDomain(leg.connection.tls, theirs, leg.environment.routeTo(theirs))
      return proof.proven
        ? this.#grant(leg, theirs, 'strong', reply)
        : this.#refuse(leg, theirs, proof.why, reply)
    }
    this.#deciding = true
    const { address } = leg.connection.remote
    this.#parts.verifies(theirs, address).then((isIts) => {
      this.#deciding = false
      if (leg.state === 'over') return
      if (isIts) this.#grant(leg, theirs, leg.connection.tls === undefined ? 'none' : 'medium', reply)
      else this.#refuse(leg, theirs, `${address} is none of its servers`, reply)
    })
  }

  #begin(leg: Leg, theirs: string, wanted: readonly string[], reply: Reply): void {
    const { service, settings } = leg.environment
    const offered: string[] = leg.connection.tls === undefined ? [] : ['EXTERNAL']
    if (settings.serverAnonymous) offered.push('ANONYMOUS')
    const mechanism = wanted.find((each) => offered.includes(each))
    // Nobody out there speaks for a domain of ours.
    if (mechanism === undefined || service.router.isLocal(theirs))
      return this.#refuse(leg, theirs, 'it has no mechanism of ours, or claims our name', reply)
    if (!service.peers.policyFor(theirs).allowed)
      return this.#refuse(leg, theirs, 'our policy does not allow it', reply)
    this.#begun = { theirs, mechanism }
    reply.give(100, [['SASL-Mech', mechanism]])
  }

  #grant(leg: Leg, theirs: string, strength: Leg['strength'], reply: Reply): void {
    reply.ok()
    leg.ready(theirs, strength)
    this.#parts.onReady(leg)
  }

  #refuse(leg: Leg, theirs: string, why: string, reply: Reply): void {
    reply.give(406)
    leg.close(why)
    this.#parts.onRefused(theirs, why)
  }

  /** §8.2: asked by others, of an address that spoke to them in our name. */
  #verifyServer({ headers }: PrimRequest, reply: Reply): void {
    const address = field(headers, 'Server-Address')
    if (address === undefined) return reply.error('malformed')
    this.#parts.isOurs(address).then((isOurs) => reply.give(isOurs ? 200 : 403))
  }
}
