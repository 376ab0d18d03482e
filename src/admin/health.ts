// Is the server well? Live: it answers at all. Ready: it can do its work (its store answers, its listeners are open).

import type { Clock } from '#base'
import type { Log } from '#observe'
import type { HealthReport, HealthResult } from './types.ts'

export interface HealthCheck {
  readonly name: string
  /** Rejects, or says false, when it is not well. */
  readonly check: () => boolean | Promise<unknown>
}

/** LIMIT: a check is made at most so often, however many ask, and may take so long. */
const keptMilliseconds = 1000
const checkMilliseconds = 5000

export class Health {
  readonly #clock: Clock
  readonly #checks: readonly HealthCheck[]
  readonly #log: Log
  /** Checks that failed at the last look: each failure is logged once. */
  readonly #failing = new Set<string>()
  #last: { at: number; report: Promise<HealthReport> } | undefined

  constructor(clock: Clock, log: Log, checks: readonly HealthCheck[]) {
    this.#clock = clock
    this.#log = log
    this.#checks = checks
  }

  report(): Promise<HealthReport> {
    const now = this.#clock.monotonic()
    if (this.#last === undefined || now - this.#last.at >= keptMilliseconds) {
      this.#last = { at: now, report: this.#look() }
    }
    return this.#last.report
  }

  async #look(): Promise<HealthReport> {
    const checks = await Promise.all(this.#checks.map((one) => this.#result(one)))
    return { status: checks.every(({ ok }) => ok) ? 'ok' : 'failing', checks }
  }

  #result({ name, check }: HealthCheck): Promise<HealthResult> {
    return new Promise((resolve) => {
      const failing = (detail: string, error?: unknown): void => {
        timer.cancel()
        if (!this.#failing.has(name)) this.#log.warn('a health check fails', { check: name, detail, error })
        this.#failing.add(name)
        resolve({ name, ok: false, detail })
      }
      const timer = this.#clock.schedule(checkMilliseconds, () =>
        failing(`no answer in ${checkMilliseconds / 1000} s`),
      )
      // The error is for the log; a stranger may read the answer.
      Promise.resolve()
        .then(check)
        .then(
          (well) => {
            if (well === false) return failing('not ready')
            timer.cancel()
            if (this.#failing.delete(name)) this.#log.info('a health check is well again', { check: name })
            resolve({ name, ok: true })
          },
          (error: unknown) => failing('it failed', error),
        )
    })
  }
}
