// PUBLISH, RFC 3903 §6, for the presence package: a device's PIDF document under an entity tag.

import type { Address, Outcome } from '#model'
import { isPidf, olderPidfMediaType, pidfMediaType } from '#wire/pidf'
import type { Identity } from '../authentication.ts'
import { addressOfSipUri } from '../binding.ts'
import { publicationOf, publishedTuple } from '../binding-presence.ts'
import { header } from '../codec/header-names.ts'
import { contentTypeOf, eventOf, secondsOf, tokensOf } from '../codec/headers.ts'
import { bodyOf, headerValue, requestUri, type SipRequest } from '../codec/message.ts'
import type { SipContext } from '../context.ts'
import { fieldsOf, statusOf } from '../errors.ts'
import type { Incoming } from '../incoming.ts'
import type { Held } from '../publications.ts'
import { grantedSeconds } from './lifetime.ts'

export function publish(context: SipContext, incoming: Incoming): void {
  const { request } = incoming
  // Step 1: "targeted to a resource for which the ESC is responsible [...] If not, the ESC MUST return a 404".
  const presentity = addressOfSipUri(requestUri(request))
  if (presentity === undefined || presentity.user === '') return incoming.answer(404)
  // Step 2: "489 (Bad Event)" for another package, or none.
  const event = eventOf(request)
  if (event === 'malformed') return incoming.answer(400)
  if (event?.package !== 'presence') return incoming.answer(489, [['Allow-Events', 'presence']])
  context.authentication.identify(incoming, 'user-agent-server', (identity) =>
    identified(context, incoming, identity, presentity),
  )
}

/** Steps 3 and 4: the precondition, then the lifetime. */
function identified(context: SipContext, incoming: Incoming, identity: Identity, presentity: Address): void {
  const { settings, publications } = context
  const { request } = incoming
  const tags = tokensOf(request, header.sipIfMatch)
  // "checks whether the header field contains a single entity-tag. If not, the request is invalid, [...] 400".
  if (tags === 'malformed' || (tags !== undefined && tags.length !== 1)) return incoming.answer(400)
  const held = tags === undefined ? undefined : publications.find(tags[0]!, presentity)
  // "If no match is found, the ESC MUST reject the publication with a response of 412". Another's tag is none of theirs.
  if (tags !== undefined && held?.owner.key !== identity.owner.key) return incoming.answer(412)
  const bounds = {
    min: settings.subscriptionSecondsMin,
    default: settings.subscriptionSecondsDefault,
    max: settings.subscriptionSecondsMax,
  }
  const seconds = grantedSeconds(secondsOf(request, header.expires), bounds)
  if (seconds === 'too-brief') return incoming.answer(423, [['Min-Expires', bounds.min]])
  apply(context, incoming, identity.owner, presentity, held, seconds)
}

/** Steps 5 and 6: RFC 3903 Table 1 tells the four operations apart by SIP-If-Match, the body, and Expires. */
function apply(
  context: SipContext,
  incoming: Incoming,
  owner: Address,
  presentity: Address,
  held: Held | undefined,
  seconds: number,
): void {
  const { publications, service, registrar } = context
  const { request } = incoming
  const done = (outcome: Outcome, tag: string): void => {
    if (outcome.kind !== 'refused')
      return incoming.answer(200, [
        ['SIP-ETag', tag],
        ['Expires', seconds],
      ])
    // Between the look at the tag and the core's the lease may have ended.
    if (outcome.condition === 'not-found') return incoming.answer(412)
    incoming.answer(statusOf[outcome.condition], fieldsOf(outcome))
  }
  // A body is of no account here: "MUST be immediately removed. The ESC MUST NOT store any event state as a result".
  if (held !== undefined && seconds === 0) return publications.remove(held, done)
  if (bodyOf(request).length === 0) {
    // "no message body and contained no entity-tag [...] SHOULD reject the request with [...] 400".
    return held === undefined ? incoming.answer(400) : publications.renew(held, seconds, done)
  }
  const refusal = bodyRefusal(context, request)
  if (refusal !== undefined) return incoming.answer(...refusal)
  const account = service.directory.resident(owner)
  const contact = registrar.onlyContactAt(account, incoming.flow)
  const tuple = held?.tuple ?? contact?.id ?? publishedTuple(incoming.parts.callId)
  const source = publicationOf(request, presentity, tuple, service.clock.now())
  if (source === undefined)
    return incoming.answer(400, undefined, { reason: 'Bad Request (no PIDF document)' })
  if (seconds === 0) return publications.none(presentity, owner, done)
  publications.put({ presentity, owner, tuple, source, flow: incoming.flow, seconds }, done)
}

/** Step 5: "does not match the event package, or is not understood [...] such as 415", with what is (RFC 3261 §21.4.13). */
function bodyRefusal(
  { settings }: SipContext,
  request: SipRequest,
): Parameters<Incoming['answer']> | undefined {
  if (bodyOf(request).length > settings.messageBytesMax) return [413]
  const type = contentTypeOf(request)
  if (type === undefined || type === 'malformed' || !isPidf(type.type))
    return [415, [['Accept', `${pidfMediaType}, ${olderPidfMediaType}`]]]
  if (headerValue(request, header.contentEncoding) !== undefined)
    return [415, [['Accept-Encoding', 'identity']]]
  return undefined
}
