// What a client's call rejects with.

import type { Condition } from '#model'
import { conditionOf, replyCodes } from '../codec/index.ts'

/** The server, or a service of it, said no. */
export class Refused extends Error {
  /** RFC 3340 §10. */
  readonly code: number
  readonly condition: Condition

  /** @param reason what the server says of it, in its own words */
  constructor(code: number, reason = '', condition = conditionOf(code)) {
    super(`${shown(reason) || textOf(code)} (${code})`)
    this.name = 'Refused'
    this.code = code
    this.condition = condition
  }

  /** True when the password or the name was wrong. */
  get isLogin(): boolean {
    return this.code === 535
  }
}

/** What was written is no `user@domain`; the server was not asked. */
export class NoAddress extends Refused {
  constructor(written: string) {
    super(553, `${written} is no address`, 'address-malformed')
  }
}

/** What a code means, for a person. */
const words: Readonly<Record<number, string>> = {
  421: 'the server takes nothing now',
  450: 'not taken now, and not kept',
  451: 'there was no answer in time',
  535: 'the name or the password is wrong',
  537: 'that is not allowed',
  550: 'there is nobody of that name',
  553: 'the server is not in charge of that domain',
  554: 'the server does not take that',
}

function textOf(code: number): string {
  const known = (replyCodes as Readonly<Record<number, string>>)[code]
  return words[code] ?? known ?? 'refused'
}

/** LIMIT: characters of a stranger's words, and none that do something to a terminal. */
function shown(reason: string): string {
  return reason
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
}

/** There is no connection (any more), or no answer in time, or the server does not speak as it should. */
export class ConnectionLost extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'ConnectionLost'
  }
}
