// The part of the binding for other domains: what their relays answer <-> outcomes (RFC 3340 §5.1, §10).

import { delivered, type Outcome, refused, stored } from '#model'
import { conditionOf } from './errors.ts'

/** What a code in a status response, or in a reply of a service, says became of it. */
export function outcomeOfReport(code: number): Outcome {
  if (code === 350) return stored
  return code < 400 ? delivered : refused(conditionOf(code))
}
