// REGISTER, RFC 3261 §10.3, with Path (RFC 3327), flows (RFC 5626 §6), GRUUs (RFC 5627 §5.1) and Service-Route (RFC 3608).

import type { Account } from '#core'
import type { Address } from '#model'
import { addressOfSipUri } from '../binding.ts'
import type { HeaderLine } from '../codec/encode.ts'
import { ownText, unfolded } from '../codec/grammar.ts'
import { header } from '../codec/header-names.ts'
import { deltaSeconds, secondsOf, tokensOf } from '../codec/headers.ts'
import { cpimMediaType } from '../codec/imdn.ts'
import { headerValuesNamed, type SipRequest } from '../codec/message.ts'
import { isContactStar, type NameAddr, nameAddrsOf } from '../codec/name-addr.ts'
import { type Param, paramOf } from '../codec/params.ts'
import { parseSipUri, type SipUri, uriParam, uriScheme } from '../codec/uri.ts'
import { defaultPort, viasOf } from '../codec/via.ts'
import { ownUri, type SipContext } from '../context.ts'
import { statusOf } from '../errors.ts'
import { hostPort } from '../flow.ts'
import { isTemporaryGruu } from '../gruu.ts'
import type { Incoming } from '../incoming.ts'
import type { OtherUpdate } from '../other-contacts.ts'
import type { ContactFacts } from '../registered-contact.ts'
import type { ContactUpdate, RegistrationFault } from '../registrar.ts'
import { targetFlow } from '../target-flow.ts'
import { grantedSeconds } from './lifetime.ts'
import { carryOut, scriptFor, scriptWishOf } from './register-script.ts'

export function register(context: SipContext, incoming: Incoming): void {
  const { service } = context
  const { parts } = incoming
  const record = addressOfSipUri(parts.to.uri)
  // Step 5: "If the address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404".
  const isOurs = record !== undefined && record.user !== '' && service.router.isLocal(record.domain)
  context.authentication.identify(incoming, 'user-agent-server', (identity) => {
    if (!isOurs || !isRegistrar(context, parts.uri)) return incoming.answer(404)
    service.directory.find(record, (found) => {
      if (found === 'fault') return incoming.answer(500)
      if (found === 'unknown') return incoming.answer(404)
      // Step 4: nobody registers a phone for another.
      if (found.address.key !== identity.owner.key) return incoming.answer(403)
      const wish = scriptWishOf(incoming.request)
      if (wish === 'none') return apply(context, incoming, found, record)
      if (wish === 'malformed') return incoming.answer(400)
      carryOut(context, incoming, found, wish, () =>
        service.directory.find(record, (again) => {
          if (typeof again === 'string') incoming.answer(again === 'fault' ? 500 : 404)
          else apply(context, incoming, again, record)
        }),
      )
    })
  })
}

/** Step 1. Phones name the domain (§10.2), or the host that they were told is its server. */
function isRegistrar({ service, transport }: SipContext, { host, port }: SipUri): boolean {
  return service.router.isLocal(host) || transport.isOurs(hostPort(host, port ?? defaultPort('UDP')))
}

/** Steps 6 to 8. */
function apply(context: SipContext, incoming: Incoming, account: Account, record: Address): void {
  const { registrar, service, settings } = context
  const { request, parts } = incoming
  let fault: RegistrationFault | undefined
  if (isContactStar(request, header.contact)) {
    // "If the request has additional Contact fields or an expiration time other than zero, the request is invalid".
    const count = nameAddrsOf(request, header.contact)
    if (count !== undefined || secondsOf(request, header.expires) !== 0 || hasMoreContacts(request))
      return incoming.answer(400)
    fault = registrar.removeAll(account, parts.callId, parts.cseq.number)
  } else {
    const outbound = outboundOf(request)
    if (outbound === 'lacking') return incoming.answer(439)
    const updates = updatesOf(context, incoming, outbound)
    if (updates === 'malformed') return incoming.answer(400)
    if (updates === 'too-brief')
      return incoming.answer(423, [['Min-Expires', settings.registrationSecondsMin]])
    if (updates === 'no-phone') return incoming.answer(403)
    const { phones, others } = updates
    if (phones.some(({ facts, seconds }) => seconds > 0 && leadsBack(facts, account)))
      return incoming.answer(403, undefined, { reason: 'Forbidden (a Contact that leads nowhere)' })
    fault = registrar.update(account, phones, others, settings.contactsMax)
  }
  if (fault === 'out-of-order') return incoming.answer(500, undefined, { reason: 'CSeq is not higher' })
  if (fault !== undefined) return incoming.answer(statusOf[fault])
  scriptFor(context, incoming, account, (body) => {
    incoming.answer(200, registrationLines(context, incoming, account, record), body)
    // What waited for this person goes to the phone after its 200, not before.
    service.messages.ready(account)
  })
}

