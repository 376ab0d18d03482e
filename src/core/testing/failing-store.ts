// A store that fails when it is told to.
import type { Store } from '../store.ts'

/** A store of which one call fails as long as `fault` is set. */
export function failingStore(
  method: 'append' | 'markDelivered' | 'accountState' | 'undelivered' | 'enqueue' | 'dequeue' | 'putDocument',
) {
  const state: { fault: Error | undefined; through(store: Store): Store } = {
    fault: undefined,
    through: (store) =>
      new Proxy(store, {
        get: (target, name) => {
          const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
          if (name !== method) return typeof real === 'function' ? real.bind(target) : real
          return (...given: unknown[]): unknown => {
            if (state.fault === undefined) return real.apply(target, given)
            const done = given.at(-1)
            if (typeof done !== 'function') return Promise.reject(state.fault)
            const { fault } = state
            setImmediate(() => done(fault))
            return undefined
          }
        },
      }),
  }
  return state
}
