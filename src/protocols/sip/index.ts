// The door of sip: the protocol, as the server starts it; and its user agent towards other domains, which other folders may drive (README).

import type { Logins } from '#auth'
import type { Protocol } from '#core'
import type { Resolver, TlsContexts, WebOffers } from '#net'
import { revive } from './binding.ts'
import { type SipSettings, sipSettings } from './settings.ts'
import { startSip } from './sip-server.ts'

export type { Call, CallUser } from './client/call.ts'
export type { Outgoing, OutgoingUser } from './client/outgoing.ts'
export type { Parts, RequestWish } from './client/request-wish.ts'
export type { Subscriber, SubscriberUser, SubscriptionEnd, SubscriptionWish } from './client/subscriber.ts'
export type { CallTaker, UserAgent } from './client/user-agent.ts'
export type { HeaderLine } from './codec/encode.ts'
export { contentTypeText } from './codec/headers.ts'
export { bodyOf, headerValuesNamed, requestUri, type SipRequest, type SipResponse } from './codec/message.ts'
export { namedPlaces, type Place as SipPlace } from './domains/locate.ts'
export { Watches } from './domains/watches.ts'
export { conditionOf } from './errors.ts'
export { isRunningSip, type RunningSip } from './sip-server.ts'

export const protocol: Protocol<SipSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: 'sip',
  settings: sipSettings,
  revive,
  start: startSip,
}
