// What a client's session has around it.
import type { Logins } from '#auth'
import type { Service } from '#core'
import type { TlsContext } from '#net'
import type { XmppMetrics } from './metrics.ts'
import type { Registrations } from './registration.ts'
import type { Resumptions } from './resumptions.ts'
import type { XmppSettings } from './settings.ts'

export interface SessionEnvironment {
  readonly service: Service
  readonly settings: XmppSettings
  readonly logins: Logins
  readonly version: string
  readonly metrics: XmppMetrics
  readonly resumptions: Resumptions
  /** Undefined where accounts are not made in band. */
  readonly registrations: Registrations | undefined
  /** Undefined where there is no certificate. */
  readonly tls: TlsContext | undefined
  /** True where each write must be a whole element (RFC 7395 §3.3). */
  readonly isFramed?: boolean
  /** Called once when the session is over. */
  readonly onOver: () => void
}
