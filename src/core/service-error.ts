// A fault of ours: a condition for the peer, fields for the log. Refusals are Outcomes, never thrown.
import type { Condition } from '#model'

export class ServiceError extends Error {
  readonly condition: Condition
  readonly fields: Readonly<Record<string, unknown>>

  constructor(
    condition: Condition,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ServiceError'
    this.condition = condition
    this.fields = fields
  }
}
