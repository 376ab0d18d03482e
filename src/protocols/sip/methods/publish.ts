// PUBLISH, RFC 3903 §6, for the presence package: a device's PIDF document under an entity tag.

import type { Outcome } from '#model'
import { isPidf, pidfMediaType } from '#wire/pidf'
import type { Identity } from '../authentication.ts'
import { addressOfSipUri } from '../binding.ts'
import { publicationOf, publishedTuple } from '../binding-presence.ts'
import { header } from '../codec/header-names.ts'
import { contentTypeOf, eventOf, secondsOf } from '../codec/headers.ts'
import { bodyOf, headerValue, requestUri } from '../codec/message.ts'
import type { SipContext } from '../context.ts'
import { statusOf } from '../errors.ts'
import type { Incoming } from '../incoming.ts'
import { grantedSeconds } from './lifetime.ts'

export function publish(context: SipContext, incoming: Incoming): void {
  const { settings } = context
  const { request } = incoming
  // Step 2: "489 (Bad Event)" for another package, or none.
  const event = eventOf(request)
  if (event === 'malformed') return incoming.answer(400)
  if (event?.package !== 'presence') return incoming.answer(489, [['Allow-Events', 'presence']])
  const bounds = {
    min: settings.subscriptionSecondsMin,
    default: settings.subscriptionSecondsDefault,
    max: settings.subscriptionSecondsMax,
  }
  context.authentication.identify(incoming, 'user-agent-server', (identity) => {
    // Step 4.
    const seconds = grantedSeconds(secondsOf(request, header.expires), bounds)
    if (seconds === 'too-brief') return incoming.answer(423, [['Min-Expires', bounds.min]])
    apply(context, incoming, identity, seconds)
  })
}

/** Steps 3, 5 and 6: RFC 3903 Table 1 tells the four operations apart by SIP-If-Match, the body, and Expires. */
function apply(context: SipContext, incoming: Incoming, identity: Identity, seconds: number): void {
  const { publications, service, registrar, settings } = context
  const { request } = incoming
  const presentity = addressOfSipUri(requestUri(request))
  if (presentity === undefined || presentity.user === '') return incoming.answer(404)
  const etag = headerValue(request, header.sipIfMatch)
  const held = etag === undefined ? undefined : publications.find(etag, presentity)
  // "If no matching entity-tag is found, the ESC MUST reject the publication with a response of 412".
  if (etag !== undefined && held?.owner.key !== identity.owner.key) return incoming.answer(412)
  const done = (outcome: Outcome, tag: string): void => {
    if (outcome.kind === 'refused')
      return incoming.answer(outcome.condition === 'not-found' ? 412 : statusOf[outcome.condition])
    incoming.answer(200, [
      ['SIP-ETag', tag],
      ['Expires', seconds],
    ])
  }
  const body = bodyOf(request)
  if (held !== undefined && seconds === 0) return publications.remove(held, done)
  if (body.length === 0) {
    // "If the request does not have a SIP-If-Match header field [and no body] the ESC MUST reject [with] 400".
    return held === undefined ? incoming.answer(400) : publications.renew(held, seconds, done)
  }
  if (body.length > settings.messageBytesMax) return incoming.answer(413)
  const type = contentTypeOf(request)
  if (
    type === undefined ||
    type === 'malformed' ||
    !isPidf(type.type) ||
    headerValue(request, header.contentEncoding) !== undefined
  )
    return incoming.answer(415, [['Accept', pidfMediaType]])
  const account = service.directory.resident(identity.owner)
  const contact = registrar.contactAt(account, incoming.flow)
  const tuple = held?.tuple ?? contact?.id ?? publishedTuple(incoming.parts.callId)
  const source = publicationOf(request, presentity, tuple, service.clock.now())
  if (source === undefined)
    return incoming.answer(400, undefined, { reason: 'Bad Request (no PIDF document)' })
  // An initial publication that is over at once leaves nothing behind (RFC 3903 §6 step 4).
  if (seconds === 0) return done({ kind: 'delivered' }, context.layer.newTag())
  publications.put(presentity, identity.owner, tuple, source, seconds, (outcome, tag) => {
    const own =
      account === undefined ? undefined : registrar.contactsOf(account).find(({ id }) => id === tuple)
    if (own !== undefined && outcome.kind !== 'refused') own.published = true
    done(outcome, tag)
  })
}
