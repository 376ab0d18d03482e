// From an open connection to a session (docs/specs/prim.md §4.2, §4.3): STARTTLS where it can be had, then LOGIN to each service.

import { passwordClient, passwordMechanisms, type SaslClient } from '#auth'
import type { Bytes } from '#base'
import type { Address } from '#model'
import type { TlsContext } from '#net'
import { type Body, field, idOf, mechanismList, type PrimResponse, type Scheme } from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { bodyOctetsMax, type ClientWire } from './wire.ts'

/** Another server takes this person (§4.3). */
export class Redirected extends Error {
  readonly location: string

  constructor(location: string) {
    super(`the server sends us to ${location}`)
    this.name = 'Redirected'
    this.location = location
  }
}

export const tokens = { pres: 'PRIM-PR', im: 'PRIM-IM' } as const

/** Begins TLS. Rejects with ConnectionLost where it is `required` and cannot be had. */
export async function secure(
  wire: ClientWire,
  context: TlsContext,
  domain: string,
  tls: 'required' | 'preferred',
): Promise<void> {
  const { status } = await wire.ask('STARTTLS', 'PRIM', [])
  if (status === 200) return wire.startTls(context, domain)
  // §4.2: 501 says that the server has no certificate. SCRAM shows nobody the password.
  if (status !== 501 || tls === 'required')
    throw new ConnectionLost('the connection cannot be secured by TLS')
}

export interface Credentials {
  readonly address: Address
  readonly password: string
}

/** LOGIN to one service. Rejects with Refused, Redirected or ConnectionLost. */
export async function logIn(wire: ClientWire, service: Scheme, credentials: Credentials): Promise<void> {
  const step = (state: string, mechanisms: string, body?: Body): Promise<PrimResponse> =>
    wire.ask(
      'LOGIN',
      tokens[service],
      [
        ['From', idOf(credentials.address, service)],
        ['Auth-State', state],
        ['SASL-Mech', mechanisms],
        ['Max-Content-Length', state === 'init' ? String(bodyOctetsMax) : undefined],
      ],
      body,
    )
  const { tls } = wire.connection
  const known = passwordMechanisms(tls)
  const begun = await step('init', known.join(' '))
  const chosen = field(begun.headers, 'SASL-Mech') ?? ''
  if (begun.status !== 100) throw refusalOf(begun, known)
  if (!known.includes(chosen)) throw new ConnectionLost(`the server chose ${chosen}, which we did not offer`)
  const sasl = passwordClient(chosen, tls, credentials.address.key, credentials.password)
  const answer = await exchange(sasl, (bytes) => step('continue', chosen, { type: undefined, bytes }))
  if (answer.status !== 200) throw refusalOf(answer, [])
  // Without this proof the server may be anybody.
  if (!sasl.isProven(answer.body))
    throw new ConnectionLost('the server could not prove that it knows the password')
}

/** To the first answer that is no challenge. */
async function exchange(
  sasl: SaslClient,
  step: (bytes: Bytes) => Promise<PrimResponse>,
): Promise<PrimResponse> {
  let answer = await step(sasl.initial())
  while (answer.status === 100) {
    const response = await sasl.respond(answer.body).catch((error: Error) => {
      throw new ConnectionLost(error.message)
    })
    answer = await step(response)
  }
  return answer
}

/** @param offered what we can do, when that was the question */
function refusalOf({ status, headers }: PrimResponse, offered: readonly string[]): Error {
  const redirect = field(headers, 'Redirect')
  if (status === 300 && redirect !== undefined) return new Redirected(redirect)
  const theirs = field(headers, 'SASL-Mech')
  const hasCommon = mechanismList(theirs ?? '')?.some((each) => offered.includes(each))
  if (status === 406 && offered.length > 0 && hasCommon !== true && theirs !== undefined)
    return new ConnectionLost(`the server offers no way to log in that is known here (${theirs})`)
  return new Refused(status)
}