/** RFC 5627 §5.1: a Contact that is the address of record, or one of its GRUUs, "would cause a routing loop". */
function leadsBack({ uri, parsed }: ContactFacts, { address, record }: Account): boolean {
  // With a port it is a place, which may have the domain's name.
  if (parsed.port !== undefined) return false
  if (isTemporaryGruu(parsed)) return parsed.host === address.domain
  const key = addressOfSipUri(uri)?.key
  return [address, ...record.aliases].some((own) => own.key === key)
}

function hasMoreContacts(request: SipRequest): boolean {
  let count = 0
  for (let i = 0; i < request.index.length; i += 4) if (request.index[i] === header.contact) count++
  return count > 1
}

interface Updates {
  readonly phones: readonly ContactUpdate[]
  readonly others: readonly OtherUpdate[]
}

function updatesOf(
  context: SipContext,
  incoming: Incoming,
  outbound: Outbound,
): Updates | 'malformed' | 'too-brief' | 'no-phone' {
  const { settings } = context
  const { request } = incoming
  const contacts = nameAddrsOf(request, header.contact)
  if (contacts === undefined) return 'malformed'
  const expires = secondsOf(request, header.expires)
  const bounds = {
    min: settings.registrationSecondsMin,
    default: settings.registrationSecondsDefault,
    max: settings.registrationSecondsMax,
  }
  const phones: ContactUpdate[] = []
  const others: OtherUpdate[] = []
  for (const contact of contacts) {
    const own = paramOf(contact.params, 'expires')
    const seconds = grantedSeconds(own === undefined ? expires : deltaSeconds(own), bounds)
    if (seconds === 'too-brief') return 'too-brief'
    const update = updateOf(context, incoming, contact, seconds, outbound)
    if (typeof update === 'string') return update
    if ('other' in update) others.push(update)
    else phones.push(update)
  }
  // RFC 5626 §6: a registration of a flow is about one phone.
  const isOfFlows = phones.some(({ facts }) => facts.regId !== undefined)
  if (isOfFlows && [...phones, ...others].filter(({ seconds }) => seconds > 0).length > 1) return 'malformed'
  return { phones, others }
}

function updateOf(
  context: SipContext,
  incoming: Incoming,
  contact: NameAddr,
  seconds: number,
  outbound: Outbound,
): ContactUpdate | OtherUpdate | 'malformed' | 'no-phone' {
  const { request, parts, flow } = incoming
  const uri = ownText(contact.uri)
  const parsed = parseSipUri(uri)
  const path = nameAddrsOf(request, header.path)
  const q = Number(paramOf(contact.params, 'q') ?? 1)
  if (path === undefined || !(q >= 0 && q <= 1)) return 'malformed'
  const callId = ownText(parts.callId)
  const cseq = parts.cseq.number
  if (parsed === undefined) {
    const scheme = uriScheme(uri)
    // A SIP URI that cannot be read is none of another scheme.
    if (scheme === undefined || scheme === 'sip' || scheme === 'sips') return 'malformed'
    // RFC 5627 §5.1, of one with an instance: "If the contact is not a SIP URI, the REGISTER request MUST be rejected with a 403."
    if (seconds > 0 && paramOf(contact.params, '+sip.instance') !== undefined) return 'no-phone'
    return { seconds, other: { uri, q, callId, cseq, params: otherParams(contact) } }
  }
  const instance = paramOf(contact.params, '+sip.instance')
  const routes = path.map(({ start, end }) => ownText(unfolded(request.head.slice(start, end)).trimEnd()))
  return {
    seconds,
    facts: {
      uri,
      parsed,
      q,
      flow: targetFlow(context.transport, flow, parts.via, contact.uri, routes),
      path: routes,
      callId,
      cseq,
      instance: instance === undefined ? undefined : ownText(instance),
      // "one with a reg-id but no instance-id [...] simply ignores the reg-id parameter".
      regId: instance === undefined || outbound === 'ignored' ? undefined : regIdOf(contact),
      params: otherParams(contact),
      takesMessages: takesMessages(request, contact),
      readsCpim: readsCpim(request),
    },
  }
}

/** LIMIT: characters of a contact's other parameters; with more of them none are kept. */
const otherParamsMax = 1024

/** What we say ourselves of a contact, or what only we may say. */
const knownParams: ReadonlySet<string> = new Set([
  'q',
  'expires',
  '+sip.instance',
  'reg-id',
  'pub-gruu',
  'temp-gruu',
])

function otherParams({ params }: NameAddr): Param[] {
  const others = params
    .filter(({ name }) => !knownParams.has(name))
    .map(({ name, value }) => ({
      name: ownText(name),
      value: value === undefined ? undefined : ownText(unfolded(value)),
    }))
  const length = others.reduce((sum, { name, value = '' }) => sum + name.length + value.length, 0)
  return length > otherParamsMax ? [] : others
}

