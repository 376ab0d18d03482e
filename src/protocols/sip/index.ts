// The door of sip: the protocol, as the server starts it.

import type { Logins } from '#auth'
import type { Protocol } from '#core'
import type { TlsContexts, WebOffers } from '#net'
import { revive } from './binding.ts'
import { type SipSettings, sipSettings } from './settings.ts'
import { startSip } from './sip-server.ts'

export const protocol: Protocol<SipSettings, TlsContexts, Logins, WebOffers> = {
  name: 'sip',
  settings: sipSettings,
  revive,
  start: startSip,
}
