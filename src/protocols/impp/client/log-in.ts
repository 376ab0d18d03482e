// From an open transport to a session (docs/specs/impp-1.0.md §6): HELLO, TLS where it can be had, SASL.

import { type Bytes, type Clock, noBytes, SystemClock, utf8 } from '#base'
import { type Address, parseAddress } from '#model'
import { decodeBase64, encodeBase64 } from '#wire/mime'
import { decimal, type Fields, type ImppResponse } from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { type ClientHandlers, ImppSession } from './impp-session.ts'
import { ScramClient } from './scram.ts'
import type { Transport } from './transport.ts'
import { ClientWire, pendingMax, unitOctetsMax } from './wire.ts'

export interface LoginOptions extends ClientHandlers {
  /** `user@domain`. */
  readonly address: string
  readonly password: string
  /** A name for this device, the same at each login; its presence tuple's id. */
  readonly device?: string
  /** `required`: without TLS no login; `preferred` (the default): where the server offers it. A secure transport needs none. */
  readonly tls?: 'required' | 'preferred' | 'never'
  /** Whether the password may be shown to the server (PLAIN), where TLS protects it and SCRAM is not offered. False by default. */
  readonly plain?: boolean
  readonly clock?: Clock
}

/** Logs in. Rejects with Refused (`isLogin` when the password is wrong) or ConnectionLost; the transport is closed then. */
export async function logIn(transport: Transport, options: LoginOptions): Promise<ImppSession> {
  const address = parseAddress(options.address)
  const clock = options.clock ?? new SystemClock()
  const wire = new ClientWire(transport, clock)
  try {
    if (address === undefined || address.user === '') {
      throw new Refused('address-malformed', `${options.address} is no address`, undefined)
    }
    const hello = await greet(wire, address.domain, options.tls ?? 'preferred')
    wire.serverPendingMax = decimal(hello.headers.get('max-pending') ?? '') ?? 16
    wire.serverUnitOctetsMax = decimal(hello.headers.get('max-message-size') ?? '') ?? 65_536
    // Messages may follow the last OK at once: the session must be there before they are read.
    const session = (done: ImppResponse): ImppSession =>
      new ImppSession(wire, clock, sessionOf(done), options)
    return await authenticate(wire, hello, address, options, session)
  } catch (error) {
    wire.close('the login failed')
    throw error
  }
}

async function greet(
  wire: ClientWire,
  domain: string,
  tls: 'required' | 'preferred' | 'never',
): Promise<ImppResponse> {
  const { transport } = wire
  const hello = await sayHello(wire, domain)
  if (transport.secure || tls === 'never') return hello
  const offered = hello.headers.get('starttls')
  const canStart = offered === 'available' || offered === 'required'
  if (!canStart || transport.startTls === undefined) {
    if (tls === 'required' || offered === 'required')
      throw new ConnectionLost('the connection cannot be secured by TLS')
    return hello
  }
  await wire.request('STARTTLS', [])
  wire.restart()
  await transport.startTls(domain)
  return sayHello(wire, domain)
}

function sayHello(wire: ClientWire, domain: string): Promise<ImppResponse> {
  return wire.request('HELLO', [
    ['Domain', domain],
    ['Max-Message-Size', String(unitOctetsMax)],
    ['Max-Pending', String(pendingMax)],
  ])
}

async function authenticate(
  wire: ClientWire,
  hello: ImppResponse,
  address: Address,
  options: LoginOptions,
  session: (done: ImppResponse) => ImppSession,
): Promise<ImppSession> {
  const offered = (hello.headers.get('mechanisms') ?? '').split(' ')
  const first: [string, string | undefined][] = [
    ['Device', options.device],
    ['Inbox', options.onMessage === undefined ? 'closed' : 'open'],
  ]
  const binding = wire.transport.channelBinding?.()
  if (binding !== undefined && offered.includes('SCRAM-SHA-256-PLUS')) {
    return scram(wire, new ScramClient(address.key, options.password, binding), first, session)
  }
  if (offered.includes('SCRAM-SHA-256')) {
    const unbound = binding === undefined ? 'none' : 'unasked'
    return scram(wire, new ScramClient(address.key, options.password, unbound), first, session)
  }
  if (options.plain === true && offered.includes('PLAIN') && wire.transport.secure) {
    const data = utf8(`\0${address.key}\0${options.password}`)
    const plain: Fields = [['Mechanism', 'PLAIN'], ['Data', encodeBase64(data)], ...first]
    return wire.ask('AUTH', plain, undefined, session)
  }
  throw new ConnectionLost(`the server offers no way to log in that is known here (${offered.join(' ')})`)
}

async function scram(
  wire: ClientWire,
  client: ScramClient,
  first: [string, string | undefined][],
  session: (done: ImppResponse) => ImppSession,
): Promise<ImppSession> {
  const start: [string, string][] = [
    ['Mechanism', client.mechanism],
    ['Data', encodeBase64(client.first())],
  ]
  const challenge = await wire.request('AUTH', [...start, ...first])
  if (challenge.headers.get('auth-state') !== 'continue')
    throw new ConnectionLost('the server skips the login')
  const final = await client.final(dataOf(challenge)).catch((error: Error) => {
    throw new ConnectionLost(error.message)
  })
  const last: Fields = [
    ['Auth-State', 'continue'],
    ['Data', encodeBase64(final)],
  ]
  return wire.ask('AUTH', last, undefined, (done) => {
    // Without this proof the server may be anybody.
    if (!client.verify(dataOf(done)))
      throw new ConnectionLost('the server could not prove that it knows the password')
    return session(done)
  })
}

function dataOf({ headers }: ImppResponse): Bytes {
  const data = headers.get('data') ?? '='
  return data === '=' ? noBytes : (decodeBase64(utf8(data)) ?? noBytes)
}

function sessionOf({ headers }: ImppResponse): { url: string; connectionId: string; leaseSeconds: number } {
  const url = headers.get('to')
  const connectionId = headers.get('connection-id')
  const leaseSeconds = decimal(headers.get('lease-time') ?? '')
  if (headers.get('auth-state') !== 'done' || url === undefined || connectionId === undefined) {
    throw new ConnectionLost('the server does not keep to the protocol')
  }
  return { url, connectionId, leaseSeconds: leaseSeconds ?? 120 }
}
