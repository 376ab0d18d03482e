// What all sessions of the listener share.

import type { Logins } from '#auth'
import type { Service } from '#core'
import type { TlsContext } from '#net'
import type { Counter, Gauge, Metrics } from '#observe'
import type { SentAnswers } from '#protocols/exchange'
import type { ClientSession } from './client-session.ts'
import type { SendAnswer } from './methods/index.ts'
import type { ImppSettings } from './settings.ts'

export interface SessionEnvironment {
  readonly service: Service
  readonly settings: ImppSettings
  /** Undefined where there is no certificate. */
  readonly tls: TlsContext | undefined
  readonly logins: Logins
  readonly sessions: Sessions
  readonly answers: SentAnswers<SendAnswer>
}

/** The sessions that are open, and what is counted of them. */
export class Sessions {
  readonly open = new Set<ClientSession>()
  readonly metrics: { readonly requests: Counter; readonly again: Counter; readonly loggedIn: Gauge }

  constructor(metrics: Metrics) {
    this.metrics = {
      requests: metrics.counter({ name: 'verona_impp_requests', help: 'Requests of IMPP clients.' }),
      again: metrics.counter({
        name: 'verona_impp_sends_again',
        help: 'SEND requests of IMPP clients that came again by another connection and were answered as before.',
      }),
      loggedIn: metrics.gauge({ name: 'verona_impp_sessions', help: 'IMPP connections that are logged in.' }),
    }
  }
}
