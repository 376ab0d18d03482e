// OPTIONS, RFC 3261 §11: what this server can do.

import { pidfMediaType } from '#wire/pidf'
import { isTooMuch } from '../authentication.ts'
import { allowed, allowedEvents, supported } from '../capabilities.ts'
import type { HeaderLine } from '../codec/encode.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'

export function options(context: SipContext, incoming: Incoming): void {
  // To the server itself anybody may ask: phones do so to keep their way through a NAT open.
  if (incoming.parts.uri.user === undefined) {
    const all = capabilities()
    return incoming.answer(200, isTooMuch(incoming, all) ? all.slice(0, 1) : all)
  }
  // To a person it goes to their phones; for one without, we answer, who take their messages for them.
  context.proxy.request(incoming, context.proxy.routesOf(incoming), () =>
    incoming.answer(200, capabilities()),
  )
}

/** RFC 3261 §11.2: Allow, Accept, Accept-Encoding, Accept-Language and Supported. */
function capabilities(): HeaderLine[] {
  return [
    ['Allow', allowed],
    ['Allow-Events', allowedEvents],
    ['Accept', `${pidfMediaType}, text/plain, */*`],
    ['Accept-Encoding', 'identity'],
    ['Accept-Language', 'en'],
    ['Supported', [...supported].join(', ')],
  ]
}
