// A store whose disk stands still when a test says so: nothing that is to be written takes effect, or nothing that was is answered.
import type { Store } from '#core'

const writes = ['append', 'markDelivered', 'enqueue', 'dequeue', 'putDocument', 'putSubscription'] as const

export class Gate {
  /** `calls`: what is asked does not happen; `answers`: it happens, and nobody hears. */
  holds: 'nothing' | 'calls' | 'answers' = 'nothing'
  readonly #restore: (() => void)[] = []

  constructor(store: Store) {
    const methods = store as unknown as Record<string, (...given: unknown[]) => unknown>
    for (const name of writes) {
      const real = methods[name] as (...given: unknown[]) => unknown
      const own = Object.hasOwn(methods, name)
      methods[name] = (...given) => {
        const done = given.at(-1)
        if (this.holds === 'calls') return typeof done === 'function' ? undefined : new Promise(() => {})
        if (typeof done !== 'function') {
          const made = real.apply(store, given)
          return this.holds === 'answers' ? new Promise(() => {}) : made
        }
        return real.apply(store, [
          ...given.slice(0, -1),
          (...told: unknown[]) => this.holds === 'nothing' && done(...told),
        ])
      }
      this.#restore.push(() => {
        if (own) methods[name] = real
        else delete methods[name]
      })
    }
  }

  /** The disk goes on, for whoever begins upon it. */
  end(): void {
    for (const restore of this.#restore) restore()
  }
}
