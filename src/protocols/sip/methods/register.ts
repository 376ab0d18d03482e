// REGISTER, RFC 3261 §10.3, with Path (RFC 3327) and instances (RFC 5626 §6) kept.

import type { Account } from '#core'
import { addressOfSipUri } from '../binding.ts'
import type { HeaderLine } from '../codec/encode.ts'
import { ownText, unfolded } from '../codec/grammar.ts'
import { header } from '../codec/header-names.ts'
import { deltaSeconds, secondsOf, tokensOf } from '../codec/headers.ts'
import { cpimMediaType } from '../codec/imdn.ts'
import { headerValuesNamed, type SipRequest } from '../codec/message.ts'
import { isContactStar, type NameAddr, nameAddrsOf } from '../codec/name-addr.ts'
import { paramOf } from '../codec/params.ts'
import { parseSipUri } from '../codec/uri.ts'
import type { SipContext } from '../context.ts'
import { statusOf } from '../errors.ts'
import type { Incoming } from '../incoming.ts'
import type { ContactUpdate, RegistrationFault } from '../registrar.ts'
import { targetFlow } from '../target-flow.ts'
import { grantedSeconds } from './lifetime.ts'

export function register(context: SipContext, incoming: Incoming): void {
  const { service } = context
  const { parts } = incoming
  const record = addressOfSipUri(parts.to.uri)
  // Step 5: "If the address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404".
  const isOurs = record !== undefined && record.user !== '' && service.router.isLocal(record.domain)
  context.authentication.identify(incoming, 'user-agent-server', (identity) => {
    if (!isOurs || !service.router.isLocal(parts.uri.host)) return incoming.answer(404)
    service.directory.find(record, (found) => {
      if (found === 'fault') return incoming.answer(500)
      if (found === 'unknown') return incoming.answer(404)
      // Step 4: nobody registers a phone for another.
      if (found.address.key !== identity.owner.key) return incoming.answer(403)
      apply(context, incoming, found)
    })
  })
}

/** Steps 6 to 8. */
function apply(context: SipContext, incoming: Incoming, account: Account): void {
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
    const updates = updatesOf(context, incoming)
    if (updates === 'malformed') return incoming.answer(400)
    if (updates === 'too-brief')
      return incoming.answer(423, [['Min-Expires', settings.registrationSecondsMin]])
    fault = registrar.update(account, updates, settings.contactsMax)
  }
  if (fault === 'out-of-order') return incoming.answer(500, undefined, { reason: 'CSeq is not higher' })
  if (fault !== undefined) return incoming.answer(statusOf[fault])
  incoming.answer(200, registrationLines(context, incoming, account))
  // What waited for this person goes to the phone after its 200, not before.
  service.messages.ready(account)
}

function hasMoreContacts(request: SipRequest): boolean {
  let count = 0
  for (let i = 0; i < request.index.length; i += 4) if (request.index[i] === header.contact) count++
  return count > 1
}

function updatesOf(context: SipContext, incoming: Incoming): ContactUpdate[] | 'malformed' | 'too-brief' {
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
  const updates: ContactUpdate[] = []
  for (const contact of contacts) {
    const own = paramOf(contact.params, 'expires')
    const seconds = grantedSeconds(own === undefined ? expires : deltaSeconds(own), bounds)
    if (seconds === 'too-brief') return 'too-brief'
    const update = updateOf(context, incoming, contact, seconds)
    if (update === undefined) return 'malformed'
    updates.push(update)
  }
  return updates
}

function updateOf(
  context: SipContext,
  incoming: Incoming,
  contact: NameAddr,
  seconds: number,
): ContactUpdate | undefined {
  const { request, parts, flow } = incoming
  const uri = ownText(contact.uri)
  const parsed = parseSipUri(uri)
  const path = nameAddrsOf(request, header.path)
  const q = Number(paramOf(contact.params, 'q') ?? 1)
  // A contact that is no SIP URI (RFC 4475 §3.3.4) is legal, and we can reach none: it is not taken.
  if (parsed === undefined || path === undefined || !(q >= 0 && q <= 1)) return undefined
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
      callId: ownText(parts.callId),
      cseq: parts.cseq.number,
      instance:
        instance === undefined
          ? undefined
          : ownText(`${instance} ${paramOf(contact.params, 'reg-id') ?? ''}`),
      takesMessages: takesMessages(request, contact),
      readsCpim: readsCpim(request),
    },
  }
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

/** Step 8: all current contacts, each with its expires; Date; Path copied (RFC 3327 §5.3). */
function registrationLines(context: SipContext, incoming: Incoming, account: Account): HeaderLine[] {
  const lines: HeaderLine[] = context.registrar.contactsOf(account).map((contact) => {
    const { uri, q, instance } = contact.facts
    const named = instance === undefined ? '' : `;+sip.instance="${instance.split(' ', 1)[0]}"`
    return ['Contact', `<${uri}>;expires=${contact.lease?.secondsLeft() ?? 0};q=${q}${named}`]
  })
  for (const value of nameAddrsOf(incoming.request, header.path) ?? [])
    lines.push(['Path', unfolded(incoming.request.head.slice(value.start, value.end))])
  lines.push(['Date', new Date(context.service.clock.now()).toUTCString()])
  return lines
}
