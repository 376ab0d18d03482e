// A refusal on its way out of a handler of the management API; the router turns it into an answer.

import type { Condition } from '#model'
import type { HttpResponse } from '#net'
import { messageOf, statusOf } from './errors.ts'
import type { ErrorBody } from './types.ts'

export class Refusal {
  readonly condition: Condition
  readonly message: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    condition: Condition,
    message = messageOf(condition),
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.condition = condition
    this.message = message
    this.headers = headers
  }
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(value)}\n`,
  }
}

export function refusalAnswer(refusal: Refusal, status = statusOf(refusal.condition)): HttpResponse {
  const body: ErrorBody = { error: { condition: refusal.condition, message: refusal.message } }
  return json(status, body, refusal.headers)
}
