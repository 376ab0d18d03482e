// AUTH (docs/specs/impp-1.0.md §6.3): SASL, a step an exchange (IMPP §15.1.1, D56), and the login that follows.

import type { SaslChannel, SaslStep } from '#auth'
import { type Bytes, noBytes, randomId, utf8 } from '#base'
import type { Account } from '#core'
import type { Address } from '#model'
import { channelBindings } from '#net'
import { decodeBase64, encodeBase64 } from '#wire/mime'
import type { ClientSession } from '../client-session.ts'
import { decimal, type Fields, type ImppRequest, urlOf } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'

export const auth: Method = {
  when: 'before-login',
  take(session: ClientSession, request: ImppRequest, reply: Reply): void {
    if (session.state !== 'greeted' || session.deciding) return reply.error('malformed')
    const { headers } = request
    const state = headers.get('auth-state')
    const data = dataOf(headers.get('data'))
    if (data === 'bad') return reply.error('malformed')
    if (state === 'abort') return abort(session, reply)
    if (state === 'continue') return proceed(session, data, reply)
    const name = headers.get('mechanism')
    const device = headers.get('device') ?? ''
    const inbox = headers.get('inbox') ?? 'open'
    if (state !== undefined || name === undefined || session.mechanism !== undefined)
      return reply.error('malformed')
    const largeFrom = decimal(headers.get('large-from') ?? '0')
    const isLarge = largeFrom !== undefined && largeFrom > 0
    if (device.length > 64 || !/^(open|closed|large)$/.test(inbox)) return reply.error('malformed')
    if (largeFrom === undefined || isLarge !== (inbox === 'large')) return reply.error('malformed')
    const mechanism = session.environment.logins.sasl.begin(name, channelOf(session))
    if (mechanism === undefined) return reply.error('not-acceptable')
    session.mechanism = mechanism
    session.device = device
    session.inboxOpen = inbox !== 'closed'
    session.largeFrom = largeFrom
    // All mechanisms here begin with the client's word: without it, it is asked for.
    if (data === undefined) return challenge(reply, noBytes)
    proceed(session, data, reply)
  },
}

/** What is offered on this connection, strongest first. */
export function mechanisms(session: ClientSession): string[] {
  return session.environment.logins.sasl.mechanisms(channelOf(session))
}

function channelOf(session: ClientSession): SaslChannel {
  const { connection, domain, environment } = session
  const { tls } = connection
  return {
    domain,
    remoteAddress: connection.remote.address,
    plainAllowed: tls !== undefined || environment.settings.plainWithoutTls,
    bindings: channelBindings(tls),
    certificate: tls?.peerCertificate(),
  }
}

/** Undefined for none; `=` is data of no octets. */
function dataOf(value: string | undefined): Bytes | undefined | 'bad' {
  if (value === undefined) return undefined
  if (value === '=') return noBytes
  const data = decodeBase64(utf8(value))
  return data === undefined || data.length === 0 ? 'bad' : data
}

function dataText(data: Bytes): string {
  return data.length === 0 ? '=' : encodeBase64(data)
}

function challenge(reply: Reply, data: Bytes): void {
  reply.ok([
    ['Auth-State', 'continue'],
    ['Data', dataText(data)],
  ])
}

function abort(session: ClientSession, reply: Reply): void {
  if (session.mechanism === undefined) return reply.error('malformed')
  session.mechanism = undefined
  reply.authenticationFailed()
}

function proceed(session: ClientSession, data: Bytes | undefined, reply: Reply): void {
  const { mechanism } = session
  if (mechanism === undefined || data === undefined) return reply.error('malformed')
  session.deciding = true
  mechanism.step(data).then(
    (step) => decided(session, step, reply),
    (cause: unknown) => {
      session.service.log.error('a login could not be decided', { error: cause })
      failed(session, reply)
    },
  )
}

function decided(session: ClientSession, step: SaslStep, reply: Reply): void {
  if (session.state !== 'greeted') return // the connection ended meanwhile
  if (step.kind === 'challenge') {
    session.deciding = false
    return challenge(reply, step.data)
  }
  if (step.kind === 'failure') return failed(session, reply)
  session.mechanism = undefined
  session.service.directory.find(step.owner, (found) => {
    if (session.state !== 'greeted') return
    if (found === 'unknown' || found === 'fault') return refuse(session, reply, 'temporarily-unavailable')
    signIn(session, found, step, reply)
  })
}

function failed(session: ClientSession, reply: Reply): void {
  session.deciding = false
  session.mechanism = undefined
  reply.authenticationFailed()
  if (++session.failedLogins >= session.environment.settings.loginAttemptsMax)
    session.signOut('rate-exceeded')
}

function refuse(
  session: ClientSession,
  reply: Reply,
  condition: 'temporarily-unavailable' | 'resource-limit',
): void {
  session.deciding = false
  reply.error(condition)
}

function signIn(
  session: ClientSession,
  account: Account,
  { owner, name, data }: { owner: Address; name: Address; data: Bytes | undefined },
  reply: Reply,
): void {
  const agent = session.agentFor(owner, name, connectionIdFor(account, session.device))
  session.service.messages.attach(agent, (attached) => {
    if ('kind' in attached) return refuse(session, reply, 'resource-limit')
    if (session.state !== 'greeted') return session.service.messages.detach(attached, agent)
    session.deciding = false
    session.ready(attached, name, agent)
    const fields: Fields = [
      ['Auth-State', 'done'],
      ['Data', data && dataText(data)],
    ]
    reply.granted(urlOf(name), agent.id, [
      ...fields,
      ['Lease-Time', String(session.environment.settings.connectionSeconds)],
    ])
    session.service.messages.ready(attached)
  })
}

/** The name of the device where it may stand and is free, else one that nobody has (§6.3). */
function connectionIdFor(account: Account, device: string): string {
  // The id is the presence tuple's too, and a resourcepart of XMPP; 0 is the domain's.
  const wanted = /^[A-Za-z0-9._-]{1,64}$/.test(device) && device !== '0' ? device : ''
  if (wanted !== '' && account.inbox.named(wanted) === undefined) return wanted
  for (;;) {
    const made = wanted === '' ? randomId(8) : `${wanted}-${randomId(4)}`
    if (account.inbox.named(made) === undefined) return made
  }
}
