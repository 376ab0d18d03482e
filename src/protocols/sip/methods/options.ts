// OPTIONS, RFC 3261 §11: what this server can do.

import { pidfMediaType } from '#wire/pidf'
import { addressOfSipUri } from '../binding.ts'
import { allowed, supported } from '../capabilities.ts'
import type { HeaderLine } from '../codec/encode.ts'
import { requestUri } from '../codec/message.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'

export function options(context: SipContext, incoming: Incoming): void {
  const about = addressOfSipUri(requestUri(incoming.request))
  // To the server itself anybody may ask: phones do so to keep their way through a NAT open.
  if (about === undefined || about.user === '') return incoming.answer(200, capabilities())
  // To a person it goes to their phones; for one without, we answer, who take their messages for them.
  context.proxy.request(incoming, context.proxy.routesOf(incoming), () =>
    incoming.answer(200, capabilities()),
  )
}

/** RFC 3261 §11.2: Allow, Accept, Accept-Encoding, Accept-Language and Supported. */
function capabilities(): HeaderLine[] {
  return [
    ['Allow', allowed],
    ['Allow-Events', 'presence'],
    ['Accept', `${pidfMediaType}, text/plain, */*`],
    ['Accept-Encoding', 'identity'],
    ['Accept-Language', 'en'],
    ['Supported', [...supported].join(', ')],
  ]
}
