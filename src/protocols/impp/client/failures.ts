// What a client's call rejects with.

import type { Condition } from '#model'
import { authenticationFailed, conditionOf, type ImppResponse } from '../codec/index.ts'

/** The server said no. */
export class Refused extends Error {
  readonly condition: Condition
  /** The token of `Reason`, as it came. */
  readonly reason: string
  /** Where to go instead, for the reasons that forward or redirect. */
  readonly location: string | undefined

  constructor(reason: string, text: string | undefined, location: string | undefined) {
    super(text ?? reason)
    this.name = 'Refused'
    this.reason = reason
    this.condition = conditionOf(reason)
    this.location = location
  }

  /** True when the password or the name was wrong. */
  get isLogin(): boolean {
    return this.reason === authenticationFailed
  }
}

/** There is no connection (any more), or no answer in time, or the server does not speak as it should. */
export class ConnectionLost extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'ConnectionLost'
  }
}

/** Somebody who was watched lets us see them no more, or is gone. */
export class SubscriptionEnded extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'SubscriptionEnded'
  }
}

export function refusalOf({ headers }: ImppResponse): Refused {
  return new Refused(
    headers.get('reason') ?? 'connection-failure',
    headers.get('text'),
    headers.get('location'),
  )
}
