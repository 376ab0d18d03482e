// What a client's call rejects with.

import type { Condition } from '#model'
import { conditionOf, phraseOf } from '../codec/index.ts'

/** The server said no. */
export class Refused extends Error {
  readonly status: number
  readonly condition: Condition

  constructor(status: number, text = `${status} ${phraseOf(status)}`, condition = conditionOf(status)) {
    super(text)
    this.name = 'Refused'
    this.status = status
    this.condition = condition
  }

  /** True when the password or the name was wrong. */
  get isLogin(): boolean {
    return this.status === 406
  }
}

/** There is no connection (any more), or no answer in time, or the server does not speak as it should. */
export class ConnectionLost extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'ConnectionLost'
  }
}
