// LOGIN (docs/specs/prim.md §4.3): SASL, a step a request, once for each service; the octets of SASL are the body.

import type { SaslChannel, SaslStep } from '#auth'
import { type Bytes, noBytes, strictText, utf8 } from '#base'
import type { Account } from '#core'
import type { Address } from '#model'
import { channelBindings } from '#net'
import type { ClientSession } from '../client-session.ts'
import {
  addressOfId,
  decimal,
  type Fields,
  field,
  mechanismList,
  type PrimRequest,
  type Scheme,
  type Strength,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import { type Method, serviceOf } from './method.ts'

export const login: Method = {
  when: 'before-login',
  service: 'both',
  isAnswered: true,
  hasBody: true,
  take(session: ClientSession, request: PrimRequest, reply: Reply): void {
    const service = serviceOf(request, login)
    const name = service && addressOfId(field(request.headers, 'From') ?? '', service)
    if (service === undefined || name === undefined || session.deciding) return reply.error('malformed')
    if (session.login?.names[service] !== undefined) return reply.give(409)
    if (session.environment.settings.redirect !== undefined)
      return reply.give(300, [['Redirect', placeOf(session.environment.settings.redirect)]])
    const state = field(request.headers, 'Auth-State')
    if (state === 'init') return begin(session, request, service, name, reply)
    if (state === 'continue') return proceed(session, request, service, name, reply)
    if (state === 'abort') return fail(session, reply)
    reply.error('malformed')
  },
}

/** `host:port` as Redirect writes it; 7740 is the port of presence clients. */
function placeOf(redirect: string): string {
  const [, host = redirect, port = '7740'] = /^(.*?)(?::(\d+))?$/.exec(redirect) ?? []
  return `${host.replace(/^\[|\]$/g, '')} ${port}`
}

function begin(
  session: ClientSession,
  { headers, body }: PrimRequest,
  service: Scheme,
  name: Address,
  reply: Reply,
): void {
  const wanted = mechanismList(field(headers, 'SASL-Mech') ?? '')
  const limit = field(headers, 'Max-Content-Length')
  const bodyOctets = limit === undefined ? undefined : decimal(limit)
  if (wanted === undefined || body.length > 0 || (limit !== undefined && bodyOctets === undefined))
    return reply.error('malformed')
  // A second `init` in the middle is a failure.
  if (session.exchanging !== undefined) return fail(session, reply)
  const { sasl } = session.environment.logins
  const channel = channelOf(session, name.domain)
  const offered = sasl.mechanisms(channel)
  const chosen = wanted.find((mechanism) => offered.includes(mechanism))
  const mechanism = chosen === undefined ? undefined : sasl.begin(chosen, channel)
  if (mechanism === undefined || !session.service.router.isLocal(name.domain))
    return fail(session, reply, [['SASL-Mech', offered.join(' ') || undefined]])
  if (bodyOctets !== undefined) session.bodyOctetsMax = bodyOctets
  session.exchanging = { mechanism, name, service }
  // All mechanisms here begin with the client's word.
  reply.give(100, [
    ['SASL-Mech', mechanism.mechanism],
    ['Max-Content-Length', limit && String(session.environment.settings.bodyOctetsMax)],
  ])
}

function channelOf({ connection, environment }: ClientSession, domain: string): SaslChannel {
  const { tls } = connection
  return {
    domain,
    remoteAddress: connection.remote.address,
    plainAllowed: tls !== undefined || environment.settings.plainWithoutTls,
    bindings: channelBindings(tls),
    certificate: tls?.peerCertificate(),
  }
}

function proceed(
  session: ClientSession,
  { headers, body }: PrimRequest,
  service: Scheme,
  name: Address,
  reply: Reply,
): void {
  const { exchanging } = session
  if (exchanging === undefined) return fail(session, reply)
  const { mechanism } = exchanging
  const isSame = exchanging.service === service && exchanging.name.key === name.key
  if (!isSame || field(headers, 'SASL-Mech') !== mechanism.mechanism) return fail(session, reply)
  session.deciding = true
  const data = mechanism.mechanism === 'PLAIN' ? plainData(body) : body.slice()
  mechanism.step(data).then(
    (step) => decided(session, step, reply),
    (cause: unknown) => {
      session.service.log.error('a login could not be decided', { error: cause })
      fail(session, reply)
    },
  )
}

/** Either the message of RFC 4616, or the drafts' two lines: user name, CR LF, pass phrase. */
function plainData(body: Bytes): Bytes {
  if (body.includes(0)) return body.slice()
  const text = strictText(body) ?? ''
  const at = text.indexOf('\r\n')
  const passphrase = at === -1 ? '' : text.slice(at + 2).replace(/\r\n$/, '')
  return at === -1 ? noBytes : utf8(`\0${text.slice(0, at)}\0${passphrase}`)
}

function decided(session: ClientSession, step: SaslStep, reply: Reply): void {
  if (session.state === 'over' || session.exchanging === undefined) return // it ended meanwhile
  if (step.kind === 'challenge') {
    session.deciding = false
    return reply.give(100, [], { type: undefined, bytes: step.data })
  }
  if (step.kind === 'failure') return fail(session, reply)
  session.service.directory.find(step.owner, (found) => {
    if (session.state === 'over') return
    if (found === 'unknown' || found === 'fault') return fail(session, reply, [], 500)
    signIn(session, found, step, reply)
  })
}

/** docs/specs/prim.md §4.3: nothing of why, and nothing more on this connection. */
function fail(session: ClientSession, reply: Reply, fields: Fields = [], status = 406): void {
  session.deciding = false
  session.exchanging = undefined
  reply.give(status, fields)
  session.close()
}

function signIn(
  session: ClientSession,
  account: Account,
  { owner, data }: { owner: Address; data: Bytes | undefined },
  reply: Reply,
): void {
  const { exchanging, service } = session
  if (exchanging === undefined) return
  const { name } = exchanging
  // From names the principal: the one that SASL has proven, or none.
  const names = [account.address, ...account.record.aliases]
  if (!names.some(({ key }) => key === name.key)) return fail(session, reply)
  const known = session.login
  if (known !== undefined && known.account.address.key !== account.address.key) return fail(session, reply)
  if (known !== undefined) return succeed(session, account, known.agent, data, reply)
  const agent = session.agentFor(owner, name)
  service.messages.attach(agent, (attached) => {
    if ('kind' in attached) return fail(session, reply, [], 500)
    if (session.state === 'over') return service.messages.detach(attached, agent)
    succeed(session, attached, agent, data, reply)
  })
}

function succeed(
  session: ClientSession,
  account: Account,
  agent: Parameters<ClientSession['ready']>[1],
  data: Bytes | undefined,
  reply: Reply,
): void {
  const { exchanging } = session
  if (exchanging === undefined) return
  session.deciding = false
  session.exchanging = undefined
  session.strength = strengthBy(session, exchanging.mechanism.mechanism)
  session.ready(account, agent, exchanging.service, exchanging.name)
  reply.ok([], data && { type: undefined, bytes: data })
}

/** docs/specs/prim.md §5.2. */
function strengthBy({ connection }: ClientSession, mechanism: string): Strength {
  if (connection.tls !== undefined) return 'strong'
  return mechanism === 'PLAIN' ? 'weak' : 'medium'
}
