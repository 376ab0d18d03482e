// Named points in the life of a message, for whoever follows one: a test, an operator, a tracing exporter. Costs one
// comparison where nobody listens.

export interface TraceEvent {
  /** The place, as `core.send` or `sip.transaction`. */
  readonly point: string
  /** What ties the points of one walk together: a message id, a connection id. */
  readonly id: string
  /** performance.now() at the point, in milliseconds. */
  readonly at: number
  readonly fields: Readonly<Record<string, unknown>>
}

export type TraceListener = (event: TraceEvent) => void

export class Trace {
  #listeners: readonly TraceListener[] = []

  /** To be asked before an event is made: `if (trace.on) trace.event(...)`. */
  get on(): boolean {
    return this.#listeners.length > 0
  }

  event(point: string, id: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.on) return
    const event: TraceEvent = { point, id, at: performance.now(), fields }
    for (const listener of this.#listeners) listener(event)
  }

  /** Gives back what stops listening. */
  listen(listener: TraceListener): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener)
    }
  }
}