/** Whether the phone says that it takes MESSAGE: by the methods of its contact (RFC 3840 §10.1), else by Allow, else it may. */
function takesMessages(request: SipRequest, contact: NameAddr): boolean {
  const methods = paramOf(contact.params, 'methods')
  if (methods !== undefined && methods !== '')
    return methods.split(',').some((method) => method.trim().toUpperCase() === 'MESSAGE')
  const allow = tokensOf(request, header.allow)
  return allow === undefined || allow === 'malformed' || allow.length === 0 || allow.includes('MESSAGE')
}

/** RFC 3261 §10.2 lets a REGISTER carry Accept; `*` says nothing of what it is able to read. */
function readsCpim(request: SipRequest): boolean {
  return headerValuesNamed(request, 'Accept').some((value) => value.toLowerCase().includes(cpimMediaType))
}

/** 1 to 2^31 - 1 (RFC 5626 §11.1); anything else is as if it were absent. */
function regIdOf(contact: NameAddr): number | undefined {
  const id = Number(paramOf(contact.params, 'reg-id') ?? Number.NaN)
  return Number.isInteger(id) && id > 0 && id < 2 ** 31 ? id : undefined
}

/** Step 8: all current contacts, each with its expires; Date; Path copied (RFC 3327 §5.3). */
function registrationLines(
  context: SipContext,
  incoming: Incoming,
  account: Account,
  record: Address,
): HeaderLine[] {
  const { request } = incoming
  const { gruus } = context.registrar
  const supports = tokensOf(request, header.supported)
  const has = (tag: string): boolean => Array.isArray(supports) && supports.includes(tag)
  const lines: HeaderLine[] = []
  for (const contact of context.registrar.contactsOf(account)) {
    const named = contact.facts.instance === undefined ? '' : `;+sip.instance="${contact.facts.instance}"`
    // RFC 5627 §5.2: "and the client supports GRUUs".
    const gruu =
      named === '' || !has('gruu')
        ? ''
        : `;pub-gruu="${gruus.publicOf(contact, record)}";temp-gruu="${gruus.temporaryOf(contact, record)}"`
    for (const { facts, lease } of contact.registrations) {
      const flow = facts.regId === undefined ? '' : `;reg-id=${facts.regId}`
      const value = `<${facts.uri}>;expires=${lease?.secondsLeft() ?? 0};q=${facts.q}${named}${flow}${gruu}${written(facts.params)}`
      lines.push(['Contact', value])
    }
  }
  for (const { facts, lease } of context.registrar.others.of(account))
    lines.push([
      'Contact',
      `<${facts.uri}>;expires=${lease.secondsLeft()};q=${facts.q}${written(facts.params)}`,
    ])
  for (const value of nameAddrsOf(request, header.path) ?? [])
    lines.push(['Path', unfolded(request.head.slice(value.start, value.end))])
  if (has('outbound') && namesFlow(request)) lines.push(...outboundLines(context, incoming))
  if (context.settings.serviceRoute) lines.push(['Service-Route', `<${ownUri(incoming.flow)};lr>`])
  lines.push(['Date', new Date(context.service.clock.now()).toUTCString()])
  return lines
}

const written = (params: readonly Param[]): string =>
  params.map(({ name, value }) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join('')

/** RFC 5626 §6: outbound was applied; by when the phone is to be heard of again. */
function outboundLines({ settings }: SipContext, { flow }: Incoming): HeaderLine[] {
  const lines: HeaderLine[] = [['Require', 'outbound']]
  if (flow.reliable) {
    flow.isWatched = true
    lines.push(['Flow-Timer', settings.flowTimerSeconds])
  }
  return lines
}

function namesFlow(request: SipRequest): boolean {
  if (outboundOf(request) === 'ignored') return false
  return (nameAddrsOf(request, header.contact) ?? []).some(
    (contact) => regIdOf(contact) !== undefined && paramOf(contact.params, '+sip.instance') !== undefined,
  )
}

/** Whether the flow that a phone registers is one that its requests come back by. */
type Outbound = 'applied' | 'ignored'

/** RFC 5626 §6: straight from the phone, or by a proxy that says `ob` for it; else 439 to who asks for it, and no outbound. */
function outboundOf(request: SipRequest): Outbound | 'lacking' {
  if ((viasOf(request)?.length ?? 1) <= 1) return 'applied'
  // The proxy next to the phone has put in the last one: those after it go on top (RFC 3327 §5.2).
  const first = nameAddrsOf(request, header.path)?.at(-1)
  const uri = first === undefined ? undefined : parseSipUri(first.uri)
  if (uri !== undefined && uriParam(uri, 'ob') !== undefined) return 'applied'
  const supports = tokensOf(request, header.supported)
  const asks = (nameAddrsOf(request, header.contact) ?? []).some((contact) => regIdOf(contact) !== undefined)
  return asks && Array.isArray(supports) && supports.includes('outbound') ? 'lacking' : 'ignored'
}
