// What all sessions of the listeners share.

import type { Logins } from '#auth'
import type { Service } from '#core'
import type { Outcome } from '#model'
import type { TlsContext } from '#net'
import type { Counter, Gauge, Metrics } from '#observe'
import type { SentAnswers } from '#protocols/exchange'
import type { ClientSession } from './client-session.ts'
import type { PrimSettings } from './settings.ts'
import type { Watches } from './watches.ts'

export interface SessionEnvironment {
  readonly service: Service
  readonly settings: PrimSettings
  /** Undefined where there is no certificate. */
  readonly tls: TlsContext | undefined
  readonly logins: Logins
  readonly sessions: Sessions
  readonly watches: Watches
  /** What its clients were answered to SEND. */
  readonly answers: SentAnswers<Outcome>
}

/** The sessions that are open, and what is counted of them. */
export class Sessions {
  readonly open = new Set<ClientSession>()
  readonly metrics: { readonly requests: Counter; readonly loggedIn: Gauge }

  constructor(metrics: Metrics) {
    this.metrics = {
      requests: metrics.counter({ name: 'verona_prim_requests', help: 'Requests of PRIM clients.' }),
      loggedIn: metrics.gauge({ name: 'verona_prim_sessions', help: 'PRIM connections that are logged in.' }),
    }
  }
}
