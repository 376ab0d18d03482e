// How a refusal is answered: status, header fields and, where a script of the target has one, its phrase (RFC 3880 §6.3.1).

import type { Refused } from '#model'
import { octetsOf } from './codec/grammar.ts'
import { fieldsOf, statusOfRefusal } from './errors.ts'
import type { Incoming } from './incoming.ts'

export function refuse(incoming: Incoming, refusal: Refused): void {
  const reason = refusal.said?.reason ?? ''
  const more = reason === '' ? undefined : { reason: octetsOf(reason) }
  incoming.answer(statusOfRefusal(refusal), fieldsOf(refusal), more)
}
